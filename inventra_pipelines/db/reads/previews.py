"""What the marts hold at the end of some windows, small enough to be looked at.

Belongs here: a query per mart, over the last day of each window, of the first few tenants. Who shows them is
`assets/analytics.py`.
"""

from collections.abc import Sequence
from typing import LiteralString

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.db.writes import Window

_SALES = """
    select
        tenant_id, sold_on, count(*) as items, sum(units_sold) as units_sold,
        case when count(revenue) = count(*) then sum(revenue) end as revenue,
        case when count(returns_value) = count(*) then sum(returns_value) end as returns_value
    from marts.fct_sales_daily
    where tenant_id = %(tenant_id)s and sold_on between %(last)s::date - 6 and %(last)s
    group by tenant_id, sold_on
    order by sold_on
"""
_STOCK = """
    select
        tenant_id, counted_on, count(*) as counts, count(*) filter (where is_out_of_stock) as out_of_stock,
        sum(stock_value) as stock_value
    from marts.fct_stock_daily
    where tenant_id = %(tenant_id)s and counted_on between %(last)s::date - 6 and %(last)s
    group by tenant_id, counted_on
    order by counted_on
"""
_CLASSES = """
    select
        tenant_id, as_of_on, abc_class, count(*) as items,
        count(*) filter (where xyz_class = 'X') as x, count(*) filter (where xyz_class = 'Y') as y,
        count(*) filter (where xyz_class = 'Z') as z, sum(revenue_52w) as revenue_52w
    from marts.fct_item_classes
    where
        tenant_id = %(tenant_id)s
        and as_of_on = (
            select max(as_of_on) from marts.fct_item_classes where tenant_id = %(tenant_id)s and as_of_on <= %(last)s
        )
    group by tenant_id, as_of_on, abc_class
    order by abc_class
"""
_KPIS = """
    select
        tenant_id, as_of_on, revenue_day, revenue_28d, revenue_previous_28d, orders_28d, returns_rate_28d, stock_value,
        items_out_of_stock, late_order_lines
    from marts.rpt_daily_kpis
    where tenant_id = %(tenant_id)s and as_of_on between %(last)s::date - 6 and %(last)s
    order by as_of_on
"""
_WATCHED = """
    select
        %(tenant_id)s::text as tenant_id, days.day_on::date as as_of_on, sales.revenue, sales.units_sold,
        stock.items_out_of_stock, stock.stock_value, supply.late_order_lines
    from generate_series(%(last)s::date - 27, %(last)s::date, interval '1 day') as days (day_on)
    left join marts.rpt_sales_kpis as sales
        on
            sales.as_of_on = days.day_on::date and sales.period = 'day'
            and sales.tenant_id = %(tenant_id)s and sales.as_of_on between %(last)s::date - 27 and %(last)s
    left join marts.rpt_stock_kpis as stock
        on
            stock.as_of_on = days.day_on::date
            and stock.tenant_id = %(tenant_id)s and stock.as_of_on between %(last)s::date - 27 and %(last)s
    left join marts.rpt_supply_kpis as supply
        on
            supply.as_of_on = days.day_on::date
            and supply.tenant_id = %(tenant_id)s and supply.as_of_on between %(last)s::date - 27 and %(last)s
    order by days.day_on
"""
_QUERIES = {
    "fct_sales_daily": _SALES,
    "fct_stock_daily": _STOCK,
    "fct_item_classes": _CLASSES,
    "rpt_daily_kpis": _KPIS,
}


# What an asset shows is stored for each of a run's partitions.
_TENANTS_SHOWN = 5


def preview(connection: psycopg.Connection, mart: str, windows: Sequence[Window]) -> pl.DataFrame:
    """A few rows of a mart, up to the last day of each tenant's windows.

    Args:
        connection: To the installation's database.
        mart: `fct_sales_daily`, `fct_stock_daily`, `fct_item_classes` or `rpt_daily_kpis`.
        windows: Tenants and days; the first five tenants by name are read.
    """
    return _read(connection, _QUERIES[mart], windows)


def watched_figures(connection: psycopg.Connection, windows: Sequence[Window]) -> pl.DataFrame:
    """The figures that a planner watches, of the 28 days up to the last one of each tenant's windows.

    Args:
        connection: To the installation's database.
        windows: Tenants and days; the first five tenants by name are read.

    Returns:
        `tenant_id`, `as_of_on`, `revenue`, `units_sold`, `items_out_of_stock`, `stock_value` and `late_order_lines`, a
        row per tenant and day; null where a figure is not available or its day was not computed.
    """
    return _read(connection, _WATCHED, windows)


def _read(connection: psycopg.Connection, query: LiteralString, windows: Sequence[Window]) -> pl.DataFrame:
    last = {window.tenant_id: window.last for window in sorted(windows, key=lambda window: window.last)}
    frames = [
        read_frame(connection, query, {"tenant_id": tenant_id, "last": day})
        for tenant_id, day in sorted(last.items())[:_TENANTS_SHOWN]
    ]
    found = [frame for frame in frames if frame.height]
    return pl.concat(found, how="vertical_relaxed") if found else pl.DataFrame()
