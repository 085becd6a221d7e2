"""Rolling origins: where each series stood as of earlier periods, and what came after.

Belongs here: the cases (series x origin) of a panel, their actuals, and the baseline. Which of them are tried by which
methods, and what is chosen, is `choice.py`; the pooled errors become ranges in `ranges.py`.
"""

from dataclasses import dataclass

import numpy as np

from inventra_pipelines.domain.forecast.demand.classes import classify
from inventra_pipelines.domain.forecast.demand.panel import Panel, naive_scales
from inventra_pipelines.domain.forecast.methods.windows import RECENT_PERIODS

# Errors are counted up to so many scales: what is further off is a row that nobody sold, and its square would be more
# than a 64-bit float holds.
MOST_SCALES = 1e6


@dataclass(frozen=True)
class Cases:
    """Series as of origins, sorted by series and origin; arrays of one length.

    Attributes:
        rows: Series in the panel.
        offsets: Periods from the origin to the panel's last one; 0 is the last one itself.
        classes: Demand class as of the origin.
        ages: Periods of the series up to the origin.
        means: Mean units per period up to the origin.
        root_mean_squares: Root of the mean of squared units per period up to the origin.
        recent_means: Mean units of the last dozen periods up to the origin.
        naive_scales: Denominator of RMSSE up to the origin; NaN for a single period.
    """

    rows: np.ndarray
    offsets: np.ndarray
    classes: np.ndarray
    ages: np.ndarray
    means: np.ndarray
    root_mean_squares: np.ndarray
    recent_means: np.ndarray
    naive_scales: np.ndarray

    def select(self, chosen: np.ndarray) -> "Cases":
        """The cases at a mask or an array of positions."""
        return Cases(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.rows)


def window_offsets(horizon: int, windows: int) -> list[int]:
    """Periods before the last one at which backtest windows start, the latest first.

    Every window has the whole horizon of actuals before the last period, and starts half a horizon before the next, so
    that three windows of eight weeks need sixteen weeks behind them and not twenty-four.
    """
    step = max(1, horizon // 2)
    return [horizon + window * step for window in range(windows)]


def build_cases(panel: Panel, offsets: list[int], active_periods: int) -> Cases:
    """Every series at every origin at which it had sold before, described by what was known there."""
    parts = [_cases_at(panel, offset, active_periods) for offset in offsets if offset < panel.periods]
    if not parts:
        nothing = np.array([])
        whole = np.array([], dtype=np.int64)
        return Cases(whole, whole, nothing.astype(object), whole, nothing, nothing, nothing, nothing)
    joined = Cases(*(np.concatenate([getattr(part, name) for part in parts]) for name in Cases.__dataclass_fields__))
    return joined.select(np.lexsort((joined.offsets, joined.rows)))


def _cases_at(panel: Panel, offset: int, active_periods: int) -> Cases:
    known = panel.values[:, : panel.periods - offset]
    lengths = np.maximum(panel.lengths - offset, 0)
    rows = np.flatnonzero(lengths > 0)
    values, lengths = known[rows], lengths[rows]
    # Relative to each series' largest period: squares of what a 64-bit float holds fit into one.
    tops = values.max(axis=1, initial=0.0)
    shares = np.divide(values, tops[:, None], out=np.zeros_like(values), where=tops[:, None] > 0)
    recent = values[:, -RECENT_PERIODS:].sum(axis=1) / np.minimum(lengths, RECENT_PERIODS)
    return Cases(
        rows,
        np.full(len(rows), offset, dtype=np.int64),
        classify(values, lengths, active_periods),
        lengths,
        shares.sum(axis=1) / lengths * tops,
        np.sqrt((shares**2).sum(axis=1) / lengths) * tops,
        recent,
        naive_scales(shares, lengths) * tops,
    )


def in_scales(errors: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Errors (cases x horizon) in units of each case's scale, which is above 0, at most MOST_SCALES of them."""
    with np.errstate(over="ignore"):
        counted: np.ndarray = np.clip(errors / scales[:, None], -MOST_SCALES, MOST_SCALES)
    return counted


def actual_units(panel: Panel, cases: Cases, horizon: int) -> np.ndarray:
    """Units of the `horizon` periods after each case's origin (cases x horizon); they must lie in the panel."""
    columns = (panel.periods - cases.offsets)[:, None] + np.arange(horizon)[None, :]
    units: np.ndarray = panel.actuals[cases.rows[:, None], columns]
    return units


def seasonal_naive(panel: Panel, cases: Cases, horizon: int, season: int) -> np.ndarray:
    """The baseline: the same period of the last season where the series has one, else its last period.

    Returns:
        Units, cases x horizon.
    """
    ends = panel.periods - cases.offsets
    lags = np.arange(1, horizon + 1)
    back = season * -(-lags // season) - lags + 1
    columns = ends[:, None] - np.where(cases.ages[:, None] >= season, back[None, :], 1)
    units: np.ndarray = panel.values[cases.rows[:, None], columns]
    return units
