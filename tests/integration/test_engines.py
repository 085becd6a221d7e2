"""Engines of forecasting: the same forecasts from each, in order, errors as they are, and nothing left running.

Each engine is used by a process of its own, as a run is, with a small cluster of its own on loopback. What it found is
in a file; what it had started must be gone with it.
"""

import multiprocessing
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from inventra_pipelines.domain.forecast.tenant_forecasts import (
    ForecastRequest,
    Inputs,
    Vintage,
    forecast_tenants,
    selection_day,
)
from inventra_pipelines.domain.tenant import ForecastConfig
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.resources.worker_pool import WorkerPool
from inventra_pipelines.settings import get_settings, has_java
from tests.forecast_demand import CUTOFF, shop_items, weekly_demand

# pyspark is 456 MB to download, so the tests' environment is without it.
NO_SPARK = "2026-11-29: pyspark or Java is absent; install the extra `spark` and Java 17 to run this"
HAS_SPARK = find_spec("pyspark") is not None and has_java()
ENGINES = ["local", "ray", "dask", pytest.param("spark", marks=pytest.mark.skipif(not HAS_SPARK, reason=NO_SPARK))]
CONFIG = ForecastConfig(horizon_weeks=4, backtest_windows=3)
FRAMES = ("forecasts", "corrections", "hierarchy", "run")


class UnwieldyError(Exception):
    """An error that does not survive pickling: it cannot be made anew from its message."""

    def __init__(self, code: int, place: str) -> None:
        super().__init__(f"code {code} at {place}")


def forecast(map_chunks: Any) -> list[Vintage]:
    days = [CUTOFF - timedelta(weeks=weeks) for weeks in (0, 3)]
    requests = [ForecastRequest("shop", day, selection_day(day), CONFIG, "version1") for day in days]
    return forecast_tenants({"shop": Inputs(weekly_demand(shop_items()))}, requests, {}, map_chunks)


def place_of(number: int) -> tuple[int, int]:
    # Later ones are done first, and yet come last.
    time.sleep(0.05 if number % 8 == 0 else 0.01)
    return number, os.getpid()


def refuse_seven(number: int) -> int:
    if number == 7:
        raise PermanentError("item A7 has no demand", "send its sales")
    return number


def stumble(number: int) -> float:
    return 1 / (number - 7)


def fail_unwieldily(number: int) -> int:
    raise UnwieldyError(number, "the till")


def error_of(function: Callable[[int], Any]) -> tuple[type, str, str]:
    try:
        list(WorkerPool().map(function, range(8)))
    except Exception as error:
        return type(error), str(error), str(error.__cause__)
    raise AssertionError("nothing was raised")


@dataclass(frozen=True)
class Found:
    """What a process that used an engine saw."""

    own_pid: int
    results: list[Vintage]
    places: list[tuple[int, int]]
    errors: dict[str, tuple[type, str, str]]
    started: list[tuple[int, float]]


def use(engine: str, home: str, file: str) -> None:
    os.environ |= {"INVENTRA_ENGINE": engine, "INVENTRA_HOME": home, "INVENTRA_WORKERS": "2"}
    get_settings.cache_clear()
    pool = WorkerPool()
    found = Found(
        os.getpid(),
        forecast(pool.map),
        list(pool.map(place_of, range(24))),
        {function.__name__: error_of(function) for function in (refuse_seven, stumble, fail_unwieldily)},
        [(child.pid, child.create_time()) for child in psutil.Process().children(recursive=True)],
    )
    Path(file).write_bytes(pickle.dumps(found))


@pytest.fixture(scope="module", params=ENGINES)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp(request.param)
    process = multiprocessing.get_context("spawn").Process(
        target=use, args=(request.param, str(folder / "home"), str(folder / "found"))
    )
    process.start()
    # Half a minute on idle cores; Spark took three on busy ones.
    process.join(timeout=480)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0
    return pickle.loads((folder / "found").read_bytes())


@pytest.fixture(scope="module")
def expected() -> list[Vintage]:
    return forecast(map)


def bits_of(result: Vintage, name: str) -> list[bytes]:
    frame = getattr(result, name)
    return [column.to_numpy().tobytes() for column in frame if column.dtype.is_float()]


def test_every_engine_gives_the_same_forecasts_to_the_last_bit(found: Found, expected: list[Vintage]) -> None:
    assert len(found.results) == len(expected) and expected[0].forecasts.height > 100
    for one, other in zip(found.results, expected, strict=True):
        assert all(getattr(one, name).equals(getattr(other, name)) for name in FRAMES)
        assert all(bits_of(one, name) == bits_of(other, name) for name in FRAMES)


def test_results_keep_the_order_of_chunks_that_several_workers_did(found: Found) -> None:
    assert [number for number, _ in found.places] == list(range(24))
    workers = {pid for _, pid in found.places}
    assert len(workers) == 2 and found.own_pid not in workers


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (refuse_seven, PermanentError, "item A7 has no demand. send its sales."),
        (stumble, ZeroDivisionError, "division by zero"),
        (fail_unwieldily, RuntimeError, "UnwieldyError: code 0 at the till"),
    ],
    ids=["one of ours", "one of Python's", "one that cannot be pickled"],
)
def test_what_a_chunk_raises_comes_out_as_itself(
    found: Found, function: Callable[[int], Any], kind: type, message: str
) -> None:
    seen, text, cause = found.errors[function.__name__]
    assert (seen, text) == (kind, message)
    assert f"in {function.__name__}" in cause


def test_what_an_engine_started_ends_with_the_process_that_used_it(found: Found) -> None:
    assert found.started
    until = time.monotonic() + 20
    while time.monotonic() < until and (left := [one for one in found.started if _runs(*one)]):
        time.sleep(0.2)
    assert not left


def _runs(pid: int, created_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.create_time() == created_at and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
