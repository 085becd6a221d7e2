"""What expires before it is sold, sold day by day and lot by lot from raw rows.

Belongs here: the naive simulation. The model is `dbt_project/models/marts/facts/fct_stock_expiry.sql`.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Expiry:
    """Units of an item at the end of a day, exact; nothing is known of an item without an expiry."""

    dated: Fraction
    expired: Fraction
    expiring: Fraction


def expiry_of(stock: list[Row], sales: list[Row], day: date) -> dict[str, Expiry]:
    """Of every item with a lot in force on a day, what has expired and what will before it is sold.

    Args:
        stock: item_code, location_code, counted_on, expires_on (may lack), quantity_on_hand, landed_on.
        sales: item_code, sold_on, quantity.
        day: Nothing of a later business day is looked at.
    """
    found = {}
    for item in sorted({row["item_code"] for row in stock}):
        rows = _in_force([row for row in stock if row["item_code"] == item and row["counted_on"] <= day])
        lots = [[row["expires_on"], Fraction(row["quantity_on_hand"])] for row in rows if row.get("expires_on")]
        if not lots:
            continue
        owed = sum((-units for _, units in lots if units < 0), Fraction(0))
        owed += max(-sum(Fraction(row["quantity_on_hand"]) for row in rows if not row.get("expires_on")), 0)
        lots = sorted(lot for lot in lots if lot[1] > 0)
        _take(lots, owed)
        dated = sum((units for _, units in lots), Fraction(0))
        rate = Fraction(
            sum(
                row["quantity"]
                for row in sales
                if row["item_code"] == item and day - timedelta(28) < row["sold_on"] <= day
            ),
            28,
        )
        expired, expiring = _drop(lots, day), Fraction(0)
        today = day
        while lots:
            # With nothing sold, the days until the next expiry are all the same.
            today = today + timedelta(1) if rate else lots[0][0]
            expiring += _drop(lots, today)
            _take(lots, rate)
        found[item] = Expiry(dated, expired, expiring)
    return found


def _in_force(rows: list[Row]) -> list[Row]:
    """The rows of the latest count of each location, as it landed last."""
    latest: dict[str, tuple[date, date]] = {}
    by_count: dict[tuple[str, date, date], list[Row]] = defaultdict(list)
    for row in rows:
        count = (row["counted_on"], row["landed_on"])
        by_count[row["location_code"], *count].append(row)
        latest[row["location_code"]] = max(count, latest.get(row["location_code"], count))
    return [row for location, count in latest.items() for row in by_count[location, *count]]


def _take(lots: list[list[Any]], units: Fraction) -> None:
    """Take units off the first lots, as far as there are."""
    while lots and units > 0:
        taken = min(units, lots[0][1])
        lots[0][1] -= taken
        units -= taken
        if not lots[0][1]:
            del lots[0]


def _drop(lots: list[list[Any]], day: date) -> Fraction:
    """Throw away what has expired on a day; gives its units."""
    gone = sum((units for expires_on, units in lots if expires_on <= day), Fraction(0))
    lots[:] = [lot for lot in lots if lot[0] > day]
    return gone
