"""A full disk is no file's fault: nothing is refused, and the night says what to do."""

import tempfile
from pathlib import Path

import pytest

from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.errors import TransientError
from inventra_pipelines.sources.reader.process import FileToRead, Job, Question, Reader

# Stands before the real module in the reader's process.
_FULL = f"""
import errno
exec(compile(open({tempfile.__file__!r}).read(), "tempfile", "exec"))

def TemporaryDirectory(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")
"""
MESSAGE = r"sales.csv cannot be read here \(No space left on device\). make room"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "tempfile.py").write_text(_FULL)
    monkeypatch.syspath_prepend(folder)
    path = tmp_path / "sales.csv"
    path.write_text("sold_at,item_code,quantity,unit_price\n2024-01-02,A,1,1\n")
    return path


def test_its_rows_are_not_refused(file: Path):
    batch = {"batch_id": "b", "tenant_id": "shop", "landed_on": "2024-01-02", "file_name": file.name}
    job = Job("sales", FileMapping(), (FileToRead(file, file.name, batch),))
    with Reader() as reader, pytest.raises(TransientError, match=MESSAGE):
        list(reader.read([job]))


def test_a_question_about_it_is_not_answered_wrongly(file: Path):
    details = {
        "stated": [],
        "day_zone": "UTC",
        "landed_on": "2024-01-02",
        "is_numbered_daily": False,
        "known_currencies": [],
    }
    question = Question("look", file, file.name, FileMapping(), "sales", details)
    with Reader() as reader, pytest.raises(TransientError, match=MESSAGE):
        list(reader.ask(question))
