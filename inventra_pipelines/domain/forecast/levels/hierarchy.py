"""What adds up to what: the tenant, its locations, its categories, and items that are sold at several locations.

Belongs here: the nodes above the series, the matrix that sums series into nodes, and sums of history and of forecasts.
Forecasts of nodes that do not add up by themselves are made to in `reconciliation.py`; the rows that are kept are made
in `hierarchy_forecasts.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

TENANT = "tenant"
LOCATION = "location"
CATEGORY = "category"
ITEM = "item"
LEVELS = (TENANT, LOCATION, CATEGORY, ITEM)

TENANT_NODE = ""
UNCATEGORISED = "uncategorised"


@dataclass(frozen=True)
class Hierarchy:
    """The nodes above a panel's series.

    Attributes:
        levels: Level of each node, in the order of LEVELS.
        nodes: Name of each node, sorted within its level; TENANT_NODE for the tenant.
        summing: 1 where a series belongs to a node, nodes x series: the upper part of the summing matrix S of Hyndman
            and Athanasopoulos, "Forecasting: Principles and Practice" (3rd ed.), section 11.1, whose lower part is the
            identity. Tenant, locations and categories hold every series once; the item level only those of items that
            are sold at several locations, because any other item is its series.
    """

    levels: tuple[str, ...]
    nodes: tuple[str, ...]
    summing: sparse.csr_matrix

    @property
    def series(self) -> int:
        """Number of series below the nodes."""
        return int(self.summing.shape[1])

    def at(self, level: str) -> np.ndarray:
        """Positions of the nodes of a level."""
        return np.flatnonzero(np.array(self.levels, dtype=object) == level)


def build_hierarchy(
    item_ids: Sequence[str], location_ids: Sequence[str], categories: Mapping[str, str | None]
) -> Hierarchy:
    """The hierarchy of a panel's series.

    Args:
        item_ids: Item of each series.
        location_ids: Location of each series; an item stands at a location once.
        categories: Category by item. An item that has none, or an empty one, is UNCATEGORISED.
    """
    if not item_ids:
        return Hierarchy((), (), sparse.csr_matrix((0, 0)))
    parents = {
        TENANT: [TENANT_NODE] * len(item_ids),
        LOCATION: list(location_ids),
        CATEGORY: [categories.get(item_id) or UNCATEGORISED for item_id in item_ids],
        ITEM: list(item_ids),
    }
    levels: list[str] = []
    nodes: list[str] = []
    blocks = []
    for level, names in parents.items():
        ids = {name: row for row, name in enumerate(sorted(set(names)))}
        rows = np.array([ids[name] for name in names])
        counts = np.bincount(rows)
        block = sparse.csr_matrix((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(len(ids), len(rows)))
        kept = np.flatnonzero(counts > 1) if level == ITEM else np.arange(len(ids))
        ordered = list(ids)
        levels.extend([level] * len(kept))
        nodes.extend(ordered[row] for row in kept)
        blocks.append(block[kept])
    return Hierarchy(tuple(levels), tuple(nodes), sparse.csr_matrix(sparse.vstack(blocks)))


def aggregate(values: np.ndarray, lengths: np.ndarray, hierarchy: Hierarchy) -> tuple[np.ndarray, np.ndarray]:
    """History of the nodes: units per week (nodes x weeks) and weeks since the first sale of any of their series.

    Args:
        values: Units per week, series x weeks, right-aligned, zero before the first sale.
        lengths: Weeks of each series.
        hierarchy: The nodes above these series.
    """
    members = hierarchy.summing
    node_lengths = (
        np.maximum.reduceat(lengths[members.indices], members.indptr[:-1]) if members.shape[0] else lengths[:0]
    )
    return members @ values, node_lengths


def bottom_up(bottom_means: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    """Forecasts of the nodes as sums of their series' forecasts, nodes x horizon."""
    sums: np.ndarray = hierarchy.summing @ bottom_means
    return sums


def telling_nodes(summing: sparse.csr_matrix) -> np.ndarray:
    """Positions of the nodes that say something of their own: sums of two series or more that no earlier node is.

    The only location of a tenant is the tenant again, and a category of one item is that item's series. Counted twice,
    their forecasts would weigh double against those of the series.
    """
    seen: set[bytes] = set()
    telling = []
    for node, (start, end) in enumerate(zip(summing.indptr[:-1], summing.indptr[1:], strict=True)):
        members = np.sort(summing.indices[start:end]).tobytes()
        if end - start > 1 and members not in seen:
            seen.add(members)
            telling.append(node)
    return np.array(telling, dtype=np.int64)


def scales_or_poisson(scales: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The scales, and where there is none (one week of history, or constant) the root of the mean forecast.

    That root is the deviation of Poisson demand at the rate that is forecast; a unit where nothing is.

    Args:
        scales: RMSE of the one-step naive forecast, per series or node; NaN or 0 where there is none.
        means: Point forecasts of the same, series or nodes x horizon.
    """
    rates = means.mean(axis=1)
    stand_in = np.sqrt(np.where(rates > 0, rates, 1.0))
    return np.where(np.isfinite(scales) & (scales > 0), scales, stand_in)
