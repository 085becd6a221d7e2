"""What the stock checks read: counts held against what was there before and what moved since.

Belongs here: SQL over `int_stock_reconciliation` and its parameters. Whether a difference is a failure is `checks/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import psycopg

from inventra_pipelines.db.writes import Window

_COUNTS = """
    select tenant_id, item_id, location_id, counted_on, opening_on, expected_closing, closing, difference
    from intermediate.int_stock_reconciliation
    where tenant_id = %(tenant_id)s and counted_on between %(first)s and %(last)s
"""
_TOTALS = f"""
    select count(*), count(difference), count(*) filter (where difference <> 0), coalesce(sum(abs(difference)), 0)
    from ({_COUNTS}) as counts
"""
_LARGEST = f"""
    select *
    from ({_COUNTS}) as counts
    where difference <> 0
    order by abs(difference) desc, item_id, location_id, counted_on
    limit %(most)s
"""


class StockDifference(NamedTuple):
    """A count that is not what the previous one and the movements since make it, in units of the item."""

    tenant_id: str
    item_id: str
    location_id: str
    counted_on: date
    opening_on: date
    expected_closing: Decimal
    closing: Decimal
    difference: Decimal


@dataclass(frozen=True)
class StockDifferences:
    """What became of the counts of some windows.

    Attributes:
        counts: Counts in the windows.
        compared: Those that have a previous count, and known quantities on both.
        differing: Of these, the ones that are not what was expected.
        units: Sum of the differences, each taken positive.
        largest: The largest differences, largest first.
    """

    counts: int = 0
    compared: int = 0
    differing: int = 0
    units: Decimal = Decimal(0)
    largest: list[StockDifference] = field(default_factory=list)


def stock_differences(connection: psycopg.Connection, windows: Sequence[Window], *, most: int = 10) -> StockDifferences:
    """Compare every count of the windows with opening + receipts - sales + returns + adjustments.

    Args:
        connection: An open connection.
        windows: Tenants and days of counts; other days are looked up only where an item's previous count lies there.
        most: How many of the largest differences are named.
    """
    totals = StockDifferences()
    for window in windows:
        parameters = {"tenant_id": window.tenant_id, "first": window.first, "last": window.last, "most": most}
        row = connection.execute(_TOTALS, parameters).fetchone() or (0, 0, 0, Decimal(0))
        found = [StockDifference(*values) for values in connection.execute(_LARGEST, parameters)] if row[2] else []
        totals = StockDifferences(
            totals.counts + row[0],
            totals.compared + row[1],
            totals.differing + row[2],
            totals.units + row[3],
            sorted(totals.largest + found, key=lambda each: (-abs(each.difference), each[:4]))[:most],
        )
    return totals
