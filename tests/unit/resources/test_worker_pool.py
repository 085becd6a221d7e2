"""The worker pool: results in order, not started for little, bounded, and never in the way of its process's end."""

import math
import multiprocessing
import os
from collections.abc import Iterator

import pytest

from inventra_pipelines.errors import PermanentError, TransientError
from inventra_pipelines.resources import worker_pool
from inventra_pipelines.resources.worker_pool import WorkerPool
from inventra_pipelines.settings import get_settings


@pytest.fixture(autouse=True)
def _own_pool(fresh_settings, monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(WorkerPool, "_executor", None)
    yield
    WorkerPool.stop()


def _use_the_pool() -> None:
    assert list(WorkerPool().map(math.sqrt, [float(number) for number in range(8)]))[4] == 2.0


def _end_at_three(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def test_a_process_that_used_the_pool_ends():
    # A step in a process of its own is started by multiprocessing, which waits for its children before it ends.
    process = multiprocessing.get_context("spawn").Process(target=_use_the_pool)
    process.start()
    process.join(timeout=60)
    is_over = process.exitcode is not None
    if not is_over:
        process.kill()
    assert is_over and process.exitcode == 0


def test_a_few_chunks_are_done_at_once_without_starting_processes():
    assert list(WorkerPool().map(math.sqrt, [4.0, 9.0])) == [2.0, 3.0]
    assert WorkerPool._executor is None


@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_nor_is_a_cluster_started_for_a_few(engine, monkeypatch):
    monkeypatch.setenv("INVENTRA_ENGINE", engine)
    get_settings.cache_clear()
    monkeypatch.setattr(worker_pool, "check_engine", lambda settings: "there")
    monkeypatch.setattr(worker_pool, "connect", lambda settings: pytest.fail("connected"))
    assert list(WorkerPool().map(math.sqrt, iter([4.0, 9.0]))) == [2.0, 3.0]


def test_an_engine_that_is_not_installed_is_told_however_little_there_is_to_do(monkeypatch):
    monkeypatch.setenv("INVENTRA_ENGINE", "ray")
    get_settings.cache_clear()
    monkeypatch.setattr("inventra_pipelines.resources.engines.sessions.find_spec", lambda module: None)
    with pytest.raises(PermanentError, match=r"inventra-pipelines\[ray\]"):
        WorkerPool().map(math.sqrt, [4.0])
    assert list(WorkerPool().map_here(math.sqrt, [4.0])) == [2.0]


def test_chunks_are_read_a_few_ahead_of_the_results_that_are_taken():
    read = []

    def chunks() -> Iterator[float]:
        for number in range(200):
            read.append(number)
            yield float(number)

    results = WorkerPool().map(math.sqrt, chunks())
    for taken in range(1, 101):
        assert next(results) == math.sqrt(taken - 1)
        assert len(read) <= max(5, taken - 1 + 2 * get_settings().workers)
    assert list(results) == [math.sqrt(number) for number in range(100, 200)]


def test_a_worker_that_ends_is_one_clear_error_and_the_next_work_has_a_new_pool():
    with pytest.raises(TransientError, match="memory"):
        list(WorkerPool().map(_end_at_three, range(8)))
    assert list(WorkerPool().map(_end_at_three, range(4, 12))) == list(range(4, 12))
