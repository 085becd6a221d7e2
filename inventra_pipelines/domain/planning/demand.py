"""Demand over any number of days, read off the cumulative weekly forecasts.

Belongs here: turning forecast rows into curves and interpolating them. What stock makes of the demand is
`projection.py`; how much must be held against it is `reorder_points.py`.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventra_pipelines.errors import PermanentError

Floats = NDArray[np.float64]
KEY = ["item_id", "location_id"]


@dataclass(frozen=True)
class DemandCurves:
    """Cumulative demand per row at 0, 1 ... `horizon` weeks after the cutoff; NaN where a row has no forecast.

    Attributes:
        mean: Expected units, rows x (horizon + 1).
        variance: Variance of the units, rows x (horizon + 1).
        offset_days: Days from the cutoff to the day that planning is done for.
    """

    mean: Floats
    variance: Floats
    offset_days: int

    @property
    def horizon_days(self) -> int:
        """Days after the planning day that the forecast reaches."""
        return 7 * (self.mean.shape[1] - 1) - self.offset_days

    def mean_over(self, days: Floats | float) -> Floats:
        """Expected units of the `days` days after the planning day, one number per row.

        Linear between the lags; beyond the horizon at the average rate of the whole horizon.
        """
        start = self.offset_days / 7
        return at_weeks(self.mean, start + np.asarray(days, float) / 7) - at_weeks(self.mean, start)

    def std_over(self, days: Floats | float) -> Floats:
        """Standard deviation of the units of an interval of `days` days, one number per row.

        The variance is linear between the lags (exact for independent days) and proportional to time beyond the
        horizon, so that the standard deviation grows with the square root. It depends on the length of the interval
        alone, not on the days since the cutoff.
        """
        return np.sqrt(at_weeks(self.variance, np.asarray(days, float) / 7))

    def daily(self, days: int) -> Floats:
        """Expected units from the planning day to the end of each of the next `days` days, rows x days."""
        rows = self.mean.shape[0]
        steps = [self.mean_over(np.full(rows, float(day))) for day in range(1, days + 1)]
        return np.stack(steps, axis=1) if steps else np.zeros((rows, 0))

    def days_to_sell(self, units: Floats) -> Floats:
        """Days until the expected demand has used up `units`; infinite without demand, 0 for nothing to sell."""
        weeks = self.mean.shape[1] - 1
        total = self.mean[:, -1]
        goal = np.maximum(units, 0) + at_weeks(self.mean, self.offset_days / 7)
        below = np.clip((self.mean < goal[:, None] - 1e-9).sum(axis=1) - 1, 0, weeks - 1)
        rows = np.arange(len(goal))
        low, high = self.mean[rows, below], self.mean[rows, below + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = below + np.where(high > low, (goal - low) / (high - low), 0.0)
            reached = np.where(goal > total, weeks * goal / total, inside)
        days = np.maximum(reached * 7 - self.offset_days, 0.0)
        return np.where(np.isnan(units) | np.isnan(total), np.nan, np.where(units <= 0, 0.0, days))

    def rows(self, first: int, last: int) -> "DemandCurves":
        """The curves of the rows `first` up to and without `last`."""
        return DemandCurves(self.mean[first:last], self.variance[first:last], self.offset_days)


def at_weeks(cumulative: Floats, weeks: Floats | float) -> Floats:
    """Values of cumulative curves at a time: linear inside, proportional to time beyond the last column.

    Args:
        cumulative: Rows x (horizon + 1), column w being the value at week w.
        weeks: Time in weeks, one for all rows or one per row.
    """
    rows, columns = cumulative.shape
    horizon = columns - 1
    time = np.broadcast_to(np.asarray(weeks, float), rows)
    low = np.clip(np.floor(time), 0, horizon - 1).astype(int)
    index = np.arange(rows)
    left, right = cumulative[index, low], cumulative[index, low + 1]
    inside = left + (right - left) * (time - low)
    return np.where(time > horizon, cumulative[:, -1] * time / horizon, inside)


def demand_curves(forecasts: pl.DataFrame, keys: pl.DataFrame, *, as_of_on: date) -> DemandCurves:
    """Build the curves of `keys` from the forecasts of one cutoff.

    A series with a shorter horizon than the longest one is carried on as beyond the horizon.

    Args:
        forecasts: item_id, location_id, cutoff_on, lag (1, 2 ... weeks), cumulative_mean, cumulative_std.
        keys: item_id, location_id; its row order is that of the curves.
        as_of_on: The planning day, on or after the cutoff.

    Raises:
        PermanentError: Several cutoffs, a cutoff after the planning day, a lag missing or twice, or no number.
    """
    if forecasts.is_empty():
        empty = np.full((keys.height, 2), np.nan)
        return DemandCurves(empty, empty, 0)
    _check(forecasts, as_of_on)
    horizon = int(forecasts.select(pl.col("lag").max()).item())
    placed = forecasts.join(keys.select(KEY).with_row_index("row"), on=KEY, how="inner")
    row, lag = placed.get_column("row").to_numpy(), placed.get_column("lag").cast(pl.Int64).to_numpy()
    mean = np.full((keys.height, horizon + 1), np.nan)
    variance = mean.copy()
    mean[row, lag] = placed.get_column("cumulative_mean").cast(pl.Float64).to_numpy()
    variance[row, lag] = placed.get_column("cumulative_std").cast(pl.Float64).to_numpy() ** 2
    last = np.zeros(keys.height, int)
    np.maximum.at(last, row, lag)
    for cumulative in (mean, variance):
        cumulative[last > 0, 0] = 0.0
        for week in range(1, horizon + 1):
            short = (last > 0) & (last < week)
            cumulative[short, week] = cumulative[short, last[short]] * week / last[short]
    cutoff_on: date = forecasts.item(0, "cutoff_on")
    return DemandCurves(mean, variance, (as_of_on - cutoff_on).days)


def _check(forecasts: pl.DataFrame, as_of_on: date) -> None:
    cutoffs = forecasts.get_column("cutoff_on").unique().sort()
    if len(cutoffs) != 1 or cutoffs[0] > as_of_on:
        listed = ", ".join(str(day) for day in cutoffs.head(3))
        raise PermanentError(
            f"planning for {as_of_on} was given forecasts with cutoff {listed}",
            "pass the forecasts of one cutoff on or before that day",
        )
    wrong = (
        forecasts.group_by(KEY)
        .agg(
            (
                (pl.col("lag").min() != 1) | (pl.col("lag").max() != pl.len()) | (pl.col("lag").n_unique() != pl.len())
            ).alias("has_gap"),
            *(
                (pl.col(name).is_null() | pl.col(name).cast(pl.Float64).is_nan() | (pl.col(name) < 0)).any().alias(name)
                for name in ("cumulative_mean", "cumulative_std")
            ),
        )
        .filter(pl.any_horizontal("has_gap", "cumulative_mean", "cumulative_std"))
        .sort(KEY)
    )
    if not wrong.is_empty():
        raise PermanentError(
            f"the forecast of item {wrong.item(0, 'item_id')} at {wrong.item(0, 'location_id')}, cutoff {cutoffs[0]}, "
            "has a lag missing or twice, or a cumulative figure that is no number",
            "make the forecasts of that cutoff again",
        )
