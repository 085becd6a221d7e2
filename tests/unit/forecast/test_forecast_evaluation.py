"""Forecasts at past origins and their figures, held against naive loops."""

from dataclasses import replace

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.demand.panel import Panel, plain_panel
from inventra_pipelines.domain.forecast.engine import Order, forecast_panels
from inventra_pipelines.domain.forecast.evaluation.plan import origin_offsets, plan_evaluation
from inventra_pipelines.domain.forecast.evaluation.rolling_origin import (
    OriginForecast,
    evaluate_origin,
    evaluate_panel,
    known_at,
)
from inventra_pipelines.domain.forecast.evaluation.scores import score
from inventra_pipelines.domain.forecast.selection.trial import Shape, select_methods
from inventra_pipelines.errors import PermanentError

HORIZON, SEASON, HISTORY = 3, 4, 100
SHAPE = Shape(HORIZON, SEASON, 3, 8, {})


def panel_of(*series: list[float]) -> Panel:
    periods = max(map(len, series))
    values = np.zeros((len(series), periods))
    for row, units in enumerate(series):
        values[row, periods - len(units) :] = units
    lengths = np.array([len(units) for units in series])
    return plain_panel([f"S{row}" for row in range(len(series))], values, lengths, SEASON, HORIZON)


def evaluated(panel: Panel, origins: int = 2) -> list[OriginForecast]:
    plan = plan_evaluation(panel, SHAPE, history=HISTORY, origins=origins)
    return evaluate_panel(panel, plan, SHAPE, history=HISTORY)


@pytest.fixture(scope="module")
def mixed() -> tuple[Panel, list[OriginForecast]]:
    rng = np.random.default_rng(7)
    series = [rng.poisson(20 + 5 * (np.arange(40) % 4)).astype(float).tolist() for _ in range(6)]
    series.append([1.0] * 40)
    series.append([3.0, *((rng.random(39) < 0.3) * rng.poisson(6, 39)).astype(float).tolist()])
    series.append([2.0, *rng.poisson(2, 12).astype(float).tolist()])
    panel = panel_of(*series)
    return panel, evaluated(panel)


def test_a_file_that_sold_only_at_its_end_is_refused_with_what_may_be_wrong_with_it():
    panel = panel_of([0.0] * 39 + [5.0])
    with pytest.raises(PermanentError, match=f"no series sold in the {HISTORY} periods before the last") as refused:
        plan_evaluation(replace(panel, lengths=np.array([1])), SHAPE, history=HISTORY)
    assert "correct the last dates where one is wrong" in str(refused.value.remedy)


def test_figures_are_those_of_a_naive_loop(mixed: tuple[Panel, list[OriginForecast]]):
    panel, origins = mixed
    scores = score(origins)
    for method in scores.methods:
        mase, one_step, rmsse, errors, units = [], [], [], [], []
        for origin in origins:
            made = origin.means if method.method == "engine" else origin.baselines[method.method]
            end = panel.periods - origin.offset
            for case, row in enumerate(origin.rows):
                history = [float(u) for u in panel.values[row, panel.periods - panel.lengths[row] : end]]
                actual = [float(u) for u in panel.values[row, end : end + HORIZON]]
                error = [float(f) - a for f, a in zip(made[case], actual, strict=True)]
                errors += error
                units += actual
                absolute = sum(abs(e) for e in error) / HORIZON
                seasonal = [abs(history[t] - history[t - SEASON]) for t in range(SEASON, len(history))]
                steps = [abs(history[t] - history[t - 1]) for t in range(1, len(history))]
                if seasonal and sum(seasonal) > 0:
                    mase.append(absolute / (sum(seasonal) / len(seasonal)))
                if steps and sum(steps) > 0:
                    one_step.append(absolute / (sum(steps) / len(steps)))
                    squares = sum(s**2 for s in steps) / len(steps)
                    rmsse.append((sum(e**2 for e in error) / HORIZON / squares) ** 0.5)
        assert method.mase == pytest.approx(np.mean(mase))
        assert method.mase_one_step == pytest.approx(np.mean(one_step))
        assert method.rmsse == pytest.approx(np.mean(rmsse))
        assert method.wape == pytest.approx(sum(abs(e) for e in errors) / sum(units))
        assert method.bias == pytest.approx(sum(errors) / sum(units))
    assert scores.forecast_value_added == pytest.approx(scores.naive.wape - scores.engine.wape)


