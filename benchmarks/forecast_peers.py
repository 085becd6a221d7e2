"""The same forecasts by other means: bare model calls, StatsForecast, Prophet and AutoARIMA.

Belongs here: one function per peer, each with the settings that its documentation shows.
"""

import logging
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoARIMA

from inventra_pipelines.domain.forecast.methods.registry import members_of, series_model


def bare_calls(series: Sequence[np.ndarray], method: str, horizon: int, season: int) -> np.ndarray:
    """The models that the engine would fit, in a plain loop: no fallbacks, no checks, no time limit."""
    means = np.empty((len(series), horizon))
    for row, units in enumerate(series):
        models = [series_model(name, season, len(units) >= 2 * season) for name in members_of(method)]
        means[row] = np.mean([model.forecast(y=units, h=horizon)["mean"] for model in models], axis=0)
    return means


def long_frame(series: Sequence[np.ndarray]) -> pd.DataFrame:
    """Series as StatsForecast takes them, all ending at the same integer period."""
    longest = max(map(len, series))
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(series)), [len(units) for units in series]),
            "ds": np.concatenate([np.arange(longest - len(units), longest) for units in series]),
            "y": np.concatenate(list(series)),
        }
    )


def by_statsforecast(frame: pd.DataFrame, method: str, horizon: int, season: int) -> np.ndarray:
    """The mean of a method's models by StatsForecast in one process, series x horizon."""
    models = [series_model(name, season, True) for name in members_of(method)]
    made = StatsForecast(models=models, freq=1, n_jobs=1).forecast(df=frame, h=horizon)
    assert isinstance(made, pd.DataFrame)
    means: np.ndarray = made.iloc[:, 2:].to_numpy().mean(axis=1).reshape(-1, horizon)
    return means


def by_auto_arima(series: Sequence[np.ndarray], horizon: int, season: int) -> np.ndarray:
    """AutoARIMA with its defaults and the season."""
    model = AutoARIMA(season_length=season)
    return np.stack([model.forecast(y=units, h=horizon)["mean"] for units in series])


def has_prophet() -> bool:
    """Whether Prophet is installed."""
    return find_spec("prophet") is not None


def by_prophet(series: Sequence[np.ndarray], horizon: int, frequency: str) -> np.ndarray:
    """Prophet with its defaults; months are first days of months, as its documentation has it.

    Args:
        series: Units of each series.
        horizon: Periods to forecast.
        frequency: What pandas calls the period.
    """
    # It says for every fit that it began and ended, and that plotly is not there.
    for name in ("cmdstanpy", "prophet.plot"):
        logging.getLogger(name).disabled = True
    from prophet import Prophet

    means = np.empty((len(series), horizon))
    for row, units in enumerate(series):
        model = Prophet()
        model.fit(pd.DataFrame({"ds": pd.date_range("1980-01-01", periods=len(units), freq=frequency), "y": units}))
        ahead = model.make_future_dataframe(periods=horizon, freq=frequency, include_history=False)
        means[row] = model.predict(ahead)["yhat"].to_numpy()
    return means
