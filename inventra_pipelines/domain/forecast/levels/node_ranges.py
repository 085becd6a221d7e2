"""Ranges of the nodes' forecasts from the errors made at past origins, pooled by level and lag.

Belongs here: the pools of scaled errors and the quantiles of nodes that follow from them. Ranges of series, which are
pooled by demand class, are in `selection/ranges.py`; sums of those would be far too wide, because series do not err
together.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.levels.hierarchy import Hierarchy, scales_or_poisson, telling_nodes

# Fewer windows than this say nothing about a 98th percentile; the windows of all levels stand in.
LEAST_POOL = 50


def node_quantiles(
    means: np.ndarray,
    scales: np.ndarray,
    past_errors: Sequence[np.ndarray],
    past_scales: Sequence[np.ndarray],
    hierarchy: Hierarchy,
) -> np.ndarray:
    """Quantiles of the units per week of each node, quantile x node x lag, at least 0 and rising with the quantile.

    A quantile is the mean plus the node's scale times that quantile of the scaled errors at the lag: split conformal
    prediction, pooled. A level with fewer than LEAST_POOL windows takes those of all levels, each node counted once.
    Where these are too few as well, errors are taken as normal, with the root mean square of what scaled errors there
    are, or the scale itself, as their deviation.

    Args:
        means: Point forecasts of the nodes, nodes x horizon.
        scales: RMSE of the one-step naive forecast of each node up to the cutoff; NaN or 0 where there is none.
        past_errors: Actual less forecast as of each origin, nodes x horizon, of forecasts made as these are.
        past_scales: Scales as of each origin; a node without one as of then is left out there.
        hierarchy: The nodes.
    """
    levels = np.array(hierarchy.levels, dtype=object)
    is_telling = np.zeros(len(levels), dtype=bool)
    is_telling[telling_nodes(hierarchy.summing)] = True
    scaled = np.empty((0, means.shape[1]))
    window_levels, counted_once = levels[:0], is_telling[:0]
    for errors, origin_scales in zip(past_errors, past_scales, strict=True):
        known = origin_scales > 0
        scaled = np.vstack([scaled, errors[known] / origin_scales[known, None]])
        window_levels = np.concatenate([window_levels, levels[known]])
        counted_once = np.concatenate([counted_once, is_telling[known]])
    everything = _spread(scaled[counted_once])
    steps = np.empty((len(QUANTILES), *means.shape))
    for level in dict.fromkeys(hierarchy.levels):
        own = scaled[window_levels == level]
        spread = _spread(own) if len(own) >= LEAST_POOL else everything
        steps[:, levels == level] = spread[:, None, :]
    known_scales = scales_or_poisson(scales, means)
    quantiles: np.ndarray = np.maximum(means[None] + known_scales[None, :, None] * steps, 0.0)
    return quantiles


def _spread(scaled: np.ndarray) -> np.ndarray:
    """Quantiles of scaled errors, quantile x lag; scaled errors are windows x lag."""
    chances = np.array(list(QUANTILES.values()))
    if len(scaled) >= LEAST_POOL:
        return np.maximum.accumulate(np.quantile(scaled, chances, axis=0), axis=0)
    deviation = float(np.sqrt((scaled**2).mean())) if len(scaled) else 1.0
    normal = np.array([NormalDist().inv_cdf(chance) for chance in chances])
    return np.repeat(deviation * normal[:, None], scaled.shape[1], axis=1)
