"""Ranges from pooled errors: quantiles that rise, cover what they say, and a stand-in where there are no windows."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.classes import CLASSES, DORMANT
from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.selection.backtests import Cases
from inventra_pipelines.domain.forecast.selection.ranges import (
    LEAST_POOL,
    LEVELS,
    MOST_SHIFT,
    Realised,
    corrected_levels,
    error_scales,
    pooled_spreads,
    quantiles_of,
)

PLAIN = np.array(list(QUANTILES.values()))


def test_ranges_cover_fresh_demand_of_other_sizes_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    rates = rng.uniform(5, 500, 3000)
    demand = rng.poisson(rates[:, None], (3000, 8))
    classes = np.full(3000, "smooth", dtype=object)
    scales = np.sqrt(rates)
    forecasts = np.repeat(rates[:, None], 8, axis=1)
    spread = pooled_spreads(classes, demand - forecasts, scales)["smooth"]
    fresh = rng.poisson(rates[:, None], (3000, 8))
    levels = {"smooth": PLAIN}
    quantiles = quantiles_of(forecasts, scales, classes, {"smooth": spread.lags}, levels)
    sums = quantiles_of(np.cumsum(forecasts, axis=1), scales, classes, {"smooth": spread.sums}, levels)
    for index, level in enumerate(PLAIN):
        assert (fresh <= quantiles[index]).mean() == pytest.approx(level, abs=0.015)
        assert (np.cumsum(fresh, axis=1) <= sums[index]).mean() == pytest.approx(level, abs=0.015)
    assert scales * spread.deviations[7] == pytest.approx(np.sqrt(8 * rates), rel=0.05)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 200), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_quantiles_equal_a_loop_rise_and_are_not_negative_whatever_the_errors(
    windows: int, horizon: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    names = rng.choice(np.array(CLASSES, dtype=object), windows)
    errors = rng.standard_cauchy((windows, horizon)) * 100
    spreads = pooled_spreads(names, errors, rng.uniform(0.01, 50, windows))
    classes = rng.choice(np.array(CLASSES, dtype=object), 10)
    means, scales = np.abs(rng.standard_cauchy((10, horizon))), rng.uniform(0.01, 50, 10)
    levels = {name: np.sort(rng.uniform(LEVELS[0], LEVELS[-1], len(QUANTILES))) for name in CLASSES}
    of_lags = {name: spread.lags for name, spread in spreads.items()}
    quantiles = quantiles_of(means, scales, classes, of_lags, levels)
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()
    for series in range(10):
        for lag in range(horizon):
            highest = 0.0
            for index, level in enumerate(levels[classes[series]]):
                step = np.interp(level, LEVELS, of_lags[classes[series]][:, lag])
                highest = max(highest, means[series, lag] + scales[series] * step)
                assert quantiles[index, series, lag] == pytest.approx(highest)


def test_a_spread_equals_a_loop_over_lags() -> None:
    rng = np.random.default_rng(3)
    errors, scales = rng.normal(0, 9, (200, 4)), rng.uniform(1, 5, 200)
    spread = pooled_spreads(np.full(200, "lumpy", dtype=object), errors, scales)["lumpy"]
    for lag in range(4):
        alone = [errors[window, lag] / scales[window] for window in range(200)]
        summed = [errors[window, : lag + 1].sum() / scales[window] for window in range(200)]
        assert spread.lags[:, lag] == pytest.approx(np.quantile(alone, LEVELS), abs=1e-6)
        assert spread.sums[:, lag] == pytest.approx(np.quantile(summed, LEVELS), abs=1e-6)
        kept = np.clip(summed, *np.quantile(summed, [0.005, 0.995]))
        assert spread.deviations[lag] == pytest.approx(np.sqrt(np.mean(kept**2)), abs=1e-6)


def test_a_small_class_takes_the_pool_of_all_and_no_pool_takes_normal_errors() -> None:
    names = np.array(["smooth"] * 100 + ["new"] * 3 + [DORMANT] * 10, dtype=object)
    errors = np.concatenate([np.ones((103, 2)), np.full((10, 2), 1e9)])
    spreads = pooled_spreads(names, errors, np.ones(113))
    assert spreads["smooth"].source == "smooth"
    assert (spreads["new"].source, spreads["new"].windows) == ("all classes", 103)
    assert spreads["new"].lags.max() == 1.0
    none = pooled_spreads(names[:0], errors[:0], np.ones(0))["new"]
    assert (none.source, none.windows) == ("normal errors", 0)
    assert none.lags[LEVELS == 0.95][0] == pytest.approx([NormalDist().inv_cdf(0.95)] * 2, abs=1e-6)
    assert none.deviations == pytest.approx([1, 2**0.5], abs=1e-6)


def test_a_dormant_series_is_expected_to_stay_so_until_enough_of_them_woke() -> None:
    few = pooled_spreads(np.array([DORMANT] * (LEAST_POOL - 1), dtype=object), np.ones((49, 2)), np.ones(49))[DORMANT]
    assert (few.source, few.lags.max(), few.sums.max(), few.deviations.max()) == ("no dormant series seen", 0, 0, 0)
    enough = pooled_spreads(np.array([DORMANT] * LEAST_POOL, dtype=object), np.ones((50, 2)), np.ones(50))[DORMANT]
    assert (enough.source, enough.lags.max()) == (DORMANT, 1.0)


@pytest.mark.parametrize("error", [1e160, 1e300])
def test_one_error_out_of_all_proportion_leaves_the_spread_finite(error: float) -> None:
    errors = np.ones((100, 3))
    errors[7] = error
    spread = pooled_spreads(np.full(100, "smooth", dtype=object), errors, np.ones(100))["smooth"]
    for part in (spread.lags, spread.sums, spread.deviations):
        assert np.isfinite(part).all()


def cases_of(demand_class: str, mean: float, rms: float, naive: float, count: int = 1) -> Cases:
    whole, full = np.arange(count), np.full(count, mean)
    names = np.full(count, demand_class, dtype=object)
    return Cases(whole, whole, names, whole + 9, full, np.full(count, rms), full, np.full(count, naive))


@pytest.mark.parametrize("demand_class", sorted(set(CLASSES) - {"smooth", "erratic"}))
def test_the_scale_of_rare_demand_follows_the_forecast_down_to_a_quarter_of_the_mean(demand_class: str) -> None:
    forecasts = np.array([[10.0, 10.0], [40.0, 40.0], [0.0, 0.0]])
    assert error_scales(forecasts, cases_of(demand_class, 10.0, 12.0, 3.0, 3)) == pytest.approx([12, 24, 6])


@pytest.mark.parametrize("demand_class", ["smooth", "erratic"])
def test_the_scale_of_frequent_demand_is_its_naive_error_but_no_less_than_a_share_of_its_level(
    demand_class: str,
) -> None:
    forecasts = np.array([[10.0, 10.0]])
    assert error_scales(forecasts, cases_of(demand_class, 10.0, 12.0, 3.0)) == pytest.approx([3.0])
    assert error_scales(forecasts, cases_of(demand_class, 10.0, 12.0, 0.0)) == pytest.approx([0.6])
    assert error_scales(forecasts, cases_of(demand_class, 10.0, 12.0, np.nan)) == pytest.approx([0.6])


@pytest.mark.parametrize("demand_class", CLASSES)
def test_a_scale_is_above_zero_where_nothing_was_sold(demand_class: str) -> None:
    assert error_scales(np.zeros((1, 2)), cases_of(demand_class, 0.0, 0.0, np.nan))[0] > 0


def test_levels_stay_where_nothing_is_known_or_ranges_came_true() -> None:
    assert corrected_levels(None).tolist() == PLAIN.tolist()
    assert corrected_levels(Realised(0, 0.1, 0.1)).tolist() == PLAIN.tolist()
    assert corrected_levels(Realised(10_000, 0.8, 0.95)) == pytest.approx(PLAIN)


def test_ranges_that_covered_too_little_are_widened_and_too_much_narrowed() -> None:
    q10, q50, q80, q90, q95, q98 = range(6)
    wider = corrected_levels(Realised(500, 0.72, 0.93))
    assert wider[q10] == pytest.approx(0.08)
    assert wider[[q80, q90]] == pytest.approx([0.82, 0.92])
    assert wider[q95] == pytest.approx(0.96)
    assert wider[q98] == pytest.approx(0.984)
    narrower = corrected_levels(Realised(500, 0.88, 0.97))
    assert narrower[q10] == pytest.approx(0.12)
    assert narrower[[q80, q90, q95]] == pytest.approx([0.78, 0.88, 0.94])
    assert wider[q50] == narrower[q50] == 0.5


@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_levels_rise_stay_within_what_a_spread_has_and_move_by_a_bounded_step(
    forecasts: int, coverage_80: float, coverage_95: float
) -> None:
    levels = corrected_levels(Realised(forecasts, coverage_80, coverage_95))
    assert (np.diff(levels) >= 0).all()
    assert (levels >= LEVELS[0]).all()
    assert (levels <= LEVELS[-1]).all()
    assert np.abs(levels - PLAIN).max() <= MOST_SHIFT + 1e-9
