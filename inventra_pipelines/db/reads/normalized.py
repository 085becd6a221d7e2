"""What the checks of normalized data read: items without a master row, quantities without a known unit, lines twice.

Belongs here: SQL and its parameters.
"""

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from inventra_pipelines.db.writes import Window

_UNKNOWN_ITEMS = """
    select tenant_id, item_id
    from intermediate.int_items
    where
        tenant_id = any(%(tenant_ids)s)
        and not is_in_master
        and tenant_id in (select distinct tenant_id from raw.batches where dataset = 'items' and rows_accepted > 0)
    order by tenant_id, item_id
"""
# Dataset, the model's name, its date column and which of its rows have no known quantity.
_UNKNOWN_UNITS = (
    ("sales_lines", "int_sales_lines", "sold_on", "line_kind = 'unconverted'"),
    ("stock_counts", "int_stock_daily", "counted_on", "quantity_on_hand is null"),
    ("order_lines", "int_supply_lines", "ordered_on", "quantity_ordered is null"),
)
_LINES_TWICE = """
    select distinct lines.tenant_id, batches.file_name, lines.document_id, lines.line_number
    from intermediate.int_sales_lines as lines
    inner join raw.batches as batches on lines.batch_id = batches.batch_id
    inner join raw.sales as versions
        on
            lines.tenant_id = versions.tenant_id
            and lines.document_id = versions.document_id
            and lines.line_number = versions.line_number
    inner join intermediate.int_sales_lines as later
        on
            versions.tenant_id = later.tenant_id
            and versions.sold_on = later.sold_on
            and versions.batch_id = later.batch_id
            and versions.row_number = later.row_number
            and versions.sheet = later.sheet
    where
        lines.tenant_id = %s
        and lines.sold_on between %s and %s
        and lines.line_kind = 'superseded'
        and lines.location_id = later.location_id
        and (
            (lines.batch_id = later.batch_id and (later.sheet, later.row_number) > (lines.sheet, lines.row_number))
            or (lines.sold_on < later.sold_on and lines.item_id != later.item_id)
        )
    order by batches.file_name, lines.document_id, lines.line_number
"""


def unknown_items(connection: psycopg.Connection, tenant_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Tenant and item of what was sold, stocked or ordered and stands in no master, for tenants that have one."""
    return connection.execute(_UNKNOWN_ITEMS, {"tenant_ids": list(tenant_ids)}).fetchall()


def unknown_units(connection: psycopg.Connection, touched: Mapping[str, Sequence[Window]]) -> dict[str, int]:
    """How many lines of the touched days, by date column, are in a unit that nobody defined."""
    lines: dict[str, int] = {}
    for name, model, column, condition in _UNKNOWN_UNITS:
        query = sql.SQL("select count(*) from {} where tenant_id = %s and {} between %s and %s and {}").format(
            sql.Identifier("intermediate", model), sql.Identifier(column), sql.SQL(condition)
        )
        lines[name] = 0
        for window in touched.get(column, []):
            row = connection.execute(query, (window.tenant_id, window.first, window.last)).fetchone()
            lines[name] += row[0] if row else 0
    return lines


def lines_twice(connection: psycopg.Connection, windows: Sequence[Window]) -> list[tuple[str, str, str, int]]:
    """Tenant, file, document and line of superseded rows that may be lines of their own, of the days they are sold.

    The same file has another row of that number, or the newer one is another item's of a later day.
    """
    return [
        row
        for window in windows
        for row in connection.execute(_LINES_TWICE, (window.tenant_id, window.first, window.last)).fetchall()
    ]
