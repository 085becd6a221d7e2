"""Analytics: facts, KPIs as of the day, and item classes.

Belongs here: handing windows to the dbt project's marts. Facts are rebuilt for the touched business days and those
whose costs came later, KPIs and classes for the partitions' own days.
"""

from collections.abc import Iterator

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    MaterializeResult,
    ResourceParam,
    multi_asset,
)

from inventra_pipelines.assets.dbt_models import model_spec, rows_metadata, table_metadata, trend_metadata
from inventra_pipelines.assets.keys import (
    DAILY_KPIS,
    DEMAND_DAILY,
    ITEM_CLASSES,
    SALES_FACTS,
    STOCK_DAILY,
    STOCK_FACTS,
    SUPPLY_LINES,
)
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.checks.analytics import data_quality, revenue_reconciles
from inventra_pipelines.db.batches import touched_windows
from inventra_pipelines.db.reads.previews import preview, watched_figures
from inventra_pipelines.db.recosted import with_recosted
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.resources.postgres import Postgres

_DEPENDENCIES = {
    SALES_FACTS: [DEMAND_DAILY],
    STOCK_FACTS: [STOCK_DAILY],
    ITEM_CLASSES: [SALES_FACTS],
    DAILY_KPIS: [SALES_FACTS, STOCK_FACTS, SUPPLY_LINES],
}

_DATE_COLUMNS = {SALES_FACTS: "sold_on", STOCK_FACTS: "counted_on"}


@multi_asset(
    name="analytics",
    group_name="analytics",
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    specs=[model_spec(key, dependencies) for key, dependencies in _DEPENDENCIES.items()],
    check_specs=[
        AssetCheckSpec(
            "revenue_reconciles",
            asset=SALES_FACTS,
            blocking=True,
            description="Revenue and units of the facts equal those of the sale lines they come from.",
        ),
        AssetCheckSpec(
            "data_quality",
            asset=DAILY_KPIS,
            blocking=True,
            description=(
                "No dataset has a low score or far fewer rows than usual; warns and names the worst part, and ends"
                " the run below a tenant's analytics.least_quality_score."
            ),
        ),
    ],
)
def analytics(
    context: AssetExecutionContext, postgres: Postgres, dbt: ResourceParam[Dbt]
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """Rebuild the facts of the touched business days and the as-of tables of the partitions' days."""
    windows = windows_of(context.partition_keys)
    with postgres.connect(read_only=True) as connection:
        touched = with_recosted(connection, windows, touched_windows(connection, windows))
    models = dbt.run(postgres.url, select=["marts"], touched=touched, as_of=windows)
    with postgres.connect(read_only=True) as connection:
        for key in _DEPENDENCIES:
            rebuilt = touched[_DATE_COLUMNS[key]] if key in _DATE_COLUMNS else windows
            metadata = rows_metadata(models, key, rebuilt)
            metadata["latest"] = table_metadata(preview(connection, key.path[-1], rebuilt))
            if key == DAILY_KPIS:
                metadata["trends"] = trend_metadata(watched_figures(connection, windows))
            yield MaterializeResult(asset_key=key, metadata=metadata)
        yield revenue_reconciles(connection, touched["sold_on"])
        yield data_quality(connection, windows, TENANTS)
