"""Rolling origins: what is known at an origin against loops, and the baseline against statsforecast's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsforecast.models import SeasonalNaive

from inventra_pipelines.domain.forecast.demand.classes import classify
from inventra_pipelines.domain.forecast.demand.panel import Panel, plain_panel, weekly_panel
from inventra_pipelines.domain.forecast.selection.backtests import (
    MOST_SCALES,
    actual_units,
    build_cases,
    in_scales,
    seasonal_naive,
    window_offsets,
)

WeeklyDemand = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def panel(shop_items: dict[str, list[float]], weekly_demand: WeeklyDemand, cutoff_on: date) -> Panel:
    return weekly_panel(weekly_demand(shop_items), cutoff_on, 156)


def panel_of(series: list[list[float]]) -> Panel:
    periods = max(map(len, series))
    values = np.array([[0.0] * (periods - len(units)) + list(units) for units in series])
    names = [f"I{row}" for row in range(len(series))]
    return plain_panel(names, values, np.array([len(units) for units in series]), 1, 1)


def test_windows_leave_the_whole_horizon_before_the_cutoff() -> None:
    assert window_offsets(8, 3) == [8, 12, 16]
    assert window_offsets(1, 2) == [1, 2]
    assert min(window_offsets(5, 12)) == 5


units = st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5, 30.0, 1e12]), min_size=1, max_size=30)


@settings(deadline=None)
@given(st.lists(units, min_size=1, max_size=4), st.lists(st.integers(0, 35), unique=True, max_size=4))
def test_cases_equal_a_loop_over_series_and_origins(series: list[list[float]], offsets: list[int]) -> None:
    panel = panel_of(series)
    cases = build_cases(panel, offsets, 5)
    expected = [(row, offset) for row in range(len(series)) for offset in sorted(offsets) if offset < len(series[row])]
    assert list(zip(cases.rows, cases.offsets, strict=True)) == expected
    for case, (row, offset) in enumerate(expected):
        known = series[row][: len(series[row]) - offset]
        steps = np.diff(known)
        assert cases.ages[case] == len(known)
        assert cases.means[case] == pytest.approx(np.mean(known))
        assert cases.root_mean_squares[case] == pytest.approx(np.sqrt(np.mean(np.square(known))))
        assert cases.recent_means[case] == pytest.approx(np.mean(known[-12:]))
        naive = np.sqrt(np.mean(steps**2)) if len(steps) else np.nan
        assert cases.naive_scales[case] == pytest.approx(naive, nan_ok=True)
        assert cases.classes[case] == classify(np.array([known]), np.array([len(known)]), 5)[0]


def test_a_case_at_an_origin_is_the_case_of_a_cutoff_there(
    shop_items: dict[str, list[float]], weekly_demand: WeeklyDemand, cutoff_on: date, panel: Panel
) -> None:
    cases = build_cases(panel, [0, 8, 12], 26)
    cut = {name: weeks[:-8] for name, weeks in shop_items.items()}
    earlier = weekly_panel(weekly_demand(cut), cutoff_on, 156)
    then = build_cases(earlier, [0], 26)
    window = cases.select(cases.offsets == 8)
    assert [panel.item_ids[row] for row in window.rows] == [earlier.item_ids[row] for row in then.rows]
    assert window.classes.tolist() == then.classes.tolist()
    assert window.means == pytest.approx(then.means)
    assert window.naive_scales == pytest.approx(then.naive_scales, nan_ok=True)


def test_what_came_after_an_origin_changes_nothing_of_its_cases(panel: Panel) -> None:
    values = panel.values.copy()
    values[:, -8:] = 1e9
    for name in ("classes", "means", "root_mean_squares", "recent_means", "naive_scales", "ages"):
        before = getattr(build_cases(panel, [8, 12], 26), name)
        after = getattr(build_cases(replace(panel, values=values), [8, 12], 26), name)
        assert np.array_equal(before, after, equal_nan=name == "naive_scales")


def test_an_origin_before_all_demand_has_no_case(panel: Panel) -> None:
    assert len(build_cases(panel, [60, 400], 26)) == 0
    assert len(build_cases(panel, [], 26)) == 0
    assert len(build_cases(panel, [0], 26)) > 0


@pytest.mark.parametrize("size", [1e-300, 1e12, 1e300])
def test_figures_of_any_size_are_finite(size: float) -> None:
    cases = build_cases(panel_of([[size, 0.0, 2 * size, size]]), [0], 5)
    assert cases.root_mean_squares[0] == pytest.approx(size * np.sqrt(6 / 4))
    assert cases.naive_scales[0] == pytest.approx(size * np.sqrt(6 / 3))


def test_actuals_are_what_was_sold_after_the_origin_and_not_what_was_read(panel: Panel) -> None:
    cases = build_cases(panel, [8, 12], 26)
    actuals = actual_units(replace(panel, values=panel.values * 0), cases, 8)
    for case in range(len(cases)):
        start = panel.periods - cases.offsets[case]
        assert actuals[case].tolist() == panel.actuals[cases.rows[case], start : start + 8].tolist()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=40), min_size=1, max_size=4),
    st.integers(1, 15),
    st.integers(1, 30),
    st.integers(0, 10),
)
def test_the_baseline_is_that_of_statsforecast_or_the_last_value(
    series: list[list[int]], season: int, horizon: int, offset: int
) -> None:
    panel = panel_of([[float(one) for one in units] for units in series])
    cases = build_cases(panel, [offset], 26)
    made = seasonal_naive(panel, cases, horizon, season)
    for case, row in enumerate(cases.rows):
        known = np.array(series[row][: len(series[row]) - offset], dtype=float)
        if len(known) >= season:
            expected = SeasonalNaive(season_length=season).forecast(y=known, h=horizon)["mean"]
            assert made[case].tolist() == expected.tolist()
        else:
            assert made[case].tolist() == [known[-1]] * horizon


def test_errors_are_counted_up_to_so_many_scales() -> None:
    errors = np.array([[3.0, -6.0], [1e300, -1e300], [1e300, 0.0]])
    counted = in_scales(errors, np.array([3.0, 1.0, 1e-300]))
    assert counted.tolist() == [[1.0, -2.0], [MOST_SCALES, -MOST_SCALES], [MOST_SCALES, 0.0]]
