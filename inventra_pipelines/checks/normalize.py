"""Checks of the normalize stage: what a planner should look into, though the night goes on.

Belongs here: reading the figures and saying what they mean. All of them warn: a difference in stock, a code that no
master names, a unit that nobody defined, a currency without a rate or a line that is there twice is the business's to
mend, and stands in a table meanwhile.
"""

from collections.abc import Mapping, Sequence

import psycopg
from dagster import AssetCheckResult, AssetCheckSeverity

from inventra_pipelines.assets.keys import DEMAND_DAILY, STOCK_DAILY
from inventra_pipelines.db.reads.normalized import (
    corrections_astray,
    lines_twice,
    unknown_currencies,
    unknown_items,
    unknown_units,
)
from inventra_pipelines.db.reads.stock import stock_differences
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import unknown_rate
from inventra_pipelines.domain.words import counted

_SHOWN = 10


def stock_reconciles(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """The last count in each window is the count before it, with what was received, sold and adjusted since."""
    last_days = [Window(window.tenant_id, window.last, window.last) for window in windows]
    found = stock_differences(connection, last_days, most=_SHOWN)
    largest = [
        f"{each.tenant_id} {each.item_id} at {each.location_id} on {each.counted_on}: counted {each.closing:f}, "
        f"{each.expected_closing:f} expected since {each.opening_on}"
        for each in found.largest
    ]
    return AssetCheckResult(
        asset_key=STOCK_DAILY,
        check_name="stock_reconciles",
        passed=not found.differing,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "counts": found.counts,
            "compared": found.compared,
            "differing": found.differing,
            "units": float(found.units),
            "largest": "\n".join(largest) or "none",
        },
    )


def items_are_known(connection: psycopg.Connection, tenant_ids: Sequence[str]) -> AssetCheckResult:
    """Every item that is sold, stocked or ordered stands in the master, for tenants that have one."""
    items = unknown_items(connection, tenant_ids)
    return AssetCheckResult(
        asset_key=DEMAND_DAILY,
        check_name="items_are_known",
        passed=not items,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "items": len(items),
            "first": "\n".join(f"{tenant_id} {item_id}" for tenant_id, item_id in items[:_SHOWN]) or "none",
            "all": "select * from intermediate.int_unmapped_items",
        },
    )


def units_are_known(connection: psycopg.Connection, touched: Mapping[str, Sequence[Window]]) -> AssetCheckResult:
    """Every quantity of the touched days could be converted to its item's unit."""
    lines = unknown_units(connection, touched)
    return AssetCheckResult(
        asset_key=DEMAND_DAILY,
        check_name="units_are_known",
        passed=not any(lines.values()),
        severity=AssetCheckSeverity.WARN,
        metadata={**lines, "remedy": "declare unit_factors in the tenant's file, or quantity_factor in item_aliases"},
    )


def prices_are_known(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Every price of the touched days is in the tenant's currency, or in one that it has an exchange rate of."""
    lines = unknown_currencies(connection, windows)
    first = [
        f"{tenant_id}: {counted(count, 'line')} in {currency}; {unknown_rate(currency, f'{tenant_id}.yaml')}"
        for (tenant_id, currency), count in [*lines.items()][:_SHOWN]
    ]
    return AssetCheckResult(
        asset_key=DEMAND_DAILY,
        check_name="prices_are_known",
        passed=not lines,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "lines": sum(lines.values()),
            "first": "\n".join(first) or "none",
            "all": "select * from intermediate.int_sales_lines where unit_price is null",
        },
    )


def corrections_hold(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Every corrected row of the touched days is about a file that is in force."""
    found = corrections_astray(connection, windows)
    first = [
        f"{each.tenant_id} {each.file_name}: {counted(each.rows, 'row')} of batch {each.batch_id} "
        f"{'corrects' if each.rows == 1 else 'correct'} batch {each.of_batch_id}, which is {each.state}"
        for each in found[:_SHOWN]
    ]
    return AssetCheckResult(
        asset_key=DEMAND_DAILY,
        check_name="corrections_hold",
        passed=not found,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "rows": sum(each.rows for each in found),
            "first": "\n".join(first) or "none",
            "remedy": "where a newer file holds the corrected rows, withdraw the file with the corrections; where it "
            "does not, correct its own rejects with `inventra batches rejects`",
        },
    )


def lines_stand_once(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """No document's line of the touched days stands twice in its file, or comes again as another item's on a later day.

    Only the last of them counts: right for a correction, wrong where numbers start anew.
    """
    lines = lines_twice(connection, windows)
    first = [
        f"{tenant_id} {file}: document {document}, line {line}" for tenant_id, file, document, line in lines[:_SHOWN]
    ]
    return AssetCheckResult(
        asset_key=DEMAND_DAILY,
        check_name="lines_stand_once",
        passed=not lines,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "lines": len(lines),
            "first": "\n".join(first) or "none",
            "all": "select * from intermediate.int_sales_lines where line_kind = 'superseded'",
            "remedy": "set document_numbers: daily if they start anew daily; map no line_number that counts no lines",
        },
    )
