"""Workbooks: xlsx, xlsm, xlsb, xls and ods, whatever the file is called.

Belongs here: which sheets are read, where their headers stand, and how a sheet's rows are handed out. What must be
known before the parser opens the file, and what the parser does not tell, is `workbook_archive.py`,
`workbook_faults.py`, `workbook_records.py` and `workbook_ods.py`; how a cell becomes text is `workbook_cells.py`,
where headers stand is `workbook_headers.py`.

The parser can crash its process, or ask for all memory: whoever calls `read_workbook` does so in one with limits.
"""

import difflib
import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.complaints import in_words
from inventra_pipelines.sources.formats.header_rows import Header
from inventra_pipelines.sources.formats.tables import IsHeader, MergedCell, OpenedFile, Table, footer_in_words
from inventra_pipelines.sources.formats.workbook_archive import Archive
from inventra_pipelines.sources.formats.workbook_cells import tidied, with_decimal_mark
from inventra_pipelines.sources.formats.workbook_faults import SheetNotes, WorkbookNotes, xlsx_notes
from inventra_pipelines.sources.formats.workbook_headers import (
    blank_rows,
    hidden_in_words,
    merged_below,
    merged_in_words,
    sheet_header,
)
from inventra_pipelines.sources.formats.workbook_ods import ods_notes
from inventra_pipelines.sources.formats.workbook_records import xls_notes, xlsb_notes

_OLE = b"\xd0\xcf\x11\xe0"
_CHUNK_ROWS = 250_000


@dataclass(frozen=True, eq=False)
class _Sheet:
    """A sheet with content, and whether its headers give the columns that the dataset requires."""

    name: str
    header: Header
    rows: pl.DataFrame
    merged: list[MergedCell]
    fits: bool

    def table(self) -> Table:
        chunks = (self.rows.slice(offset, _CHUNK_ROWS) for offset in range(0, max(1, self.rows.height), _CHUNK_ROWS))
        return Table(self.name, self.header.headers, self.header.last_row, chunks, is_typed=True, merged=self.merged)


def read_workbook(path: Path, mapping: FileMapping, name: str, is_header: IsHeader) -> OpenedFile:
    """Open a workbook and read the sheets that the mapping asks for.

    "all" means every visible sheet that has content; of several, those without a header row are passed over, unless no
    sheet has one. A name reads a hidden sheet too, a pattern does not.

    Args:
        path: A file on a local disk.
        mapping: The tenant's for the file's dataset.
        name: What messages call the file.
        is_header: Whether some headers give every column that the dataset requires.

    Raises:
        FileRejected: No workbook, encrypted, damaged, too large, without a sheet asked for, or empty.
    """
    kind, notes = _look(path, name)
    with _parsing(name):
        reader = fastexcel.read_excel(notes.mended or path.read_bytes())
    sheets: list[_Sheet] = []
    passed_over: list[str] = []
    remarks: list[str] = []
    failures: list[FileRejected] = []
    for place, sheet, is_named in _asked(reader.sheet_names, mapping.sheets, name):
        found = notes.by_name.get(sheet) or notes.by_place.get(place)
        if found is None:
            passed_over.append(f"{sheet!r} is no worksheet")
            continue
        with _parsing(name):
            loaded = reader.load_sheet(place, header_row=None, skip_rows=0, dtypes="string")
            if str(loaded.visible) != "visible" and not is_named:
                passed_over.append(f"sheet {sheet!r} is hidden")
                continue
            frame, first_column = _whole(loaded, found)
        if blank_rows(frame) == frame.height:
            passed_over.append(f"sheet {sheet!r} is empty")
            continue
        where = f"{name}, sheet {sheet!r}"
        try:
            header = sheet_header(frame, first_column, found.merged, mapping, is_header, where)
        except FileRejected as failure:
            failures.append(failure)
            passed_over.append(failure.message)
            continue
        rows = _rows(frame, header, is_1904=notes.is_1904)
        if mapping.footer_rows and not rows.is_empty():
            passed_over.append(f"sheet {sheet!r}: {footer_in_words(rows.tail(mapping.footer_rows))}")
            rows = rows.head(max(0, rows.height - mapping.footer_rows))
        if mapping.decimal_mark != ".":
            with _parsing(name):
                numbers = _number_columns(reader, place, header.last_row, first_column)
            rows = rows.with_columns(
                with_decimal_mark(rows[column], mapping.decimal_mark)
                for column in rows.columns
                if column.isdecimal() and int(column) in numbers
            )
        merged = merged_below(found.merged, header, rows, first_column)
        told = (merged_in_words(merged, header), hidden_in_words(found.hidden, rows["row_number"]))
        remarks += [f"sheet {sheet!r}: {text}" for text in told if text]
        sheets.append(_Sheet(sheet, header, rows, merged, is_header(header.headers)))
    if failures and (mapping.sheets != "all" or not any(sheet.fits for sheet in sheets)):
        raise failures[0]
    if not sheets:
        raise FileRejected(
            FileReason.EMPTY_FILE, f"{name}: the workbook holds no data", "send it again, with its header row"
        )
    if mapping.sheets == "all" and len(sheets) > 1:
        kept = [sheet for sheet in sheets if sheet.fits] or sheets[:1]
        passed_over += [f"sheet {sheet.name!r} has no header row" for sheet in sheets if sheet not in kept]
        sheets = kept
    return OpenedFile(kind, (sheet.table() for sheet in sheets), {}, passed_over, remarks)


