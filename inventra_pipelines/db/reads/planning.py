"""What the planning stage reads, as of a day: items, the stock in force, open supply, forecasts and classes.

Belongs here: SQL and its parameters. What is done with the frames is `domain/planning/`.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame

_ITEMS = """
    select item_id, supplier_code, unit_cost, unit_price, lead_time_days, minimum_order_quantity, pack_quantity
    from marts.dim_items
    where tenant_id = %(tenant_id)s
"""

# Counts list what moved: the count in force on a day is the latest one up to it.
_STOCK = """
    select distinct on (item_id, location_id)
        item_id, location_id, quantity_on_hand, quantity_reserved, quantity_available, unit_cost, counted_on
    from marts.fct_stock_daily
    where tenant_id = %(tenant_id)s and counted_on <= %(day)s
    order by item_id, location_id, counted_on desc
"""

# A line that was received after the day was open on it, whole.
_OPEN_SUPPLY = """
    select
        item_id,
        location_id,
        case when received_on > %(day)s then quantity_ordered else quantity_open end as quantity_open,
        expected_on
    from intermediate.int_supply_lines
    where
        tenant_id = %(tenant_id)s
        and ordered_on <= %(day)s
        and (received_on > %(day)s or (is_open and received_on is null) or (is_open and received_on <= %(day)s))
"""

_FORECASTS = """
    select item_id, location_id, cutoff_on, target_on, lag, mean, cumulative_mean, cumulative_std
    from forecast.forecasts
    where
        tenant_id = %(tenant_id)s
        and cutoff_on = (
            select max(cutoff_on) from forecast.runs where tenant_id = %(tenant_id)s and cutoff_on <= %(day)s
        )
"""

_CLASSES = """
    select item_id, abc_class
    from marts.fct_item_classes
    where
        tenant_id = %(tenant_id)s
        and as_of_on = (
            select max(as_of_on)
            from marts.fct_item_classes
            where tenant_id = %(tenant_id)s and as_of_on <= %(day)s
        )
"""


@dataclass(frozen=True)
class PlanningInputs:
    """The frames of one tenant and day."""

    items: pl.DataFrame
    stock: pl.DataFrame
    open_supply: pl.DataFrame
    forecasts: pl.DataFrame
    classes: pl.DataFrame


def planning_inputs(connection: psycopg.Connection, tenant_id: str, day: date) -> PlanningInputs:
    """Everything planning needs of a tenant as of a day; nothing dated after it."""
    parameters = {"tenant_id": tenant_id, "day": day}
    return PlanningInputs(
        items=read_frame(connection, _ITEMS, parameters),
        stock=read_frame(connection, _STOCK, parameters),
        open_supply=read_frame(connection, _OPEN_SUPPLY, parameters),
        forecasts=read_frame(connection, _FORECASTS, parameters),
        classes=read_frame(connection, _CLASSES, parameters),
    )
