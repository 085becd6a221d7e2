"""Whatever the bytes are, a file is refused on one line or each of its rows is accounted for.

Belongs here: properties of the readers in this process, the replay of the fuzz run's corpus, and a short fuzz run.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.tenant import FileMapping
from tests.fuzz.whole_way import whole_way
from tests.small_files import GOOD, HEADER, small_files

PROJECT = Path(__file__).parents[3]
CORPUS = sorted((PROJECT / "tests" / "fuzz" / "corpus").iterdir())
SMALL = small_files()
FUZZ_SECONDS = 10

ours = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_PIECES = [*"\",;\t|'\n\r", "\r\n", "\x00", "\ufeff", "\x1a", "A", "1", "1,5", "2024-01-01", " ", '""', "sep=;\n", "é"]
text = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)
mappings = st.builds(
    FileMapping,
    delimiter=st.sampled_from([None, ",", ";", "\t", "| ", "¦"]),
    encoding=st.sampled_from([None, "cp1252", "utf-16-le", "shift_jis", "utf-7", "idna"]),
    footer_rows=st.sampled_from([0, 0, 1, 3]),
    header_row=st.sampled_from([None, None, 1, 3]),
    escape_char=st.sampled_from([None, None, "\\"]),
    currency_signs=st.just([]),
)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_the_fuzz_run_keeps_is_read_or_refused(path: Path, tmp_path: Path):
    (tmp_path / "sales.csv").write_bytes(path.read_bytes())
    whole_way(tmp_path / "sales.csv")


@ours
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(tmp_path: Path, content: bytes):
    path = tmp_path / "sales.csv"
    path.write_bytes(content)
    whole_way(path)


@ours
@given(text, mappings)
def test_any_text_below_a_header_is_accounted_for_whatever_the_mapping(tmp_path: Path, rows: str, mapping: FileMapping):
    path = tmp_path / "sales.csv"
    header = HEADER.replace(",", mapping.delimiter or ",")
    path.write_bytes(f"{header}\n{rows}".encode())
    whole_way(path, mapping)


@ours
@given(text, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_rows_do_not_depend_on_the_encoding_of_the_file(tmp_path: Path, rows: str, encoding: str):
    # A mark of byte order inside the text would be taken for the file's.
    content = f"{HEADER}\n{rows}".replace("\x00", "")
    found = []
    for codec in ("utf-8", encoding):
        (tmp_path / "sales.csv").write_bytes(content.encode(codec))
        found.append(whole_way(tmp_path / "sales.csv"))
    assert found[0] == found[1]


@pytest.mark.parametrize("ending", SMALL)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_valid_file_with_some_bytes_changed_is_refused_or_read(tmp_path: Path, ending: str, data: st.DataObject):
    content = bytearray(SMALL[ending])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=8))
        content[place : place + data.draw(st.integers(0, 8))] = piece
        content = content or bytearray(b"x")
    path = tmp_path / f"sales.{ending}"
    path.write_bytes(bytes(content))
    whole_way(path)


@pytest.mark.parametrize("share", range(0, 100, 9))
@pytest.mark.parametrize("ending", SMALL)
def test_a_file_cut_short_anywhere_has_no_more_rows_than_the_whole(tmp_path: Path, ending: str, share: int):
    path = tmp_path / f"sales.{ending}"
    path.write_bytes(SMALL[ending][: len(SMALL[ending]) * share // 100])
    rows = whole_way(path)
    assert rows is None or rows <= GOOD.count(b"\n") - 1


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_a_short_fuzz_run_finds_nothing(tmp_path: Path):
    command = [sys.executable, "-m", "tests.fuzz.readers", "--seconds", str(FUZZ_SECONDS), "--found", str(tmp_path)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "DONE" in run.stderr
    assert [entry for entry in tmp_path.iterdir() if entry.is_file()] == []
