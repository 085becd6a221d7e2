"""Spawned processes that forecast for the benchmarks, as many as the product starts.

Belongs here: the pool, and making a panel of bare series. What is forecast is `accuracy.py` and `forecast.py`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
import psutil

from inventra_pipelines.domain.forecast.demand.panel import Panel, plain_panel
from inventra_pipelines.domain.forecast.engine import Order, PanelForecast, forecast_panels
from inventra_pipelines.domain.forecast.methods.work import MapWork
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.trial import Shape, select_methods

WORKERS = 2


@dataclass(frozen=True)
class Workers:
    """A pool's `map`, and its processes."""

    map_work: MapWork
    processes: Callable[[], list[psutil.Process]]


def one_thread() -> None:
    """Makes a process one core's worth; before numpy is loaded."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[variable] = "1"


@contextmanager
def workers(count: int = WORKERS) -> Iterator[Workers]:
    """Spawned workers, started with the first work and ended with the block."""
    one_thread()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:

        def processes() -> list[psutil.Process]:
            return [psutil.Process(number) for number in list(pool._processes or {})]

        yield Workers(pool.map, processes)


def panel_of(
    histories: Sequence[np.ndarray],
    season: int,
    horizon: int,
    most_periods: int | None = None,
    regressors: np.ndarray | None = None,
) -> Panel:
    """Bare series as the panel that the product would make of them: each begins with its first sale.

    Args:
        histories: Units of each series, oldest first, all up to the same period.
        season: Season in periods.
        horizon: Periods that will be forecast.
        most_periods: Most periods that are kept.
        regressors: Of the longest history's periods and those ahead, series x periods x kinds.
    """
    periods = min(max(map(len, histories)), most_periods or len(max(histories, key=len)))
    values = np.zeros((len(histories), periods))
    lengths = np.zeros(len(histories), dtype=np.int64)
    for row, units in enumerate(histories):
        sold = np.flatnonzero(units[-periods:] > 0)
        kept = units[-periods:][sold[0] :] if len(sold) else units[:0]
        lengths[row] = len(kept)
        values[row, periods - len(kept) :] = kept
    panel = plain_panel([f"{row:07d}" for row in range(len(histories))], values, lengths, season, horizon)
    if regressors is None:
        return panel
    return replace(panel, regressors=regressors[:, -(periods + horizon) :])


def forecast_panel(panel: Panel, shape: Shape, map_work: MapWork) -> tuple[Selection, PanelForecast]:
    """Selects methods for a panel and forecasts it by them."""
    (selection,) = select_methods([(panel, shape, None)], map_work)
    (forecast,) = forecast_panels([Order(panel, shape, selection)], map_work)
    return selection, forecast


def shape_of(horizon: int, season: int, active_periods: int, **more: Any) -> Shape:
    """A shape with the product's default number of backtest windows."""
    return Shape(horizon, season, **{"windows": 3, "active_periods": active_periods, "asked_for": {}, **more})
