"""Ranges of nodes: they cover what they say, rise, and come from all levels or normal errors where windows are few."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.levels.hierarchy import Hierarchy, build_hierarchy
from inventra_pipelines.domain.forecast.levels.node_ranges import node_quantiles


def _by_category(categories: int) -> Hierarchy:
    """Categories of two items each, at one location."""
    item_ids = [f"I{item:03}" for item in range(2 * categories)]
    return build_hierarchy(
        item_ids, ["main"] * len(item_ids), {item_id: f"C{int(item_id[1:]) // 2:03}" for item_id in item_ids}
    )


def test_ranges_cover_fresh_demand_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    hierarchy = _by_category(400)
    rates = rng.uniform(50, 500, len(hierarchy.nodes))[:, None]
    scales = np.sqrt(2 * rates[:, 0])
    errors = [rng.poisson(rates, (len(rates), 8)) - rates for _ in range(4)]
    means = np.repeat(rates, 8, axis=1)
    quantiles = node_quantiles(means, scales, errors, [scales] * 4, hierarchy)
    fresh = rng.poisson(rates, (len(rates), 8))
    for index, chance in enumerate(QUANTILES.values()):
        assert (fresh <= quantiles[index]).mean() == pytest.approx(chance, abs=0.02)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_quantiles_rise_and_are_not_negative_whatever_the_errors(origins: int, horizon: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hierarchy = _by_category(2)
    nodes = len(hierarchy.nodes)
    errors = [rng.standard_cauchy((nodes, horizon)) * 100 for _ in range(origins)]
    scales = [np.where(rng.random(nodes) < 0.8, rng.uniform(0.01, 50, nodes), np.nan) for _ in range(origins + 1)]
    means = np.abs(rng.standard_cauchy((nodes, horizon)))
    quantiles = node_quantiles(means, scales[0], errors, scales[1:], hierarchy)
    assert np.isfinite(quantiles).all()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()


def test_a_level_with_few_windows_takes_those_of_all_levels_each_node_once() -> None:
    hierarchy = _by_category(5)
    levels = np.array(hierarchy.levels, dtype=object)
    assert levels.tolist() == ["tenant", "location", *["category"] * 5]
    means, scales = np.full((7, 1), 100.0), np.ones(7)
    errors = [np.where(levels == "category", 1.0, 5.0)[:, None] for _ in range(10)]
    quantiles = node_quantiles(means, scales, errors, [scales] * 10, hierarchy)
    assert quantiles[:, levels == "category", 0] == pytest.approx(np.full((6, 5), 101.0))
    pooled = np.quantile(np.repeat([1.0, 5.0], [50, 10]), list(QUANTILES.values()))
    for level in ("tenant", "location"):
        assert quantiles[:, levels == level, 0] == pytest.approx(100 + pooled[:, None])


def test_errors_are_normal_where_windows_are_few_and_of_the_scale_where_there_are_none() -> None:
    hierarchy = _by_category(2)
    nodes = len(hierarchy.nodes)
    means, scales = np.full((nodes, 2), 100.0), np.full(nodes, 4.0)
    none = node_quantiles(means, scales, [], [], hierarchy)
    few = node_quantiles(means, scales, [np.full((nodes, 2), -2.0)], [scales], hierarchy)
    normal = np.array([NormalDist().inv_cdf(chance) for chance in QUANTILES.values()])
    assert none[:, 0, 1] == pytest.approx(100 + 4 * normal)
    assert few[:, 0, 1] == pytest.approx(100 + 2 * normal)
