"""The forecasting methods: a registry with one line per method, and one series forecast by one of them.

Belongs here: which statsforecast models make a method, what each class may choose from, and the chain of fallbacks.
Worker processes import this module, so it imports neither polars nor anything of ours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from statsforecast.models import (
    IMAPA,
    TSB,
    AutoCES,
    DynamicOptimizedTheta,
    HistoricAverage,
    Naive,
    SeasonalNaive,
    SimpleExponentialSmoothingOptimized,
    WindowAverage,
)

# The lists run from the cheap to the dear; the first is what stands until another one is better (see selection.py).
# AutoETS is left out for its cost: 105 s per 1,000 series of 156 weeks against 8 s for Theta and CES together.
# Croston's family is left out because it never forgets an item that stopped selling: on intermittent gift sales its
# WAPE is 1.81 against IMAPA's 1.07.
CANDIDATES: dict[str, tuple[str, ...]] = {
    "smooth": ("IMAPA", "SES", "WindowAverage8", "DynamicOptimizedTheta", "ThetaCES"),
    "erratic": ("IMAPA", "SES", "WindowAverage8", "DynamicOptimizedTheta", "ThetaCES"),
    "intermittent": ("IMAPA", "TSB", "SES", "WindowAverage8"),
    "lumpy": ("IMAPA", "TSB", "SES", "WindowAverage8"),
    "new": ("SES", "WindowAverage4", "HistoricAverage"),
}
BASELINE = "SeasonalNaive"
FALLBACKS = ("SES", "WindowAverage4", "HistoricAverage")
ZERO = "Zero"

# A forecast further above the highest week than this is a fit that ran away, not demand: CES turns eleven weeks of
# zero and one of 100 units into 1,400.
IMPLAUSIBLE_FACTOR = 10.0


@dataclass(frozen=True)
class Method:
    """A method: the mean of its models' forecasts, for series of at least `least_weeks` weeks."""

    models: tuple[str, ...]
    least_weeks: int = 1


_MODELS: dict[str, Any] = {
    "CES": AutoCES(season_length=1, model="N"),
    "DOT": DynamicOptimizedTheta(season_length=1),
    "HistoricAverage": HistoricAverage(),
    "IMAPA": IMAPA(),
    "Naive": Naive(),
    "SES": SimpleExponentialSmoothingOptimized(),
    "TSB": TSB(alpha_d=0.2, alpha_p=0.2),
    "WindowAverage4": WindowAverage(window_size=4),
    "WindowAverage8": WindowAverage(window_size=8),
}
METHODS: dict[str, Method] = {
    "DynamicOptimizedTheta": Method(("DOT",), least_weeks=4),
    "HistoricAverage": Method(("HistoricAverage",)),
    "IMAPA": Method(("IMAPA",)),
    "Naive": Method(("Naive",)),
    "SES": Method(("SES",)),
    "TSB": Method(("TSB",)),
    "ThetaCES": Method(("DOT", "CES"), least_weeks=8),
    "WindowAverage4": Method(("WindowAverage4",), least_weeks=4),
    "WindowAverage8": Method(("WindowAverage8",), least_weeks=8),
}
DEAR = frozenset({"DynamicOptimizedTheta", "ThetaCES"})


@dataclass(frozen=True)
class SeriesForecast:
    """Point forecasts of one series for lags 1 to the horizon, what made them, and why it was not the preferred one."""

    mean: np.ndarray
    model_used: str
    fallback_reason: str | None


class _MethodError(Exception):
    """A method gave no usable forecast; the message says why."""


def forecast_series(
    units: np.ndarray, method: str, horizon: int, season_weeks: int, cache: dict[str, np.ndarray] | None = None
) -> SeriesForecast:
    """Forecasts one series by a method, or by the first of the fallbacks that gives a plausible forecast.

    The baseline is the seasonal naive forecast where there is a whole season of history, the last value otherwise.

    Args:
        units: Units per week, oldest first, at least one week.
        method: Name in METHODS, or BASELINE.
        horizon: Weeks to forecast.
        season_weeks: Season of the baseline.
        cache: Forecasts already made for this very series by model name; added to.

    Returns:
        Finite and non-negative means. Means below zero are set to zero, which is not a fallback.
    """
    made = {} if cache is None else cache
    failures: list[str] = []
    chain = (method, "Naive") if method == BASELINE else (method, *(name for name in FALLBACKS if name != method))
    for name in chain:
        try:
            mean = _by_method(units, name, horizon, season_weeks, made)
        except _MethodError as failure:
            failures.append(str(failure))
            continue
        return SeriesForecast(mean, name, "; ".join(failures) or None)
    return SeriesForecast(np.zeros(horizon), ZERO, "; ".join(failures))


def _by_method(
    units: np.ndarray, name: str, horizon: int, season_weeks: int, made: dict[str, np.ndarray]
) -> np.ndarray:
    method = METHODS.get(name, Method((BASELINE,), least_weeks=season_weeks))
    if len(units) < method.least_weeks:
        raise _MethodError(f"{name} needs {method.least_weeks} weeks of history, has {len(units)}")
    for model_name in method.models:
        if model_name not in made:
            made[model_name] = _by_model(units, name, model_name, horizon, season_weeks)
    parts = [made[model_name] for model_name in method.models]
    mean: np.ndarray = parts[0] if len(parts) == 1 else np.mean(parts, axis=0)
    if not np.isfinite(mean).all():
        raise _MethodError(f"{name} gave a forecast that is not finite")
    if mean.max() > IMPLAUSIBLE_FACTOR * units.max():
        raise _MethodError(f"{name} gave more than {IMPLAUSIBLE_FACTOR:.0f} times the highest week")
    return np.maximum(mean, 0.0)


def _by_model(units: np.ndarray, name: str, model_name: str, horizon: int, season_weeks: int) -> np.ndarray:
    model = SeasonalNaive(season_length=season_weeks) if model_name == BASELINE else _MODELS[model_name]
    try:
        mean = model.forecast(y=units, h=horizon)["mean"]
    # A fit may fail in any way; the reason is recorded with the forecast that stands in for it.
    except Exception as error:
        raise _MethodError(f"{name} raised {type(error).__name__}: {error}") from error
    return np.asarray(mean, dtype=np.float64)
