"""Spawned processes for numeric work, shared by all runs of a process.

Belongs here: the pool as a resource, and its limits. How its processes are started is `spawned.py`; what runs in it is
a module-level function of `domain/`.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import ClassVar

from dagster import ConfigurableResource

from inventra_pipelines.resources.spawned import CHUNKS_TO_START_FOR, Chunk, Result, spawned_pool
from inventra_pipelines.settings import get_settings


class WorkerPool(ConfigurableResource):
    """`settings.workers` spawned processes; they start with the first work."""

    _executor: ClassVar[ProcessPoolExecutor | None] = None

    def _pool(self) -> ProcessPoolExecutor:
        if WorkerPool._executor is None:
            WorkerPool._executor = spawned_pool(get_settings().workers)
        return WorkerPool._executor

    def map(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Like the builtin `map`: results in the chunks' order, the work spread over the pool.

        A pool that has not started yet is not started for a few chunks: its start costs more than it saves.
        """
        work = list(chunks)
        if WorkerPool._executor is None and len(work) < CHUNKS_TO_START_FOR:
            return map(function, work)
        return self._pool().map(function, work)
