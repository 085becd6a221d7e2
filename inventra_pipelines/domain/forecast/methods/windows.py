"""What a pooled model sees of a series at an origin: its recent past in units of its own level.

Belongs here: the features of a window (series, origin, lag) and its level. Training and prediction are `pooled.py`.
Everything is divided by the level that was known at the origin, so that series of any size are one sample and nothing
of what came later is in it. Like all that worker processes run, this imports no frame library.
"""

from dataclasses import dataclass

import numpy as np

RECENT_PERIODS = 12
_SEASONS_BACK = 4
# Of a series without regressors, and for each kind of them.
FEATURES = 26
FEATURES_PER_REGRESSOR = 7
_LEAST_LEVEL_SHARE = 0.3


@dataclass(frozen=True)
class History:
    """Series with their calendar, as far as a model may look.

    Attributes:
        values: Units per period, series x periods, right-aligned.
        lengths: Periods of each series.
        phases: Position in the season of the periods and of those ahead, at least periods + horizon.
        regressors: Series x (periods + horizon) x kinds, or None.
        season: Season in periods; 1 is none.
        horizon: Lags of a window.
    """

    values: np.ndarray
    lengths: np.ndarray
    phases: np.ndarray
    regressors: np.ndarray | None
    season: int
    horizon: int

    def until(self, columns: int) -> "History":
        """The history as it was when so many columns were known; phases and regressors ahead stay."""
        periods = self.values.shape[1]
        lengths = np.maximum(self.lengths - (periods - columns), 0)
        ahead = columns + self.horizon
        regressors = None if self.regressors is None else self.regressors[:, :ahead]
        return History(self.values[:, :columns], lengths, self.phases[:ahead], regressors, self.season, self.horizon)

    def rows(self, rows: np.ndarray) -> "History":
        """The series at a mask or positions."""
        regressors = None if self.regressors is None else self.regressors[rows]
        return History(self.values[rows], self.lengths[rows], self.phases, regressors, self.season, self.horizon)


