"""Questions to the reader's process: answered piece by piece, refused in one line, and never the end of the caller."""

from pathlib import Path

import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.reader.look import FileLook
from inventra_pipelines.sources.reader.process import Question, Reader


def looked_at(reader: Reader, path: Path) -> list[FileLook]:
    details = {
        "stated": [],
        "day_zone": "Europe/Berlin",
        "landed_on": "2026-01-01",
        "is_numbered_daily": False,
        "known_currencies": [],
    }
    answers = reader.ask(Question("look", path, path.name, FileMapping(time_zone="UTC"), "sales", details))
    return [FileLook.model_validate(told["look"]) for told, _ in answers if "look" in told]


def test_a_process_that_dies_refuses_the_file_and_the_next_question_is_answered(tmp_path: Path):
    path = tmp_path / "sales.csv"
    path.write_text("sold_at,item_code,quantity,unit_price\n2025-12-31 23:30:00,A,1,2.50\n")
    with Reader() as reader:
        looked_at(reader, path)
        process = reader._process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(FileRejected, match=r"sales\.csv"):
            looked_at(reader, path)
        (found,) = looked_at(reader, path)
    assert found.rows_accepted == 1
    # Days are the tenant's, clock times the file's.
    assert found.first_rows[0]["sold_at"] == "2025-12-31 23:30:00"
    assert found.first_rows[0]["sold_on"] == "2026-01-01"


def test_cells_of_a_file_that_cannot_be_read_are_refused(tmp_path: Path):
    path = tmp_path / "sales.csv"
    path.write_bytes(b"")
    with Reader() as reader, pytest.raises(FileRejected, match="empty"):
        list(reader.ask(Question("cells", path, path.name, FileMapping(), "sales", {"wanted": {"": [2]}})))
