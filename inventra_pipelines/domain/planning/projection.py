"""What happens to the stock if nothing more is ordered: the day it runs out and the sales lost.

Belongs here: the walk of expected demand against stock and open receipts. Whether to order is `reorder_points.py`.
"""

from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.planning.demand import KEY, DemandCurves, Floats

CHUNK_ROWS = 4096


def receipts(open_supply: pl.DataFrame, rows: pl.DataFrame, *, as_of_on: date) -> pl.DataFrame:
    """Place open supply on the days after the planning day.

    A delivery that is due on the planning day or late is taken to come the day after it; one without an expected day
    to come after the item's lead time.

    Args:
        open_supply: item_id, location_id, quantity_open, expected_on (nullable).
        rows: item_id, location_id, lead_time_days; its row order numbers the receipts.
        as_of_on: The planning day.

    Returns:
        row, day (1 = the day after the planning day), quantity; sorted by row and day.
    """
    due = (pl.col("expected_on") - pl.lit(as_of_on)).dt.total_days()
    return (
        open_supply.filter(pl.col("quantity_open") > 0)
        .join(rows.select(*KEY, "lead_time_days").with_row_index("row"), on=KEY, how="inner")
        .with_columns(pl.coalesce(due, pl.col("lead_time_days")).clip(lower_bound=1).cast(pl.Int64).alias("day"))
        .group_by("row", "day")
        .agg(pl.col("quantity_open").cast(pl.Float64).sum().alias("quantity"))
        .sort("row", "day")
    )


def project(
    demand: DemandCurves, available: Floats, arriving: pl.DataFrame, protection_days: Floats
) -> tuple[Floats, Floats]:
    """Walk every row's expected demand against its stock, in chunks of rows so that memory stays small.

    Receipts of a day serve that day's demand; demand that finds no stock is lost, not owed. Stock below zero counts
    as none. Cumulated, the lost units are the running maximum of demand less supply, floored at zero.

    Args:
        demand: Curves of the rows.
        available: Units free to sell at the end of the planning day, NaN where unknown.
        arriving: row, day, quantity as `receipts` gives them.
        protection_days: Days over which lost units are counted, per row.

    Returns:
        Per row: the number of days until the first whose demand is not met in full (0 where there is no stock now,
        NaN where that is beyond the forecast, without demand or unknown), and the units lost in the protection days.
    """
    rows = len(available)
    days_left, lost = np.full(rows, np.nan), np.full(rows, np.nan)
    days = int(max(demand.horizon_days, protection_days.max(initial=1.0), 1))
    for first in range(0, rows, CHUNK_ROWS):
        last = min(first + CHUNK_ROWS, rows)
        here = arriving.filter(pl.col("row").is_between(first, last - 1) & (pl.col("day") <= days))
        supply = np.zeros((last - first, days))
        index = here.get_column("row").cast(pl.Int64).to_numpy() - first, here.get_column("day").to_numpy() - 1
        supply[index] = here.get_column("quantity").to_numpy()
        needed = demand.rows(first, last).daily(days)
        stock = np.maximum(available[first:last], 0)
        short = needed - stock[:, None] - supply.cumsum(axis=1)
        days_left[first:last] = _first_short_day(short, stock, needed, demand.horizon_days)
        owed = np.maximum.accumulate(np.maximum(short, 0), axis=1)
        ends = np.maximum(protection_days[first:last].astype(int), 1) - 1
        lost[first:last] = owed[np.arange(last - first), ends]
    return days_left, lost


def _first_short_day(short: Floats, stock: Floats, needed: Floats, horizon_days: int) -> Floats:
    reach = max(horizon_days, 0)
    is_short = short[:, :reach] > 1e-9
    has_demand = (needed[:, :reach] > 1e-9).any(axis=1)
    first = (
        np.where(is_short.any(axis=1), is_short.argmax(axis=1) + 1.0, np.nan) if reach else np.full(len(stock), np.nan)
    )
    return np.where((stock <= 0) & has_demand, 0.0, first)
