"""What a pooled model sees, against a plain loop over windows, lags and regressors."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.methods.windows import History, running, window_features


def history_of(
    series: list[list[float]],
    season: int,
    horizon: int,
    known: Callable[[int, int], list[float]] | None = None,
) -> History:
    """A history of right-aligned series; `known` gives the regressors of a series and a column."""
    periods = max(map(len, series))
    values = np.array([[0.0] * (periods - len(units)) + list(units) for units in series])
    lengths = np.array([len(units) for units in series])
    regressors = None
    if known is not None:
        cells = [[known(row, column) for column in range(periods + horizon)] for row in range(len(series))]
        regressors = np.array(cells, dtype=np.float32)
    return History(values, lengths, np.arange(periods + horizon) % season, regressors, season, horizon)


def looped(history: History, row: int, end: int, lag: int) -> tuple[list[float], float]:
    """Features of one lag of one window, and its level."""
    units = history.values[row, history.values.shape[1] - history.lengths[row] : end].tolist()
    season = history.season if history.season > 1 else 12
    long = max(history.season, 12)

    def mean(periods: int, of: Callable[[float], float] = float) -> float:
        last = [of(one) for one in units[-periods:]]
        return sum(last) / len(last)

    def back(periods: int) -> float:
        return units[-periods] if periods <= len(units) else np.nan

    level = max(mean(long), 0.3 * mean(len(units)))
    nearest = -(-lag // season)
    past = [back(seasons * season - lag + 1) for seasons in range(nearest, nearest + 5)]
    there = [one for one in past if not np.isnan(one)]
    features = [
        *(mean(periods) / level for periods in (3, 6, long, 2 * long, len(units))),
        *(back(periods) / level for periods in range(1, 13)),
        mean(6, lambda one: one > 0),
        mean(long, lambda one: one > 0),
        min(len(units), 5 * season),
        np.log(level),
        past[0] / level,
        past[1] / level,
        (sum(there) / len(there) if there else np.nan) / level,
        lag,
        history.phases[end + lag - 1],
    ]
    if history.regressors is not None:
        for kind in range(history.regressors.shape[2]):
            given_here = history.regressors[row, :, kind].astype(float)
            for span in (4 * history.season if history.season < 12 else long, max(long, 52)):
                columns = range(end - min(span, len(units)), end)
                weights = [given_here[column] for column in columns]
                sold = [history.values[row, column] for column in columns]
                weight = sum(weights)
                with_it = sum(w * s for w, s in zip(weights, sold, strict=True))
                features += [
                    weight / len(weights),
                    with_it / weight / level if weight > 0 else np.nan,
                    (sum(sold) - with_it) / max(len(sold) - weight, 1e-9) / level,
                ]
            features.append(given_here[end + lag - 1])
    return features, level


@st.composite
def histories(draw: st.DrawFn) -> History:
    unit = st.sampled_from([0.0, 0.0, 1.0, 3.0, 50.0])
    series = draw(st.lists(st.lists(unit, max_size=70), min_size=1, max_size=3))
    season, horizon = draw(st.sampled_from([1, 3, 12, 26])), draw(st.integers(1, 8))
    every = draw(st.sampled_from([None, 2, 5]))
    known = None if every is None else (lambda row, column: [float((row + column) % every == 0), (column % 4) / 4])
    # A series begins with its first sale.
    return history_of([[2.0, *units] for units in series], season, horizon, known)


@settings(deadline=None, max_examples=60)
@given(histories(), st.integers(0, 2**32 - 1))
def test_features_equal_a_loop_over_windows_and_lags(history: History, seed: int) -> None:
    periods = history.values.shape[1]
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(history.lengths), 5)
    ends = np.array([rng.integers(periods - history.lengths[row] + 1, periods + 1) for row in rows])
    features, levels = window_features(history, rows, ends)
    assert features.dtype == np.float32
    for window, (row, end) in enumerate(zip(rows, ends, strict=True)):
        for lag in range(1, history.horizon + 1):
            expected, level = looped(history, row, end, lag)
            assert levels[window] == pytest.approx(level)
            assert features[window, lag - 1] == pytest.approx(expected, rel=1e-4, abs=1e-6, nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(histories(), st.integers(0, 2**32 - 1))
def test_what_comes_after_the_end_of_a_window_is_not_seen(history: History, seed: int) -> None:
    periods = history.values.shape[1]
    row = int(np.argmax(history.lengths))
    end = int(np.random.default_rng(seed).integers(1, periods + 1))
    values = history.values.copy()
    values[:, end:] = 1e9
    later = History(values, history.lengths, history.phases, history.regressors, history.season, history.horizon)
    seen, level = window_features(history, np.array([row]), np.array([end]))
    again, level_again = window_features(later, np.array([row]), np.array([end]))
    assert seen.tobytes() == again.tobytes()
    assert level.tolist() == level_again.tolist()


@settings(deadline=None, max_examples=30)
@given(histories(), st.integers(1, 70))
def test_a_history_until_a_column_has_the_windows_of_the_whole_one(history: History, columns: int) -> None:
    columns = min(columns, history.values.shape[1])
    earlier = history.until(columns)
    assert earlier.values.shape[1] == columns
    assert len(earlier.phases) == columns + history.horizon
    rows = np.flatnonzero(earlier.lengths > 0)
    ends = np.full(len(rows), columns)
    seen, levels = window_features(earlier, rows, ends)
    whole, whole_levels = window_features(history, rows, ends)
    assert seen == pytest.approx(whole, nan_ok=True)
    assert levels == pytest.approx(whole_levels)


def test_rows_of_a_history_keep_their_regressors() -> None:
    history = history_of([[1.0, 2.0], [3.0]], 1, 1, lambda row, column: [row + column / 10])
    one = history.rows(np.array([1]))
    assert one.values.tolist() == [[0.0, 3.0]]
    assert one.lengths.tolist() == [1]
    assert one.regressors is not None
    assert one.regressors[0, :, 0] == pytest.approx([1.0, 1.1, 1.2])


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e12])
def test_all_features_but_the_level_are_the_same_in_any_unit(factor: float) -> None:
    units = np.random.default_rng(1).poisson(9, 40) + 1.0
    seen, level = window_features(history_of([list(units)], 12, 4), np.array([0]), np.array([40]))
    scaled, scaled_level = window_features(history_of([list(units * factor)], 12, 4), np.array([0]), np.array([40]))
    of_level = 5 + 12 + 3
    assert np.delete(seen, of_level, axis=2) == pytest.approx(np.delete(scaled, of_level, axis=2), rel=1e-5)
    assert scaled_level == pytest.approx(level * factor)
    assert scaled[0, 0, of_level] == pytest.approx(seen[0, 0, of_level] + np.log(factor), rel=1e-5)


def test_running_sums_begin_with_nothing() -> None:
    assert running(np.array([[1.0, 2.0], [4.0, 0.0]])).tolist() == [[0, 1, 3], [0, 4, 4]]
    assert running(np.zeros((2, 0))).tolist() == [[0.0], [0.0]]