def test_coverage_and_crps_of_a_class_are_those_of_a_naive_loop(mixed: tuple[Panel, list[OriginForecast]]):
    _, origins = mixed
    levels = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98)
    for of in score(origins).classes:
        inside, below, pinball, units = [], [], 0.0, 0.0
        for origin in origins:
            for case in np.flatnonzero(origin.classes == of.demand_class):
                for lag in range(HORIZON):
                    actual = origin.actuals[case, lag]
                    ranges = origin.quantiles[:, case, lag]
                    inside.append(ranges[0] <= actual <= ranges[3])
                    below.append(actual <= ranges[4])
                    units += actual
                    for level, quantile in zip(levels, ranges, strict=True):
                        loss = level * (actual - quantile) if actual >= quantile else (1 - level) * (quantile - actual)
                        pinball += 2 * loss / len(levels)
        assert of.coverage_80 == pytest.approx(np.mean(inside))
        assert of.coverage_95 == pytest.approx(np.mean(below))
        assert of.scaled_crps == pytest.approx(pinball / units)


def test_the_engine_is_the_one_that_runs_every_night(mixed: tuple[Panel, list[OriginForecast]]):
    panel, origins = mixed
    known = known_at(panel, origins[0].offset, HORIZON, HISTORY)
    (selection,) = select_methods([(known, SHAPE, None)], map)
    (made,) = forecast_panels([Order(known, SHAPE, selection)], map)
    assert np.array_equal(origins[0].means, made.means)
    assert np.array_equal(origins[0].quantiles, made.quantiles)
    assert np.array_equal(origins[0].baselines["SeasonalNaive"], made.baselines)


def test_nothing_after_an_origin_changes_what_is_forecast_there(mixed: tuple[Panel, list[OriginForecast]]):
    panel, origins = mixed
    values = panel.values.copy()
    values[:, -HORIZON:] = 1e6
    changed = plain_panel(panel.item_ids, values, panel.lengths, SEASON, HORIZON)
    again = evaluated(changed)
    assert np.array_equal(origins[0].means, again[0].means)
    assert np.array_equal(origins[-1].quantiles, again[-1].quantiles)


def test_a_given_test_set_is_judged_at_the_end_of_a_panel(mixed: tuple[Panel, list[OriginForecast]]):
    panel, origins = mixed
    known = known_at(panel, HORIZON, HORIZON, HISTORY)
    made = evaluate_origin(known, panel.values[:, -HORIZON:], SHAPE, baselines=("SES",))
    latest = origins[0]
    assert latest.offset == HORIZON
    assert np.array_equal(made.means, latest.means)
    assert np.array_equal(made.actuals, latest.actuals)
    assert np.array_equal(made.baselines["SES"], latest.baselines["SES"])


def test_history_before_the_most_periods_is_not_read():
    long = panel_of([100.0] * 30 + [1.0, 2.0, 3.0, 2.0] * 5)
    short = known_at(long, 0, 0, 20)
    assert short.values.tolist() == [[1.0, 2.0, 3.0, 2.0] * 5]
    assert short.lengths.tolist() == [20]


