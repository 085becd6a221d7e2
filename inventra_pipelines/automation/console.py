"""The logger of runs that a person started from a terminal: one event a stage instead of Dagster's stream.

Belongs here: turning Dagster's step events into those of `stage_events.py`. How they look on a screen is
`cli/progress.py`; runs from the web page keep Dagster's own logger.
"""

import logging
from typing import Literal

from dagster import DagsterEvent, DagsterEventType, InitLoggerContext, logger

from inventra_pipelines.automation.stage_events import StageEvent, tell

_STEP_KINDS: dict[DagsterEventType, Literal["started", "finished", "failed"]] = {
    DagsterEventType.STEP_START: "started",
    DagsterEventType.STEP_SUCCESS: "finished",
    DagsterEventType.STEP_FAILURE: "failed",
}


def _stage_event(event: DagsterEvent, seen: set[tuple[str, str]]) -> StageEvent | None:
    if event.step_key is None:
        return None
    if event.event_type in _STEP_KINDS:
        return StageEvent(_STEP_KINDS[event.event_type], event.step_key)
    if event.event_type is DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
        # A ranged run repeats the materialization for each partition: the first one says it all.
        name = event.asset_key.to_user_string()
        if (event.step_key, name) in seen:
            return None
        seen.add((event.step_key, name))
        metadata = {key: value.value for key, value in event.step_materialization_data.materialization.metadata.items()}
        return StageEvent("materialized", event.step_key, name, metadata)
    return None


class _StageHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._seen: set[tuple[str, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the listeners, if the record is a step's event."""
        event = getattr(record, "dagster_event", None)
        stage_event = _stage_event(event, self._seen) if isinstance(event, DagsterEvent) else None
        if stage_event is not None:
            tell(stage_event)


@logger(config_schema={}, description="One event a stage, for the command line.")
def stage_lines(_context: InitLoggerContext) -> logging.Logger:
    """A logger of its own for every run, so that no two runs share their handlers."""
    own = logging.Logger("inventra.stages", logging.DEBUG)
    own.addHandler(_StageHandler())
    return own
