"""The worker pool: results in order, not started for little, and never in the way of its process's end."""

import math
import multiprocessing

from inventra_pipelines.resources.worker_pool import WorkerPool


def _use_the_pool() -> None:
    assert list(WorkerPool().map(math.sqrt, [float(number) for number in range(8)]))[4] == 2.0


def test_a_process_that_used_the_pool_ends(fresh_settings):
    # A step in a process of its own is started by multiprocessing, which waits for its children before it ends.
    process = multiprocessing.get_context("spawn").Process(target=_use_the_pool)
    process.start()
    process.join(timeout=60)
    is_over = process.exitcode is not None
    if not is_over:
        process.kill()
    assert is_over and process.exitcode == 0


def test_a_few_chunks_are_done_at_once_without_starting_processes(fresh_settings, monkeypatch):
    monkeypatch.setattr(WorkerPool, "_executor", None)
    assert list(WorkerPool().map(math.sqrt, [4.0, 9.0])) == [2.0, 3.0]
    assert WorkerPool._executor is None
