"""Reorder points and order quantities against stockpyl, a plain sum of probabilities and a plain loop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stockpyl.newsvendor import newsvendor_normal

from inventra_pipelines.domain.planning.reorder_points import (
    LARGEST_COUNTED_MEAN,
    normal_reorder_points,
    order_quantities,
    reorder_points,
)


def one(mean: float, std: float, level: float) -> float:
    return float(reorder_points(np.array([mean]), np.array([std]), np.array([level]))[0])


def summed(mean: float, std: float, level: float) -> int:
    """Smallest r with P(demand <= r) >= level, adding up the probabilities one by one."""
    variance = max(std**2, 1.05 * mean)
    n, p = mean**2 / (variance - mean), mean / variance
    probability, total, units = p**n, p**n, 0
    while total < level:
        probability *= (n + units) / (units + 1) * (1 - p)
        units += 1
        total += probability
    return units


@given(mean=st.floats(0.05, 60), ratio=st.floats(0.2, 8), level=st.sampled_from([0.8, 0.9, 0.95, 0.98]))
@settings(max_examples=150, deadline=None)
def test_reorder_points_equal_the_summed_probabilities(mean: float, ratio: float, level: float) -> None:
    std = math.sqrt(mean * ratio)
    expected = max(summed(mean, std, level), math.ceil(mean))
    assert abs(one(mean, std, level) - expected) <= (0 if abs(_distance(mean, std, level)) > 1e-9 else 1)


@pytest.mark.parametrize(("mean", "std"), [(42.0, 967.0), (164.0, 1602.0), (0.2, 3.0)])
def test_lumpy_demand_is_never_planned_below_what_is_expected(mean: float, std: float) -> None:
    assert summed(mean, std, 0.9) < mean
    assert one(mean, std, 0.9) == math.ceil(mean)


def _distance(mean: float, std: float, level: float) -> float:
    """How far the level is from the probability at the summed reorder point; ties are decided by rounding."""
    variance = max(std**2, 1.05 * mean)
    units = summed(mean, std, level)
    return float(stats.nbinom.cdf(units, mean**2 / (variance - mean), mean / variance) - level)


def test_the_normal_branch_equals_stockpyl() -> None:
    level = 0.70 / (0.70 + 0.18)
    expected, _ = newsvendor_normal(0.18, 0.70, 50, 8, lead_time=4)
    ours = normal_reorder_points(np.array([50 * 5.0]), np.array([8 * math.sqrt(5)]), np.array([level]))[0]
    assert ours == pytest.approx(expected, abs=1e-6)
    assert ours == pytest.approx(264.767, abs=1e-3)


def test_means_beyond_counting_take_the_normal_branch() -> None:
    mean, std = LARGEST_COUNTED_MEAN * 10, 1e6
    assert one(mean, std, 0.95) == pytest.approx(mean + 1.6448536 * std, abs=1.0)


def test_no_expected_demand_needs_no_stock() -> None:
    assert one(0, 5, 0.98) == 0


def test_unknown_demand_has_no_reorder_point() -> None:
    assert math.isnan(one(math.nan, math.nan, 0.98))


@given(mean=st.floats(0.1, 500), std=st.floats(0, 100))
@settings(max_examples=50, deadline=None)
def test_more_service_never_needs_less_stock(mean: float, std: float) -> None:
    points = [one(mean, std, level) for level in (0.5, 0.8, 0.9, 0.95, 0.98, 0.999)]
    assert points == sorted(points)


def test_the_cycle_service_level_is_reached_on_drawn_demand() -> None:
    drawn = np.random.default_rng(7).negative_binomial(3, 0.2, 200_000)
    point = one(12, math.sqrt(60), 0.95)
    assert (drawn <= point).mean() == pytest.approx(0.95, abs=0.01)
    assert (drawn <= point - 1).mean() < 0.95


def test_an_order_is_placed_below_the_reorder_point_and_not_at_it() -> None:
    quantity = order_quantities(
        np.array([39.0, 40.0, math.nan]), np.full(3, 40.0), np.full(3, 52.0), np.full(3, math.nan), np.full(3, math.nan)
    )
    assert quantity[:2].tolist() == [13, 0]
    assert math.isnan(quantity[2])


@given(
    position=st.integers(-20, 100),
    point=st.integers(0, 80),
    extra=st.floats(0, 30),
    minimum=st.one_of(st.just(math.nan), st.integers(0, 60)),
    pack=st.one_of(st.just(math.nan), st.integers(0, 25)),
)
@settings(max_examples=150, deadline=None)
def test_quantities_equal_adding_packs_one_by_one(
    position: int, point: int, extra: float, minimum: float, pack: float
) -> None:
    up_to = point + round(extra, 2)
    ours = order_quantities(*(np.array([float(value)]) for value in (position, point, up_to, minimum, pack)))[0]
    step = pack if pack > 0 else 1
    naive = 0.0
    if position < point:
        while position + naive < up_to - 1e-7 or (minimum > 0 and naive < minimum):
            naive += step
    assert ours == naive
