"""Spawned processes for numeric work.

Belongs here: how such a pool is started and how it ends, without an orchestrator. Runs share the one of
`worker_pool.py`; a command that runs nothing has one of its own.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import TypeVar

# Two workers import what they need in 2 to 4 s; a chunk is about a second's work.
CHUNKS_TO_START_FOR = 5

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def _prepare_worker() -> None:
    # Each worker is one core's worth: a thread pool inside it would fight with its neighbours.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[variable] = "1"


def spawned_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of spawned processes, which end with this one; forked ones deadlock beside polars."""
    executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare_worker)
    # Not atexit: a process that multiprocessing started joins its children first, and these would never end.
    # And before the queues close (priority 10): through them the workers are told to end.
    Finalize(None, executor.shutdown, kwargs={"cancel_futures": True}, exitpriority=100)
    return executor


class Workers:
    """Some spawned processes of a command's own; they start with the first work that is worth it."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._executor: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Like the builtin `map`: results in the chunks' order; few chunks, or those of one worker, are done here."""
        work = list(chunks)
        if self._executor is None and (self._workers < 2 or len(work) < CHUNKS_TO_START_FOR):
            return map(function, work)
        if self._executor is None:
            self._executor = spawned_pool(self._workers)
        return self._executor.map(function, work)
