"""The choice of a method per class: better by the margin and beyond chance, or the first of the list."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.classes import CLASSES, DORMANT
from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.methods.registry import BASELINE, CANDIDATES
from inventra_pipelines.domain.forecast.selection.backtests import Cases
from inventra_pipelines.domain.forecast.selection.choice import (
    LEAST_TRIAL_SERIES,
    TRIAL_CASES,
    Choice,
    candidates_of,
    choose,
    method_score,
    sample_windows,
)
from inventra_pipelines.domain.forecast.selection.ranges import LEVELS, Spread

FIRST, SECOND, THIRD = "IMAPA", "TSB", "SES"


def cases_of(demand_class: str, count: int, per_series: int = 1, naive: float | np.ndarray = 1.0) -> Cases:
    rows = np.repeat(np.arange(-(-count // per_series)), per_series)[:count]
    ones = np.ones(count)
    names = np.full(count, demand_class, dtype=object)
    return Cases(rows, np.full(count, 8), names, np.full(count, 30), ones, ones, ones, naive * ones)


def choice_with(
    errors: dict[str, float], count: int = 100, noise: float = 0.0, per_series: int = 1, seed: int = 5
) -> Choice:
    """The choice where a method's forecasts miss by its error, give or take noise that a series' windows share."""
    cases = cases_of("lumpy", count, per_series)
    rng = np.random.default_rng(seed)
    missed = {}
    for name in (FIRST, SECOND, THIRD, BASELINE):
        misses = errors.get(name, 1.0) + noise * rng.standard_normal(count // per_series + 1)[cases.rows]
        missed[name] = np.repeat(misses[:, None], 4, axis=1)
    return choose("lumpy", (FIRST, SECOND, THIRD), cases, missed)


def test_a_clearly_better_method_is_chosen_with_a_complete_record() -> None:
    choice = choice_with({SECOND: 0.8, THIRD: 0.9})
    assert choice.score == pytest.approx(0.8)
    assert replace(choice, score=0.8) == Choice(
        "lumpy",
        SECOND,
        0.8,
        1.0,
        100,
        100,
        {FIRST: 1.0, SECOND: 0.8, THIRD: 0.9, BASELINE: 1.0},
        "TSB: lowest RMSSE; RMSSE on 100 windows: IMAPA 1.000, TSB 0.800, SES 0.900, SeasonalNaive 1.000",
    )


@pytest.mark.parametrize(
    ("errors", "count", "noise", "per_series"),
    [
        pytest.param({SECOND: 0.999}, 100, 0.0, 1, id="within-the-margin"),
        pytest.param({SECOND: 0.97}, 30, 0.5, 1, id="within-chance"),
        pytest.param({SECOND: 0.9}, 1000, 0.5, 100, id="within-chance-of-ten-series-of-many-windows"),
        pytest.param({SECOND: 0.5}, LEAST_TRIAL_SERIES - 1, 0.0, 1, id="too-few-series"),
        pytest.param({SECOND: 0.5}, 900, 0.0, 100, id="many-windows-of-too-few-series"),
        pytest.param({FIRST: 0.5}, 100, 0.0, 1, id="itself-the-best"),
        pytest.param({}, 100, 0.0, 1, id="no-difference"),
    ],
)
def test_the_first_of_the_list_stands(errors: dict[str, float], count: int, noise: float, per_series: int) -> None:
    choice = choice_with(errors, count, noise, per_series)
    assert choice.method == FIRST
    if choice.candidates[FIRST] > choice.candidates[SECOND]:
        assert "TSB is not better by 0.2% and beyond chance" in choice.reason


def test_a_challenger_of_no_gain_hardly_ever_wins() -> None:
    won = [choice_with({}, 200, 0.4, seed=seed).method != FIRST for seed in range(200)]
    assert sum(won) < 0.1 * len(won)


def test_of_two_that_beat_the_first_the_better_wins() -> None:
    assert choice_with({SECOND: 0.8, THIRD: 0.7}).method == THIRD
    assert choice_with({SECOND: 0.7, THIRD: 0.8}).method == SECOND


def test_the_baseline_is_scored_and_not_chosen() -> None:
    choice = choice_with({BASELINE: 0.1})
    assert (choice.method, choice.baseline_score) == (FIRST, pytest.approx(0.1))


def test_the_score_is_the_mean_rmsse_of_the_windows_with_a_scale() -> None:
    rng = np.random.default_rng(2)
    naive = np.where(np.arange(40) % 4 == 0, 0.0, np.where(np.arange(40) % 4 == 1, np.nan, rng.uniform(0.5, 9, 40)))
    cases = cases_of("smooth", 40, naive=naive)
    errors = {name: rng.normal(0, 5, (40, 3)) for name in ("DOT", "SES", BASELINE)}
    choice = choose("smooth", ("DOT", "SES"), cases, errors)
    for name, made in errors.items():
        ratios = [np.sqrt(np.mean(made[at] ** 2)) / naive[at] for at in range(40) if naive[at] > 0]
        assert choice.candidates[name] == pytest.approx(np.mean(ratios), abs=1e-6)
    assert (choice.windows, choice.series) == (20, 20)


def test_what_a_tenant_asks_for_is_the_only_candidate_and_is_scored() -> None:
    assert candidates_of("smooth", 52, 104, {"smooth": "Naive"}) == ("Naive",)
    assert candidates_of("lumpy", 52, 104, {"smooth": "Naive"}) == CANDIDATES["lumpy"]
    errors = {"Naive": np.full((20, 2), 3.0), BASELINE: np.full((20, 2), 1.0)}
    choice = choose("smooth", ("Naive",), cases_of("smooth", 20), errors)
    assert (choice.method, choice.score, choice.baseline_score) == ("Naive", 3.0, 1.0)
    assert choice.reason.startswith("Naive: asked for; RMSSE on 20 windows")


@pytest.mark.parametrize("naive", [0.0, np.nan], ids=["constant", "one-period"])
@pytest.mark.parametrize("count", [0, 20])
def test_without_a_window_to_score_the_first_is_taken_and_says_so(count: int, naive: float) -> None:
    errors = {name: np.zeros((count, 2)) for name in (FIRST, SECOND, BASELINE)}
    choice = choose("lumpy", (FIRST, SECOND), cases_of("lumpy", count, naive=naive), errors)
    why = "IMAPA by default: no window with history to try on"
    assert choice == Choice("lumpy", FIRST, None, None, 0, 0, {}, why)


def test_dormant_series_are_not_scored() -> None:
    errors = {"Zero": np.ones((30, 2)), BASELINE: np.zeros((30, 2))}
    choice = choose(DORMANT, ("Zero",), cases_of(DORMANT, 30), errors)
    assert (choice.method, choice.score) == ("Zero", None)
    assert choice.reason == "Zero by default: nothing sold for long"


@pytest.mark.parametrize("size", [1e150, 1e300])
def test_errors_out_of_all_proportion_leave_scores_finite(size: float) -> None:
    errors = {name: np.full((30, 2), size) for name in (FIRST, SECOND, BASELINE)}
    choice = choose("lumpy", (FIRST, SECOND), cases_of("lumpy", 30), errors)
    assert choice.method == FIRST
    assert all(np.isfinite(score) for score in choice.candidates.values())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from([0, 4, 8])), max_size=300), st.integers(1, 40))
def test_a_sample_has_at_most_so_many_windows_of_each_class_and_never_the_end(
    listed: list[tuple[str, int]], most: int
) -> None:
    ones = np.ones(len(listed))
    names = np.array([name for name, _ in listed], dtype=object)
    offsets = np.array([offset for _, offset in listed], dtype=int)
    cases = Cases(np.arange(len(listed)), offsets, names, ones, ones, ones, ones, ones)
    positions = sample_windows(cases, most)
    assert positions.tolist() == sorted(set(positions.tolist()))
    chosen = cases.select(positions)
    assert (chosen.offsets > 0).all()
    for name in CLASSES:
        there = sum(listed_name == name and offset > 0 for listed_name, offset in listed)
        assert (chosen.classes == name).sum() == min(there, most)


def test_a_sample_is_spread_over_all_series() -> None:
    positions = sample_windows(cases_of("smooth", 5000))
    assert len(positions) == TRIAL_CASES
    assert (positions.min(), positions.max()) == (0, 4999)
    assert np.diff(positions).max() <= 5000 // TRIAL_CASES + 1


def test_the_figures_of_a_method_equal_a_loop_over_windows_and_lags() -> None:
    rng = np.random.default_rng(11)
    count, horizon = 60, 3
    cases = cases_of("lumpy", count, per_series=3, naive=np.where(rng.random(count) < 0.2, 0.0, 2.0))
    actuals, forecasts = rng.poisson(5, (count, horizon)) * 1.0, rng.uniform(0, 10, (count, horizon))
    errors, scales = actuals - forecasts, rng.uniform(1, 3, count)
    lags = np.quantile(rng.normal(0, 2, (500, horizon)), LEVELS, axis=0)
    spread = Spread(lags, lags, np.ones(horizon), count, "lumpy")
    choice = Choice("lumpy", THIRD, None, None, 0, 0, {}, "")
    score = method_score(choice, THIRD, cases, errors, actuals, scales, spread)
    pinball, inside_80, below_95 = 0.0, 0, 0
    for window in range(count):
        for lag in range(horizon):
            steps = [np.interp(level, LEVELS, lags[:, lag]) for level in QUANTILES.values()]
            ranges = [max(forecasts[window, lag] + scales[window] * step, 0.0) for step in steps]
            actual = actuals[window, lag]
            inside_80 += ranges[0] <= actual <= ranges[3]
            below_95 += actual <= ranges[4]
            for level, bound in zip(QUANTILES.values(), ranges, strict=True):
                pinball += level * (actual - bound) if actual >= bound else (1 - level) * (bound - actual)
    scaled = [window for window in range(count) if cases.naive_scales[window] > 0]
    assert score.series == 20
    assert score.windows == count
    assert score.rmsse == pytest.approx(np.mean([np.sqrt(np.mean(errors[at] ** 2)) / 2 for at in scaled]))
    assert score.mase == pytest.approx(np.mean([np.mean(np.abs(errors[at])) / 2 for at in scaled]))
    assert score.wape == pytest.approx(np.abs(errors).sum() / actuals.sum())
    assert score.bias == pytest.approx((forecasts - actuals).sum() / actuals.sum())
    assert score.coverage_80 == pytest.approx(inside_80 / count / horizon)
    assert score.coverage_95 == pytest.approx(below_95 / count / horizon)
    assert score.scaled_crps == pytest.approx(2 * pinball / len(QUANTILES) / actuals.sum())
    assert score.is_chosen
    assert not method_score(choice, FIRST, cases, errors, actuals, scales, spread).is_chosen


def test_figures_without_a_denominator_are_none() -> None:
    cases = cases_of("lumpy", 5, naive=0.0)
    spread = Spread(np.zeros((len(LEVELS), 2)), np.zeros((len(LEVELS), 2)), np.ones(2), 0, "x")
    choice = Choice("lumpy", FIRST, None, None, 0, 0, {}, "")
    score = method_score(choice, FIRST, cases, np.ones((5, 2)), np.zeros((5, 2)), np.ones(5), spread)
    assert (score.rmsse, score.mase, score.wape, score.bias, score.scaled_crps) == (None,) * 5
    assert score.coverage_80 is not None


def test_a_method_is_held_against_the_first_only_where_it_forecast_itself() -> None:
    series = 40
    windows = cases_of("lumpy", series)
    errors = {
        "IMAPA": np.full((series, 2), 2.0),
        "LightGBM": np.where(np.arange(series)[:, None] < 20, 1.0, 50.0) * np.ones((series, 2)),
        BASELINE: np.full((series, 2), 3.0),
    }
    by_itself = {"LightGBM": np.arange(series) < 20}
    assert choose("lumpy", ("IMAPA", "LightGBM"), windows, errors).method == "IMAPA"
    chosen = choose("lumpy", ("IMAPA", "LightGBM"), windows, errors, by_itself)
    assert chosen.method == "LightGBM"
    assert chosen.score == pytest.approx((20 * 1.0 + 20 * 2.0) / 40)