@pytest.mark.parametrize(
    "series",
    [
        [[5.0] * 40],
        [[0.0] * 39 + [4.0], [3.0] * 40],
        [[1e300, 2e300, 1e299, 3e300] * 10, [1.0, 2.0] * 20],
        [[7.0] + [0.0] * 39],
        [[1.0, 2.0, 3.0, 1.0, 2.0, 2.0]],
    ],
    ids=["a constant", "first sold at the end", "huge", "never again", "six periods"],
)
def test_odd_series_have_finite_figures_or_none(series: list[list[float]]):
    panel = panel_of(*series)
    scores = score(evaluated(panel, origins=1))
    for method in scores.methods:
        for figure in (method.mase, method.mase_one_step, method.rmsse, method.wape, method.bias):
            assert figure is None or np.isfinite(figure)


def test_origins_lie_a_horizon_apart_where_history_allows():
    assert origin_offsets(200, 8, 52) == [8, 16, 24, 32]
    assert origin_offsets(59, 8, 52) == [8, 12, 16, 20]
    assert origin_offsets(34, 8, 52) == [8]
    assert origin_offsets(5, 1, 1) == [1, 2]


@pytest.mark.parametrize(("periods", "horizon", "words"), [(10, 12, "at most 6"), (1, 1, "shorter --freq")])
def test_a_horizon_longer_than_the_history_is_refused(periods: int, horizon: int, words: str):
    with pytest.raises(PermanentError, match=words):
        origin_offsets(periods, horizon, 12)


def test_a_sample_of_series_is_drawn_evenly_and_told():
    panel = panel_of(*([float(level)] * 40 for level in range(1, 101)))
    plan = plan_evaluation(panel, SHAPE, history=HISTORY, most_series=5)
    assert plan.rows.tolist() == [0, 24, 49, 74, 99]
    assert "5 of 100 series" in plan.notes[0]


def test_a_sample_is_forecast_by_what_was_learned_of_all_series():
    rng = np.random.default_rng(8)
    panel = panel_of(*(rng.poisson(20 + row, 60).astype(float).tolist() for row in range(20)))
    whole = plan_evaluation(panel, SHAPE, history=HISTORY, origins=1)
    sample = plan_evaluation(panel, SHAPE, history=HISTORY, origins=1, most_series=5)
    ((of_all,), (of_some,)) = (evaluate_panel(panel, plan, SHAPE, history=HISTORY) for plan in (whole, sample))
    assert of_some.selection.booster.text is not None
    assert of_some.selection.booster == of_all.selection.booster
    assert of_some.selection.choices == of_all.selection.choices
    assert of_some.means.tolist() == of_all.means[np.isin(of_all.rows, of_some.rows)].tolist()


def test_dear_baselines_take_a_bounded_number_of_series():
    panel = panel_of(*([1.0, 2.0] * 60 for _ in range(3000)))
    plan = plan_evaluation(panel, SHAPE, history=HISTORY)
    assert "AutoETS" not in plan.baselines
    assert len(plan.rows) == 3000
    assert len(plan.baselines["SES"]) == 3000


def test_a_series_is_won_by_the_smaller_sum_of_squares_over_all_origins(mixed: tuple[Panel, list[OriginForecast]]):
    _, origins = mixed
    scores = score(origins)
    sums: dict[int, list[float]] = {}
    for origin in origins:
        for case in np.flatnonzero(origin.classes != "dormant"):
            of = sums.setdefault(int(origin.rows[case]), [0.0, 0.0])
            of[0] += float(((origin.means[case] - origin.actuals[case]) ** 2).sum())
            of[1] += float(((origin.baselines["SeasonalNaive"][case] - origin.actuals[case]) ** 2).sum())
    assert scores.active_series == len(sums)
    assert scores.better_share == np.mean([engine < naive for engine, naive in sums.values()])
    assert scores.equal_share == np.mean([engine == naive for engine, naive in sums.values()])


def test_auto_ets_is_tried_on_all_series_or_on_none():
    few = panel_of(*([1.0, 2.0] * 60 for _ in range(100)))
    more = panel_of(*([1.0, 2.0] * 60 for _ in range(180)))
    assert "AutoETS" in plan_evaluation(few, SHAPE, history=HISTORY).baselines
    assert "AutoETS" not in plan_evaluation(more, SHAPE, history=HISTORY).baselines
