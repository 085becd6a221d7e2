"""The trial of a panel: what is tried, by whom it is learned, and a selection whatever the panel."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.demand.classes import CLASSES
from inventra_pipelines.domain.forecast.demand.panel import Panel, fingerprint, plain_panel
from inventra_pipelines.domain.forecast.methods.pooled import Booster
from inventra_pipelines.domain.forecast.methods.registry import BASELINE, LIGHTGBM, registered_candidates
from inventra_pipelines.domain.forecast.methods.series import forecast_series
from inventra_pipelines.domain.forecast.selection.backtests import (
    actual_units,
    build_cases,
    seasonal_naive,
    window_offsets,
)
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.trial import (
    ENGINE_VERSION,
    Shape,
    history_of,
    pooled_forecasts,
    select_methods,
)

CHEAP = {"smooth": "SES", "erratic": "SES", "intermittent": "SES", "lumpy": "SES", "new": "SES"}
SHAPE = Shape(4, 13, 3, 26, {})
QUICK = replace(SHAPE, asked_for=CHEAP)


def panel_of(*series: list[float], horizon: int = 4) -> Panel:
    periods = max(map(len, series), default=0)
    values = np.array([[0.0] * (periods - len(units)) + list(units) for units in series]).reshape(len(series), periods)
    names = [f"I{row:03}" for row in range(len(series))]
    return plain_panel(names, values, np.array([len(units) for units in series], dtype=int), 13, horizon)


def selection_of(panel: Panel, shape: Shape = SHAPE) -> Selection:
    return select_methods([(panel, shape, date(2024, 3, 1))], map)[0]


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(6)
    smooth = [list(rng.poisson(30, 40) + 1.0) for _ in range(14)]
    lumpy = [[1.0, *((rng.random(39) < 0.3) * np.round(rng.lognormal(2, 1, 39)))] for _ in range(14)]
    new = [list(rng.poisson(10, 2 + age) + 1.0) for age in range(5)]
    return panel_of(*smooth, *lumpy, *new)


@pytest.fixture(scope="module")
def selection(panel: Panel) -> Selection:
    return selection_of(panel)


def test_the_record_is_complete(panel: Panel, selection: Selection) -> None:
    assert selection.selected_on == date(2024, 3, 1)
    assert selection.engine_version == ENGINE_VERSION
    assert selection.data_fingerprint == fingerprint(panel)
    assert list(selection.choices) == list(CLASSES)
    assert list(selection.spreads) == list(CLASSES)
    for name, choice in selection.choices.items():
        assert choice.demand_class == name
        assert choice.method in registered_candidates(name, SHAPE.season, panel.periods)
        assert choice.reason.startswith(choice.method)
        assert (choice.score is None) == (choice.windows == 0) == (not choice.candidates)
    tried = {(score.demand_class, score.method) for score in selection.scores}
    for name in ("smooth", "lumpy"):
        names = {*registered_candidates(name, SHAPE.season, panel.periods), BASELINE}
        assert {method for of, method in tried if of == name} == names
        assert set(selection.choices[name].candidates) == names
        assert [one.method for one in selection.scores if one.demand_class == name and one.is_chosen] == [
            selection.choices[name].method
        ]


def test_a_candidate_is_scored_by_the_forecasts_it_made_at_the_origins(panel: Panel, selection: Selection) -> None:
    cases = build_cases(panel, window_offsets(4, 3), 26)
    smooth = cases.select(cases.classes == "smooth")
    actuals = actual_units(panel, smooth, 4)
    for method in ("SES", "DOT+CES", BASELINE):
        ratios = []
        for case, (row, offset) in enumerate(zip(smooth.rows, smooth.offsets, strict=True)):
            known = panel.values[row, panel.periods - panel.lengths[row] : panel.periods - offset]
            made = forecast_series(known, method, 4, 13).mean
            ratios.append(np.sqrt(np.mean((actuals[case] - made) ** 2)) / smooth.naive_scales[case])
        assert selection.choices["smooth"].candidates[method] == pytest.approx(np.mean(ratios), abs=1e-5)


def test_the_pooled_member_is_tried_with_models_that_saw_nothing_of_the_windows(
    panel: Panel, selection: Selection
) -> None:
    """What was sold in the first window's horizon changes no forecast of the earlier ones."""
    seen = []

    def watching(function: Any, works: Iterable[Any]) -> Iterable[Any]:
        made = [function(work) for work in works]
        seen.append(made)
        return made

    values = panel.values.copy()
    values[:, -4:] *= 50.0
    for one in (panel, replace(panel, values=values, actuals=values)):
        select_methods([(one, SHAPE, None)], watching)
    boosters, changed = seen[0], seen[3]
    assert [booster.text == other.text for booster, other in zip(boosters, changed, strict=True)] == [
        False,
        True,
        True,
        True,
    ]


