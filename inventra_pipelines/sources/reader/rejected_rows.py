"""The rejected rows of a file in their own layout: the file's own headers and cells, as a person knows them.

Belongs here: reading just these rows of the kept copy, within the reader's process, and putting each beside why it was
rejected. How they are written for correction is `correction_file.py`.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from inventra_pipelines.domain.contracts import CORRECTS_ROW, Contract
from inventra_pipelines.domain.ingest.headers import is_header_of, map_columns, normalized_header
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.reader.process import Question, Reader

LINE_NOTE = "line as it stood"
NOTES = ("rejected column", "rejected because", "what to do", "sheet", "row", LINE_NOTE)
_DELIMITERS = (";", ",", "\t", "|")


@dataclass(frozen=True)
class Fault:
    """Why a row was rejected.

    Attributes:
        column: The dataset's column; empty for the row as a whole.
        because: A sentence.
        what_to_do: What its sender can do.
    """

    column: str
    because: str
    what_to_do: str


@dataclass(frozen=True)
class RejectedRow:
    """A row as it stands in its file.

    Attributes:
        row: Its number, as a spreadsheet shows it.
        cells: One per header; of a line that could not be split, as far as it can be.
        line: That line; None otherwise.
        faults: Why it was rejected.
        corrects: What `corrects_row` is for it: its batch, row and sheet, or those of the row that it was to correct
            itself; None where the dataset has no such column.
    """

    row: int
    cells: list[str | None]
    line: str | None
    faults: Sequence[Fault]
    corrects: str | None = None


@dataclass(frozen=True)
class RejectedSheet:
    """The rejected rows of one sheet, or of a file that has none (`sheet` is empty then).

    Attributes:
        headers: As the file writes them, without those that a file for correction adds.
        places: By column of the dataset, the positions of its headers.
    """

    sheet: str
    headers: tuple[str, ...]
    places: Mapping[str, Sequence[int]]
    rows: list[RejectedRow]


def read_rejected(
    path: Path,
    name: str,
    batch_id: str,
    contract: Contract,
    mapping: FileMapping,
    faults: Mapping[tuple[str, int], Sequence[Fault]],
) -> list[RejectedSheet]:
    """Read the rejected rows of a file.

    Args:
        path: The kept copy.
        name: What messages call the file.
        batch_id: The batch that the file became.
        contract: Of the dataset that it holds.
        mapping: What the batch was read with.
        faults: Why, by sheet and row.

    Raises:
        FileRejected: The file cannot be read with that mapping.
    """
    wanted: dict[str, list[int]] = {}
    for sheet, row in sorted(faults):
        wanted.setdefault(sheet, []).append(row)
    sheets: list[RejectedSheet] = []
    with Reader() as reader:
        for told, block in reader.ask(Question("cells", path, name, mapping, contract.dataset, {"wanted": wanted})):
            frame = pl.read_ipc(io.BytesIO(block))
            rows = [_row(row, line, cells, faults[told["sheet"], row], mapping) for row, line, *cells in frame.rows()]
            found = RejectedSheet(told["sheet"], tuple(told["headers"]), told["places"], rows)
            can_say = any(column.name == CORRECTS_ROW for column in contract.columns)
            sheets.append(_with_origins(found, batch_id) if can_say else found)
    return sheets


def _with_origins(sheet: RejectedSheet, batch_id: str) -> RejectedSheet:
    """The rows with what they correct; those of a file for correction as they stand in the file that it is about."""
    (own,) = sheet.places.get(CORRECTS_ROW, [None])
    rows = [
        replace(row, corrects=(None if own is None else row.cells[own]) or f"{batch_id}:{row.row}:{sheet.sheet}")
        for row in sheet.rows
    ]
    if own is None:
        return replace(sheet, rows=rows)
    headers = [normalized_header(header) for header in sheet.headers]
    # A file that has such a header itself has the note's with a mark.
    marked = {normalized_header(note): normalized_header(f"{note} (note)") for note in NOTES}
    notes = {named if named in headers else note for note, named in marked.items()}
    kept = [place for place, header in enumerate(headers) if place != own and header not in notes]
    return RejectedSheet(
        sheet.sheet,
        tuple(sheet.headers[place] for place in kept),
        {
            column: [kept.index(place) for place in places if place in kept]
            for column, places in sheet.places.items()
            if column != CORRECTS_ROW
        },
        [replace(row, cells=[row.cells[place] for place in kept]) for row in rows],
    )


def cells_of(
    path: Path, contract: Contract, mapping: FileMapping, wanted: Mapping[str, Sequence[int]], name: str
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The cells of some rows, sheet by sheet: `sheet`, `headers` and `places`, and the rows as an Arrow file.

    Args:
        path: On a local disk.
        contract: The dataset's.
        mapping: The tenant's for it.
        wanted: Row numbers by sheet.
        name: What messages call the file.

    Raises:
        FileRejected: The file cannot be read.
    """
    with open_file(path, mapping, name, is_header_of(contract, mapping)) as opened:
        for table in opened.tables:
            if table.sheet not in wanted:
                continue
            numbers = pl.Series(wanted[table.sheet], dtype=pl.Int32)
            found = [chunk.filter(pl.col("row_number").is_in(numbers.implode())) for chunk in table.chunks]
            names = [str(place) for place in range(len(table.headers))]
            block = io.BytesIO()
            pl.concat(found).select("row_number", "problem_text", *names).write_ipc(block)
            places = map_columns(table.headers, contract, mapping, name)
            yield (
                {"sheet": table.sheet, "headers": list(table.headers), "places": places},
                block.getvalue(),
            )


def _row(
    row: int, line: str | None, cells: list[str | None], faults: Sequence[Fault], mapping: FileMapping
) -> RejectedRow:
    if line is not None:
        delimiter = mapping.delimiter or max(_DELIMITERS, key=line.count)
        fields: list[str | None] = [field.strip() for field in line.split(delimiter)]
        cells = (fields + [None] * len(cells))[: len(cells)]
    return RejectedRow(row, cells, line, faults)