@contextmanager
def _parsing(name: str) -> Iterator[None]:
    """What the parser raises, as a refusal."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # A panic of the parser is no Exception.
        raise FileRejected(
            FileReason.UNREADABLE,
            f"{name}: the workbook cannot be read ({in_words(error)})",
            "open and save it again, or send the data as CSV",
        ) from None


def _look(path: Path, name: str) -> tuple[str, WorkbookNotes]:
    """What kind of workbook it is, and what the parser would not tell of it."""
    with path.open("rb") as stream:
        if stream.read(len(_OLE)) == _OLE:
            return "Excel workbook (.xls)", xls_notes(path, name)
        archive = Archive(stream, name)
        if "xl/workbook.bin" in archive:
            return "Excel workbook (.xlsb)", xlsb_notes(archive)
        if "content.xml" in archive:
            return "OpenDocument workbook (.ods)", ods_notes(archive)
        suffix = ".xlsm" if b"macroEnabled" in archive.read("[Content_Types].xml") else ".xlsx"
        return f"Excel workbook ({suffix})", xlsx_notes(archive)


def _asked(names: Sequence[str], wanted: list[str] | str, name: str) -> list[tuple[int, str, bool]]:
    """Place, name, and whether it is asked for by its very name, of each sheet to read, in the mapping's order."""
    if wanted == "all":
        return [(place, sheet, False) for place, sheet in enumerate(names)]
    asked: dict[int, tuple[int, str, bool]] = {}
    for pattern in wanted:
        if pattern in names:
            place = names.index(pattern)
            asked[place] = (place, pattern, True)
            continue
        fitting = [place for place, sheet in enumerate(names) if fnmatch.fnmatchcase(sheet, pattern)]
        if not fitting:
            near = difflib.get_close_matches(pattern, names, n=1)
            raise FileRejected(
                FileReason.UNKNOWN_SHEET,
                f"{name}: there is no sheet {pattern!r}; the sheets are {', '.join(map(repr, names))}",
                f"did you mean {near[0]!r}" if near else "correct sheets in the tenant's file",
            )
        for place in fitting:
            asked.setdefault(place, (place, names[place], False))
    return list(asked.values())


def _number_columns(reader: fastexcel.ExcelReader, place: int, header_row: int, first_column: int) -> set[int]:
    """Positions of the columns that hold nothing but numbers below the headers."""
    below = reader.load_sheet(place, header_row=None, skip_rows=header_row, schema_sample_rows=None)
    return {
        column.absolute_index + 1 - first_column
        for column in below.available_columns()
        if column.dtype in ("float", "int")
    }


def _whole(loaded: fastexcel.ExcelSheet, notes: SheetNotes) -> tuple[pl.DataFrame, int]:
    """A sheet from its first row on, with the texts of its notes, and the number of its first column."""
    columns, frame = loaded.available_columns(), loaded.to_polars()
    first_column = columns[0].absolute_index + 1 if columns else 1
    if not notes.texts:
        return frame, first_column
    first = min(column for _, column in notes.texts)
    if columns:
        first = min(first, first_column)
    last = max(first_column + frame.width - 1, *(column for _, column in notes.texts))
    height = max(frame.height, *(row for row, _ in notes.texts))
    by_column: dict[int, dict[int, str]] = {}
    for (row, column), text in notes.texts.items():
        by_column.setdefault(column, {})[row - 1] = text
    filled = []
    for column in range(first, last + 1):
        place = column - first_column
        cells = frame.to_series(place) if 0 <= place < frame.width else pl.Series(dtype=pl.String)
        cells = cells.extend_constant(None, height - len(cells)).alias(str(column))
        texts = by_column.get(column, {})
        filled.append(cells.scatter(list(texts), list(texts.values())) if texts else cells)
    return pl.DataFrame(filled), first


def _rows(frame: pl.DataFrame, header: Header, *, is_1904: bool) -> pl.DataFrame:
    """The rows below the headers that hold anything, as a table's chunks have them."""
    width = len(header.headers)
    rows = frame.select(pl.nth(*range(width)))
    rows.columns = [str(place) for place in range(width)]
    rows = _filled(rows.with_row_index("row_number", offset=1).slice(header.last_row))
    nothing = pl.lit(None, dtype=pl.String)
    return rows.select(
        pl.col("row_number").cast(pl.Int32),
        nothing.alias("problem"),
        nothing.alias("problem_text"),
        *(tidied(column, is_1904=is_1904) for column in rows.drop("row_number").iter_columns()),
    )


def _filled(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with any content; most have some in the first column."""
    first, *others = (name for name in rows.columns if name != "row_number")
    has_content = _is_filled(rows[first])
    empty = rows.filter(~has_content)
    if empty.is_empty():
        return rows
    if others:
        filled = empty.filter(pl.any_horizontal(pl.col(other).str.contains(r"\S") for other in others))
        has_content |= rows["row_number"].is_in(filled["row_number"].implode())
    return rows.filter(has_content)


def _is_filled(column: pl.Series) -> pl.Series:
    return column.str.contains(r"\S").fill_null(False)
