"""Forecasts of tenant, locations, categories and items that add up, with their ranges, and the rows of them.

Belongs here: the order of the steps from forecasts of series and nodes to forecast.hierarchy, and the check that levels
add up. Columns are declared in `frames.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NoReturn

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.frames import HIERARCHY, QUANTILES, rounded
from inventra_pipelines.domain.forecast.levels.hierarchy import (
    ITEM,
    LEVELS,
    TENANT,
    Hierarchy,
    bottom_up,
    telling_nodes,
)
from inventra_pipelines.domain.forecast.levels.node_ranges import node_quantiles
from inventra_pipelines.domain.forecast.levels.reconciliation import (
    BOTTOM_UP,
    MOST_SERIES,
    LevelForecasts,
    Origin,
    ReconciliationChoice,
    ReconciliationError,
    bottom_up_by_default,
    choose_reconciliation,
    reconcile,
)
from inventra_pipelines.errors import PermanentError

# Sums of forecasts that are kept with four decimals differ by the noise of floats alone.
ADDING_TOLERANCE = 1e-4
RELATIVE_TOLERANCE = 1e-9


class LevelsError(PermanentError):
    """Forecasts of a level do not add up to the tenant's, or a node's forecast is not sound."""


@dataclass(frozen=True)
class HierarchyForecast:
    """Forecasts that add up, and how they were chosen.

    Attributes:
        choice: Bottom-up or reconciled, and why.
        bottom_means: Units per week of the series, series x horizon, rounded as forecast.forecasts keeps them. Of a
            reconciled hierarchy these are the forecasts of the series: the nodes are the sums of them.
        node_means: Units per week of the nodes, nodes x horizon.
        quantiles: Quantiles of the nodes, quantile x node x lag.
    """

    choice: ReconciliationChoice
    bottom_means: np.ndarray
    node_means: np.ndarray
    quantiles: np.ndarray


def forecast_hierarchy(forecasts: LevelForecasts, origins: Sequence[Origin], hierarchy: Hierarchy) -> HierarchyForecast:
    """Adds the series' forecasts up, or reconciles them with the nodes' where that won at the origins.

    Args:
        forecasts: Of series and nodes as of the cutoff.
        origins: The same as of past origins, with what was then sold; choose the method and widen the ranges.
        hierarchy: The nodes above the series.
    """
    choice, bottom_means, past_means = _choose(forecasts, origins, hierarchy)
    bottom_means = rounded(bottom_means)
    node_means = bottom_up(bottom_means, hierarchy)
    errors = [
        bottom_up(origin.bottom_actuals - means, hierarchy) for origin, means in zip(origins, past_means, strict=True)
    ]
    past_scales = [origin.forecasts.node_scales for origin in origins]
    quantiles = node_quantiles(node_means, forecasts.node_scales, errors, past_scales, hierarchy)
    return HierarchyForecast(choice, bottom_means, node_means, quantiles)


def _choose(
    forecasts: LevelForecasts, origins: Sequence[Origin], hierarchy: Hierarchy
) -> tuple[ReconciliationChoice, np.ndarray, list[np.ndarray]]:
    """The choice, and the series' forecasts made by it, as of the cutoff and of each origin."""
    added = forecasts.bottom_means, [origin.forecasts.bottom_means for origin in origins]
    series = max((int((means > 0).any(axis=1).sum()) for means in (added[0], *added[1])), default=0)
    if series > MOST_SERIES:
        return bottom_up_by_default(f"{series} series, reconciliation is for {MOST_SERIES} at most"), *added
    if not len(telling_nodes(hierarchy.summing)):
        return bottom_up_by_default("no node is the sum of several series"), *added
    try:
        past = [reconcile(origin.forecasts, hierarchy) for origin in origins]
        choice = choose_reconciliation(origins, past, hierarchy)
        if choice.method == BOTTOM_UP:
            return choice, *added
        return choice, reconcile(forecasts, hierarchy), past
    except ReconciliationError as error:
        return bottom_up_by_default(str(error)), *added


