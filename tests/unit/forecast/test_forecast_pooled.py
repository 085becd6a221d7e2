"""The pooled member: it learns from the past alone, always the same, and in any unit."""

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.methods import pooled
from inventra_pipelines.domain.forecast.methods.pooled import (
    LEAST_TRAINING_ROWS,
    LEAST_TRAINING_SERIES,
    Booster,
    Prediction,
    Training,
    as_trained,
    training_sample,
)
from inventra_pipelines.domain.forecast.methods.windows import (
    FEATURES,
    FEATURES_PER_REGRESSOR,
    History,
    window_features,
)

PERIODS, HORIZON = 40, 4


def history_of(series: int = 20, factor: float = 1.0, regressors: int = 0, seed: int = 5) -> History:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(10, PERIODS + 1, series)
    values = rng.poisson(rng.uniform(2, 60, series)[:, None], (series, PERIODS)) + 1.0
    values[np.arange(PERIODS)[None, :] < (PERIODS - lengths)[:, None]] = 0.0
    known = rng.random((series, PERIODS + HORIZON, regressors)) if regressors else None
    return History(values * factor, lengths, np.arange(PERIODS + HORIZON) % 13, known, 13, HORIZON)


def trained(history: History) -> str:
    booster = training_sample(history).run()
    assert booster.text is not None, booster.reason
    return booster.text


def predicted(text: str, history: History) -> np.ndarray:
    rows = np.arange(len(history.lengths))
    return Prediction(text, history, rows, np.full(len(rows), history.values.shape[1])).run()


def test_the_sample_is_every_window_whose_targets_lie_in_the_history() -> None:
    history = history_of(5)
    sample = training_sample(history)
    made = {(int(row), int(end)) for row, end in zip(sample.rows, sample.ends, strict=True)}
    expected = {
        (row, end)
        for row in range(5)
        for end in range(PERIODS + 1)
        if end + HORIZON <= PERIODS and end - (PERIODS - history.lengths[row]) >= 4
    }
    assert made == expected
    assert sample.history.values.tolist() == history.values.tolist()


@pytest.mark.parametrize("most_rows", [40, 200])
def test_a_bounded_sample_has_different_windows_of_the_history_and_is_the_same_again(most_rows: int) -> None:
    history = history_of(60)
    sample, again = training_sample(history, most_rows), training_sample(history, most_rows)
    assert len(sample.rows) <= most_rows // HORIZON
    windows = set(zip(sample.rows.tolist(), sample.ends.tolist(), strict=True))
    assert len(windows) == len(sample.rows)
    assert sorted(set(sample.rows.tolist())) == list(range(len(sample.history.lengths)))
    assert (sample.ends + HORIZON <= PERIODS).all()
    assert sample.rows.tolist() == again.rows.tolist()
    assert sample.ends.tolist() == again.ends.tolist()
    assert sample.history.values.tobytes() == again.history.values.tobytes()


@pytest.mark.parametrize("periods", [0, 1, 7])
def test_a_history_too_short_for_a_window_is_no_sample_and_says_so(periods: int) -> None:
    booster = training_sample(history_of().until(periods)).run()
    assert booster == Booster(None, 0, "0 windows and lags to learn from")


