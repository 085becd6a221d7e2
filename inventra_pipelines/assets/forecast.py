"""Forecast: weekly demand per item with ranges, per cutoff, and how earlier cutoffs fared.

Belongs here: the one asset of the stage. The methods are `domain/forecast/`, what is read is `db/reads/forecast.py`.
"""

from collections import Counter
from collections.abc import Iterator

import polars as pl
from dagster import AssetCheckResult, AssetCheckSpec, AssetExecutionContext, MaterializeResult, asset

from inventra_pipelines.assets.keys import FORECASTS, ITEM_CLASSES, SALES_FACTS
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.checks.forecast import every_active_item_forecast, ranges_are_sound
from inventra_pipelines.db import tables
from inventra_pipelines.db.reads import forecast as reads
from inventra_pipelines.db.writes import Window, days_of, replace_window, split_windows
from inventra_pipelines.domain.forecast.accuracy import accuracy
from inventra_pipelines.domain.forecast.engine import ForecastRequest, forecast_cutoffs
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.resources.worker_pool import WorkerPool

# A year of nights is 374 vintages of 30,000 rows a tenant: written by pieces, one piece in memory.
_DAYS_AT_A_TIME = 16


@asset(
    key=FORECASTS,
    group_name="forecast",
    deps=[SALES_FACTS, ITEM_CLASSES],
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    kinds={"python", "postgres"},
    check_specs=[
        AssetCheckSpec("ranges_are_sound", asset=FORECASTS, blocking=True, description="Finite, >= 0, rising."),
        AssetCheckSpec("every_active_item_forecast", asset=FORECASTS, blocking=True, description="None is missing."),
    ],
)
def forecasts(
    context: AssetExecutionContext, postgres: Postgres, worker_pool: WorkerPool
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """The vintage of each partition's day: mean and quantiles per item, location and week ahead, with its backtest."""
    windows = windows_of(context.partition_keys)
    totals: Counter[str] = Counter()
    for piece in split_windows(windows, _DAYS_AT_A_TIME):
        totals.update(_forecast(postgres, worker_pool, piece, context.run_id))
    yield MaterializeResult(
        asset_key=FORECASTS,
        metadata={"dagster/row_count": totals["rows"], "items": totals["items"], "fallbacks": totals["fallbacks"]},
    )
    with postgres.connect(read_only=True) as connection:
        yield ranges_are_sound(connection, windows)
        yield every_active_item_forecast(connection, windows, TENANTS)


def _forecast(postgres: Postgres, worker_pool: WorkerPool, windows: list[Window], run_id: str) -> dict[str, int]:
    """Make and write the vintages of some days; gives what there is to count."""
    with postgres.connect(read_only=True) as connection:
        demand = reads.demand(connection, windows, TENANTS)
    requests = [
        ForecastRequest(tenant_id, day, TENANTS[tenant_id].forecast, TENANTS[tenant_id].config_version)
        for tenant_id, day in days_of(windows)
    ]
    results = forecast_cutoffs(demand, requests, worker_pool.map)
    rows = pl.concat([result.forecasts for result in results])
    runs = pl.concat([result.run for result in results])
    written = {
        tables.forecasts: rows,
        tables.backtests: pl.concat([result.backtests for result in results]),
        tables.models: pl.concat([result.models for result in results]),
        tables.runs: runs,
    }
    with postgres.connect() as connection:
        for table, frame in written.items():
            replace_window(connection, table, frame, windows=windows, window_column="cutoff_on", run_id=run_id)
        # Read after the write: a vintage of this piece may be due on a later day of it.
        scored = [accuracy(reads.vintages(connection, *day), demand, day[1]) for day in days_of(windows)]
        replace_window(
            connection, tables.accuracy, pl.concat(scored), windows=windows, window_column="as_of_on", run_id=run_id
        )
    return {
        "rows": rows.height,
        "items": int(runs["items"].sum()),
        "fallbacks": int(runs["fallbacks"].sum()),
    }
