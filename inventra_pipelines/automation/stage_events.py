"""What a run says of its stages to whoever listens in its process.

Belongs here: the events and their listeners, without Dagster, so that a command that runs nothing does not import it.
`console.py` makes them of Dagster's events; how they look on a screen is `cli/progress.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class StageEvent:
    """A step that started, materialized an asset, ended well or failed."""

    kind: Literal["started", "materialized", "finished", "failed"]
    stage: str
    asset: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[StageEvent], None]

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hand the stage events of in-process runs to a listener for the duration of the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: StageEvent) -> None:
    """Hand an event to all who listen."""
    for listener in list(_listeners):
        listener(event)
