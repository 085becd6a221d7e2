"""Rolling origins: where each series stood as of earlier weeks, and how well it was forecast there.

Belongs here: the cases (series x origin) of a cutoff and the backtest figures per series. The pooled errors become
ranges in `ranges.py` and the choice of methods in `selection.py`.
"""

from dataclasses import dataclass

import numpy as np

from inventra_pipelines.domain.forecast.classes import DORMANT, classify
from inventra_pipelines.domain.forecast.panel import Panel, naive_scales


@dataclass(frozen=True)
class Cases:
    """Series as of origins, sorted by series and origin; arrays of one length.

    Attributes:
        rows: Series in the panel.
        offsets: Weeks from the origin to the cutoff; 0 is the cutoff itself.
        classes: Demand class as of the origin.
        means: Mean units per week up to the origin.
        root_mean_squares: Root of the mean of squared units per week up to the origin.
        naive_scales: Denominator of RMSSE up to the origin; NaN for a single week.
    """

    rows: np.ndarray
    offsets: np.ndarray
    classes: np.ndarray
    means: np.ndarray
    root_mean_squares: np.ndarray
    naive_scales: np.ndarray

    def select(self, chosen: np.ndarray) -> "Cases":
        """The cases at a mask or an array of positions."""
        return Cases(
            self.rows[chosen],
            self.offsets[chosen],
            self.classes[chosen],
            self.means[chosen],
            self.root_mean_squares[chosen],
            self.naive_scales[chosen],
        )


def window_offsets(horizon: int, windows: int) -> list[int]:
    """Weeks before the cutoff at which backtest windows start, the latest first.

    Every window has the whole horizon of actuals before the cutoff, and starts half a horizon before the next, so that
    three windows of eight weeks need sixteen weeks behind them and not twenty-four.
    """
    step = max(1, horizon // 2)
    return [horizon + window * step for window in range(windows)]


def build_cases(panel: Panel, offsets: list[int], active_weeks: int) -> Cases:
    """Every series at every origin as of which it was active, described by what was known at the origin.

    A series that is dormant at the cutoff still has cases at origins where it was active: it would have been forecast
    there, and leaving its fall to zero out would make ranges too narrow.
    """
    parts = [_cases_at(panel, offset, active_weeks) for offset in offsets if offset < panel.weeks]
    if not parts:
        empty = np.array([])
        whole = np.array([], dtype=np.int64)
        return Cases(whole, whole, empty.astype(object), empty, empty, empty)
    joined = Cases(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("rows", "offsets", "classes", "means", "root_mean_squares", "naive_scales")
        )
    )
    return joined.select(np.lexsort((joined.offsets, joined.rows)))


def _cases_at(panel: Panel, offset: int, active_weeks: int) -> Cases:
    values = panel.values[:, : panel.weeks - offset]
    lengths = np.maximum(panel.lengths - offset, 0)
    classes = classify(values, lengths, active_weeks)
    rows = np.flatnonzero(classes != DORMANT)
    values, lengths = values[rows], lengths[rows]
    return Cases(
        rows,
        np.full(len(rows), offset, dtype=np.int64),
        classes[rows],
        values.sum(axis=1) / lengths,
        np.sqrt((values**2).sum(axis=1) / lengths),
        naive_scales(values, lengths),
    )


def actual_units(panel: Panel, cases: Cases, horizon: int) -> np.ndarray:
    """Units of the `horizon` weeks after each case's origin (cases x horizon); every origin must lie that far back."""
    columns = (panel.weeks - cases.offsets)[:, None] + np.arange(horizon)[None, :]
    units: np.ndarray = panel.values[cases.rows[:, None], columns]
    return units


@dataclass(frozen=True)
class BacktestFigures:
    """Figures per series over its windows; NaN where there is none. Bias is forecast less actual, units per week."""

    windows: np.ndarray
    rmse: np.ndarray
    mae: np.ndarray
    bias: np.ndarray
    rmsse: np.ndarray
    baseline_rmsse: np.ndarray


def backtest_figures(
    series: int, cases: Cases, forecasts: np.ndarray, baselines: np.ndarray, actuals: np.ndarray
) -> BacktestFigures:
    """Errors over the windows of each series.

    RMSSE is the root of the mean over windows of MSE over the in-sample MSE of the one-step naive forecast, each
    window scaled by what preceded it; a window of constant history has no scale and is left out of it.

    Args:
        series: Number of series in the panel.
        cases: The windows' cases.
        forecasts: Point forecasts, cases x horizon.
        baselines: Baseline forecasts, cases x horizon.
        actuals: Units sold, cases x horizon.
    """
    errors = forecasts - actuals
    squared = (errors**2).mean(axis=1)
    scalable = cases.naive_scales > 0
    denominators = np.where(scalable, cases.naive_scales, 1.0) ** 2
    scaled = np.where(scalable, squared / denominators, 0.0)
    baseline_scaled = np.where(scalable, ((baselines - actuals) ** 2).mean(axis=1) / denominators, 0.0)

    def mean_by_series(figures: np.ndarray, counts: np.ndarray) -> np.ndarray:
        sums = np.bincount(cases.rows, weights=figures, minlength=series)
        means: np.ndarray = np.divide(sums, counts, out=np.full(series, np.nan), where=counts > 0)
        return means

    windows = np.bincount(cases.rows, minlength=series)
    scaled_windows = np.bincount(cases.rows, weights=scalable, minlength=series)
    return BacktestFigures(
        windows,
        np.sqrt(mean_by_series(squared, windows)),
        mean_by_series(np.abs(errors).mean(axis=1), windows),
        mean_by_series(errors.mean(axis=1), windows),
        np.sqrt(mean_by_series(scaled, scaled_windows)),
        np.sqrt(mean_by_series(baseline_scaled, scaled_windows)),
    )
