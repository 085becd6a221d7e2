"""Files that broke other people's readers: what ours make of each, their cells held against readers of other makers.

Belongs here: the test files of readxl, calamine and frictionless, which know no sales. Each is read by the reader's
process, as sales whose item code is the first header and whose other values are constants, and its tables once more in
this process, cell by cell against openpyxl, xlrd or the standard library.
"""

import csv
import io
import math
import re
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import openpyxl
import xlrd

from inventra_pipelines.domain.contracts import SALES
from inventra_pipelines.domain.ingest.headers import normalized_header
from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.reader.process import FileDone, FileRefused, FileToRead, Job, Reader, Rows

CORPORA = ("calamine", "frictionless", "readxl")
_SUFFIXES = {".csv", ".tsv", ".xls", ".xlsx", ".xlsm", ".xlsb", ".ods"}
_CONSTANTS = {"sold_at": "2024-01-01", "quantity": "1", "unit_price": "1"}
_DAY_ZERO, _DAY_ZERO_OF_1904 = datetime(1899, 12, 31), datetime(1904, 1, 1)

# Rows by their number; None where the other reader cannot tell.
Cells = dict[int, list[Any] | None]


@dataclass
class TableFile:
    """What became of one file.

    Attributes:
        name: Its path below its corpus.
        done: What the reader's process said of its rows; None where it is refused.
        refusal: Why it is refused.
        seconds: How long the reader's process took.
        cells: Cells that were held against another reader.
        unlike: Where they differ: sheet, row, column, both values.
        oracle: The other reader; empty where none reads the file.
    """

    corpus: str
    name: str
    done: FileDone | None = None
    refusal: FileRejected | None = None
    seconds: float = 0.0
    cells: int = 0
    unlike: list[str] = field(default_factory=list)
    oracle: str = ""


@dataclass(frozen=True)
class _Sheet:
    """A table as our readers give it: its rows' cells by row number."""

    name: str
    headers: tuple[str, ...]
    header_row: int
    rows: Cells


def table_files(folder: Path) -> Iterator[TableFile]:
    """Read every file of the corpora.

    Args:
        folder: With a folder for each of them.
    """
    with Reader() as reader:
        for corpus in CORPORA:
            for path in sorted((folder / corpus).rglob("*")):
                if path.suffix.lower() in _SUFFIXES and path.is_file():
                    file = TableFile(corpus, path.relative_to(folder / corpus).as_posix())
                    _read(reader, path, file)
                    yield file


def _read(reader: Reader, path: Path, file: TableFile) -> None:
    """Read a file by its first header, which is asked for only once it is known that reading the file is safe."""
    mapping = FileMapping(time_zone="UTC", currency_signs=[], constants=_CONSTANTS, encoding="latin-1")
    first = _by_reader(reader, path, mapping, file)
    if isinstance(first, FileRefused) and first.failure.reason_code != FileReason.WRONG_COLUMNS:
        file.refusal = first.failure
        return
    sheets = _sheets(path, mapping)
    headers = [header for header in sheets[0].headers if header.strip()]
    names = Counter(map(normalized_header, headers))
    header = next((text for text in headers if names[normalized_header(text)] == 1), headers[0])
    mapping = mapping.model_copy(update={"columns": {"item_code": header}, "header_row": sheets[0].header_row})
    result = _by_reader(reader, path, mapping, file)
    if isinstance(result, FileRefused):
        file.refusal = result.failure
    else:
        file.done = result
    for sheet, other in _others(path, sheets, file):
        _compare(sheet, other, file)


def _by_reader(reader: Reader, path: Path, mapping: FileMapping, file: TableFile) -> FileDone | FileRefused:
    batch = {"batch_id": "b", "tenant_id": "t", "landed_on": "2024-01-01", "file_name": path.name}
    job = Job(SALES.dataset, mapping, (FileToRead(path, path.name, batch),))
    began = time.monotonic()
    results = [result for result in reader.read([job]) if not isinstance(result, Rows)]
    file.seconds = max(file.seconds, time.monotonic() - began)
    (result,) = results
    assert isinstance(result, FileDone | FileRefused)
    return result


def _sheets(path: Path, mapping: FileMapping) -> list[_Sheet]:
    sheets = []
    with open_file(path, mapping, path.name, lambda headers: any(map(str.strip, headers))) as opened:
        for table in opened.tables:
            rows: Cells = {}
            for chunk in table.chunks:
                for number, problem, _, *cells in chunk.iter_rows():
                    rows[number] = [] if problem else cells
            sheets.append(_Sheet(table.sheet, table.headers, table.header_row, rows))
        delimiter = opened.details.get("delimiter", "")
        encoding = opened.details.get("encoding", "")
    return [_Sheet(f"{delimiter}|{encoding}", s.headers, s.header_row, s.rows) for s in sheets] if delimiter else sheets


