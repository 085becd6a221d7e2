"""What the checks of normalized data read: items without a master row, quantities without a known unit, prices without
a known exchange rate, lines twice, corrections of what is not in force.

Belongs here: SQL and its parameters.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
# Prices of what is sold or returned; no other line's is looked at.
_UNKNOWN_CURRENCIES = """
    select upper(trim(currency)), count(*)
    from intermediate.int_sales_lines
    where
        tenant_id = %s and sold_on between %s and %s
        and unit_price is null
        and line_kind in ('sale', 'return')
    group by 1
"""
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

# Rows that correct a file which is not there, or not in force any more, count for themselves, or not at all.
_CORRECTIONS_ASTRAY = """
    select
        batches.tenant_id,
        batches.file_name,
        batches.batch_id,
        split_part(sales.corrects_row, ':', 1) as of_batch_id,
        coalesce(originals.state, 'unknown') as state,
        count(*) as rows
    from raw.sales as sales
    inner join raw.batches as batches on batches.batch_id = sales.batch_id
    left join raw.batches as originals
        on
            originals.tenant_id = sales.tenant_id
            and originals.batch_id = split_part(sales.corrects_row, ':', 1)
    where
        sales.tenant_id = %s
        and sales.corrects_row is not null
        and sales.sold_on between %s and %s
        and (originals.batch_id is null or originals.state in ('superseded', 'withdrawn', 'rejected'))
    group by 1, 2, 3, 4, 5
    order by 1, 3, 4
"""
_NOT_COUNTED = """
    select line_kind, count(*)
    from intermediate.int_sales_lines
    where
        tenant_id = %(tenant_id)s and batch_id = %(batch_id)s
        and sold_on in (select business_on from raw.batch_days where batch_id = %(batch_id)s)
        and line_kind in ('duplicate', 'superseded', 'unconverted')
    group by line_kind
    order by line_kind
"""


@dataclass(frozen=True)
class Astray:
    """Rows of a file that correct another one, which is unknown to the tenant, superseded, withdrawn or rejected."""

    tenant_id: str
    file_name: str
    batch_id: str
    of_batch_id: str
    state: str
    rows: int


def corrections_astray(connection: psycopg.Connection, windows: Sequence[Window]) -> list[Astray]:
    """Corrections, sold on the windows' days, of files that are not in force, by file."""
    return [
        Astray(*row)
        for window in windows
        for row in connection.execute(_CORRECTIONS_ASTRAY, (window.tenant_id, window.first, window.last)).fetchall()
    ]


def not_counted(connection: psycopg.Connection, tenant_id: str, batch_id: str) -> dict[str, int]:
    """Rows of a sales file by kind of line, of those kinds that are no demand though they might be meant so."""
    found = connection.execute(_NOT_COUNTED, {"tenant_id": tenant_id, "batch_id": batch_id})
    return dict(found.fetchall())


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


def unknown_currencies(connection: psycopg.Connection, windows: Sequence[Window]) -> dict[tuple[str, str], int]:
    """Sale and return lines sold on the windows' days, by tenant and currency, of those without an exchange rate."""
    lines: Counter[tuple[str, str]] = Counter()
    for window in windows:
        found = connection.execute(_UNKNOWN_CURRENCIES, (window.tenant_id, window.first, window.last))
        lines.update({(window.tenant_id, currency): count for currency, count in found.fetchall()})
    return dict(sorted(lines.items()))


def lines_twice(connection: psycopg.Connection, windows: Sequence[Window]) -> list[tuple[str, str, str, int]]:
    """Tenant, file, document and line of superseded rows that may be lines of their own, of the days they are sold.

    The same file has another row of that number, or the newer one is another item's of a later day.
    """
    return [
        row
        for window in windows
        for row in connection.execute(_LINES_TWICE, (window.tenant_id, window.first, window.last)).fetchall()
    ]
