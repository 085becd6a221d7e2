"""The rows of forecast.forecasts from the forecasts of a panel, and the promises they keep.

Belongs here: rounding, keys and the check that every forecast is sound. Where the forecasts come from is `engine.py`.
"""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.demand.panel import Panel
from inventra_pipelines.domain.forecast.engine import PanelForecast
from inventra_pipelines.domain.forecast.frames import FORECASTS, QUANTILES, SERIES_KEY, rounded
from inventra_pipelines.errors import PermanentError


class UnsoundForecastError(PermanentError):
    """A forecast is missing, not finite, negative, or its quantiles do not rise."""


def forecast_rows(
    panel: Panel, forecast: PanelForecast, *, tenant_id: str, cutoff_on: date, run_id: str, config_version: str
) -> pl.DataFrame:
    """Rows of forecast.forecasts of one tenant and cutoff, sorted by key.

    Raises:
        UnsoundForecastError: A forecast is not finite, negative, or its quantiles do not rise.
    """
    series, horizon = forecast.means.shape
    if not series:
        return pl.DataFrame(schema=FORECASTS)
    means = rounded(forecast.means)
    places = np.repeat(np.arange(series), horizon)
    targets = [cutoff_on + timedelta(weeks=lag) for lag in range(1, horizon + 1)]

    def per_series(texts: list[str] | list[str | None]) -> pl.Series:
        return pl.Series(texts, dtype=pl.String).gather(places)

    keys = {
        "item_id": per_series([panel.item_ids[row] for row in forecast.cases.rows]),
        "location_id": per_series([panel.location_ids[row] for row in forecast.cases.rows]),
    }
    numbers = {
        "mean": means.ravel(),
        **{name: rounded(forecast.quantiles[index]).ravel() for index, name in enumerate(QUANTILES)},
        "baseline": rounded(forecast.baselines).ravel(),
        "cumulative_mean": rounded(np.cumsum(means, axis=1)).ravel(),
        "cumulative_std": rounded(forecast.deviations).ravel(),
        **{f"cumulative_{name}": rounded(forecast.sums[index]).ravel() for index, name in enumerate(QUANTILES)},
    }
    frame = pl.DataFrame(
        {
            **keys,
            "target_on": pl.Series(targets, dtype=pl.Date).gather(np.tile(np.arange(horizon), series)),
            "lag": np.tile(np.arange(1, horizon + 1), series),
            **numbers,
            "demand_class": per_series(forecast.cases.classes.tolist()),
            "model_used": per_series(forecast.models_used),
            "fallback_reason": per_series(forecast.fallback_reasons),
        }
    ).with_columns(
        tenant_id=pl.lit(tenant_id),
        cutoff_on=pl.lit(cutoff_on),
        run_id=pl.lit(run_id),
        config_version=pl.lit(config_version),
    )
    rows = frame.select(pl.col(name).cast(dtype) for name, dtype in FORECASTS.items()).sort([*SERIES_KEY, "lag"])
    _check(rows)
    return rows


def _check(forecasts: pl.DataFrame) -> None:
    steps = list(QUANTILES)
    sums = [f"cumulative_{name}" for name in steps]
    numbers = ["mean", *steps, "baseline", "cumulative_mean", "cumulative_std", *sums]
    rising = [pl.col(low) <= pl.col(high) for names in (steps, sums) for low, high in pairwise(names)]
    sound = pl.all_horizontal(*(pl.col(name).is_finite() & (pl.col(name) >= 0) for name in numbers), *rising)
    unsound = forecasts.filter(~sound.fill_null(False))
    if unsound.height:
        row = unsound.row(0, named=True)
        raise UnsoundForecastError(
            f"the forecast of tenant {row['tenant_id']}, item {row['item_id']} at {row['location_id']} for "
            f"{row['target_on']} as of {row['cutoff_on']} is not finite, negative, or its quantiles do not rise",
            "This is a fault of the program: report it with the weekly demand of the item",
        )
