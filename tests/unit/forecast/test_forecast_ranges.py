"""Ranges from pooled errors: quantiles that rise, cover what they say, and a stand-in where there are no windows."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.classes import CLASSES
from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.ranges import (
    cumulative_deviations,
    error_scales,
    forecast_quantiles,
    pooled_spreads,
)


def test_ranges_cover_fresh_demand_of_other_sizes_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    rates = rng.uniform(5, 500, 3000)
    demand = rng.poisson(rates[:, None], (3000, 8))
    classes = np.full(3000, "smooth", dtype=object)
    scales = np.sqrt(rates)
    forecasts = np.repeat(rates[:, None], 8, axis=1)
    spreads = pooled_spreads(classes, demand - forecasts, scales)
    fresh = rng.poisson(rates[:, None], (3000, 8))
    quantiles = forecast_quantiles(forecasts, scales, classes, spreads)
    for index, level in enumerate(QUANTILES.values()):
        assert (fresh <= quantiles[index]).mean() == pytest.approx(level, abs=0.015)
    deviations = cumulative_deviations(scales, classes, spreads)
    assert deviations[:, 7] == pytest.approx(np.sqrt(8 * rates), rel=0.05)


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_quantiles_rise_and_are_not_negative_whatever_the_errors(windows: int, horizon: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.choice(np.array(CLASSES, dtype=object), windows)
    errors = rng.standard_cauchy((windows, horizon)) * 100
    spreads = pooled_spreads(names, errors, rng.uniform(0.01, 50, windows))
    classes = np.array(CLASSES, dtype=object)
    forecasts = np.abs(rng.standard_cauchy((len(classes), horizon)))
    quantiles = forecast_quantiles(forecasts, rng.uniform(0.01, 50, len(classes)), classes, spreads)
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()


def test_a_small_class_takes_the_pool_of_all_and_no_pool_takes_normal_errors() -> None:
    names = np.array(["smooth"] * 100 + ["new"] * 3, dtype=object)
    errors = np.ones((103, 2))
    spreads = pooled_spreads(names, errors, np.ones(103))
    assert spreads["smooth"].source == "smooth"
    assert spreads["new"].source == "all classes"
    none = pooled_spreads(names[:0], errors[:0], np.ones(0))["new"]
    assert none.source == "normal errors"
    assert none.quantiles[4].tolist() == [NormalDist().inv_cdf(0.95)] * 2
    assert none.cumulative == pytest.approx([1, 2**0.5])


def test_the_scale_follows_the_forecast_down_to_a_quarter_of_the_mean() -> None:
    forecasts = np.array([[10.0, 10.0], [40.0, 40.0], [0.0, 0.0]])
    scales = error_scales(forecasts, np.full(3, 10.0), np.full(3, 12.0))
    assert scales == pytest.approx([12, 24, 6])
