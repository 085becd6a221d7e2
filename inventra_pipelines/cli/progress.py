"""One line per stage while a run goes on: a live display on a terminal, plain lines in a log.

Belongs here: timing the stages and showing their figures. The events come from `automation/stage_events.py`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.live import Live
from rich.spinner import Spinner

from inventra_pipelines.automation.stage_events import StageEvent, listening
from inventra_pipelines.cli.console import out
from inventra_pipelines.domain.words import counted

# Metadata that a stage's line shows, in this order: by a noun that is counted, and what else is said.
_SHOWN = {
    "rows_read": ("row", " read"),
    "rows_accepted": ("", "accepted"),
    "rows_rejected": ("", "rejected"),
    "dagster/row_count": ("row", ""),
    "items": ("item", ""),
    "fallbacks": ("fallback", ""),
    "orders_proposed": ("order", " proposed"),
    "open": ("alert", " open"),
}


@dataclass
class StageTimes:
    """Seconds and rows per stage, in the order the stages ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds spent inside of stages."""
        return sum(self.seconds.values())


class _Lines:
    def __init__(self, title: str, times: StageTimes, live: Live | None) -> None:
        self._title, self._times, self._live = title, times, live
        self._started: dict[str, float] = {}
        self._figures: dict[str, dict[str, float]] = {}

    def __call__(self, event: StageEvent) -> None:
        if event.kind == "started":
            self._started[event.stage] = time.perf_counter()
            if self._live:
                self._live.update(Spinner("dots", text=f"{self._title}  {_stage_name(event.stage)} ..."))
        elif event.kind == "materialized":
            figures = self._figures.setdefault(event.stage, {})
            for name in _SHOWN:
                value = event.metadata.get(name)
                if isinstance(value, int | float):
                    figures[name] = figures.get(name, 0) + value
        else:
            self._end(event)

    def _end(self, event: StageEvent) -> None:
        seconds = time.perf_counter() - self._started.get(event.stage, time.perf_counter())
        stage = _stage_name(event.stage)
        self._times.seconds[stage] = self._times.seconds.get(stage, 0.0) + seconds
        figures = self._figures.pop(event.stage, {})
        shown = ", ".join(_shown(round(figures[name]), *words) for name, words in _SHOWN.items() if name in figures)
        mark = "FAILED " if event.kind == "failed" else ""
        out.print(f"  {stage:<10} {seconds:6.1f} s  {mark}{shown}", markup=False)


def _shown(count: int, noun: str, words: str) -> str:
    return f"{counted(count, noun)}{words}" if noun else f"{count:,} {words}"


def _stage_name(step_key: str) -> str:
    """The stage of a step: a step is named after its asset's key, stage first."""
    return step_key.split("__", maxsplit=1)[0]


@contextmanager
def stage_progress(title: str) -> Iterator[StageTimes]:
    """Print a line per stage of the runs inside the block, and give their times."""
    times = StageTimes()
    out.print(title, style="bold" if out.is_terminal else None, markup=False)
    if not out.is_terminal:
        with listening(_Lines(title, times, None)):
            yield times
        return
    with Live(Spinner("dots", text=title), console=out, transient=True) as live, listening(_Lines(title, times, live)):
        yield times