def test_too_few_windows_make_no_model_and_say_so() -> None:
    sample = training_sample(history_of())
    enough = -(-LEAST_TRAINING_ROWS // HORIZON)
    few = Training(sample.history, sample.rows[: enough - 1], sample.ends[: enough - 1]).run()
    assert few == Booster(None, LEAST_TRAINING_ROWS - HORIZON, "396 windows and lags to learn from")
    just = Training(sample.history, sample.rows[:enough], sample.ends[:enough]).run()
    assert just.text is not None
    assert (just.training_rows, just.reason) == (LEAST_TRAINING_ROWS, None)


def test_of_few_series_no_model_is_made_of_what_they_have_in_common() -> None:
    few = training_sample(history_of(LEAST_TRAINING_SERIES - 1)).run()
    assert (few.text, few.reason) == (None, "9 series to learn from")
    assert training_sample(history_of(LEAST_TRAINING_SERIES)).run().text is not None


def test_a_model_of_an_origin_does_not_see_what_came_later() -> None:
    history = history_of()
    changed = history_of()
    changed.values[:, PERIODS - 8 :] = 10_000.0
    early, changed_early = history.until(PERIODS - 8), changed.until(PERIODS - 8)
    assert trained(early) == trained(changed_early)
    assert trained(history) != trained(changed)
    text = trained(early)
    assert predicted(text, early).tobytes() == predicted(text, changed_early).tobytes()


def test_the_same_sample_gives_the_same_text_and_the_text_the_same_predictions() -> None:
    history = history_of(regressors=1)
    text = trained(history)
    assert trained(history_of(regressors=1)) == text
    means = predicted(text, history)
    assert means.shape == (20, HORIZON)
    assert np.isfinite(means).all()
    assert (means >= 0).all()
    assert predicted(text, history).tobytes() == means.tobytes()
    assert predicted(text, history.rows(np.array([3, 7]))).tobytes() == means[[3, 7]].tobytes()


@pytest.mark.parametrize("factor", [1024.0, 1000.0, 1e-3])
def test_demand_in_another_unit_is_forecast_in_that_unit(factor: float) -> None:
    history, scaled = history_of(), history_of(factor=factor)
    means, scaled_means = predicted(trained(history), history), predicted(trained(scaled), scaled)
    assert scaled_means == pytest.approx(means * factor, rel=1e-3)


def test_a_model_learns_what_the_series_have_in_common() -> None:
    """Every series doubles after its eighth period; the mean of what it sold so far would be half of what comes."""
    rng = np.random.default_rng(8)
    levels = rng.uniform(5, 500, 60)
    values = levels[:, None] * np.where(np.arange(12) < 8, 1.0, 2.0)[None, :]
    history = History(values, np.full(60, 12), np.zeros(12 + HORIZON, dtype=int), None, 1, HORIZON)
    text = trained(history)
    young = History(values[:, :8], np.full(60, 8), np.zeros(8 + HORIZON, dtype=int), None, 1, HORIZON)
    assert predicted(text, young) == pytest.approx(2 * np.repeat(levels[:, None], HORIZON, axis=1), rel=0.2)


@pytest.mark.parametrize("regressors", [0, 2])
def test_windows_have_as_many_features_as_are_counted(regressors: int) -> None:
    seen, _ = window_features(history_of(regressors=regressors), np.array([0]), np.array([PERIODS]))
    assert seen.shape[2] == FEATURES + regressors * FEATURES_PER_REGRESSOR


def test_a_model_forecasts_where_regressors_came_or_went_since_it_was_trained() -> None:
    plain, informed = history_of(), history_of(regressors=2)
    by_plain, by_informed = trained(plain), trained(informed)
    assert as_trained(plain, by_plain).regressors is None
    assert as_trained(informed, by_informed) is informed
    left_out = as_trained(informed, by_plain)
    assert left_out.regressors is None
    assert predicted(by_plain, left_out).tobytes() == predicted(by_plain, plain).tobytes()
    none = as_trained(plain, by_informed)
    assert none.regressors is not None
    assert none.regressors.shape == (20, PERIODS + HORIZON, 2)
    assert not none.regressors.any()
    assert np.isfinite(predicted(by_informed, none)).all()


def test_what_is_no_model_is_an_error_that_shows_it() -> None:
    with pytest.raises(ValueError, match="no booster: 'not a model'"):
        as_trained(history_of(), "not a model")


@pytest.mark.parametrize("value", [0.0, 5.0, 1e12, 1e300])
def test_series_that_never_change_are_learned_from(value: float) -> None:
    values = np.full((20, PERIODS), value)
    values[:, 0] = np.maximum(values[:, 0], 1.0)
    history = History(values, np.full(20, PERIODS), np.zeros(PERIODS + HORIZON, dtype=int), None, 1, HORIZON)
    means = predicted(trained(history), history)
    assert np.isfinite(means).all()
    assert means == pytest.approx(np.full((20, HORIZON), value), rel=0.05, abs=0.05)


def test_one_absurd_order_does_not_stop_the_model_for_all_others() -> None:
    history = history_of()
    history.values[3, -2] = 1e300
    means = predicted(trained(history), history)
    others = np.delete(np.arange(20), 3)
    assert np.isfinite(means[others]).all()
    assert means[others].max() < 10 * history.values[others].max()


def test_a_window_weighs_by_what_was_known_at_its_end() -> None:
    steady = np.array([[4.0, 5.0, 4.0, 6.0, 5.0, 4.0, 5.0, 6.0, 5.0, 4.0]])
    then_much = np.concatenate([steady[:, :6], steady[:, 6:] * 50], axis=1)
    ends, rows, levels = np.array([6]), np.array([0]), np.array([4.6])
    weights = [
        pooled._weights(History(values, np.array([10]), np.zeros(12, dtype=np.int64), None, 1, 2), rows, ends, levels)
        for values in (steady, then_much)
    ]
    naive = np.sqrt((np.diff(steady[0, :6]) ** 2).mean())
    np.testing.assert_allclose(weights[0], (4.6 / naive) ** 2)
    np.testing.assert_allclose(weights[1], weights[0])
