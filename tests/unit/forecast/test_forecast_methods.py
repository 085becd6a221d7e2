"""One series, one method: always a usable forecast, and a reason wherever the method was not the preferred one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast import methods
from inventra_pipelines.domain.forecast.methods import BASELINE, CANDIDATES, DEAR, METHODS, forecast_series

units = st.one_of(
    st.lists(st.integers(0, 1000), min_size=1, max_size=5),
    st.lists(st.sampled_from([0, 0, 0, 1, 50]), min_size=1, max_size=60),
    st.integers(1, 40).map(lambda weeks: [0] * weeks),
    st.integers(1, 40).map(lambda weeks: [7] * weeks),
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda gaps: [0] * gaps[0] + [10_000] + [0] * gaps[1]),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=30),
)


@settings(max_examples=60, deadline=None)
@given(units, st.sampled_from([*METHODS, BASELINE]), st.integers(1, 12))
def test_any_series_has_a_finite_forecast_that_is_not_negative(weeks: list[float], method: str, horizon: int) -> None:
    made = forecast_series(np.array(weeks, dtype=float), method, horizon, 52)
    assert made.mean.shape == (horizon,)
    assert np.isfinite(made.mean).all()
    assert (made.mean >= 0).all()
    assert (made.model_used == method) == (made.fallback_reason is None)


@pytest.mark.parametrize("weeks", [1, 2, 3])
def test_a_series_too_short_for_theta_falls_back_to_ses(weeks: int) -> None:
    made = forecast_series(np.full(weeks, 6.0), "DynamicOptimizedTheta", 4, 52)
    assert made.model_used == "SES"
    assert made.fallback_reason == f"DynamicOptimizedTheta needs 4 weeks of history, has {weeks}"
    assert made.mean.tolist() == [6.0] * 4


class _Raises:
    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        raise ZeroDivisionError("no")


class _Constant:
    def __init__(self, value: float) -> None:
        self.value = value

    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        return {"mean": np.full(h, self.value)}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        pytest.param(_Raises(), "IMAPA raised ZeroDivisionError: no", id="raises"),
        pytest.param(_Constant(np.nan), "IMAPA gave a forecast that is not finite", id="nan"),
        pytest.param(_Constant(np.inf), "IMAPA gave a forecast that is not finite", id="infinite"),
        pytest.param(_Constant(1e9), "IMAPA gave more than 10 times the highest week", id="runs-away"),
    ],
)
def test_a_failing_model_is_replaced_with_its_reason(
    model: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(methods._MODELS, "IMAPA", model)
    made = forecast_series(np.array([3.0, 4.0, 5.0]), "IMAPA", 2, 52)
    assert (made.model_used, made.fallback_reason) == ("SES", reason)


def test_where_everything_fails_the_forecast_is_zero_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in methods._MODELS:
        monkeypatch.setitem(methods._MODELS, name, _Raises())
    made = forecast_series(np.array([3.0, 4.0]), "IMAPA", 2, 52)
    assert made.mean.tolist() == [0.0, 0.0]
    assert made.model_used == "Zero"
    assert made.fallback_reason == (
        "IMAPA raised ZeroDivisionError: no; SES raised ZeroDivisionError: no; "
        "WindowAverage4 needs 4 weeks of history, has 2; HistoricAverage raised ZeroDivisionError: no"
    )


def test_a_negative_forecast_becomes_zero_without_a_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(methods._MODELS, "IMAPA", _Constant(-3.0))
    made = forecast_series(np.array([3.0, 4.0]), "IMAPA", 2, 52)
    assert (made.mean.tolist(), made.fallback_reason) == ([0.0, 0.0], None)


def test_the_baseline_is_last_years_week_or_else_the_last_value() -> None:
    series = np.arange(1.0, 7.0)
    assert forecast_series(series, BASELINE, 6, 4).mean.tolist() == [3, 4, 5, 6, 3, 4]
    short = forecast_series(series, BASELINE, 3, 7)
    assert (short.mean.tolist(), short.model_used) == ([6, 6, 6], "Naive")


def test_theta_and_ces_are_averaged() -> None:
    series = np.random.default_rng(1).poisson(30, 40).astype(float)
    cache: dict[str, np.ndarray] = {}
    both = forecast_series(series, "ThetaCES", 4, 52, cache)
    assert both.mean == pytest.approx((cache["DOT"] + cache["CES"]) / 2)


def test_every_candidate_is_a_method_and_the_first_is_cheap() -> None:
    for names in CANDIDATES.values():
        assert set(names) <= set(METHODS)
        assert names[0] not in DEAR
