"""Forecasts of series and of their nodes brought together into ones that add up, where the past says that this helps.

Belongs here: the reconciliation itself, by hierarchicalforecast, and the rule of choice between it and bottom-up. The
nodes are declared in `hierarchy.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from inventra_pipelines.domain.forecast.levels.hierarchy import (
    LEVELS,
    Hierarchy,
    bottom_up,
    scales_or_poisson,
    telling_nodes,
)
from inventra_pipelines.errors import PermanentError

BOTTOM_UP = "bottom-up"
RECONCILED = "reconciled"

# One origin of eight lags takes 0.7 s at 5,000 series and 2.8 s and 40 MB at 20,000; a cutoff has three besides.
MOST_SERIES = 20_000

# Reconciliation must win at the nodes by this share of bottom-up's score and by so many standard errors, on this many
# windows or more, and at every origin: the nodes of an origin share its surprises, so that their number alone proves
# little. At the series it may lose what nobody sees.
MARGIN = 0.01
STANDARD_ERRORS = 2.0
LEAST_WINDOWS = 10
MOST_LOSS_AT_SERIES = 0.001


class ReconciliationError(PermanentError):
    """The solver found no forecasts that add up; those of the series still do, by summing them."""


@dataclass(frozen=True)
class LevelForecasts:
    """What was forecast for series and nodes, each by itself, as of one day.

    Attributes:
        bottom_means: Point forecasts, series x horizon; zero throughout for a series that is not forecast.
        node_means: Point forecasts of the nodes' own histories, nodes x horizon.
        bottom_scales: RMSE of the one-step naive forecast of each series as of the day; NaN or 0 where there is none.
        node_scales: The same of each node.
    """

    bottom_means: np.ndarray
    node_means: np.ndarray
    bottom_scales: np.ndarray
    node_scales: np.ndarray


@dataclass(frozen=True)
class Origin:
    """Forecasts as of a past origin, and the units that were then sold (series x horizon)."""

    forecasts: LevelForecasts
    bottom_actuals: np.ndarray


@dataclass(frozen=True)
class ReconciliationChoice:
    """What the levels are made by, and why. Scores are mean RMSSE on the same windows, None where there were none.

    Attributes:
        method: BOTTOM_UP or RECONCILED.
        node_scores: Of bottom-up and of reconciled forecasts, mean over levels of the mean over nodes and origins.
        bottom_scores: Of both, mean over series and origins.
        windows: Nodes x origins that were compared.
        reason: A sentence.
    """

    method: str
    node_scores: tuple[float, float] | None
    bottom_scores: tuple[float, float] | None
    windows: int
    reason: str


def reconcile(forecasts: LevelForecasts, hierarchy: Hierarchy) -> np.ndarray:
    """Forecasts of the series (series x horizon, at least 0) that fit both their own and their nodes' best.

    Minimum trace reconciliation with a diagonal covariance (Wickramasuriya, Athanasopoulos and Hyndman 2019, JASA 114)
    under the constraint of non-negativity (Wickramasuriya, Turlach and Hyndman 2020, Statistics and Computing 30):
    the x >= 0 that minimises sum((Sx - y)^2 / w), lag by lag, with y all forecasts and w the squares of the scales. So
    series give way in proportion to how erratic they are. Equal weights (wls_struct) move every item by the same number
    of units: on gift sales of a year they made the items 1 to 4 % worse. The nodes are the sums of the result.

    A series forecast as zero throughout stays so. Nodes without a scale, and those that repeat others, have no say. The
    solver stops within a thousandth of a series' scale of the optimum.

    Raises:
        ReconciliationError: The solver failed.
    """
    moved = np.flatnonzero((forecasts.bottom_means > 0).any(axis=1))
    summing = hierarchy.summing[:, moved]
    telling = telling_nodes(summing)
    telling = telling[forecasts.node_scales[telling] > 0]
    if not len(telling):
        return forecasts.bottom_means.copy()
    bottom = forecasts.bottom_means[moved]
    scales = np.concatenate(
        [forecasts.node_scales[telling], scales_or_poisson(forecasts.bottom_scales[moved], bottom)],
    )
    made = _solve(
        sparse.vstack([summing[telling], sparse.identity(len(moved))], format="csr"),
        np.vstack([forecasts.node_means[telling], bottom]),
        scales,
    )
    reconciled = np.zeros(forecasts.bottom_means.shape)
    reconciled[moved] = made[len(telling) :]
    return reconciled


def _solve(summing: sparse.csr_matrix, means: np.ndarray, scales: np.ndarray) -> np.ndarray:
    # Imported here for its 0.35 s and 36 MB, nearly all of them matplotlib.pyplot, which nothing of this uses: every
    # start of the command line and every worker would pay them.
    from hierarchicalforecast.methods import MinTraceSparse

    # Units in which scales are about 1, because the solver's tolerances are absolute.
    unit = float(np.median(scales))
    # The class takes variances from residuals alone: two that are opposite have the variance wanted.
    residuals = np.stack([scales, -scales], axis=1) / unit / np.sqrt(2)
    solver = MinTraceSparse(method="wls_var", nonnegative=True, num_threads=1)
    try:
        made = solver.fit_predict(
            S=sparse.csr_matrix(summing),
            y_hat=means / unit,
            y_insample=residuals,
            y_hat_insample=np.zeros_like(residuals),
        )
    # The class raises a bare Exception when the solver gives up.
    except Exception as error:
        raise ReconciliationError(
            f"the levels of {summing.shape[1]} series could not be reconciled: {error}", "Add them up from the bottom"
        ) from error
    return np.maximum(made["mean"] * unit, 0.0)


def choose_reconciliation(
    origins: Sequence[Origin], reconciled: Sequence[np.ndarray], hierarchy: Hierarchy
) -> ReconciliationChoice:
    """Reconciliation where it beat bottom-up at the nodes of past origins and lost nothing at the series.

    RMSSE of a window (a node or series at an origin) is the root of the mean over lags of the squared error, over the
    RMSE of the one-step naive forecast up to the origin. Levels count the same, however many nodes they have.

    Args:
        origins: Forecasts and actuals as of past origins.
        reconciled: What `reconcile` made of each origin, series x horizon.
        hierarchy: The nodes; those that repeat others or have no scale are not compared.
    """
    telling = telling_nodes(hierarchy.summing)
    levels = np.array([LEVELS.index(hierarchy.levels[node]) for node in telling], dtype=np.int64)
    parts = [_node_rmsse(origin, made, hierarchy, telling) for origin, made in zip(origins, reconciled, strict=True)]
    scores = np.concatenate(parts) if parts else np.empty((0, 2))
    scaled = np.isfinite(scores).all(axis=1)
    windows = int(scaled.sum())
    if windows < LEAST_WINDOWS:
        return bottom_up_by_default(f"{windows} windows of nodes with history to try on, {LEAST_WINDOWS} are needed")
    origin_ids, level_ids = np.repeat(np.arange(len(parts)), len(telling))[scaled], np.tile(levels, len(parts))[scaled]
    scores, weights = scores[scaled], _equal_by(level_ids)
    added, joined = (float(score) for score in weights @ scores)
    gains = scores[:, 0] - scores[:, 1]
    gain = added - joined
    error = float(np.sqrt(windows / (windows - 1) * ((weights * (gains - gain)) ** 2).sum()))
    worst = min(float(_equal_by(level_ids[own]) @ gains[own]) for own in _groups(origin_ids))
    series = np.concatenate([_bottom_rmsse(origin, made) for origin, made in zip(origins, reconciled, strict=True)])
    bottom = series.mean(axis=0) if len(series) else np.zeros(2)
    doubt = (
        f"not better at the nodes by {MARGIN:.0%} and beyond chance"
        if gain <= max(MARGIN * added, STANDARD_ERRORS * error)
        else "worse at the nodes of one origin"
        if worst < 0
        else "worse at the series"
        if bottom[1] > bottom[0] * (1 + MOST_LOSS_AT_SERIES)
        else None
    )
    method = BOTTOM_UP if doubt else RECONCILED
    verdict = f"reconciliation is {doubt}" if doubt else "lower RMSSE at the nodes of every origin"
    compared = f"{added:.3f} added up and {joined:.3f} reconciled on {windows} windows of nodes"
    below = f"{bottom[0]:.3f} and {bottom[1]:.3f} on {len(series)} of series"
    return ReconciliationChoice(
        method,
        (added, joined),
        (float(bottom[0]), float(bottom[1])),
        windows,
        f"{method}: {verdict}; RMSSE {compared}, {below}",
    )


def bottom_up_by_default(why: str) -> ReconciliationChoice:
    """The choice where nothing was compared."""
    return ReconciliationChoice(BOTTOM_UP, None, None, 0, f"{BOTTOM_UP} by default: {why}")


def _node_rmsse(origin: Origin, made: np.ndarray, hierarchy: Hierarchy, telling: np.ndarray) -> np.ndarray:
    """RMSSE of bottom-up and reconciled forecasts at the telling nodes, nodes x 2; NaN without a scale."""
    nodes = Hierarchy((), (), hierarchy.summing[telling])
    actuals = bottom_up(origin.bottom_actuals, nodes)
    candidates = [bottom_up(means, nodes) for means in (origin.forecasts.bottom_means, made)]
    return _rmsse(candidates, actuals, origin.forecasts.node_scales[telling])


def _bottom_rmsse(origin: Origin, made: np.ndarray) -> np.ndarray:
    """The same at the series that were forecast and have a scale, series x 2."""
    means = origin.forecasts.bottom_means
    scores = _rmsse([means, made], origin.bottom_actuals, origin.forecasts.bottom_scales)
    return scores[np.isfinite(scores).all(axis=1) & (means > 0).any(axis=1)]


def _rmsse(candidates: list[np.ndarray], actuals: np.ndarray, scales: np.ndarray) -> np.ndarray:
    known = np.where(scales > 0, scales, np.nan)
    return np.stack([np.sqrt(((means - actuals) ** 2).mean(axis=1)) / known for means in candidates], axis=1)


def _equal_by(groups: np.ndarray) -> np.ndarray:
    """Weights of windows that sum to 1 and give each group the same share."""
    _, ids, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights: np.ndarray = 1.0 / (len(counts) * counts[ids])
    return weights


def _groups(ids: np.ndarray) -> list[np.ndarray]:
    return [ids == one for one in np.unique(ids)]
