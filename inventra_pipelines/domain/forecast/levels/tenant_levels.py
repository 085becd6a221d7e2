"""The levels above a tenant's series: what they are forecast to sell by themselves, and how series and levels agree.

Belongs here: forecasts of nodes, the past origins that bottom-up and reconciled forecasts are judged at, and what a
reconciled forecast means for the series' own. Sums, reconciliation and rows are `hierarchy*.py` and
`reconciliation.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.demand.panel import Panel, naive_scales
from inventra_pipelines.domain.forecast.engine import PanelForecast
from inventra_pipelines.domain.forecast.levels.hierarchy import ITEM, Hierarchy, aggregate, build_hierarchy
from inventra_pipelines.domain.forecast.levels.hierarchy_forecasts import HierarchyForecast, forecast_hierarchy
from inventra_pipelines.domain.forecast.levels.reconciliation import LevelForecasts, Origin
from inventra_pipelines.domain.forecast.methods.work import Grain, SeriesWork

# Levels of many series are smooth; items of several locations are as their series are.
_METHODS = ("DOT", "IMAPA")


@dataclass(frozen=True)
class PastVintage:
    """A vintage whose whole horizon is over.

    Attributes:
        cutoff_on: Its cutoff.
        means: item_id, location_id, lag, mean of all its series.
        panel: What was known at its cutoff.
        later: What was sold in the weeks of its horizon, by the panel of its last target.
    """

    cutoff_on: date
    means: pl.DataFrame
    panel: Panel
    later: Panel


def forecast_levels(
    panel: Panel,
    forecast: PanelForecast,
    past: Sequence[PastVintage],
    categories: Mapping[str, str | None],
    season: int,
) -> tuple[Hierarchy, HierarchyForecast, PanelForecast]:
    """Adds the series of a panel up, or reconciles them with what their levels are forecast to sell by themselves.

    Args:
        panel: The panel.
        forecast: Forecasts of its series.
        past: Past vintages of the same tenant, to choose by.
        categories: Category of each item.
        season: Season in weeks.

    Returns:
        The hierarchy, its forecasts, and the series' forecasts, moved where they were reconciled.
    """
    horizon = forecast.means.shape[1]
    means = np.zeros((len(panel.item_ids), horizon))
    means[forecast.cases.rows] = forecast.means
    hierarchy = build_hierarchy(panel.item_ids, panel.location_ids, categories)
    origins = [_origin(one, panel, hierarchy, horizon, season) for one in past]
    now = _level_forecasts(panel.values, panel.lengths, means, hierarchy, horizon, season, panel.open_periods)
    made = forecast_hierarchy(now, origins, hierarchy)
    moved = made.bottom_means[forecast.cases.rows] - forecast.means
    if made.choice.method == "bottom-up" or not moved.any():
        return hierarchy, made, forecast
    sums = np.cumsum(moved, axis=1)
    return (
        hierarchy,
        made,
        replace(
            forecast,
            means=made.bottom_means[forecast.cases.rows],
            quantiles=np.maximum(forecast.quantiles + moved, 0.0),
            sums=np.maximum(forecast.sums + sums, 0.0),
        ),
    )


def _level_forecasts(
    values: np.ndarray,
    lengths: np.ndarray,
    means: np.ndarray,
    hierarchy: Hierarchy,
    horizon: int,
    season: int,
    skipped: int = 0,
) -> LevelForecasts:
    """Forecasts and scales of series and nodes; `skipped` periods after the last known one are left out."""
    node_values, node_lengths = aggregate(values, lengths, hierarchy)
    known = np.flatnonzero(node_lengths > 0)
    node_means = np.zeros((len(node_lengths), horizon))
    if len(known):
        is_item = np.array([level == ITEM for level in hierarchy.levels])[known]
        nodes = np.zeros(len(known), dtype=np.int64)
        work = SeriesWork(
            node_values,
            node_lengths,
            known,
            nodes,
            is_item.astype(np.int64),
            _METHODS,
            horizon + skipped,
            Grain("own", season=season),
        )
        node_means[known] = work.run().means[:, skipped:]
    return LevelForecasts(means, node_means, naive_scales(values, lengths), naive_scales(node_values, node_lengths))


def _origin(past: PastVintage, panel: Panel, hierarchy: Hierarchy, horizon: int, season: int) -> Origin:
    """A past vintage in the rows of the panel; a series that it did not know is nothing in it."""
    rows = {key: row for row, key in enumerate(zip(panel.item_ids, panel.location_ids, strict=True))}

    def placed(own: Panel, cells: np.ndarray) -> np.ndarray:
        out = np.zeros((len(rows), *cells.shape[1:]), dtype=cells.dtype)
        for row, key in enumerate(zip(own.item_ids, own.location_ids, strict=True)):
            if key in rows:
                out[rows[key]] = cells[row]
        return out

    means = np.zeros((len(rows), horizon))
    for item_id, location_id, lag, mean in past.means.select("item_id", "location_id", "lag", "mean").iter_rows():
        if (item_id, location_id) in rows and lag <= horizon:
            means[rows[item_id, location_id], lag - 1] = mean
    values, lengths = placed(past.panel, past.panel.values), placed(past.panel, past.panel.lengths)
    later = placed(past.later, past.later.actuals[:, -horizon:])
    return Origin(_level_forecasts(values, lengths, means, hierarchy, horizon, season), later)
