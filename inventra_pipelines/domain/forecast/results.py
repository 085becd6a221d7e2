"""The frames of one tenant and cutoff, from its forecasts, backtests and choices, and the promises they keep.

Belongs here: assembling and checking the rows of forecast.forecasts, backtests, models and runs. Their columns are
declared in `frames.py`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.backtests import Cases, actual_units, backtest_figures
from inventra_pipelines.domain.forecast.frames import (
    BACKTESTS,
    DECIMALS,
    FORECASTS,
    MODELS,
    QUANTILES,
    RUNS,
    SERIES_KEY,
)
from inventra_pipelines.domain.forecast.panel import Panel
from inventra_pipelines.domain.forecast.ranges import (
    Spread,
    cumulative_deviations,
    error_scales,
    forecast_quantiles,
    pooled_spreads,
)
from inventra_pipelines.domain.forecast.selection import Choice
from inventra_pipelines.domain.tenant import ForecastConfig
from inventra_pipelines.errors import PermanentError


class UnsoundForecastError(PermanentError):
    """A forecast is missing, not finite, negative, or its quantiles do not rise."""


@dataclass(frozen=True)
class CutoffOutcome:
    """All that was found out about a tenant as of a cutoff; forecasts and baselines are cases x horizon."""

    tenant_id: str
    cutoff_on: date
    config_version: str
    config: ForecastConfig
    run_id: str
    data_fingerprint: str
    panel: Panel
    cases: Cases
    choices: dict[str, Choice]
    forecasts: np.ndarray
    baselines: np.ndarray
    models_used: list[str]
    fallback_reasons: list[str | None]


@dataclass(frozen=True)
class ForecastResult:
    """Rows of forecast.forecasts, backtests, models and runs for one tenant and cutoff, each sorted by its key."""

    forecasts: pl.DataFrame
    backtests: pl.DataFrame
    models: pl.DataFrame
    run: pl.DataFrame


def result_frames(outcome: CutoffOutcome) -> ForecastResult:
    """The frames of an outcome.

    Raises:
        UnsoundForecastError: A forecast breaks a promise; names tenant, item and cutoff.
    """
    windows = outcome.cases.offsets > 0
    final = np.flatnonzero(~windows)
    window_cases = outcome.cases.select(windows)
    actuals = actual_units(outcome.panel, window_cases, outcome.config.horizon_weeks)
    scales = error_scales(outcome.forecasts, outcome.cases.means, outcome.cases.root_mean_squares)
    spreads = pooled_spreads(window_cases.classes, actuals - outcome.forecasts[windows], scales[windows])
    forecasts = _forecasts(outcome, final, scales, spreads) if len(final) else pl.DataFrame(schema=FORECASTS)
    _check(forecasts)
    return ForecastResult(
        forecasts,
        _backtests(outcome, final, windows, actuals),
        _models(outcome, final),
        _run(outcome, final, spreads),
    )


def _forecasts(
    outcome: CutoffOutcome, final: np.ndarray, scales: np.ndarray, spreads: dict[str, Spread]
) -> pl.DataFrame:
    horizon, classes = outcome.config.horizon_weeks, outcome.cases.classes[final]
    means = np.round(outcome.forecasts[final], DECIMALS)
    quantiles = forecast_quantiles(outcome.forecasts[final], scales[final], classes, spreads)
    deviations = cumulative_deviations(scales[final], classes, spreads)
    lags = np.tile(np.arange(1, horizon + 1), len(final))
    targets = [outcome.cutoff_on + timedelta(weeks=lag) for lag in range(1, horizon + 1)]

    def per_row(texts: list[str | None]) -> list[str | None]:
        return [text for text in texts for _ in range(horizon)]

    return _frame(
        {
            **_keys(outcome, final, horizon),
            "target_on": targets * len(final),
            "lag": lags,
            "mean": means.ravel(),
            **{name: np.round(quantiles[index], DECIMALS).ravel() for index, name in enumerate(QUANTILES)},
            "baseline": np.round(outcome.baselines[final], DECIMALS).ravel(),
            "cumulative_mean": np.round(np.cumsum(means, axis=1), DECIMALS).ravel(),
            "cumulative_std": np.round(deviations, DECIMALS).ravel(),
            "model_used": per_row([outcome.models_used[case] for case in final]),
            "fallback_reason": per_row([outcome.fallback_reasons[case] for case in final]),
            "run_id": outcome.run_id,
        },
        outcome,
        FORECASTS,
        [*SERIES_KEY, "lag"],
    )


def _backtests(outcome: CutoffOutcome, final: np.ndarray, windows: np.ndarray, actuals: np.ndarray) -> pl.DataFrame:
    """Figures of the method each series would have been forecast by at each origin, with its class as of then."""
    figures = backtest_figures(
        len(outcome.panel.lengths),
        outcome.cases.select(windows),
        outcome.forecasts[windows],
        outcome.baselines[windows],
        actuals,
    )
    rows = outcome.cases.rows[final]
    names = ("rmse", "mae", "bias", "rmsse", "baseline_rmsse")
    frame = _frame(
        {
            **_keys(outcome, final, 1),
            "demand_class": outcome.cases.classes[final].tolist(),
            "model_used": [outcome.models_used[case] for case in final],
            "windows": figures.windows[rows],
            **{name: np.round(getattr(figures, name)[rows], DECIMALS) for name in names},
        },
        outcome,
        BACKTESTS,
        SERIES_KEY,
    )
    return frame.with_columns(pl.col(names).fill_nan(None))


def _models(outcome: CutoffOutcome, final: np.ndarray) -> pl.DataFrame:
    """A row per class that a series is in at the cutoff."""
    present = sorted(set(outcome.cases.classes[final].tolist()))
    choices = [outcome.choices[name] for name in present]
    return _frame(
        {
            "tenant_id": outcome.tenant_id,
            "cutoff_on": outcome.cutoff_on,
            **{
                name: [getattr(choice, name) for choice in choices]
                for name in ("demand_class", "method", "series", "reason")
            },
            "score": [_rounded(choice.score) for choice in choices],
            "baseline_score": [_rounded(choice.baseline_score) for choice in choices],
        },
        outcome,
        MODELS,
        ["demand_class"],
    )


def _run(outcome: CutoffOutcome, final: np.ndarray, spreads: dict[str, Spread]) -> pl.DataFrame:
    borrowed = sorted(
        f"{name} from {spreads[name].source}"
        for name in set(outcome.cases.classes[final].tolist())
        if spreads[name].source != name
    )
    message = f"too few backtest windows for own ranges: {', '.join(borrowed)}" if borrowed else None
    if not len(final):
        message = f"no item sold in the {outcome.config.active_weeks} weeks to the cutoff"
    return _frame(
        {
            "run_id": [outcome.run_id],
            "tenant_id": outcome.tenant_id,
            "cutoff_on": outcome.cutoff_on,
            "state": "completed",
            "items": len(final),
            "fallbacks": sum(outcome.fallback_reasons[case] is not None for case in final),
            "horizon_weeks": outcome.config.horizon_weeks,
            "data_fingerprint": outcome.data_fingerprint,
            "message": message,
        },
        outcome,
        RUNS,
        ["run_id"],
    )


def _keys(outcome: CutoffOutcome, final: np.ndarray, repeats: int) -> dict[str, object]:
    rows = np.repeat(outcome.cases.rows[final], repeats).tolist()
    return {
        "tenant_id": outcome.tenant_id,
        "item_id": [outcome.panel.item_ids[row] for row in rows],
        "location_id": [outcome.panel.location_ids[row] for row in rows],
        "cutoff_on": outcome.cutoff_on,
    }


def _frame(columns: dict[str, object], outcome: CutoffOutcome, schema: dict, key: list[str]) -> pl.DataFrame:
    """The columns as a frame of the schema; a column that is one value stands in every row."""
    data = {**columns, "config_version": outcome.config_version}
    many = {name: values for name, values in data.items() if isinstance(values, list | np.ndarray)}
    once = {name: pl.lit(value, dtype=schema[name]) for name, value in data.items() if name not in many}
    frame = pl.DataFrame(many, schema_overrides={name: schema[name] for name in many if many[name] is not None})
    return frame.with_columns(**once).select(pl.col(name).cast(dtype) for name, dtype in schema.items()).sort(key)


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, DECIMALS)


def _check(forecasts: pl.DataFrame) -> None:
    numbers = ["mean", *QUANTILES, "baseline", "cumulative_mean", "cumulative_std"]
    steps = list(QUANTILES)
    rising = [pl.col(low) <= pl.col(high) for low, high in pairwise(steps)]
    sound = pl.all_horizontal(*(pl.col(name).is_finite() & (pl.col(name) >= 0) for name in numbers), *rising)
    unsound = forecasts.filter(~sound.fill_null(False))
    if unsound.height:
        row = unsound.row(0, named=True)
        raise UnsoundForecastError(
            f"the forecast of tenant {row['tenant_id']}, item {row['item_id']} at {row['location_id']} for "
            f"{row['target_on']} as of {row['cutoff_on']} is not finite, negative, or its quantiles do not rise",
            "This is a fault of the program: report it with the weekly demand of the item",
        )
