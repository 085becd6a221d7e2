"""Planning: what to order, with the figures that led to it.

Belongs here: the one asset of the stage. The formulas are `domain/planning/`, what is read is `db/reads/planning.py`.
"""

from datetime import date

import polars as pl
import psycopg
from dagster import AssetExecutionContext, MaterializeResult, asset

from inventra_pipelines.assets.keys import DAILY_KPIS, FORECASTS, PROPOSALS, STOCK_FACTS, SUPPLY_LINES
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.db import tables
from inventra_pipelines.db.reads.planning import planning_inputs
from inventra_pipelines.db.writes import days_of, replace_window, split_windows
from inventra_pipelines.domain.planning.proposals import plan_orders
from inventra_pipelines.resources.postgres import Postgres

# Proposals of a day are some thousand rows a tenant; a long backfill is written by pieces.
_DAYS_AT_A_TIME = 32


@asset(
    key=PROPOSALS,
    group_name="planning",
    deps=[FORECASTS, STOCK_FACTS, SUPPLY_LINES, DAILY_KPIS],
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    kinds={"python", "postgres"},
)
def proposals(context: AssetExecutionContext, postgres: Postgres) -> MaterializeResult:
    """Safety stock, reorder point, projected stock-out and order proposal per item and location, with the reason."""
    windows = windows_of(context.partition_keys)
    rows = ordered = 0
    value = 0.0
    for piece in split_windows(windows, _DAYS_AT_A_TIME):
        with postgres.connect() as connection:
            frame = pl.concat(_plan(connection, tenant_id, day) for tenant_id, day in days_of(piece))
            replace_window(
                connection, tables.proposals, frame, windows=piece, window_column="as_of_on", run_id=context.run_id
            )
        rows += frame.height
        ordered += frame.filter(pl.col("quantity_proposed") > 0).height
        value += float(frame["order_value"].sum() or 0)
    return MaterializeResult(
        metadata={"dagster/row_count": rows, "orders_proposed": ordered, "order_value": round(value, 2)}
    )


def _plan(connection: psycopg.Connection, tenant_id: str, day: date) -> pl.DataFrame:
    tenant = TENANTS[tenant_id]
    inputs = planning_inputs(connection, tenant_id, day)
    return plan_orders(
        inputs.items,
        inputs.stock,
        inputs.open_supply,
        inputs.forecasts,
        inputs.classes,
        tenant_id=tenant_id,
        as_of_on=day,
        config=tenant.planning,
        config_version=tenant.config_version,
        is_stock_simulated=tenant.is_stock_simulated,
    )
