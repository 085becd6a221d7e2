"""What a business would send of the simulated supply: the rows of each dataset and the day on which each lands.

Belongs here: turning the ledger and order lines of `replay.py` into frames with the contracts' columns.
"""

from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.simulation.replay import BoolArray, IntArray, OrderLines, Replay, to_working_day


def stock_counts(
    replay: Replay, items: pl.DataFrame, launch_day: IntArray, is_drop: BoolArray, first: date
) -> pl.DataFrame:
    """Counts at the end of each day of the items whose stock moved, and of the whole range on each month's first drop.

    Moved means that on hand or on order differs from the day before, or that the item entered the range that day.

    Args:
        replay: The ledger, by day and item.
        items: Master rows in the ledger's item order.
        launch_day: Day on which each item enters the range.
        is_drop: Days on which sales land.
        first: Date of day 0.
    """
    day = np.arange(len(replay.on_hand))[:, None]
    is_counted = day == launch_day
    is_counted[1:] |= (np.diff(replay.on_hand, axis=0) != 0) | (np.diff(replay.on_order, axis=0) != 0)
    is_counted[full_count_days(is_drop, first)] = True
    days_counted, positions = np.nonzero(is_counted & (day >= launch_day))
    counted_on = _dates(days_counted, first)
    return pl.DataFrame(
        {
            "landed_on": counted_on,
            "counted_on": counted_on,
            "item_code": items["item_code"].gather(positions),
            "quantity_on_hand": replay.on_hand[days_counted, positions],
            "quantity_on_order": replay.on_order[days_counted, positions],
            "unit_cost": items["unit_cost"].gather(positions),
        }
    )


def full_count_days(is_drop: BoolArray, first: date) -> IntArray:
    """The first day of each month on which sales land."""
    days = np.flatnonzero(is_drop)
    months = (np.datetime64(first, "D") + days).astype("datetime64[M]")
    _, at = np.unique(months, return_index=True)
    full: IntArray = days[at]
    return full


def order_versions(
    lines: OrderLines, items: pl.DataFrame, suppliers: pl.DataFrame, days: int, first: date
) -> pl.DataFrame:
    """Order lines as they land: when ordered, when confirmed if that is later, at a part delivery, when complete.

    One order per supplier and day. A version holds only what is known on the day it lands: `confirmed_on` stays empty
    until the supplier confirms, `received_on` until the line is complete; `quantity_received` is what came so far.
    """
    supplier = items["supplier"].to_numpy()[lines.item]
    delay = suppliers["confirmation_days"].to_numpy()[supplier]
    confirmed = to_working_day(lines.ordered_day + delay, first.weekday())
    code = suppliers["supplier_code"].gather(supplier)
    fixed = pl.DataFrame(
        {
            "supplier_code": code,
            "item_code": items["item_code"].gather(lines.item),
            "ordered_on": _dates(lines.ordered_day, first),
            "confirmed_on": _dates(confirmed, first),
            "expected_on": _dates(lines.expected_day, first),
            "quantity_ordered": lines.quantity,
        }
    ).with_columns(
        pl.format("PO-{}-{}", pl.col("ordered_on").dt.strftime("%Y%m%d"), "supplier_code").alias("order_id"),
        pl.col("item_code").rank("ordinal").over("ordered_on", "supplier_code").cast(pl.Int32).alias("line_number"),
    )
    is_split = lines.first_day < lines.full_day
    nothing = np.zeros_like(lines.quantity)
    versions = [
        (lines.ordered_day, np.ones_like(is_split), nothing),
        (confirmed, confirmed > lines.ordered_day, nothing),
        (lines.first_day, is_split, lines.first_quantity),
        (lines.full_day, np.ones_like(is_split), lines.quantity),
    ]
    landed = [
        fixed.with_columns(_dates(day, first).alias("landed_on"), pl.Series("quantity_received", received)).filter(
            pl.Series(happens & (day < days))
        )
        for day, happens, received in versions
    ]
    is_complete = pl.col("quantity_received") == pl.col("quantity_ordered")
    return (
        pl.concat(landed)
        .with_columns(
            pl.when(pl.col("confirmed_on") <= pl.col("landed_on")).then("confirmed_on").alias("confirmed_on"),
            pl.when(is_complete).then("landed_on").alias("received_on"),
        )
        .select(
            "landed_on", "order_id", "line_number", "item_code", "ordered_on", "confirmed_on", "expected_on",
            "received_on", "quantity_ordered", "quantity_received", "supplier_code",
        )
        .sort("landed_on", "order_id", "line_number")
    )  # fmt: skip


def _dates(days: IntArray, first: date) -> pl.Series:
    return pl.Series(np.datetime64(first, "D") + days, dtype=pl.Date)