def window_features(history: History, rows: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of every lag of windows, and the level that they are in units of.

    Of the series: its recent periods one by one; its mean over 3, 6, one season and two (at least 12 and 24 periods)
    and over everything; the share of periods with sales; its length and level. Of the target: the same period of the
    last two seasons, the mean of that period over up to five, the lag, the position in the season; and of each
    regressor its value there, its mean over the last season, and the mean of sales with and without it.

    Args:
        history: The series.
        rows: Series of each window.
        ends: Columns known to each window; its first target is column `ends`. At least one of them is the series'.

    Returns:
        Windows x lags x features as float32, NaN where a series is too short; and levels, above 0.
    """
    known = _Sums(history.values, history.lengths, rows, ends)
    long = max(history.season, RECENT_PERIODS)
    means = [known.mean(periods) for periods in (3, 6, long, 2 * long, history.values.shape[1])]
    levels = np.maximum(np.maximum(means[2], _LEAST_LEVEL_SHARE * means[4]), np.finfo(np.float64).tiny * 1e16)
    own = [
        *(mean / levels for mean in means),
        *(known.at(ends - back) / levels for back in range(1, RECENT_PERIODS + 1)),
        known.share_sold(6),
        known.share_sold(long),
        np.minimum(known.ages, 5 * history.season if history.season > 1 else 5 * RECENT_PERIODS),
        np.log(levels),
    ]
    lags = np.arange(1, history.horizon + 1)
    columns = ends[:, None] + lags[None, :] - 1
    target = [*_seasonal(history, known, ends, levels), np.broadcast_to(lags, columns.shape), history.phases[columns]]
    if history.regressors is not None:
        target += _of_regressors(history, known, rows, ends, columns, levels, long)
    features = np.empty((len(rows), history.horizon, len(own) + len(target)), dtype=np.float32)
    for index, feature in enumerate(own):
        features[:, :, index] = feature[:, None]
    for index, feature in enumerate(target, start=len(own)):
        features[:, :, index] = feature
    return features, levels


class _Sums:
    """Running sums over the windows' series, of what is known at their ends."""

    def __init__(self, values: np.ndarray, lengths: np.ndarray, rows: np.ndarray, ends: np.ndarray) -> None:
        self.values, self.rows, self.ends = values, rows, ends
        self.starts = (values.shape[1] - lengths)[rows]
        self.ages = ends - self.starts
        self._units = running(values)
        self._sold = running((values > 0).astype(np.float64))

    def mean(self, periods: int) -> np.ndarray:
        """Mean units of the last periods, or of all that there are."""
        return self._over(self._units, periods)

    def share_sold(self, periods: int) -> np.ndarray:
        """Share of the last periods with sales."""
        return self._over(self._sold, periods)

    def _over(self, sums: np.ndarray, periods: int) -> np.ndarray:
        begins = np.maximum(self.ends - periods, self.starts)
        total = sums[self.rows, self.ends] - sums[self.rows, begins]
        mean: np.ndarray = total / np.maximum(self.ends - begins, 1)
        return mean

    def at(self, columns: np.ndarray) -> np.ndarray:
        """Units of a column, NaN before the series' first."""
        inside = columns >= self.starts
        units: np.ndarray = np.where(inside, self.values[self.rows, np.maximum(columns, 0)], np.nan)
        return units


def running(cells: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1 ... all columns."""
    sums = np.zeros((cells.shape[0], cells.shape[1] + 1))
    np.cumsum(cells, axis=1, out=sums[:, 1:])
    return sums


def _seasonal(history: History, known: _Sums, ends: np.ndarray, levels: np.ndarray) -> list[np.ndarray]:
    """The target's period in the last two seasons and its mean over more of them, windows x lags each."""
    season = history.season if history.season > 1 else RECENT_PERIODS
    last, before, mean = (np.empty((len(ends), history.horizon)) for _ in range(3))
    for lag in range(1, history.horizon + 1):
        nearest = -(-lag // season)
        past = [known.at(ends + lag - 1 - seasons * season) for seasons in range(nearest, nearest + _SEASONS_BACK + 1)]
        stacked = np.stack(past)
        there = ~np.isnan(stacked)
        counts = there.sum(axis=0)
        sums = np.where(there, stacked, 0.0).sum(axis=0)
        last[:, lag - 1], before[:, lag - 1] = past[0], past[1]
        mean[:, lag - 1] = np.divide(sums, counts, out=np.full(len(ends), np.nan), where=counts > 0)
    return [part / levels[:, None] for part in (last, before, mean)]


def _of_regressors(
    history: History,
    known: _Sums,
    rows: np.ndarray,
    ends: np.ndarray,
    columns: np.ndarray,
    levels: np.ndarray,
    long: int,
) -> list[np.ndarray]:
    """Of each regressor: its value at the target, its mean over the last season, and sales with and without it."""
    assert history.regressors is not None
    features = []
    begins = np.maximum(ends - max(long, 52), known.starts)
    recent = np.maximum(ends - 4 * history.season if history.season < RECENT_PERIODS else ends - long, known.starts)
    for kind in range(history.regressors.shape[2]):
        values = history.regressors[:, :, kind].astype(np.float64)
        past = values[:, : history.values.shape[1]]
        weights, units = running(past), running(past * history.values)
        sold = running(history.values)
        for since in (recent, begins):
            spans = np.maximum(ends - since, 1)
            weight = weights[rows, ends] - weights[rows, since]
            with_it = units[rows, ends] - units[rows, since]
            without = sold[rows, ends] - sold[rows, since] - with_it
            rest = np.maximum(spans - weight, 1e-9)
            features += [
                np.broadcast_to((weight / spans)[:, None], columns.shape),
                np.broadcast_to(
                    (np.where(weight > 0, with_it / np.maximum(weight, 1e-9), np.nan) / levels)[:, None], columns.shape
                ),
                np.broadcast_to((without / rest / levels)[:, None], columns.shape),
            ]
        features.append(values[rows[:, None], columns])
    return features
