"""How good forecasts at past origins were: by method, demand class and lag.

Belongs here: the figures of `rolling_origin.py`'s forecasts. A figure without a denominator is None. MASE and RMSSE are
means over series and origins (Hyndman and Koehler 2006; the M5 competition), WAPE, bias and CRPS shares of all units.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from inventra_pipelines.domain.forecast.demand.classes import CLASSES, DORMANT
from inventra_pipelines.domain.forecast.evaluation.rolling_origin import OriginForecast
from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.methods.registry import BASELINE

ENGINE = "engine"


@dataclass(frozen=True)
class MethodScores:
    """Figures of a method.

    Attributes:
        method: A name of the registry, or `engine`.
        series: Series that it was tried on.
        forecasts: Series x origins.
        mase: Mean absolute error over the in-sample seasonal naive one.
        mase_one_step: The same over the in-sample one-step naive one.
        rmsse: Root mean squared error over the in-sample one-step naive one.
        wape: Sum of absolute errors over units.
        bias: Sum of forecast less actual over units.
        engine_wape: The engine's WAPE on the same series.
        engine_rmsse: Its RMSSE on the same series.
    """

    method: str
    series: int
    forecasts: int
    mase: float | None
    mase_one_step: float | None
    rmsse: float | None
    wape: float | None
    bias: float | None
    engine_wape: float | None
    engine_rmsse: float | None


@dataclass(frozen=True)
class ClassScores:
    """The engine's figures on one demand class as of each origin, and the baseline's.

    `method` is what the class was forecast by at the latest origin; `coverage_80` the share of actuals within q10 and
    q90, `coverage_95` of those up to q95; `scaled_crps` the sum of twice the pinball losses over their number, as a
    share of units.
    """

    demand_class: str
    method: str
    series: int
    forecasts: int
    units: float
    rmsse: float | None
    wape: float | None
    bias: float | None
    coverage_80: float | None
    coverage_95: float | None
    scaled_crps: float | None
    naive_rmsse: float | None
    naive_wape: float | None


@dataclass(frozen=True)
class LagScores:
    """WAPE so many periods ahead, of the engine and of the seasonal naive forecast."""

    lag: int
    wape: float | None
    naive_wape: float | None


@dataclass(frozen=True)
class Scores:
    """All figures of an evaluation.

    Attributes:
        methods: The engine first, then the seasonal naive forecast, then the other baselines.
        classes: Classes that were there, in the registry's order.
        lags: By periods ahead.
        coverage_80: Over all classes but the dormant one, as the next two.
        coverage_95: As in `ClassScores`.
        scaled_crps: As in `ClassScores`.
        active_series: Series that were not dormant at some origin, on which the next two are.
        better_share: Share of them on which the engine's squared errors sum up to less than the seasonal naive ones'.
            Not absolute ones: of an item that sells in every third period, these are least for a forecast of zero.
        equal_share: Share of them on which they are the same.
        forecast_value_added: WAPE of the seasonal naive forecast less the engine's.
        fallbacks: Forecasts that the preferred method did not make.
        with_seasonal_scale: Forecasts that have a MASE.
    """

    methods: list[MethodScores]
    classes: list[ClassScores]
    lags: list[LagScores]
    coverage_80: float | None
    coverage_95: float | None
    scaled_crps: float | None
    active_series: int
    better_share: float | None
    equal_share: float | None
    forecast_value_added: float | None
    fallbacks: int
    with_seasonal_scale: int

    @property
    def engine(self) -> MethodScores:
        """The engine's."""
        return self.methods[0]

    @property
    def naive(self) -> MethodScores:
        """The seasonal naive forecast's."""
        return self.methods[1]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Joined:
    """Forecasts of all origins, one below the other; units in shares of the largest of all."""

    rows: np.ndarray
    classes: np.ndarray
    actuals: np.ndarray
    quantiles: np.ndarray
    means: dict[str, np.ndarray]
    seasonal_mae: np.ndarray
    one_step_mae: np.ndarray
    one_step_rmse: np.ndarray
    top: float


def score(origins: Sequence[OriginForecast]) -> Scores:
    """The figures of forecasts at one or several origins, the latest first."""
    joined = _join(origins)
    everything = np.ones(len(joined.rows), dtype=bool)
    active = joined.classes != DORMANT
    engine, naive = joined.means[ENGINE], joined.means[BASELINE]
    better, equal, active_series = _won(joined, active)
    methods = [_method(name, joined) for name in joined.means]
    value_added = _difference(_wape(joined, naive, everything), _wape(joined, engine, everything))
    chosen = origins[0].selection.choices
    coverage_80, coverage_95, crps = _ranges(joined, active)
    return Scores(
        methods,
        [_class(name, chosen[name].method, joined) for name in CLASSES if (joined.classes == name).any()],
        [
            LagScores(
                lag + 1,
                _share(np.abs(engine[:, lag] - joined.actuals[:, lag]).sum(), joined.actuals[:, lag].sum()),
                _share(np.abs(naive[:, lag] - joined.actuals[:, lag]).sum(), joined.actuals[:, lag].sum()),
            )
            for lag in range(joined.actuals.shape[1])
        ],
        coverage_80,
        coverage_95,
        crps,
        active_series,
        better,
        equal,
        value_added,
        sum(reason is not None for origin in origins for reason in origin.fallback_reasons),
        int((joined.seasonal_mae > 0).sum()),
    )


