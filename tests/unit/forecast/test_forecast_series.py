"""One series, one method: always a usable forecast, and a reason wherever the method was not the preferred one."""

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.methods import registry
from inventra_pipelines.domain.forecast.methods.registry import (
    BASELINE,
    FALLBACKS,
    POOLED_MEMBERS,
    SERIES_MEMBERS,
    ZERO,
    SeriesMember,
    series_model,
)
from inventra_pipelines.domain.forecast.methods.series import forecast_series, time_limits
from inventra_pipelines.errors import PermanentError

QUICK = sorted(set(SERIES_MEMBERS) - {"AutoARIMA", "AutoETS", "MFLES", "Prophet"})

units = st.one_of(
    st.lists(st.integers(0, 1000), min_size=1, max_size=5),
    st.lists(st.sampled_from([0, 0, 0, 1, 50]), min_size=1, max_size=60),
    st.integers(1, 40).map(lambda periods: [0] * periods),
    st.integers(1, 40).map(lambda periods: [7] * periods),
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda gaps: [0] * gaps[0] + [10_000] + [0] * gaps[1]),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=30),
    st.lists(st.sampled_from([0.0, 1e-300, 1.0, 1e12, 1e300]), min_size=1, max_size=30),
)


@settings(max_examples=80, deadline=None)
@given(units, st.sampled_from([*QUICK, "DOT+CES", "DOT+CES+IMAPA"]), st.integers(1, 12), st.sampled_from([1, 4, 52]))
def test_any_series_has_a_finite_forecast_that_is_not_negative(
    periods: list[float], method: str, horizon: int, season: int
) -> None:
    made = forecast_series(np.array(periods, dtype=float), method, horizon, season)
    assert made.mean.shape == (horizon,)
    assert np.isfinite(made.mean).all()
    assert (made.mean >= 0).all()
    assert (made.model_used == method) == (made.fallback_reason is None)


class _Raises:
    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        raise ZeroDivisionError("no")


class _Constant:
    def __init__(self, value: float) -> None:
        self.value = value

    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        return {"mean": np.full(h, self.value)}


class _Sleeps:
    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        time.sleep(30)
        raise AssertionError


class _SleepsAndCatches:
    """A library that takes whatever happens in a fit for a bad fit, and tries the next."""

    def __init__(self, caught: type[BaseException]) -> None:
        self.caught = caught

    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        try:
            time.sleep(30)
        except self.caught:
            time.sleep(30)
        raise AssertionError


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    with time_limits():
        yield


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, SeriesMember]]:
    """The members to replace in a test; models of the replaced ones are not kept."""
    changed = dict(SERIES_MEMBERS)
    series_model.cache_clear()
    for module in ("registry", "series"):
        monkeypatch.setattr(f"inventra_pipelines.domain.forecast.methods.{module}.SERIES_MEMBERS", changed)
    yield changed
    series_model.cache_clear()


def member_of(model: object, least_periods: int = 1) -> SeriesMember:
    return SeriesMember(lambda season: model, least_periods)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        pytest.param(_Raises(), "IMAPA raised ZeroDivisionError: no", id="raises"),
        pytest.param(_Constant(np.nan), "IMAPA gave a forecast that is not finite", id="nan"),
        pytest.param(_Constant(np.inf), "IMAPA gave a forecast that is not finite", id="infinite"),
        pytest.param(_Constant(1000.0), "IMAPA gave more than 10 times the highest period", id="runs-away"),
        pytest.param(_Sleeps(), "IMAPA took more than 0.2 s", id="hangs"),
        pytest.param(_SleepsAndCatches(Exception), "IMAPA took more than 0.2 s", id="hangs-and-catches-exceptions"),
        pytest.param(_SleepsAndCatches(BaseException), "IMAPA took more than 0.2 s", id="hangs-and-catches-everything"),
    ],
)
@pytest.mark.parametrize("method", ["IMAPA", "SES+IMAPA"])
def test_a_failing_method_is_replaced_with_its_reason(
    method: str, model: object, reason: str, members: dict[str, SeriesMember]
) -> None:
    members["IMAPA"] = member_of(model)
    made = forecast_series(np.array([3.0, 4.0, 5.0]), method, 2, 52, seconds=0.2)
    assert made.model_used == "SES"
    assert made.fallback_reason == reason
    alone = forecast_series(np.array([3.0, 4.0, 5.0]), "SES", 2, 52)
    assert made.mean.tolist() == alone.mean.tolist()


