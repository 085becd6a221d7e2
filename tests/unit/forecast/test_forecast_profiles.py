"""New items forecast by how earlier launches of their category went on, against a loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.methods.profiles import LEAST_LAUNCHES, profile_forecasts
from inventra_pipelines.domain.forecast.methods.windows import History


def history_of(series: list[list[float]], horizon: int, periods: int) -> History:
    values = np.array([[0.0] * (periods - len(units)) + units for units in series])
    phases = np.zeros(periods + horizon, dtype=int)
    return History(values, np.array([len(units) for units in series]), phases, None, 1, horizon)


def looped(series: list[list[float]], groups: list[int], row: int, horizon: int, periods: int) -> list[float]:
    age = len(series[row])
    launches = [other for other, units in enumerate(series) if age + horizon <= len(units) < periods]
    own = [other for other in launches if groups[other] == groups[row] and groups[row] >= 0]
    used = own if len(own) >= LEAST_LAUNCHES else launches
    if len(launches) < LEAST_LAUNCHES:
        return [np.nan] * horizon
    so_far = sum(sum(series[other][:age]) / age for other in used)
    return [sum(series[row]) / age * sum(series[other][age + lag] for other in used) / so_far for lag in range(horizon)]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(5, 60), st.integers(1, 3))
def test_profiles_equal_a_loop_over_launches(seed: int, horizon: int, count: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    periods = 20
    series = [[1.0 + rng.poisson(5), *rng.poisson(5, rng.integers(0, periods)).astype(float)] for _ in range(count)]
    groups = rng.integers(-1, kinds, count)
    history = history_of(series, horizon, periods)
    made = profile_forecasts(history, groups, np.arange(count), 8)
    for row in range(count):
        if len(series[row]) >= 8:
            assert np.isnan(made[row]).all()
        else:
            expected = looped(series, groups.tolist(), row, horizon, periods)
            assert made[row] == pytest.approx(expected, nan_ok=True)


def test_a_category_that_fades_is_told_from_one_that_grows() -> None:
    fading = [[10.0, 8.0, 4.0, 2.0]] * LEAST_LAUNCHES
    growing = [[1.0, 2.0, 3.0, 4.0]] * LEAST_LAUNCHES
    series = [*fading, *growing, [20.0], [20.0]]
    groups = np.array([0] * LEAST_LAUNCHES + [1] * LEAST_LAUNCHES + [0, 1])
    made = profile_forecasts(history_of(series, 2, 10), groups, np.array([20, 21]), 8)
    assert made == pytest.approx(np.array([[16.0, 8.0], [40.0, 60.0]]))


def test_a_category_with_few_launches_takes_those_of_all() -> None:
    series = [[10.0, 5.0]] * LEAST_LAUNCHES + [[10.0, 100.0]] * (LEAST_LAUNCHES - 1) + [[4.0]]
    groups = np.array([0] * LEAST_LAUNCHES + [1] * LEAST_LAUNCHES)
    made = profile_forecasts(history_of(series, 1, 10), groups, np.array([19]), 8)
    assert made[0, 0] == pytest.approx(4.0 * (50 + 900) / 190)


def test_a_series_that_began_with_the_history_is_no_launch() -> None:
    series = [[10.0, 5.0, 5.0]] * 30 + [[4.0]]
    assert np.isnan(profile_forecasts(history_of(series, 1, 3), np.zeros(31), np.array([30]), 8)).all()


def test_nothing_is_forecast_of_series_not_yet_sold_or_of_none() -> None:
    history = history_of([[10.0, 5.0]] * 20 + [[]], 1, 10)
    assert np.isnan(profile_forecasts(history, np.zeros(21), np.array([20]), 8)).all()
    assert profile_forecasts(history, np.zeros(21), np.array([], dtype=int), 8).shape == (0, 1)
    assert profile_forecasts(history.until(0), np.zeros(21), np.array([0]), 8).shape == (1, 1)