def _others(path: Path, sheets: Sequence[_Sheet], file: TableFile) -> Iterator[tuple[_Sheet, Cells]]:
    """Each of our tables with the cells that the other reader gives, by row number."""
    suffix = path.suffix.lower()
    found: list[tuple[_Sheet, Cells]]
    try:
        if suffix in (".xlsx", ".xlsm"):
            with warnings.catch_warnings(action="ignore"):
                workbook = openpyxl.load_workbook(path, data_only=True)
            found = [(s, {n: list(row) for n, row in enumerate(workbook[s.name].values, start=1)}) for s in sheets]
            file.oracle = "openpyxl"
        elif suffix == ".xls":
            book = xlrd.open_workbook(path, logfile=io.StringIO())
            found = [(s, _xls_cells(book, book.sheet_by_name(s.name))) for s in sheets]
            file.oracle = "xlrd"
        elif suffix in (".csv", ".tsv"):
            found = [(s, _csv_cells(path, s)) for s in sheets]
            file.oracle = "csv"
        else:
            return
    except Exception:
        return
    yield from found


def _xls_cells(book: Any, sheet: Any) -> Cells:
    def value(cell: Any) -> Any:
        match cell.ctype:
            case xlrd.XL_CELL_DATE:
                return xlrd.xldate_as_datetime(cell.value, book.datemode)
            case xlrd.XL_CELL_BOOLEAN:
                return bool(cell.value)
            case xlrd.XL_CELL_ERROR:
                return xlrd.error_text_from_code[cell.value]
        return cell.value

    return {number + 1: [value(cell) for cell in sheet.row(number)] for number in range(sheet.nrows)}


def _csv_cells(path: Path, sheet: _Sheet) -> Cells:
    delimiter, encoding = sheet.name.split("|")
    mark = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}[delimiter]
    codec = {"UTF-8 with byte-order mark": "utf-8-sig", "UTF-16 with byte-order mark": "utf-16"}.get(encoding, encoding)
    text = path.read_text(codec)
    try:
        return dict(enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True), start=1))
    except csv.Error:
        # With a stray mark the other reader loses its way: lines without any are told by their delimiters.
        lines = enumerate(text.splitlines(), start=1)
        return {number: None if '"' in line else line.split(mark) for number, line in lines}


def _compare(sheet: _Sheet, other: Cells, file: TableFile) -> None:
    width = len(sheet.headers)
    heads = other.get(sheet.header_row) or []
    # Columns that are blank on the left are no part of our table.
    offset = next((at for at in range(len(heads)) if all(map(_alike, sheet.headers, heads[at:]))), 0)
    for number in sorted({*sheet.rows, *other}):
        given, cells = sheet.headers if number == sheet.header_row else sheet.rows.get(number), other.get(number, [])
        if number < sheet.header_row or given == [] or cells is None:
            continue
        wanted = [*cells, *[None] * (offset + width)][offset : offset + width]
        if given is None and not any(str(cell).strip() for cell in wanted if cell is not None):
            continue
        for place in range(width):
            file.cells += 1
            text = given[place] if given else None
            if not _alike(text, wanted[place]):
                file.unlike.append(f"{sheet.name} row {number} column {place}: {text!r} against {wanted[place]!r}")


def _alike(text: str | None, value: Any) -> bool:
    """Whether a cell's text says what the other reader's value is."""
    text = text or ""
    match value:
        case None | str():
            # openpyxl leaves a carriage return encoded.
            told = [value or "", (value or "").replace("_x000D_", "\r")]
            # A text that reads as a moment of day zero is taken for a time of day.
            lines = [one.removeprefix(f"{_DAY_ZERO:%Y-%m-%d} ").strip().splitlines() for one in told]
            return text.strip().splitlines() in lines
        case bool():
            return text == str(value).lower()
        case int() | float():
            return _is_number(text) and math.isclose(float(text), value, rel_tol=1e-12, abs_tol=1e-9)
        case timedelta():
            # A duration of days comes as the moment that its number is; the count may begin with 1904.
            moments = [_DAY_ZERO + value, _DAY_ZERO_OF_1904 + value]
        case datetime():
            moments = [value]
        case date():
            moments = [datetime.combine(value, clock())]
        case _:
            moments = [datetime.combine(_DAY_ZERO, value)]
    return any(_is_moment(text, moment) for moment in moments)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _is_moment(text: str, value: datetime) -> bool:
    """Whether a text is a moment, to the second; a time alone is of day zero."""
    try:
        given = datetime.fromisoformat(text if "-" in text else f"{_DAY_ZERO:%Y-%m-%d} {text}")
    except ValueError:
        return False
    return abs((given - value).total_seconds()) <= 1
