"""One series forecast by one method, with what stands in where it fails.

Belongs here: the chain of fallbacks and what counts as a failure. Which methods there are is in `registry.py`.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import numpy as np

from inventra_pipelines.domain.forecast.methods.registry import (
    BASELINE,
    FALLBACKS,
    SERIES_MEMBERS,
    ZERO,
    members_of,
    series_model,
)
from inventra_pipelines.errors import PermanentError

# A forecast further above the highest period than this is a fit that ran away, not demand: CES turns eleven weeks of
# zero and one of 100 units into 1,400.
IMPLAUSIBLE_FACTOR = 10.0

# The dearest member by name takes 6 s on 156 weeks (AutoARIMA with a season); what takes longer hangs.
SECONDS_PER_MEMBER = 20.0
_SECONDS_BETWEEN_ALARMS = 0.5

# Member -> its forecast, or why it gave none.
Made = dict[str, np.ndarray | str]


@dataclass(frozen=True)
class SeriesForecast:
    """Point forecasts of one series for lags 1 to the horizon, what made them, and why it was not the preferred one."""

    mean: np.ndarray
    model_used: str
    fallback_reason: str | None


class _MethodError(Exception):
    """A method gave no usable forecast; the message says why."""


class _TookTooLongError(BaseException):
    """A method did not end in its time; no Exception, which AutoARIMA catches and goes on to its next order."""


def forecast_series(
    units: np.ndarray,
    method: str,
    horizon: int,
    season: int,
    made: Made | None = None,
    seconds: float = SECONDS_PER_MEMBER,
) -> SeriesForecast:
    """Forecasts one series by a method, or by the first of the fallbacks that gives a plausible forecast.

    The chain is the method, what is left of it where a member fails, SES, the mean of four periods, the mean of all,
    zero. NaN, infinity, exceptions, a runaway fit and one that does not end in time fail a member.

    Args:
        units: Units per period, oldest first, at least one period.
        method: Members of the registry, joined by `+`.
        horizon: Periods to forecast.
        season: Season in periods; 1 is none.
        made: What members made of this very series, those of pooled members among them, or why they failed; added to.
        seconds: Longest time of one member, kept inside `time_limits` and in the main thread of a process only: Python
            has no way to interrupt another one. A single call into a library that never returns is not interrupted.

    Returns:
        Finite and non-negative means. Means below zero are set to zero, which is not a fallback.
    """
    made = {} if made is None else made
    failures: list[str] = []
    chain = (method, "Naive") if method == BASELINE else (method, *(name for name in FALLBACKS if name != method))
    for name in chain:
        try:
            forecast = _by_method(units, name, horizon, season, made, seconds)
        except _MethodError as failure:
            failures.append(str(failure))
            continue
        reasons = [*failures, *([forecast.fallback_reason] if forecast.fallback_reason else [])]
        return SeriesForecast(forecast.mean, forecast.model_used, "; ".join(reasons) or None)
    return SeriesForecast(np.zeros(horizon), ZERO, "; ".join(failures))


def _by_method(units: np.ndarray, method: str, horizon: int, season: int, made: Made, seconds: float) -> SeriesForecast:
    """The mean of those members of a method that give a plausible forecast, and why the others do not."""
    if method == ZERO:
        return SeriesForecast(np.zeros(horizon), ZERO, None)
    parts: dict[str, np.ndarray] = {}
    failures = []
    for name in members_of(method):
        try:
            parts[name] = _by_member(units, name, horizon, season, made, seconds)
        except _MethodError as failure:
            failures.append(str(failure))
    if not parts:
        raise _MethodError("; ".join(failures))
    mean = next(iter(parts.values()))
    if len(parts) > 1:
        mean = np.asarray(sum(parts.values()) / len(parts))
        _highest(method, mean)
    return SeriesForecast(mean, "+".join(parts), "; ".join(failures) or None)


def _by_member(units: np.ndarray, name: str, horizon: int, season: int, made: Made, seconds: float) -> np.ndarray:
    known = made.get(name)
    if isinstance(known, str):
        raise _MethodError(known)
    if known is not None:
        return _plausible(units, name, known)
    member = SERIES_MEMBERS.get(name)
    if member is None:
        raise _MethodError(f"{name} gave no forecast")
    least = season if name == BASELINE else member.least_periods
    if len(units) < least:
        raise _MethodError(f"{name} needs {least} periods of history, has {len(units)}")
    has_seasons = name == BASELINE or (season > 1 and len(units) >= 2 * season)
    try:
        mean = _within(seconds, partial(series_model(name, season, has_seasons).forecast, y=units, h=horizon))["mean"]
    except PermanentError:
        raise
    # A member that did not end in time once is not waited for by the next combination that it is in.
    except _TookTooLongError as error:
        made[name] = f"{name} took more than {seconds:g} s"
        raise _MethodError(made[name]) from error
    # A fit may fail in any way; the reason is recorded with the forecast that stands in for it.
    except Exception as error:
        made[name] = f"{name} raised {type(error).__name__}: {error}"
        raise _MethodError(made[name]) from error
    forecast = np.maximum(np.asarray(mean, dtype=np.float64), 0.0)
    made[name] = forecast
    return _plausible(units, name, forecast)


def _highest(name: str, mean: np.ndarray) -> float:
    """The highest period of a forecast of 0 or more. One look at it: NaN is the maximum wherever it stands."""
    highest = float(mean.max())
    if not highest < np.inf:
        raise _MethodError(f"{name} gave a forecast that is not finite")
    return highest


def _plausible(units: np.ndarray, name: str, mean: np.ndarray) -> np.ndarray:
    if _highest(name, mean) / IMPLAUSIBLE_FACTOR > units.max():
        raise _MethodError(f"{name} gave more than {IMPLAUSIBLE_FACTOR:.0f} times the highest period")
    return mean


class _Alarm:
    """Whether this process has a handler for alarms: setting one takes as long as a quick method does."""

    is_set = False


@contextmanager
def time_limits() -> Iterator[None]:
    """Keeps the time limits of all series that are forecast inside, in the main thread of a process."""
    if _Alarm.is_set or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise _TookTooLongError

    before = signal.signal(signal.SIGALRM, give_up)
    _Alarm.is_set = True
    try:
        yield
    finally:
        _Alarm.is_set = False
        signal.signal(signal.SIGALRM, before)


def _within(seconds: float, function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not _Alarm.is_set or threading.current_thread() is not threading.main_thread():
        return function()
    # Again and again: where the first is caught by a library that catches everything, the next is not.
    signal.setitimer(signal.ITIMER_REAL, seconds, _SECONDS_BETWEEN_ALARMS)
    try:
        return function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