def test_the_selection_does_not_depend_on_how_work_is_mapped_or_on_other_panels(
    panel: Panel, selection: Selection
) -> None:
    calls = []

    def counted(function: Any, works: Iterable[Any]) -> Iterable[Any]:
        calls.append(function)
        return [function(work) for work in list(works)]

    other = panel_of([3.0] * 30, [0.0, 5.0] * 10)
    made = select_methods([(other, QUICK, None), (panel, SHAPE, date(2024, 3, 1))], counted)
    assert len(calls) == 3
    again = made[1]
    assert again.choices == selection.choices
    assert again.scores == selection.scores
    assert again.booster == selection.booster
    for name in CLASSES:
        assert again.spreads[name].lags.tobytes() == selection.spreads[name].lags.tobytes()


def test_where_there_is_no_pooled_model_no_method_that_needs_it_is_chosen_or_scored() -> None:
    rng = np.random.default_rng(8)
    nine = panel_of(*(list(rng.poisson(30, 60) + 1.0) for _ in range(9)))
    selection = selection_of(nine, replace(SHAPE, windows=6))
    assert selection.booster.reason == "9 series to learn from"
    assert selection.choices["smooth"].method == "DOT+CES"
    assert selection.choices["lumpy"].method == "IMAPA"
    assert not [score.method for score in selection.scores if "LightGBM" in score.method]
    assert "LightGBM" not in selection.choices["smooth"].reason
    assert selection.spreads["smooth"].source == "smooth"


def test_a_season_that_repeats_itself_is_told_from_a_method_that_does_not_know_it() -> None:
    """A saw of thirteen periods, known for two at the end but at no origin: what models seasons is judged without."""
    rng = np.random.default_rng(10)
    saw = np.arange(33) % 13 * 10.0 + 10
    made = selection_of(panel_of(*(list(saw + rng.poisson(2, 33)) for _ in range(12))), replace(SHAPE, windows=3))
    choice = made.choices["smooth"]
    assert choice.method == BASELINE
    assert choice.score == choice.baseline_score == pytest.approx(min(choice.candidates.values()), abs=1e-6)


def test_a_model_that_only_the_panels_end_has_enough_for_has_ranges_of_what_was_left_of_it_at_the_origins() -> None:
    """Twelve series of 17 periods: 480 windows and lags at the end, 288 before the latest origin, 400 are needed."""
    rng = np.random.default_rng(9)
    panel = panel_of(*(list(rng.poisson(30, 17) + 1.0) for _ in range(12)))
    selection = selection_of(panel, replace(SHAPE, windows=6, asked_for={"smooth": "DOT+LightGBM", "new": "SES"}))
    assert selection.booster.text is not None
    assert selection.choices["smooth"].method == "DOT+LightGBM"
    assert selection.spreads["smooth"].source == "all classes"


