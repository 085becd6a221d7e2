"""Spawned processes for numeric work, shared by all runs of a process.

Belongs here: the pool and its limits. What runs in it is a module-level function of `domain/`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import ClassVar, TypeVar

from dagster import ConfigurableResource

from inventra_pipelines.settings import get_settings

# Two workers import what they need in 2 to 4 s; a chunk is about a second's work.
_CHUNKS_TO_START_FOR = 5

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def _prepare_worker() -> None:
    # Each worker is one core's worth: a thread pool inside it would fight with its neighbours.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[variable] = "1"


class WorkerPool(ConfigurableResource):
    """`settings.workers` spawned processes; forked ones deadlock beside polars. They start with the first work."""

    _executor: ClassVar[ProcessPoolExecutor | None] = None

    def _pool(self) -> ProcessPoolExecutor:
        if WorkerPool._executor is None:
            WorkerPool._executor = ProcessPoolExecutor(
                get_settings().workers, mp_context=get_context("spawn"), initializer=_prepare_worker
            )
            # Not atexit: a process that multiprocessing started joins its children first, and these would never end.
            # And before the queues close (priority 10): through them the workers are told to end.
            Finalize(None, WorkerPool._executor.shutdown, kwargs={"cancel_futures": True}, exitpriority=100)
        return WorkerPool._executor

    def map(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Like the builtin `map`: results in the chunks' order, the work spread over the pool.

        A pool that has not started yet is not started for a few chunks: its start costs more than it saves.
        """
        work = list(chunks)
        if WorkerPool._executor is None and len(work) < _CHUNKS_TO_START_FOR:
            return map(function, work)
        return self._pool().map(function, work)
