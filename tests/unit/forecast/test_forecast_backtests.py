"""Rolling origins: what is known at an origin, and the figures against a plain loop."""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.backtests import (
    actual_units,
    backtest_figures,
    build_cases,
    window_offsets,
)
from inventra_pipelines.domain.forecast.panel import Panel, weekly_panel

WeeklyDemand = Callable[..., pl.DataFrame]


@pytest.fixture
def panel(shop_items: dict[str, list[float]], weekly_demand: WeeklyDemand, cutoff_on: date) -> Panel:
    return weekly_panel(weekly_demand(shop_items), cutoff_on, 156)


def test_windows_leave_the_whole_horizon_before_the_cutoff() -> None:
    assert window_offsets(8, 3) == [8, 12, 16]
    assert window_offsets(1, 2) == [1, 2]


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
    assert window.root_mean_squares == pytest.approx(then.root_mean_squares)
    assert window.naive_scales == pytest.approx(then.naive_scales, nan_ok=True)


def test_an_origin_before_all_demand_has_no_case(panel: Panel) -> None:
    assert len(build_cases(panel, [60, 400], 26).rows) == 0
    assert len(build_cases(panel, [0], 26).rows) > 0


def test_actuals_are_the_weeks_after_the_origin(panel: Panel) -> None:
    cases = build_cases(panel, [8, 12], 26)
    actuals = actual_units(panel, cases, 8)
    for case in range(len(cases.rows)):
        start = panel.weeks - cases.offsets[case]
        assert actuals[case].tolist() == panel.values[cases.rows[case], start : start + 8].tolist()


def test_figures_equal_a_loop_over_windows(panel: Panel) -> None:
    cases = build_cases(panel, [4, 6, 8], 26)
    actuals = actual_units(panel, cases, 4)
    rng = np.random.default_rng(3)
    forecasts, baselines = rng.gamma(2, 10, actuals.shape), rng.gamma(2, 10, actuals.shape)
    figures = backtest_figures(len(panel.lengths), cases, forecasts, baselines, actuals)
    for row in range(len(panel.lengths)):
        own = [case for case in range(len(cases.rows)) if cases.rows[case] == row]
        assert figures.windows[row] == len(own)
        if not own:
            assert np.isnan([figures.rmse[row], figures.mae[row], figures.bias[row], figures.rmsse[row]]).all()
            continue
        errors = np.concatenate([forecasts[case] - actuals[case] for case in own])
        assert figures.rmse[row] == pytest.approx(np.sqrt(np.mean(errors**2)))
        assert figures.mae[row] == pytest.approx(np.mean(np.abs(errors)))
        assert figures.bias[row] == pytest.approx(np.mean(errors))
        scaled = [case for case in own if cases.naive_scales[case] > 0]
        for name, made in (("rmsse", forecasts), ("baseline_rmsse", baselines)):
            ratios = [np.mean((made[case] - actuals[case]) ** 2) / cases.naive_scales[case] ** 2 for case in scaled]
            expected = np.sqrt(np.mean(ratios)) if ratios else np.nan
            assert getattr(figures, name)[row] == pytest.approx(expected, nan_ok=True)
