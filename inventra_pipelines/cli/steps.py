"""Steps of a long command: a bar on a terminal, a line per step that is done.

Belongs here: showing and timing them. The stages of a run are `progress.py`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

# How often a long step says how far it is, where no bar shows it.
_SECONDS_BETWEEN_LINES = 15.0


class Steps:
    """What is being done, told to a console."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console, self._progress = console, progress
        self._task: TaskID | None = None
        self._name, self._began, self._told = "", 0.0, 0.0

    def begin(self, name: str) -> None:
        """End the step before, if there is one, and begin another."""
        self.end()
        self._name = name
        self._began = self._told = time.perf_counter()
        if self._progress:
            self._task = self._progress.add_task(name, total=None)

    def tell(self, done: int, total: int) -> None:
        """How much of the step is done; a step may count up several times."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=done, total=total)
        elif self._name and time.perf_counter() - self._told > _SECONDS_BETWEEN_LINES:
            self._told = time.perf_counter()
            self._console.print(f"  {self._name:<24} {done:,} of {total:,} pieces of work done", markup=False)

    def end(self, note: str = "") -> None:
        """End the step with a line: how long it took, and what came of it."""
        if not self._name:
            return
        seconds = time.perf_counter() - self._began
        if self._progress and self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        line = f"  {self._name:<24} {seconds:6.1f} s  {note}".rstrip()
        self._console.print(line, markup=False)
        self._name = ""


@contextmanager
def steps(console: Console) -> Iterator[Steps]:
    """Steps that are shown on a console; the last one ends with the block, unless it fails."""
    if not console.is_terminal:
        shown = Steps(console, None)
        yield shown
        shown.end()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        shown = Steps(console, progress)
        yield shown
        shown.end()
