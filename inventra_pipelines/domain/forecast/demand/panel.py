"""Daily demand of one tenant as a panel of periods that end on the cutoff.

Belongs here: bucketing, zero-filling, trimming, what of the end is not yet complete, and the fingerprint of the panel.
What of it is not read as it was sold is in `corrections.py`, the classes of its series in `classes.py`.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.frames import SERIES_KEY

WEEK_DAYS = 7

# A tenant that has sent nothing for longer than this has stopped selling: its silence counts as zeros again.
MOST_OPEN_WEEKS = 4
_WEEKS_OF_HABIT = 8


@dataclass(frozen=True)
class Panel:
    """Demand per period of many series as of a cutoff; columns are periods, the last one the latest complete one.

    Attributes:
        item_ids: Item of each series, sorted with `location_ids`.
        location_ids: Location of each series.
        values: Units per period as methods read them, series x periods, right-aligned; zero before a series' first
            sale, which is not part of it.
        lengths: Periods from each series' first sale to the last column.
        actuals: Units per period as forecasts are judged by: stock-outs filled, one-off orders as they were sold.
        phases: Position in the season of each period and of those to be forecast, at least periods + horizon of them.
        groups: Number of each series' group (its category), -1 where it has none.
        regressors: What is known of each series and period, past and future, series x (periods + horizon) x kinds;
            None where nothing is.
        open_periods: Periods between the last column and the cutoff that are not complete yet and left out.
        daily: Units per day of the series that are modelled by day, right-aligned, as methods read them.
        daily_rows: Which series these are, in rising order.
    """

    item_ids: list[str]
    location_ids: list[str]
    values: np.ndarray
    lengths: np.ndarray
    actuals: np.ndarray
    phases: np.ndarray
    groups: np.ndarray
    regressors: np.ndarray | None = None
    open_periods: int = 0
    daily: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    daily_rows: np.ndarray = field(default_factory=lambda: np.array([], dtype=np.int64), repr=False)

    @property
    def periods(self) -> int:
        """Periods of the longest series."""
        return int(self.values.shape[1])


def plain_panel(
    series_ids: list[str], values: np.ndarray, lengths: np.ndarray, season: int, horizon: int, first_phase: int = 0
) -> Panel:
    """A panel of series without dates: nothing is corrected, and phases count from the first column.

    Args:
        series_ids: Names of the series, each once.
        values: Units per period, series x periods, right-aligned.
        lengths: Periods of each series.
        season: Season in periods; 1 is none.
        horizon: Periods that will be forecast.
        first_phase: Position in the season of the first column.
    """
    phases = (np.arange(values.shape[1] + horizon) + first_phase) % season
    groups = np.full(len(series_ids), -1)
    return Panel(series_ids, [""] * len(series_ids), values, lengths, values, phases, groups)


def weekly_panel(
    demand: pl.DataFrame,
    cutoff_on: date,
    history_weeks: int,
    horizon: int = 0,
    closed: Collection[date] = (),
) -> Panel:
    """Sums the daily demand of one tenant into the trailing weeks that end on the cutoff.

    Week k before the cutoff D covers (D - 7(k+1), D - 7k]. Days after the cutoff, and weeks beyond `history_weeks`, are
    not read, so the result does not depend on how much older or newer demand was passed. Days without sales make
    zeros. Weeks at the end that are not complete (see `open_weeks`) are left out of the columns; a series that sold in
    no week before them has what is known of it in the last column, so that no item is without a forecast.

    Args:
        demand: item_id, location_id, sold_on, units_sold (units per day, at least 0) of one tenant.
        cutoff_on: Last day that is read.
        history_weeks: Most weeks kept.
        horizon: Weeks to forecast, for the phases.
        closed: Days on which the tenant does not trade.
    """
    known = demand.filter((pl.col("sold_on") <= cutoff_on) & (pl.col("units_sold") > 0))
    left_out = open_weeks(known["sold_on"].unique().to_list(), cutoff_on, closed)
    weeks_back = (pl.lit(cutoff_on) - pl.col("sold_on")).dt.total_days() // WEEK_DAYS - left_out
    weekly = (
        known.with_columns(weeks_back.alias("weeks_back"))
        .with_columns(
            pl.when(pl.col("weeks_back").max().over(SERIES_KEY) < 0).then(0).otherwise("weeks_back").alias("weeks_back")
        )
        .filter(pl.col("weeks_back").is_between(0, history_weeks - left_out - 1))
        .sort([*SERIES_KEY, "sold_on", "units_sold"])
        .group_by([*SERIES_KEY, "weeks_back"], maintain_order=True)
        .agg(pl.col("units_sold").sum())
    )
    series = weekly.select(SERIES_KEY).unique().sort(SERIES_KEY).with_row_index("row")
    cells = weekly.join(series, on=SERIES_KEY, how="left")
    rows, back = cells["row"].to_numpy(), cells["weeks_back"].to_numpy()
    weeks = int(back.max()) + 1 if cells.height else 0
    values = np.zeros((series.height, weeks))
    values[rows, weeks - 1 - back] = cells["units_sold"].to_numpy()
    lengths = np.zeros(series.height, dtype=np.int64)
    np.maximum.at(lengths, rows, back + 1)
    ends = np.array([cutoff_on + timedelta(weeks=k - left_out) for k in range(1 - weeks, horizon + left_out + 1)])
    return Panel(
        series["item_id"].to_list(),
        series["location_id"].to_list(),
        values,
        lengths,
        values,
        np.array([week_of_year(day) for day in ends], dtype=np.int64),
        np.full(series.height, -1),
        open_periods=left_out,
    )


def week_of_year(day: date) -> int:
    """Position in the year of the week that ends on a day, 0 to 52."""
    return (day.timetuple().tm_yday - 1) // WEEK_DAYS


def open_weeks(days_sold: Collection[date], cutoff_on: date, closed: Collection[date] = ()) -> int:
    """Weeks before the cutoff that are not complete because the tenant's days of sales have not come in yet.

    A tenant trades on a weekday that had sales in half of the eight weeks up to its last day of sales. Where such a
    weekday lies between that day and the cutoff, the weeks from the last day on are open: their zeros would say that
    nobody bought. After MOST_OPEN_WEEKS without any sale they count.

    Args:
        days_sold: Days on which the tenant sold anything, none after the cutoff.
        cutoff_on: The cutoff.
        closed: Holidays, on which nothing is expected.
    """
    if not days_sold:
        return 0
    last = max(days_sold)
    silent = [last + timedelta(day) for day in range(1, (cutoff_on - last).days + 1)]
    if not silent or len(silent) > MOST_OPEN_WEEKS * WEEK_DAYS:
        return 0
    recent = {day for day in days_sold if (last - day).days < _WEEKS_OF_HABIT * WEEK_DAYS}
    habit = [sum(day.weekday() == weekday for day in recent) * 2 >= _WEEKS_OF_HABIT for weekday in range(WEEK_DAYS)]
    missed = [day for day in silent if habit[day.weekday()] and day not in closed]
    return -(-(cutoff_on - last).days // WEEK_DAYS) if missed else 0


def naive_scales(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """In-sample RMSE of the one-step naive forecast of each series; NaN where a series has one period only.

    This is the denominator of RMSSE (Hyndman and Koehler 2006, squared as in the M5 competition).
    """
    periods = values.shape[1]
    inside = np.greater(np.arange(1, periods)[None, :], (periods - lengths)[:, None])
    steps = np.where(inside, np.abs(np.diff(values, axis=1)), 0.0)
    counts = inside.sum(axis=1)
    # Relative to the largest step, so that the squares of what a 64-bit float holds fit into one.
    tops = steps.max(axis=1, initial=0.0)
    shares = np.divide(steps, tops[:, None], out=np.zeros_like(steps), where=tops[:, None] > 0)
    squares = np.divide((shares**2).sum(axis=1), counts, out=np.full(len(lengths), np.nan), where=counts > 0)
    scales: np.ndarray = np.sqrt(squares) * tops
    return scales


def fingerprint(panel: Panel) -> str:
    """SHA-256 over the sorted panel: keys, groups, lengths and units as read and as judged by, and regressors."""
    digest = hashlib.sha256()
    for item_id, location_id, length, group in zip(
        panel.item_ids, panel.location_ids, panel.lengths, panel.groups, strict=True
    ):
        digest.update(f"{item_id}\x1f{location_id}\x1f{length}\x1f{group}\x1e".encode())
    for part in (panel.values, panel.actuals):
        digest.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
    if panel.regressors is not None:
        digest.update(np.ascontiguousarray(panel.regressors, dtype="<f4").tobytes())
    return digest.hexdigest()
