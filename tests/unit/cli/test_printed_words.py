"""Singular and plural, and the line of a stage."""

import pytest

from inventra_pipelines.automation.stage_events import StageEvent
from inventra_pipelines.cli.progress import StageTimes, _Lines
from inventra_pipelines.domain.words import counted


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1200, "1,200 rows")], ids=str
)
def test_one_is_singular(count: int, words: str):
    assert counted(count, "row") == words


def test_a_stage_of_one_row_says_so(capsys: pytest.CaptureFixture[str]):
    lines = _Lines("shop", StageTimes(), None)
    figures = {"rows_read": 1, "rows_accepted": 1, "rows_rejected": 0, "items": 1, "open": 2}
    for kind, metadata in (("started", {}), ("materialized", figures), ("finished", {})):
        lines(StageEvent(stage="ingest__batches", kind=kind, metadata=metadata))
    assert "1 row read, 1 accepted, 0 rejected, 1 item, 2 alerts open" in capsys.readouterr().out
