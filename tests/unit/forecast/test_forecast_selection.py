"""The choice of a method per class: better by the margin and beyond chance, or the first of the list."""

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.backtests import Cases
from inventra_pipelines.domain.forecast.methods import BASELINE, CANDIDATES, DEAR
from inventra_pipelines.domain.forecast.selection import TRIAL_CASES, Choice, choose_methods, plan_trial


def cases_of(demand_class: str, count: int) -> Cases:
    return Cases(
        np.arange(count),
        np.full(count, 8),
        np.full(count, demand_class, dtype=object),
        np.ones(count),
        np.ones(count),
        np.ones(count),
    )


def choice_with(errors: dict[str, float], count: int = 100, noise: float = 0.0, demand_class: str = "lumpy") -> Choice:
    """The choice for a class of demand where a method's forecasts miss by its error, give or take noise."""
    cases = cases_of(demand_class, count)
    trial = plan_trial(cases)
    misses = np.array([errors.get(name, 1.0) for name in trial.methods])
    misses = misses + noise * np.random.default_rng(5).standard_normal(len(misses))
    forecasts = np.repeat(np.abs(misses)[:, None], 4, axis=1)
    return choose_methods(cases, trial, forecasts, np.zeros_like(forecasts))[demand_class]


def test_a_clearly_better_method_is_chosen_with_scores_and_reason() -> None:
    choice = choice_with({"TSB": 0.8, "SES": 0.9})
    assert (choice.method, choice.score, choice.baseline_score, choice.series) == ("TSB", pytest.approx(0.8), 1.0, 100)
    assert choice.reason == (
        "TSB: lowest RMSSE; RMSSE on 100 windows: IMAPA 1.000, TSB 0.800, SES 0.900, WindowAverage8 1.000, "
        "SeasonalNaive 1.000"
    )


@pytest.mark.parametrize(
    ("errors", "count", "noise"),
    [
        pytest.param({"TSB": 0.99}, 100, 0.0, id="within-the-margin"),
        pytest.param({"TSB": 0.97}, 30, 0.5, id="within-chance"),
        pytest.param({"TSB": 0.5}, 5, 0.0, id="too-few-windows"),
    ],
)
def test_the_first_of_the_list_stands_against_small_gains(errors: dict[str, float], count: int, noise: float) -> None:
    assert choice_with(errors, count, noise).method == CANDIDATES["lumpy"][0]


def test_the_baseline_is_chosen_where_it_is_better_than_every_method() -> None:
    assert choice_with({BASELINE: 0.7}).method == BASELINE


def test_a_new_item_is_not_given_a_season_it_cannot_have() -> None:
    choice = choice_with({BASELINE: 0.7}, demand_class="new")
    assert choice.method == CANDIDATES["new"][0] and "lowest RMSSE" in choice.reason


def test_a_class_without_windows_takes_the_first_of_its_list_and_says_so() -> None:
    cases = cases_of("lumpy", 20)
    trial = plan_trial(cases)
    choices = choose_methods(cases, trial, np.ones((len(trial.positions), 4)), np.zeros((len(trial.positions), 4)))
    assert choices["smooth"].method == CANDIDATES["smooth"][0]
    assert choices["smooth"].score is None
    assert choices["smooth"].reason == "IMAPA by default: no window with history to try on"


def test_the_trial_is_a_bounded_sample_and_tries_dear_methods_on_half_of_it() -> None:
    trial = plan_trial(cases_of("smooth", 5000))
    assert len(np.unique(trial.positions)) == TRIAL_CASES
    assert trial.positions.max() == 4999
    for name in CANDIDATES["smooth"]:
        assert (trial.methods == name).sum() == (TRIAL_CASES // 2 if name in DEAR else TRIAL_CASES)


def test_the_cutoff_itself_is_never_tried() -> None:
    cases = cases_of("smooth", 10)
    final = Cases(cases.rows, np.zeros(10, dtype=int), cases.classes, cases.means, cases.means, cases.naive_scales)
    assert len(plan_trial(final).positions) == 0
