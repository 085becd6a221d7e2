"""Files that broke other readers: every row right or recorded, every file read or refused for a true reason."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks import messy_files
from benchmarks.messy_sales import SalesFile, declared, sales_files
from benchmarks.messy_tables import TableFile, table_files
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.reader.process import FileDone, FileRefused, FileToRead, Job, Reader, Rows
from tests.conftest import PROJECT

HEADERS = ["DATE", "TIME", "Qty", "PRODUCTID", "Price", "ProductType", "ProductDescription", "URL", "Comments"]
ROWS = [
    ["28/01/2018", "00:00", "2", "MG-1", "$74.69", "Boots, high", 'Rugged, 5" sole', "https://a/1", ""],
    ["29/01/2018", "00:15", "0", "RI-2", "$29.81", "Jacket", "Resists the elements", "https://a/2", ""],
    ["30/01/2018", "00:30", "1", "RI-3", "$80.08", "Shoes", "Great grip", "https://a/3", ""],
]
PARAMETERS = {
    "encoding": "ascii",
    "delimiter": ",",
    "quotechar": '"',
    "escapechar": '"',
    "header_lines": 1,
    "preamble_lines": 0,
    "footnote_lines": 0,
}


@pytest.fixture(scope="module")
def messy(shared_data: Path) -> Path:
    folder = shared_data / "messy"
    if not folder.is_dir():
        pytest.skip(f"files that broke other readers are not there: {folder}")
    return folder


@pytest.fixture(scope="module")
def sales(messy) -> list[SalesFile]:
    return list(sales_files(messy / "pollock"))


@pytest.fixture(scope="module")
def tables(messy) -> list[TableFile]:
    return list(table_files(messy))


def test_no_row_of_a_broken_sales_file_is_wrong_lost_doubled_or_rejected_without_need(sales):
    assert len(sales) == 136
    assert {file.name: file.differences for file in sales if file.differences} == {}


def test_one_damaged_row_costs_itself_and_nothing_else(sales):
    for file in sales:
        if file.name.startswith("row_") and file.refusal is None:
            assert (len(file.accepted), file.clean_rows) in ((82, 83), (83, 83)), file.name
            assert len({row for row, *_ in file.rejects}) == 83 - len(file.accepted), file.name
    refused = {file.name: file.refusal.reason_code for file in sales if file.refusal is not None}
    assert refused == {
        "file_no_header.csv": "wrong_columns",
        "file_no_payload.csv": "empty_file",
        "row_extra_quote0_col6.csv": "wrong_columns",
        "row_less_sep_row0_col7.csv": "wrong_columns",
    }


def test_the_readers_process_says_the_same_of_files_that_it_reads_together(sales, messy):
    by_mapping: dict[FileMapping, list[FileToRead]] = defaultdict(list)
    for file in sales:
        parameters = json.loads((messy / "pollock" / "parameters" / f"{file.name}_parameters.json").read_text())
        batch = {"batch_id": file.name, "tenant_id": "t", "landed_on": "2024-01-01", "file_name": file.name}
        mapping = declared(parameters).model_dump_json()
        by_mapping[mapping].append(FileToRead(messy / "pollock" / "csv" / file.name, file.name, batch))
    jobs = [Job("sales", FileMapping.model_validate_json(key), tuple(files)) for key, files in by_mapping.items()]
    found = {}
    with Reader() as reader:
        for result in reader.read(jobs):
            if isinstance(result, FileDone):
                found[result.file.name] = (result.accepted, result.rejected, result.passed_over)
            elif not isinstance(result, Rows):
                assert isinstance(result, FileRefused)
                found[result.file.name] = result.failure.reason_code
    assert found == {
        file.name: file.refusal.reason_code
        if file.refusal
        else (len(file.accepted), len({row for row, *_ in file.rejects}), len(file.passed_over))
        for file in sales
    }


def test_no_file_takes_the_reader_down_or_half_a_minute(tables):
    assert len(tables) == 349
    died = [file.name for file in tables if file.refusal and "gave up" in file.refusal.message]
    late = [file.name for file in tables if file.seconds > 30]
    assert (died, late) == ([], [])
    assert all((file.done is None) != (file.refusal is None) for file in tables)
    assert not [file.name for file in tables if file.refusal and not file.refusal.remedy]


def test_every_cell_is_what_another_reader_reads(tables):
    assert {file.name: file.unlike[:3] for file in tables if file.unlike} == {}
    assert sum(file.cells for file in tables) > 700_000


def test_the_page_is_what_the_script_prints(sales, tables):
    page = (PROJECT / "docs" / "messy_files.md").read_text(encoding="utf-8")
    assert page == messy_files.page(sales, tables), "run: python -m benchmarks.messy_files > docs/messy_files.md"


@pytest.fixture
def corpus(tmp_path):
    """A corpus of one file; gives a function that writes its lines and says what comes of it."""

    def _corpus(lines: list[str], clean: list[list[str]] = ROWS, name: str = "row_damage2_col1.csv") -> SalesFile:
        for folder in ("csv", "clean", "parameters"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "csv" / name).write_text("\r\n".join(lines) + "\r\n", newline="")
        with (tmp_path / "clean" / name).open("w", newline="") as stream:
            csv.writer(stream).writerows([HEADERS, *clean])
        (tmp_path / "parameters" / f"{name}_parameters.json").write_text(json.dumps(PARAMETERS))
        (file,) = sales_files(tmp_path)
        return file

    return _corpus


def quoted(rows: list[list[str]]) -> list[str]:
    return [",".join('"{}"'.format(cell.replace('"', '""')) for cell in row) for row in [HEADERS, *rows]]


def test_a_file_without_damage_is_its_clean_answer(corpus):
    file = corpus(quoted(ROWS))
    assert (file.differences, file.accepted, file.outcome) == ([], [2, 3, 4], "the clean answer")


def test_a_damaged_row_is_rejected_for_a_true_reason(corpus):
    lines = quoted(ROWS)
    lines[2] += ","
    file = corpus(lines)
    assert (file.differences, file.accepted) == ([], [2, 4])
    assert file.outcome == "2 of 3 rows; 1 rejected: `malformed_row`"


@pytest.mark.parametrize(
    ("rows", "difference"),
    [
        ([ROWS[0], ROWS[1], [*ROWS[2][:6], "Good grip", *ROWS[2][7:]]], "row 4: description is 'Good grip'"),
        ([ROWS[0], ROWS[1], [*ROWS[2][:2], "two", *ROWS[2][3:]]], "row 4 is rejected though nothing is wrong with it"),
    ],
    ids=["another value", "a rejected row that is not the damaged one"],
)
def test_what_differs_from_the_clean_answer_is_told(corpus, rows, difference):
    (told,) = corpus(quoted(rows)).differences
    assert told.startswith(difference)
