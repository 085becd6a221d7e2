"""The child process that opens a workbook: `python -m inventra_pipelines.sources.workbook_child`, a job on stdin.

Belongs here: what must not run in the caller's process. Memory and CPU are limited before the parser is loaded; the
result is `result.json` and one Arrow file per sheet in the job's folder. No result means that the parser died.
"""

import difflib
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected

_ADDRESS_SPACE = 3 * 2**30
_CPU_SECONDS = 150
# The parser holds a sheet as a full rectangle, about 32 bytes a cell.
_MOST_CELLS = 20_000_000

_RELATION = re.compile(rb"<Relationship\b[^>]*>")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*>")
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d+)"')
_FAR_COLUMN = re.compile(rb'\br="([A-Z]{2,3})\d+"')
_ERROR_CELL = re.compile(rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)<', re.DOTALL)
_UNSTORED_CELL = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_FILLED_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d+)"[^>]*[^/]>\s*<(?:\w+:)?(?:v|is|f)\b')


def _attribute(tag: bytes, attribute: str) -> str | None:
    found = re.search(rb"(?:^|[\s:])" + attribute.encode() + rb'="([^"]*)"', tag)
    return found.group(1).decode("utf-8", "replace") if found else None


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place


def _sheet_parts(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Name and part of the archive of each sheet of an xlsx, in the workbook's order."""
    targets = {
        _attribute(tag, "Id"): (_attribute(tag, "Target") or "")
        for tag in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels"))
    }
    parts = []
    for tag in _SHEET.findall(archive.read("xl/workbook.xml")):
        target = targets.get(_attribute(tag, "id"), "")
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        parts.append((_attribute(tag, "name") or "", part))
    return parts


def _check_dimensions(content: bytes, sheet: str) -> None:
    rows = max((int(match.group(1)) for match in _ROW.finditer(content)), default=0)
    far = max((_column(match.group(1).decode()) for match in _FAR_COLUMN.finditer(content)), default=26)
    if rows * far > _MOST_CELLS:
        raise FileRejected(
            FileReason.TOO_LARGE,
            f"sheet {sheet!r} reaches to row {rows:,} and column {far:,}",
            "delete the cells beyond the data, or send the data as CSV",
        )


def _faulty_cells(content: bytes) -> Iterator[tuple[str, int, str]]:
    """Letters, row and text of the cells that the parser reads as empty though they are not."""
    found = [(match.group(1), match.group(2).decode("utf-8", "replace")) for match in _ERROR_CELL.finditer(content)]
    if b"<f" in content or b":f" in content:
        found += [
            (match.group(1), "#CALC!")
            for match in _UNSTORED_CELL.finditer(content)
            if _attribute(match.group(1), "t") not in ("str", "e")
        ]
    for tag, text in found:
        place = re.fullmatch(r"([A-Z]{1,3})(\d+)", _attribute(tag, "r") or "")
        if place is None:
            raise FileRejected(
                FileReason.UNREADABLE, "a formula error stands in a cell without an address", "save the workbook again"
            )
        yield place.group(1), int(place.group(2)), text


def _first_column(content: bytes, frame: pl.DataFrame) -> int:
    """The sheet's column that the parser's first column is: it leaves out empty ones on the left."""
    filled = [_column(match.group(1).decode()) for match in _FILLED_CELL.finditer(content)]
    width = max(filled, default=1) - min(filled, default=1) + 1
    return min(filled, default=1) if width <= frame.width else max(filled) - frame.width + 1


def _mark_faults(frame: pl.DataFrame, content: bytes, sheet: str) -> pl.DataFrame:
    cells = list(_faulty_cells(content))
    if not cells:
        return frame
    first = _first_column(content, frame)
    by_column: dict[int, dict[int, str]] = {}
    for letters, row, text in cells:
        by_column.setdefault(_column(letters) - first, {})[row - 1] = text
    for place, faults in by_column.items():
        rows = [row for row in faults if row < frame.height]
        if not 0 <= place < frame.width or len(rows) < len(faults):
            raise FileRejected(
                FileReason.UNREADABLE, f"sheet {sheet!r} holds formula errors outside of its data", "remove them"
            )
        column = frame.to_series(place).scatter(rows, [faults[row] for row in rows])
        frame = frame.replace_column(place, column)
    return frame


def _asked(reader: Any, sheets: list[str] | str) -> list[tuple[int, str]]:
    names = list(reader.sheet_names)
    if sheets == "all":
        return list(enumerate(names))
    for sheet in sheets:
        if sheet not in names:
            near = difflib.get_close_matches(sheet, names, n=1)
            raise FileRejected(
                FileReason.UNKNOWN_SHEET,
                f"there is no sheet {sheet!r}; the sheets are {', '.join(map(repr, names))}",
                f"did you mean {near[0]!r}" if near else "correct sheets in the tenant's file",
            )
    return [(names.index(sheet), sheet) for sheet in sheets]


def _shape(frame: pl.DataFrame, header_row: int, sheet: str) -> tuple[list[str], pl.DataFrame]:
    """Headers and rows of a sheet whose frame begins with its first row."""
    header = frame.row(header_row - 1) if frame.height >= header_row else ()
    headers = [str(cell or "").strip() for cell in header]
    while headers and not headers[-1]:
        headers.pop()
    if not headers:
        raise FileRejected(
            FileReason.WRONG_COLUMNS,
            f"row {header_row} of sheet {sheet!r} holds no headers",
            "set header_row, or list the sheets to read under sheets, in the tenant's file",
        )
    names = [str(place) for place in range(len(headers))]
    rows = frame.select(pl.nth(*range(len(headers))))
    rows.columns = names
    rows = rows.with_row_index("row_number", offset=1).slice(header_row)
    rows = rows.filter(pl.any_horizontal(pl.col(name).str.strip_chars() != "" for name in names))
    nothing = pl.lit(None, dtype=pl.String)
    return headers, rows.select(
        pl.col("row_number").cast(pl.Int32), nothing.alias("problem"), nothing.alias("problem_text"), *names
    )


def _read(job: dict[str, Any]) -> dict[str, Any]:
    path, folder = Path(job["path"]), Path(job["folder"])
    contents: dict[int, bytes] = {}
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" in archive.namelist():
                known = set(archive.namelist())
                for place, (name, part) in enumerate(_sheet_parts(archive)):
                    if part in known:
                        contents[place] = archive.read(part)
                        _check_dimensions(contents[place], name)
    reader = fastexcel.read_excel(path)
    sheets = []
    for place, name in _asked(reader, job["sheets"]):
        sheet = reader.load_sheet(place, header_row=None, skip_rows=0, dtypes="string")
        if job["sheets"] == "all" and str(sheet.visible) != "visible":
            continue
        frame = sheet.to_polars()
        frame = _mark_faults(frame, contents.get(place, b""), name)
        if frame.is_empty() or frame.width == 0:
            continue
        headers, rows = _shape(frame, job["header_row"], name)
        rows.write_ipc(folder / f"{place}.arrow")
        sheets.append({"sheet": name, "headers": headers, "file": f"{place}.arrow"})
    if not sheets:
        raise FileRejected(FileReason.EMPTY_FILE, "the workbook holds no data", "send it again, with its header row")
    return {"sheets": sheets}


def main() -> None:
    """Read the job on stdin, limit this process, and write the result."""
    job = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        result = _read(job)
    except FileRejected as error:
        refusal = {"reason_code": error.reason_code, "message": error.message, "remedy": error.remedy}
        result = {"error": refusal}
    except BaseException as error:  # A panic of the parser is no Exception.
        # What follows "Context" repeats the path of the copy that is read.
        problem = " ".join(str(error).split()).split(" Context: ")[0][:200] or type(error).__name__
        result = {
            "error": {
                "reason_code": FileReason.UNREADABLE,
                "message": f"the workbook cannot be read ({problem})",
                "remedy": "open and save it again without a password, or send the data as CSV",
            }
        }
    (Path(job["folder"]) / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