def hierarchy_rows(tenant_id: str, cutoff_on: date, hierarchy: Hierarchy, made: HierarchyForecast) -> pl.DataFrame:
    """Rows of forecast.hierarchy of one tenant and cutoff, sorted by their key.

    Raises:
        LevelsError: A level does not add up to the tenant, or a forecast is not finite, negative, or its quantiles do
            not rise; names tenant, level and cutoff.
    """
    nodes, horizon = made.node_means.shape
    lags = list(range(1, horizon + 1))
    rows = pl.DataFrame(
        {
            "level": np.repeat(np.array(hierarchy.levels, dtype=object), horizon).tolist(),
            "node": np.repeat(np.array(hierarchy.nodes, dtype=object), horizon).tolist(),
            "target_on": [cutoff_on + timedelta(weeks=lag) for lag in lags] * nodes,
            "lag": lags * nodes,
            "mean": rounded(made.node_means).ravel(),
            **{name: rounded(made.quantiles[index]).ravel() for index, name in enumerate(QUANTILES)},
        },
        schema={name: dtype for name, dtype in HIERARCHY.items() if name not in ("tenant_id", "cutoff_on", "method")},
    ).with_columns(
        tenant_id=pl.lit(tenant_id),
        cutoff_on=pl.lit(cutoff_on, dtype=pl.Date),
        method=pl.lit(made.choice.method),
    )
    rows = rows.select(pl.col(name).cast(dtype) for name, dtype in HIERARCHY.items()).sort("level", "node", "lag")
    listed = np.asarray(hierarchy.summing[hierarchy.at(ITEM)].sum(axis=0)).ravel() > 0
    check_levels(rows, made.bottom_means[~listed].sum(axis=0))
    return rows


def check_levels(rows: pl.DataFrame, unlisted_items: np.ndarray) -> None:
    """Holds that the nodes of each level sum to the tenant at every lag, and that each forecast is sound.

    Args:
        rows: Rows of forecast.hierarchy of one tenant and cutoff.
        unlisted_items: Units per week, by lag, of items that have no row because they are sold at one location only.

    Raises:
        LevelsError: They do not; names tenant, level, lag and cutoff.
    """
    means = pl.col("mean")
    sums = rows.group_by("level", "lag").agg(means.sum())
    tenant = sums.filter(pl.col("level") == TENANT).select("lag", tenant_mean="mean")
    rest = pl.DataFrame({"lag": np.arange(1, len(unlisted_items) + 1), "unlisted": unlisted_items})
    rest = rest.with_columns(pl.col("lag").cast(pl.Int32), level=pl.lit(ITEM))
    compared = (
        sums.join(rest, on=["level", "lag"], how="left")
        .join(tenant, on="lag", how="left")
        .with_columns(total=means + pl.col("unlisted").fill_null(0.0))
    )
    allowed = ADDING_TOLERANCE + RELATIVE_TOLERANCE * pl.col("tenant_mean")
    gaps = compared.filter(~((pl.col("total") - pl.col("tenant_mean")).abs() <= allowed).fill_null(False))
    if gaps.height:
        gap = gaps.sort(pl.col("level").replace_strict(LEVELS, range(len(LEVELS))), "lag").row(0, named=True)
        _raise(rows, f"level {gap['level']} sums to {gap['total']} at lag {gap['lag']} and not to {gap['tenant_mean']}")
    rising = [pl.col(low) <= pl.col(high) for low, high in pairwise(QUANTILES)]
    numbers = ["mean", *QUANTILES]
    sound = pl.all_horizontal(*(pl.col(name).is_finite() & (pl.col(name) >= 0) for name in numbers), *rising)
    unsound = rows.filter(~sound.fill_null(False))
    if unsound.height:
        row = unsound.row(0, named=True)
        _raise(
            rows,
            f"{row['level']} {row['node']!r} at lag {row['lag']} is not finite, negative, or its quantiles do not rise",
        )


def _raise(rows: pl.DataFrame, what: str) -> NoReturn:
    tenant_id, cutoff_on = rows.select("tenant_id", "cutoff_on").row(0)
    raise LevelsError(
        f"the hierarchy of tenant {tenant_id} as of {cutoff_on}: {what}",
        "This is a fault of the program: report it with the forecasts of the cutoff",
    )
