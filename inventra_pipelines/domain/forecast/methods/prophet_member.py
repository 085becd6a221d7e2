"""Prophet as a member by name, where the optional extra is installed.

Belongs here: the adapter from a bare series to Prophet's dated frame. Everything else is in `registry.py`.
"""

import logging
from typing import Any

import numpy as np

from inventra_pipelines.errors import PermanentError


class _Prophet:
    """Prophet on periods as days from a fixed one: its yearly season is the season of the series."""

    def __init__(self, season: int) -> None:
        # Half a second, and only who asks for it has it.
        try:
            from prophet import Prophet
        except ImportError as error:
            raise PermanentError(
                "the method Prophet is not installed", "Install it with: pip install 'inventra-pipelines[prophet]'"
            ) from error
        for name in ("cmdstanpy", "prophet"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._prophet = Prophet
        self._season = season

    def forecast(self, *, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        import pandas as pd

        days = pd.date_range("2000-01-01", periods=len(y) + h, freq="D")
        model = self._prophet(yearly_seasonality=False, weekly_seasonality=False, daily_seasonality=False)
        if self._season > 1:
            model.add_seasonality("season", period=self._season, fourier_order=min(10, max(1, self._season // 2)))
        model.fit(pd.DataFrame({"ds": days[: len(y)], "y": y}))
        return {"mean": model.predict(pd.DataFrame({"ds": days[len(y) :]}))["yhat"].to_numpy()}


def build_prophet(season: int) -> Any:
    """Prophet for a season in periods.

    Raises:
        PermanentError: The extra is not installed.
    """
    return _Prophet(season)