def test_of_a_mean_whose_member_hangs_the_others_stay(members: dict[str, SeriesMember]) -> None:
    members["CES"] = member_of(_Sleeps())
    units, made_before = np.array([3.0, 4.0, 5.0, 9.0]), {}
    made = forecast_series(units, "DOT+CES+Naive", 2, 52, made_before, seconds=0.2)
    assert (made.model_used, made.fallback_reason) == ("DOT+Naive", "CES took more than 0.2 s")
    assert made.mean.tolist() == forecast_series(units, "DOT+Naive", 2, 52).mean.tolist()
    began = time.monotonic()
    again = forecast_series(units, "CES+Naive", 2, 52, made_before, seconds=0.2)
    assert time.monotonic() - began < 0.1, "it was waited for again"
    assert (again.model_used, again.fallback_reason) == ("Naive", "CES took more than 0.2 s")


def test_a_forecast_of_ten_times_the_highest_period_is_still_one(members: dict[str, SeriesMember]) -> None:
    members["IMAPA"] = member_of(_Constant(50.0))
    made = forecast_series(np.array([3.0, 5.0]), "IMAPA", 2, 52)
    assert (made.mean.tolist(), made.fallback_reason) == ([50.0, 50.0], None)


@pytest.mark.parametrize("periods", [1, 2, 3])
def test_a_series_too_short_for_theta_falls_back_to_ses(periods: int) -> None:
    made = forecast_series(np.full(periods, 6.0), "DOT", 4, 52)
    assert made.model_used == "SES"
    assert made.fallback_reason == f"DOT needs 4 periods of history, has {periods}"
    assert made.mean.tolist() == [6.0] * 4


def test_where_everything_fails_the_forecast_is_zero_and_says_why(members: dict[str, SeriesMember]) -> None:
    for name in ("IMAPA", "SES", "HistoricAverage"):
        members[name] = member_of(_Raises())
    made = forecast_series(np.array([3.0, 4.0]), "IMAPA", 2, 52)
    assert made.mean.tolist() == [0.0, 0.0]
    assert made.model_used == ZERO
    assert made.fallback_reason == (
        "IMAPA raised ZeroDivisionError: no; SES raised ZeroDivisionError: no; "
        "WindowAverage4 needs 4 periods of history, has 2; HistoricAverage raised ZeroDivisionError: no"
    )


@pytest.mark.parametrize("failing", range(len(FALLBACKS)))
def test_each_fallback_stands_in_where_those_before_it_fail(failing: int, members: dict[str, SeriesMember]) -> None:
    series = np.array([2.0, 4.0, 6.0, 8.0, 10.0])
    for name in ("IMAPA", *FALLBACKS[:failing]):
        members[name] = member_of(_Raises())
    made = forecast_series(series, "IMAPA", 2, 52)
    assert made.model_used == FALLBACKS[failing]
    assert made.fallback_reason is not None
    assert made.fallback_reason.count("raised") == failing + 1
    if made.model_used != "SES":
        assert made.mean.tolist() == [np.mean(series[-4:]) if made.model_used == "WindowAverage4" else 6.0] * 2


def test_a_fallback_that_already_failed_is_not_tried_again(members: dict[str, SeriesMember]) -> None:
    members["SES"] = member_of(_Raises())
    made = forecast_series(np.array([2.0, 4.0, 6.0, 8.0]), "SES", 1, 52)
    assert (made.model_used, made.fallback_reason) == ("WindowAverage4", "SES raised ZeroDivisionError: no")


def test_every_method_hanging_ends_in_zero(members: dict[str, SeriesMember]) -> None:
    for name in ("IMAPA", *FALLBACKS):
        members[name] = member_of(_Sleeps())
    began = time.monotonic()
    made = forecast_series(np.full(5, 3.0), "IMAPA", 2, 52, seconds=0.1)
    assert time.monotonic() - began < 5
    assert made.model_used == ZERO
    assert made.fallback_reason is not None
    assert made.fallback_reason.count("took more than 0.1 s") == 4


def test_outside_of_the_main_thread_a_method_is_not_timed_and_works(members: dict[str, SeriesMember]) -> None:
    made = []

    def forecast() -> None:
        made.append(forecast_series(np.array([3.0, 4.0]), "Naive", 2, 52, seconds=0.1))

    thread = threading.Thread(target=forecast)
    thread.start()
    thread.join()
    assert [one.mean.tolist() for one in made] == [[4.0, 4.0]]


def test_a_forecast_in_time_leaves_no_alarm_behind() -> None:
    forecast_series(np.array([3.0, 4.0]), "Naive", 2, 52, seconds=0.05)
    time.sleep(0.1)


def test_a_negative_forecast_becomes_zero_without_a_fallback(members: dict[str, SeriesMember]) -> None:
    members["IMAPA"] = member_of(_Constant(-3.0))
    made = forecast_series(np.array([3.0, 4.0]), "IMAPA", 2, 52)
    assert (made.mean.tolist(), made.fallback_reason) == ([0.0, 0.0], None)


