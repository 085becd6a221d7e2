"""Normalize: raw rows of all sources become one history of demand, stock and supply.

Belongs here: handing the touched business days to the dbt project's staging and intermediate models, whose SQL and
rules are `dbt_project/models/`.
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

from inventra_pipelines.assets.dbt_models import model_spec, rows_metadata
from inventra_pipelines.assets.keys import BATCHES, DEMAND_DAILY, STOCK_DAILY, SUPPLY_LINES
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.checks.normalize import (
    corrections_hold,
    items_are_known,
    lines_stand_once,
    prices_are_known,
    stock_reconciles,
    units_are_known,
)
from inventra_pipelines.db.batches import analyze_changed, index_new_blocks
from inventra_pipelines.db.reopened import reopen
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.resources.postgres import Postgres

_DATE_COLUMNS = {DEMAND_DAILY: "sold_on", STOCK_DAILY: "counted_on", SUPPLY_LINES: "ordered_on"}


@multi_asset(
    name="normalize",
    group_name="normalize",
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    specs=[model_spec(key, [BATCHES]) for key in _DATE_COLUMNS],
    check_specs=[
        AssetCheckSpec("items_are_known", asset=DEMAND_DAILY, description="Every item stands in the tenant's master."),
        AssetCheckSpec(
            "units_are_known", asset=DEMAND_DAILY, description="Every quantity could be converted to its item's unit."
        ),
        AssetCheckSpec(
            "prices_are_known", asset=DEMAND_DAILY, description="Every price is in a currency with an exchange rate."
        ),
        AssetCheckSpec(
            "corrections_hold", asset=DEMAND_DAILY, description="Every corrected row is about a file that is in force."
        ),
        AssetCheckSpec("lines_stand_once", asset=DEMAND_DAILY, description="No line of a document stands for another."),
        AssetCheckSpec(
            "stock_reconciles",
            asset=STOCK_DAILY,
            description="The last counts are the ones before them, with receipts, sales, returns and adjustments.",
        ),
    ],
)
def normalize(
    context: AssetExecutionContext, postgres: Postgres, dbt: ResourceParam[Dbt]
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """Rebuild exactly the business days that the partitions' batches touch."""
    windows = windows_of(context.partition_keys)
    with postgres.connect() as connection:
        index_new_blocks(connection)
        analyze_changed(connection)
        touched = reopen(connection, windows)
    dbt.ensure_views(postgres.url)
    models = dbt.run(postgres.url, select=["intermediate"], touched=touched, as_of=windows)
    for key, column in _DATE_COLUMNS.items():
        yield MaterializeResult(asset_key=key, metadata=rows_metadata(models, key, touched[column]))
    with postgres.connect(read_only=True) as connection:
        yield items_are_known(connection, sorted({window.tenant_id for window in windows}))
        yield units_are_known(connection, touched)
        yield prices_are_known(connection, touched["sold_on"])
        yield corrections_hold(connection, touched["sold_on"])
        yield lines_stand_once(connection, touched["sold_on"])
        # Simulated stock knows nothing of adjustments and of sales that could not have been.
        counted = [each for each in touched["counted_on"] if not TENANTS[each.tenant_id].is_stock_simulated]
        yield stock_reconciles(connection, counted)
