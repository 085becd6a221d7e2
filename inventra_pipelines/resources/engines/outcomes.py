"""What became of a chunk, as it crosses a process boundary: its result, or what it raised.

Belongs here: the same promise for every engine, that an error comes out as itself. Frameworks wrap errors in their own,
and one that does not survive pickling breaks the pool of the standard library with all that runs in it.
"""

import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


class ChunkError(Exception):
    """Cause of an error that a chunk raised on a worker: its traceback there, as text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class Failure:
    """What a chunk raised, and where."""

    error: Exception
    traceback: str


def attempt(function: Callable[[Chunk], Result], chunk: Chunk) -> Result | Failure:
    """Call the function; what it raises is an outcome as well."""
    try:
        return function(chunk)
    except Exception as error:
        return failure_of(error)


def failure_of(error: Exception) -> Failure:
    """A failure that survives pickling, within `except`: where the error does not, one that says the same."""
    try:
        portable = pickle.loads(pickle.dumps(error))
    except Exception:
        portable = RuntimeError(f"{type(error).__name__}: {error}")
    return Failure(portable, traceback.format_exc())


def result_of(outcome: Any) -> Any:
    """The result of an outcome.

    Raises:
        Exception: What the chunk raised, with its traceback there as the cause.
    """
    if isinstance(outcome, Failure):
        raise outcome.error from ChunkError(outcome.traceback)
    return outcome
