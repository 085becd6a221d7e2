"""The rejected rows of a file in their own layout: the file's own headers and cells, as a person knows them.

Belongs here: reading just these rows of the kept copy, within the reader's process, and putting each beside why it was
rejected. How they are written for correction is `correction_file.py`.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from inventra_pipelines.domain.contracts import Contract
from inventra_pipelines.domain.ingest.headers import is_header_of, map_columns
from inventra_pipelines.domain.tenant import Dataset, FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.reader.process import Question, Reader

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
    """

    row: int
    cells: list[str | None]
    line: str | None
    faults: Sequence[Fault]


@dataclass(frozen=True)
class RejectedSheet:
    """The rejected rows of one sheet, or of a file that has none (`sheet` is empty then).

    Attributes:
        headers: As the file writes them.
        places: By column of the dataset, the positions of its headers.
    """

    sheet: str
    headers: tuple[str, ...]
    places: Mapping[str, Sequence[int]]
    rows: list[RejectedRow]


def read_rejected(
    path: Path, name: str, dataset: Dataset, mapping: FileMapping, faults: Mapping[tuple[str, int], Sequence[Fault]]
) -> list[RejectedSheet]:
    """Read the rejected rows of a file.

    Args:
        path: The kept copy.
        name: What messages call the file.
        dataset: What it holds.
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
        for told, block in reader.ask(Question("cells", path, name, mapping, dataset, {"wanted": wanted})):
            frame = pl.read_ipc(io.BytesIO(block))
            rows = [_row(row, line, cells, faults[told["sheet"], row], mapping) for row, line, *cells in frame.rows()]
            sheets.append(RejectedSheet(told["sheet"], tuple(told["headers"]), told["places"], rows))
    return sheets


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