def _join(origins: Sequence[OriginForecast]) -> _Joined:
    def stacked(parts: list[np.ndarray], axis: int = 0) -> np.ndarray:
        return np.concatenate(parts, axis=axis)

    means = {ENGINE: stacked([origin.means for origin in origins])}
    for method in origins[0].baselines:
        means[method] = stacked([origin.baselines[method] for origin in origins])
    actuals = stacked([origin.actuals for origin in origins])
    quantiles = stacked([origin.quantiles for origin in origins], axis=1)
    # Sums of what a 64-bit float holds fit into one when they are shares.
    top = max(float(actuals.max(initial=0.0)), *(float(np.nanmax(made, initial=0.0)) for made in means.values()))
    top = top if top > 0 else 1.0
    return _Joined(
        stacked([origin.rows for origin in origins]),
        stacked([origin.classes for origin in origins]),
        actuals / top,
        quantiles / top,
        {name: made / top for name, made in means.items()},
        stacked([origin.scales.seasonal_mae for origin in origins]) / top,
        stacked([origin.scales.one_step_mae for origin in origins]) / top,
        stacked([origin.scales.one_step_rmse for origin in origins]) / top,
        top,
    )


def _method(name: str, joined: _Joined) -> MethodScores:
    made = joined.means[name]
    tried = np.isfinite(made).all(axis=1)
    errors = made[tried] - joined.actuals[tried]
    absolute = np.abs(errors).mean(axis=1)
    return MethodScores(
        name,
        len(np.unique(joined.rows[tried])),
        int(tried.sum()),
        _scaled(absolute, joined.seasonal_mae[tried]),
        _scaled(absolute, joined.one_step_mae[tried]),
        _rmsse(joined, made, tried),
        _wape(joined, made, tried),
        _share(errors.sum(), joined.actuals[tried].sum()),
        _wape(joined, joined.means[ENGINE], tried),
        _rmsse(joined, joined.means[ENGINE], tried),
    )


def _class(name: str, method: str, joined: _Joined) -> ClassScores:
    own = joined.classes == name
    engine, naive = joined.means[ENGINE], joined.means[BASELINE]
    coverage_80, coverage_95, crps = _ranges(joined, own)
    return ClassScores(
        name,
        method,
        len(np.unique(joined.rows[own])),
        int(own.sum()),
        float(joined.actuals[own].sum() * joined.top),
        _rmsse(joined, engine, own),
        _wape(joined, engine, own),
        _share((engine[own] - joined.actuals[own]).sum(), joined.actuals[own].sum()),
        coverage_80,
        coverage_95,
        crps,
        _rmsse(joined, naive, own),
        _wape(joined, naive, own),
    )


def _ranges(joined: _Joined, chosen: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Coverage of q10 to q90, share up to q95, and scaled CRPS."""
    actuals, quantiles = joined.actuals[chosen], joined.quantiles[:, chosen]
    if not actuals.size:
        return None, None, None
    names = list(QUANTILES)
    low, high, top = (quantiles[names.index(name)] for name in ("q10", "q90", "q95"))
    levels = np.array(list(QUANTILES.values()))[:, None, None]
    over = actuals[None] - quantiles
    pinball = np.maximum(levels * over, (levels - 1) * over).sum() * 2 / len(levels)
    return (
        float(((actuals >= low) & (actuals <= high)).mean()),
        float((actuals <= top).mean()),
        _share(pinball, actuals.sum()),
    )


def _won(joined: _Joined, active: np.ndarray) -> tuple[float | None, float | None, int]:
    series, places = np.unique(joined.rows[active], return_inverse=True)
    if not len(series):
        return None, None, 0

    errors_of = {name: joined.means[name][active] - joined.actuals[active] for name in (ENGINE, BASELINE)}
    largest = np.zeros(len(series))
    for made in errors_of.values():
        np.maximum.at(largest, places, np.abs(made).max(axis=1))
    tops = np.where(largest > 0, largest, 1.0)[places]

    def errors(name: str) -> np.ndarray:
        squares = ((errors_of[name] / tops[:, None]) ** 2).sum(axis=1)
        return np.bincount(places, weights=squares, minlength=len(series))

    engine, naive = errors(ENGINE), errors(BASELINE)
    return float((engine < naive).mean()), float((engine == naive).mean()), len(series)


def _rmsse(joined: _Joined, made: np.ndarray, chosen: np.ndarray) -> float | None:
    errors = made[chosen] - joined.actuals[chosen]
    return _scaled(np.sqrt((errors**2).mean(axis=1)), joined.one_step_rmse[chosen])


def _wape(joined: _Joined, made: np.ndarray, chosen: np.ndarray) -> float | None:
    return _share(np.abs(made[chosen] - joined.actuals[chosen]).sum(), joined.actuals[chosen].sum())


def _scaled(errors: np.ndarray, scales: np.ndarray) -> float | None:
    usable = scales > 0
    return float((errors[usable] / scales[usable]).mean()) if usable.any() else None


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
