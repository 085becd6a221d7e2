"""What the planning stage reads, as of a day: items, the stock in force, open supply, forecasts and classes.

Belongs here: SQL and its parameters. What is done with the frames is `domain/planning/`.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame

# Items and suppliers as they were known on the day: of each column the latest value that had landed by then.
_ITEMS = """
    with versions as (
        select distinct on (item_id) *
        from intermediate.int_item_versions
        where tenant_id = %(tenant_id)s and landed_on <= %(day)s
        order by item_id, landed_on desc, batch_id desc
    ),

    known_suppliers as (
        select distinct on (supplier_code) supplier_code, lead_time_days
        from intermediate.int_supplier_versions
        where tenant_id = %(tenant_id)s and landed_on <= %(day)s
        order by supplier_code, landed_on desc, batch_id desc
    )

    select
        items.item_id,
        versions.supplier_code,
        versions.unit_cost,
        versions.unit_price,
        coalesce(versions.lead_time_days, known_suppliers.lead_time_days) as lead_time_days,
        versions.minimum_order_quantity,
        versions.pack_quantity
    from marts.dim_items as items
    left join versions using (item_id)
    left join known_suppliers on known_suppliers.supplier_code = versions.supplier_code
    where items.tenant_id = %(tenant_id)s
"""

# Counts list what moved: the count in force on a day is the latest one up to it.
_STOCK = """
    select distinct on (item_id, location_id)
        item_id, location_id, quantity_on_hand, quantity_reserved, quantity_available, unit_cost, counted_on
    from marts.fct_stock_daily
    where tenant_id = %(tenant_id)s and counted_on <= %(day)s
    order by item_id, location_id, counted_on desc
"""

# An order, to buy or to make, as it was known on the day: its latest version that had landed by then. What has been
# received of it by then stands in the counts.
_OPEN_SUPPLY = """
    with versions as (
        select distinct on (source, order_id, line_number) *
        from intermediate.int_supply_versions
        where tenant_id = %(tenant_id)s and landed_on <= %(day)s and ordered_on <= %(day)s
        order by source, order_id, line_number, landed_on desc, batch_id desc, sheet desc, row_number desc
    )

    select
        item_id,
        location_id,
        greatest(quantity_ordered - coalesce(quantity_received, 0) - coalesce(quantity_scrapped, 0), 0)
            as quantity_open,
        expected_on
    from versions
    where (received_on is null or received_on > %(day)s) and quantity_ordered is not null
"""

# What is planned with is the consensus where planners changed a week; the sums move by all changes up to their lag.
_FORECASTS = """
    select
        forecasts.item_id,
        forecasts.location_id,
        forecasts.cutoff_on,
        forecasts.target_on,
        forecasts.lag,
        coalesce(changed.consensus, forecasts.mean) as mean,
        -- Four decimals, as the engine has them: what is taken away in full leaves 0, and no rest of floating point.
        case
            when sum(changed.consensus) over up_to_lag is null then forecasts.cumulative_mean
            else greatest(
                round((forecasts.cumulative_mean + sum(changed.consensus - forecasts.mean) over up_to_lag)::numeric, 4),
                0
            )::double precision
        end as cumulative_mean,
        forecasts.cumulative_std
    from forecast.forecasts as forecasts
    left join forecast.consensus as changed using (tenant_id, cutoff_on, item_id, location_id, lag)
    where
        forecasts.tenant_id = %(tenant_id)s
        and forecasts.cutoff_on = (
            select max(cutoff_on) from forecast.runs where tenant_id = %(tenant_id)s and cutoff_on <= %(day)s
        )
        -- What is expected to sell nothing is planned only where planners say otherwise.
        and (
            forecasts.demand_class is distinct from 'dormant'
            or exists (
                select from forecast.consensus as own
                where
                    own.tenant_id = forecasts.tenant_id
                    and own.cutoff_on = forecasts.cutoff_on
                    and own.item_id = forecasts.item_id
                    and own.location_id = forecasts.location_id
            )
        )
    window up_to_lag as (
        partition by forecasts.item_id, forecasts.location_id
        order by forecasts.lag
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
    """Everything planning needs of a tenant as of a day; items and orders in the versions that had landed by then."""
    parameters = {"tenant_id": tenant_id, "day": day}
    return PlanningInputs(
        items=read_frame(connection, _ITEMS, parameters),
        stock=read_frame(connection, _STOCK, parameters),
        open_supply=read_frame(connection, _OPEN_SUPPLY, parameters),
        forecasts=read_frame(connection, _FORECASTS, parameters),
        classes=read_frame(connection, _CLASSES, parameters),
    )