@pytest.mark.parametrize(
    "series",
    [
        pytest.param([], id="no-series"),
        pytest.param([[5.0]], id="one-series-of-one-period"),
        pytest.param([[5.0, 3.0, 4.0] * 12], id="one-series"),
        pytest.param([[0.0] * 40] * 12, id="all-zeros"),
        pytest.param([[7.0] * 40] * 12, id="constants"),
        pytest.param([[7.0] * 40, [0.0] * 40, [1.0]], id="a-constant-a-zero-and-a-first-sale"),
        pytest.param([[1e300, *[1.0] * 20, 1e300] * 2] * 2, id="huge"),
        pytest.param([[1e-300] * 30 + [1e300]] * 12, id="from-tiny-to-huge"),
    ],
)
def test_any_panel_has_a_selection_for_every_class(series: list[list[float]]) -> None:
    panel = panel_of(*series)
    made = selection_of(panel)
    assert list(made.choices) == list(CLASSES)
    for name in CLASSES:
        spread = made.spreads[name]
        assert made.choices[name].method in registered_candidates(name, SHAPE.season, panel.periods)
        for part in (spread.lags, spread.sums, spread.deviations):
            assert np.isfinite(part).all()
        assert all(np.isfinite(score) for score in made.choices[name].candidates.values())


def test_one_series_is_too_few_to_leave_what_stands() -> None:
    made = selection_of(panel_of([5.0, 3.0, 4.0, 9.0] * 12))
    assert made.choices["smooth"].method == "DOT+CES"
    assert (made.choices["smooth"].series, made.choices["smooth"].windows) == (1, 3)


def test_constants_have_no_scale_to_choose_by() -> None:
    choice = selection_of(panel_of(*[[7.0] * 40] * 12)).choices["smooth"]
    assert (choice.method, choice.score) == (registered_candidates("smooth", SHAPE.season, 40)[0], None)


def test_what_was_asked_for_is_taken_and_nothing_is_trained(panel: Panel) -> None:
    made = selection_of(panel, QUICK)
    assert {name: choice.method for name, choice in made.choices.items()} == {**CHEAP, "dormant": "Zero"}
    assert made.booster == Booster(None, 0, "no class may choose it")
    assert "asked for" in made.choices["smooth"].reason


def test_the_model_is_kept_only_where_a_class_is_forecast_by_it(panel: Panel, selection: Selection) -> None:
    by_it = selection_of(panel, replace(QUICK, asked_for={**CHEAP, "smooth": LIGHTGBM}))
    assert by_it.booster.text is not None
    is_used = any(LIGHTGBM in choice.method for choice in selection.choices.values())
    assert (selection.booster.text is not None) == is_used


def test_too_little_to_learn_from_is_a_reason_and_no_error() -> None:
    few = panel_of([5.0, 3.0, 4.0, 9.0] * 3)
    made = selection_of(few, replace(QUICK, asked_for={**CHEAP, "smooth": LIGHTGBM}))
    assert made.booster.text is None
    assert made.booster.reason is not None
    assert "windows and lags to learn from" in made.booster.reason


def test_a_model_is_used_with_regressors_that_it_knows_and_without_a_model_there_is_no_forecast(panel: Panel) -> None:
    booster = selection_of(panel, replace(QUICK, asked_for={**CHEAP, "smooth": LIGHTGBM})).booster
    rows, ends = np.array([0, 1]), np.full(2, panel.periods)
    plain = history_of(panel, SHAPE)
    known = np.ones((len(panel.lengths), panel.periods + 4, 1))
    informed = history_of(replace(panel, regressors=known), SHAPE)
    fits, of_others, untrained = pooled_forecasts(
        [
            (plain, panel.groups, rows, ends, booster),
            (informed, panel.groups, rows, ends, booster),
            (plain, panel.groups, rows, ends, Booster(None, 0)),
        ],
        map,
    )
    assert np.isfinite(fits[LIGHTGBM]).all()
    assert of_others[LIGHTGBM].tobytes() == fits[LIGHTGBM].tobytes()
    assert np.isnan(untrained[LIGHTGBM]).all()


def test_the_baseline_of_a_trial_is_the_seasonal_naive(panel: Panel) -> None:
    asked = replace(QUICK, asked_for={**CHEAP, "smooth": BASELINE})
    choice = selection_of(panel, asked).choices["smooth"]
    assert choice.score == choice.baseline_score
    cases = build_cases(panel, [4], 26)
    assert seasonal_naive(panel, cases, 4, 13).shape == (len(cases), 4)