def test_a_combination_is_the_mean_of_its_members_each_at_least_zero(members: dict[str, SeriesMember]) -> None:
    members["IMAPA"] = member_of(_Constant(-30.0))
    members["ADIDA"] = member_of(_Constant(9.0))
    made = forecast_series(np.array([3.0, 4.0]), "ADIDA+IMAPA+Naive", 2, 52)
    assert made.mean == pytest.approx([(9 + 0 + 4) / 3] * 2)
    assert made.model_used == "ADIDA+IMAPA+Naive"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        pytest.param(_Raises(), "IMAPA raised ZeroDivisionError: no", id="raises"),
        pytest.param(_Constant(np.nan), "IMAPA gave a forecast that is not finite", id="nan"),
        pytest.param(_Constant(1000.0), "IMAPA gave more than 10 times the highest period", id="runs-away"),
    ],
)
def test_what_is_left_of_a_combination_stands_in_for_a_member_that_fails(
    model: object, reason: str, members: dict[str, SeriesMember]
) -> None:
    members["IMAPA"] = member_of(model)
    members["ADIDA"] = member_of(_Constant(9.0))
    made = forecast_series(np.array([3.0, 4.0]), "ADIDA+IMAPA+Naive", 2, 52)
    assert (made.mean.tolist(), made.model_used, made.fallback_reason) == ([6.5, 6.5], "ADIDA+Naive", reason)
    without = forecast_series(np.array([3.0, 4.0]), "ADIDA+LightGBM", 2, 52)
    assert (without.mean.tolist(), without.model_used) == ([9.0, 9.0], "ADIDA")
    assert without.fallback_reason == "LightGBM gave no forecast"


def test_members_whose_mean_is_beyond_all_numbers_fall_back(members: dict[str, SeriesMember]) -> None:
    for name in ("IMAPA", "ADIDA"):
        members[name] = member_of(_Constant(1.7e308))
    made = forecast_series(np.array([1e307, 1.7e308]), "ADIDA+IMAPA", 1, 52)
    assert made.fallback_reason is not None
    assert made.fallback_reason.startswith("ADIDA+IMAPA gave a forecast that is not finite")
    assert np.isfinite(made.mean).all()


def test_theta_and_ces_are_averaged_and_kept_for_other_methods() -> None:
    series = np.random.default_rng(1).poisson(30, 40).astype(float)
    made: dict[str, np.ndarray] = {}
    both = forecast_series(series, "DOT+CES", 4, 52, made)
    assert set(made) == {"DOT", "CES"}
    assert both.mean == pytest.approx((made["DOT"] + made["CES"]) / 2)
    made["DOT"] = np.full(4, 5.0)
    assert forecast_series(series, "DOT", 4, 52, made).mean.tolist() == [5.0] * 4


@pytest.mark.parametrize("name", POOLED_MEMBERS)
def test_a_pooled_member_is_used_where_it_is_given_and_else_falls_back(name: str) -> None:
    series = np.array([3.0, 4.0, 5.0, 4.0])
    given_one = forecast_series(series, name, 2, 52, {name: np.array([6.0, 7.0])})
    assert (given_one.mean.tolist(), given_one.model_used, given_one.fallback_reason) == ([6.0, 7.0], name, None)
    without = forecast_series(series, name, 2, 52)
    assert (without.model_used, without.fallback_reason) == ("SES", f"{name} gave no forecast")


def test_the_baseline_is_the_last_seasons_period_or_else_the_last_value() -> None:
    series = np.arange(1.0, 7.0)
    assert forecast_series(series, BASELINE, 6, 4).mean.tolist() == [3, 4, 5, 6, 3, 4]
    short = forecast_series(series, BASELINE, 3, 7)
    assert (short.mean.tolist(), short.model_used) == ([6, 6, 6], "Naive")


def test_a_season_is_modelled_only_where_there_are_two_of_it(members: dict[str, SeriesMember]) -> None:
    class _Season(_Constant):
        pass

    members["DOT"] = SeriesMember(lambda season: _Season(float(season)), longest_season=1000)
    seasons = [forecast_series(np.full(periods, 50.0), "DOT", 1, 12).mean[0] for periods in (23, 24)]
    assert seasons == [1.0, 12.0]


def test_a_season_longer_than_a_member_models_is_left_to_others() -> None:
    assert registry.series_model("CES", 24, True).season_length == 24
    assert registry.series_model("CES", 25, True).season_length == 1


def test_zero_is_no_fallback_where_it_was_asked_for() -> None:
    made = forecast_series(np.array([3.0]), ZERO, 3, 52)
    assert (made.mean.tolist(), made.model_used, made.fallback_reason) == ([0.0] * 3, ZERO, None)


def test_a_method_that_is_not_installed_is_an_error_and_not_a_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prophet", None)
    series_model.cache_clear()
    with pytest.raises(PermanentError, match=r"Prophet is not installed.*pip install 'inventra-pipelines\[prophet\]'"):
        forecast_series(np.full(10, 3.0), "Prophet", 2, 52)
