"""Where numeric work runs: spawned processes of this machine, shared by all runs of a process, or a cluster.

Belongs here: which of them, and the pool's limits. What runs there is a module-level function of `domain/`; clusters
are `engines/`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing.util import Finalize
from typing import ClassVar

from dagster import ConfigurableResource

from inventra_pipelines.errors import TransientError
from inventra_pipelines.resources.engines.outcomes import Failure, attempt, result_of
from inventra_pipelines.resources.engines.sessions import Session, check_engine, connect
from inventra_pipelines.resources.engines.waves import map_waves
from inventra_pipelines.resources.spawned import CHUNKS_TO_START_FOR, Chunk, Result, spawned_pool
from inventra_pipelines.settings import get_settings

# Enough that no worker waits while the oldest result is awaited; all that is in memory of a long backfill.
_CHUNKS_AHEAD_PER_WORKER = 2


class WorkerPool(ConfigurableResource):
    """`settings.workers` spawned processes, or the cluster of `settings.engine`; either starts with the first work.

    Forked processes deadlock beside polars. It has no configuration fields: a cluster's address may be a secret.
    """

    _executor: ClassVar[ProcessPoolExecutor | None] = None
    _session: ClassVar[Session | None] = None

    def map(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """Like the builtin `map`, on the engine of the settings: results in the chunks' order, and the same anywhere.

        Chunks are read as they are needed, a few ahead. An engine that has not started yet is not started for a few
        chunks: its start costs more than it saves.

        Raises:
            PermanentError: A package of the engine is missing.
            TransientError: The cluster does not answer, or a worker process ended.
        """
        settings = get_settings()
        if settings.engine == "local":
            return self.map_here(function, chunks)
        check_engine(settings)
        few, work = _few(chunks) if WorkerPool._session is None else (False, chunks)
        return map(function, work) if few else self._map_there(function, work)

    def map_here(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        """The same on this machine's pool, whatever the engine is: for work that is not worth a journey."""
        few, work = _few(chunks) if WorkerPool._executor is None else (False, chunks)
        return map(function, work) if few else self._map_in_pool(function, work)

    @classmethod
    def stop(cls) -> None:
        """End the processes of the pool and leave the cluster; the next work starts them anew."""
        if cls._executor is not None:
            cls._executor.shutdown(cancel_futures=True)
            cls._executor = None
        if cls._session is not None:
            session, cls._session = cls._session, None
            session.stop()

    def _map_there(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        if WorkerPool._session is None:
            WorkerPool._session = connect(get_settings())
            _stop_at_exit()
        yield from map_waves(WorkerPool._session, get_settings(), function, chunks)

    def _map_in_pool(self, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[Result]:
        pool, workers = self._pool(), get_settings().workers
        waiting: deque[Future[Result | Failure]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(attempt, function, chunk))
                if len(waiting) == _CHUNKS_AHEAD_PER_WORKER * workers:
                    yield result_of(waiting.popleft().result())
            while waiting:
                yield result_of(waiting.popleft().result())
        except BrokenProcessPool:
            WorkerPool._executor = None
            raise TransientError(
                "a worker process ended in the middle of its work, which it does where memory runs out",
                "run it again, with fewer INVENTRA_WORKERS if it comes back",
            ) from None
        finally:
            for future in waiting:
                future.cancel()

    def _pool(self) -> ProcessPoolExecutor:
        if WorkerPool._executor is None:
            WorkerPool._executor = spawned_pool(get_settings().workers)
            _stop_at_exit()
        return WorkerPool._executor


def _stop_at_exit() -> None:
    # Not atexit: a process that multiprocessing started joins its children first, and these would never end.
    # And before the queues close (priority 10): through them the workers are told to end.
    Finalize(None, WorkerPool.stop, exitpriority=100)


def _few(chunks: Iterable[Chunk]) -> tuple[bool, Iterable[Chunk]]:
    """Whether there are too few chunks to start anything for, and the chunks again."""
    rest = iter(chunks)
    first = list(islice(rest, CHUNKS_TO_START_FOR))
    return len(first) < CHUNKS_TO_START_FOR, chain(first, rest)
