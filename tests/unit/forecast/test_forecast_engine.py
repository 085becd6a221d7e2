"""Panels forecast by a selection: each class by its method, each series in its grain, the same however it is run."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.demand.classes import CLASSES
from inventra_pipelines.domain.forecast.demand.panel import Panel, plain_panel
from inventra_pipelines.domain.forecast.engine import DAY, MONTH, Order, PanelForecast, forecast_panels
from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.methods.series import forecast_series
from inventra_pipelines.domain.forecast.methods.work import folded
from inventra_pipelines.domain.forecast.selection.backtests import build_cases, seasonal_naive
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.ranges import Realised, error_scales
from inventra_pipelines.domain.forecast.selection.trial import Shape, select_methods

HORIZON = 4
METHODS = {
    "smooth": "DOT+LightGBM",
    "erratic": "SES",
    "intermittent": "IMAPA",
    "lumpy": "TSB",
    "new": "SES+CategoryProfile",
}
SHAPE = Shape(HORIZON, 13, 3, 26, METHODS)


def panel_of(*series: list[float]) -> Panel:
    periods = max(map(len, series))
    values = np.array([[0.0] * (periods - len(units)) + list(units) for units in series])
    names = [f"I{row:03}" for row in range(len(series))]
    return plain_panel(names, values, np.array([len(units) for units in series]), 13, HORIZON + 4)


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(6)
    smooth = [list(rng.poisson(30, 40) + 1.0) for _ in range(20)]
    lumpy = [[1.0, *((rng.random(39) < 0.3) * np.round(rng.lognormal(2, 1, 39)))] for _ in range(20)]
    new = [list(rng.poisson(10, 2 + age) + 1.0) for age in range(5)]
    dormant = [[5.0] * 8 + [0.0] * 30]
    return panel_of(*smooth, *lumpy, *new, *dormant)


@pytest.fixture(scope="module")
def order(panel: Panel) -> Order:
    return Order(panel, SHAPE, select_methods([(panel, SHAPE, None)], map)[0])


@pytest.fixture(scope="module")
def forecast(order: Order) -> PanelForecast:
    return forecast_panels([order], map)[0]


def assert_same(one: PanelForecast, two: PanelForecast) -> None:
    for name in ("means", "quantiles", "sums", "deviations", "baselines"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name
    assert one.models_used == two.models_used
    assert one.fallback_reasons == two.fallback_reasons


def test_every_series_is_forecast_by_the_method_of_its_class(order: Order, forecast: PanelForecast) -> None:
    assert len(forecast.cases) == len(order.panel.item_ids)
    assert {"smooth", "new", "dormant"} <= set(forecast.cases.classes)
    for case, row in enumerate(forecast.cases.rows):
        method = {**METHODS, "dormant": "Zero"}[forecast.cases.classes[case]]
        if "LightGBM" in method or "CategoryProfile" in method:
            continue
        known = order.panel.values[row, order.panel.periods - order.panel.lengths[row] :]
        assert forecast.means[case].tolist() == forecast_series(known, method, HORIZON, 13).mean.tolist()
        assert forecast.models_used[case] == method
    smooth = np.flatnonzero(forecast.cases.classes == "smooth")
    assert {forecast.models_used[case] for case in smooth} == {"DOT+LightGBM"}


def test_quantiles_rise_and_sums_and_baselines_belong_to_the_means(order: Order, forecast: PanelForecast) -> None:
    for made in (forecast.quantiles, forecast.sums):
        assert made.shape == (len(QUANTILES), len(forecast.cases), HORIZON)
        assert (np.diff(made, axis=0) >= 0).all()
        assert (made >= 0).all()
    assert forecast.quantiles[:, :, 0] == pytest.approx(forecast.sums[:, :, 0], abs=1e-4)
    assert (np.diff(forecast.deviations, axis=1) >= 0).mean() > 0.9
    cases = build_cases(order.panel, [0], 26)
    assert forecast.baselines.tolist() == seasonal_naive(order.panel, cases, HORIZON, 13).tolist()
    scales = error_scales(forecast.means, forecast.cases)
    spread = order.selection.spreads["smooth"].deviations
    smooth = forecast.cases.classes == "smooth"
    assert forecast.deviations[smooth] == pytest.approx(scales[smooth, None] * spread[None, :])


def test_a_dormant_series_is_zero_with_quantiles(forecast: PanelForecast) -> None:
    dormant = forecast.cases.classes == "dormant"
    assert dormant.sum() == 1
    assert forecast.means[dormant].max() == 0
    assert forecast.quantiles[:, dormant].max() == 0
    assert forecast.sums[:, dormant].max() == 0


@pytest.mark.parametrize("cases_per_chunk", [1, 7, 10**9])
def test_the_bits_do_not_depend_on_the_size_of_chunks_or_other_orders(
    cases_per_chunk: int, order: Order, forecast: PanelForecast
) -> None:
    other = replace(order, panel=panel_of([3.0] * 20, [0.0, 9.0]))
    _, made, again = forecast_panels([other, order, order], map, cases_per_chunk)
    assert_same(made, forecast)
    assert_same(again, forecast)


def test_the_bits_do_not_depend_on_processes(order: Order, forecast: PanelForecast) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert_same(forecast_panels([order], pool.map, 20)[0], forecast)


def test_a_series_by_day_is_forecast_from_its_days_and_one_by_month_from_four_weeks() -> None:
    rng = np.random.default_rng(9)
    days = rng.poisson(20, (1, 20 * 7)).astype(float)
    weeks = [list(days[0].reshape(20, 7).sum(axis=1)), list(rng.poisson(30, 20) + 1.0), list(rng.poisson(3, 20) + 1.0)]
    panel = replace(panel_of(*weeks), daily=days, daily_rows=np.array([0]))
    shape = replace(SHAPE, asked_for=dict.fromkeys(CLASSES, "SES"))
    selection = select_methods([(panel, shape, None)], map)[0]
    made = forecast_panels([Order(panel, shape, selection, np.array(["day", "week", "month"]))], map)[0]
    assert made.models_used == ["SES by day", "SES", "SES by month"]
    by_day = forecast_series(days[0], "SES", HORIZON * 7, DAY.season).mean.reshape(HORIZON, 7).sum(axis=1)
    by_month = forecast_series(folded(panel.values[2], 4), "SES", 1, MONTH.season).mean / 4
    assert made.means[0] == pytest.approx(by_day)
    assert made.means[1] == pytest.approx(forecast_series(panel.values[1], "SES", HORIZON, 13).mean)
    assert made.means[2] == pytest.approx(np.repeat(by_month, 4))


def test_open_periods_are_forecast_and_left_out() -> None:
    values = np.arange(1.0, 27.0)
    shape = Shape(3, 4, 3, 26, dict.fromkeys(CLASSES, "SeasonalNaive"))
    panel = plain_panel(["A"], values[None, :], np.array([26]), 4, 8)
    selection = select_methods([(panel, shape, None)], map)[0]
    plain = forecast_panels([Order(panel, shape, selection)], map)[0]
    opened = forecast_panels([Order(replace(panel, open_periods=2), shape, selection)], map)[0]
    assert plain.means.tolist() == [[23.0, 24.0, 25.0]]
    assert opened.means.tolist() == [[25.0, 26.0, 23.0]]
    assert opened.baselines.tolist() == opened.means.tolist()
    assert opened.quantiles.shape == plain.quantiles.shape


def _with_realised(order: Order, realised: Realised) -> PanelForecast:
    return forecast_panels([replace(order, realised={"smooth": realised})], map)[0]


def test_realised_coverage_moves_the_quantiles_of_its_class_the_right_way(
    order: Order, forecast: PanelForecast
) -> None:
    assert order.selection.spreads["smooth"].windows >= 50
    missed = _with_realised(order, Realised(2000, 0.6, 0.85))
    covered = _with_realised(order, Realised(2000, 0.95, 0.995))
    smooth = forecast.cases.classes == "smooth"
    low, high = 0, 3
    for made, sign in ((missed, 1), (covered, -1)):
        for of in ("quantiles", "sums"):
            moved = sign * (getattr(made, of) - getattr(forecast, of))[:, smooth]
            assert (moved[low] <= 0).all()
            assert (moved[high] >= 0).all()
            assert moved[low].min() < 0 < moved[high].max()
            assert moved[1].tolist() == np.zeros(moved[1].shape).tolist()
            others = getattr(made, of)[:, ~smooth]
            assert others.tobytes() == getattr(forecast, of)[:, ~smooth].tobytes()
        assert made.means.tobytes() == forecast.means.tobytes()


def test_no_series_and_no_order_are_no_forecast(order: Order) -> None:
    assert forecast_panels([], map) == []
    empty = plain_panel([], np.zeros((0, 0)), np.array([], dtype=int), 13, HORIZON)
    selection: Selection = select_methods([(empty, SHAPE, None)], map)[0]
    made = forecast_panels([Order(empty, SHAPE, selection)], map)[0]
    assert (len(made.cases), made.means.shape, made.models_used) == (0, (0, HORIZON), [])
