"""Chunks to a cluster and results back, in order: waves of rows through Fugue's `transform`.

Belongs here: how much goes at once, and what becomes of an error. The other end is `rows.py`.
"""

import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from inventra_pipelines.errors import InventraError, PermanentError, TransientError
from inventra_pipelines.resources.engines.outcomes import result_of
from inventra_pipelines.resources.engines.rows import run_rows, versions
from inventra_pipelines.resources.engines.sessions import Session
from inventra_pipelines.settings import Settings

# A wave ends with its slowest chunk, while other workers wait: with eight chunks each, an eighth of the time at worst.
_CHUNKS_PER_WORKER = 8
# ... and this process holds one wave, pickled: at most this, or one chunk.
_WAVE_BYTES = 256 << 20

_REASON = re.compile(r"^[\w.]*(?:Error|Exception): .+$", re.MULTILINE)

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def map_waves(
    session: Session, settings: Settings, function: Callable[[Chunk], Result], chunks: Iterable[Chunk]
) -> Iterator[Result]:
    """Like the builtin `map`, on the cluster; what a chunk raises comes out as itself.

    Raises:
        TransientError: The cluster failed, as one that lost its workers does.
        PermanentError: Its workers cannot import the project, or have other versions of what the numbers come from.
    """
    work = pickle.dumps(function)
    pickled = (pickle.dumps(chunk, protocol=pickle.HIGHEST_PROTOCOL) for chunk in chunks)
    for wave in waves(pickled, _chunks_per_wave(session, settings)):
        for outcome in _run(session, settings, work, wave):
            yield result_of(pickle.loads(outcome))


def waves(pickled: Iterable[bytes], most_chunks: int, most_bytes: int = _WAVE_BYTES) -> Iterator[list[bytes]]:
    """Cut into lists of so many chunks or bytes, without reading ahead; a larger chunk is a wave of its own."""
    wave: list[bytes] = []
    size = 0
    for chunk in pickled:
        if wave and size + len(chunk) > most_bytes:
            yield wave
            wave, size = [], 0
        wave.append(chunk)
        size += len(chunk)
        if len(wave) == most_chunks:
            yield wave
            wave, size = [], 0
    if wave:
        yield wave


def _chunks_per_wave(session: Session, settings: Settings) -> int:
    try:
        # Asked anew for each call: clusters grow and shrink.
        return _CHUNKS_PER_WORKER * max(1, session.engine.get_current_parallelism())
    except Exception as error:
        raise _cluster_error(settings, error) from error


def _run(session: Session, settings: Settings, work: bytes, wave: list[bytes]) -> list[bytes]:
    """Outcomes of a wave, in order."""
    import fugue.api as fa
    import pandas as pd
    import pyarrow as pa

    # Arrow's type, or Dask takes the bytes for text. One row to a partition: by `position` they would be merged again,
    # by Spark into a single one.
    frame = pd.DataFrame({"position": range(len(wave)), "chunk": pd.Series(wave, dtype=pd.ArrowDtype(pa.binary()))})
    try:
        made: list[list[Any]] = fa.as_array(
            fa.transform(
                frame,
                run_rows,
                schema="position:long,outcome:binary",
                params={"work": work, "expected": versions()},
                partition={"num": len(wave), "algo": "even"},
                engine=session.engine,
                as_local=True,
            )
        )
        session.forget()
    except Exception as error:
        raise _cluster_error(settings, error) from error
    outcomes = {int(position): bytes(outcome) for position, outcome in made}
    if len(made) != len(wave) or len(outcomes) != len(wave):
        raise TransientError(f"engine {settings.engine} gave {len(made)} results of {len(wave)}", "run it again")
    return [outcomes[position] for position in range(len(wave))]


def _cluster_error(settings: Settings, error: Exception) -> InventraError:
    text = str(error)
    if "No module named 'inventra_pipelines" in text:
        return PermanentError(
            f"engine {settings.engine}: its workers cannot import inventra_pipelines",
            "install the project and its requirements.lock on every node",
        )
    # Their texts are tracebacks, of which the last error is the reason.
    reasons = _REASON.findall(text) or text.strip().splitlines() or ["which says no more"]
    return TransientError(
        f"engine {settings.engine} failed: {type(error).__name__}, {reasons[-1][:200]}",
        "look at the cluster, then run it again; INVENTRA_ENGINE=local does the same work on this machine",
    )
