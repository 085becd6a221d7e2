"""Where the headers of a table stand: below a title, in one row or spread over several.

Belongs here: the search over a table's first rows, for delimited text and sheets alike. Which headers a dataset needs
is the caller's `is_header`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.tables import IsHeader

# A header stands within these first rows, or the mapping says where it stands.
SEARCHED_ROWS = 60
_MOST_JOINED = 3


@dataclass(frozen=True)
class Header:
    """Numbers of the first and last row that the headers stand in, from 1, and the headers by position."""

    first_row: int
    last_row: int
    headers: tuple[str, ...]


def find_header(rows: Sequence[Sequence[str]], mapping: FileMapping, is_header: IsHeader, where: str) -> Header:
    """Find the headers of a table in its first rows.

    The mapping's `header_row` and `header_rows` decide. Without them it is the first row that `is_header` takes, then
    the first two or three rows that it takes together, and else the first row with content, for the caller to refuse
    by its names. In joined rows the upper ones reach to the right over cells without text, as merged cells do.

    Args:
        rows: The first rows of the table, at least SEARCHED_ROWS or all of them; blank ones included.
        mapping: The tenant's for the file's dataset.
        is_header: Whether headers give every column that the dataset requires.
        where: What messages call the table.

    Raises:
        FileRejected: There is no row with content, or none where the mapping says that the headers are.
    """
    if mapping.header_row is not None:
        return _stated(rows, mapping.header_row, mapping.header_rows or 1, is_header, where)
    searched = rows[:SEARCHED_ROWS]
    for span in [mapping.header_rows] if mapping.header_rows else range(1, _MOST_JOINED + 1):
        for first in range(len(searched) - span + 1):
            if not _has_content(searched[first]):
                continue
            for headers in _readings(searched[first : first + span]):
                if is_header(headers):
                    return Header(first + 1, first + span, headers)
    for place, row in enumerate(rows):
        if _has_content(row):
            span = min(mapping.header_rows or 1, len(rows) - place)
            return Header(place + 1, place + span, next(_readings(rows[place : place + span])))
    raise FileRejected(FileReason.EMPTY_FILE, f"{where}: there is nothing in it", "send it again, with its header line")


def _stated(rows: Sequence[Sequence[str]], row: int, span: int, is_header: IsHeader, where: str) -> Header:
    stated = rows[row - 1 : row - 1 + span]
    if not any(map(_has_content, stated)):
        raise FileRejected(
            FileReason.WRONG_COLUMNS, f"{where}: row {row} holds no headers", "set header_row to the right row"
        )
    readings = list(_readings(stated))
    headers = next((headers for headers in readings if is_header(headers)), readings[0])
    return Header(row, row - 1 + len(stated), headers)


def _has_content(row: Sequence[str]) -> bool:
    return any(cell and not cell.isspace() for cell in row)


def _readings(rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """The headers that rows give together: upper rows filled to the right, and as they stand."""
    width = max(map(len, rows))
    table = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    if len(table) == 1:
        yield _joined(table)
        return
    yield _joined([*_filled(table[:-1]), table[-1]])
    yield _joined(table)


def _filled(rows: list[list[str]]) -> list[list[str]]:
    """Each text reaches to the right up to the next one in its row, or to where a row above has a new one."""
    filled = []
    for number, row in enumerate(rows):
        reach, line = "", []
        for place, cell in enumerate(row):
            if cell or any(above[place] for above in rows[:number]):
                reach = cell
            line.append(reach)
        filled.append(line)
    return filled


def _joined(rows: list[list[str]]) -> tuple[str, ...]:
    headers = [" ".join(filter(None, cells)) for cells in zip(*rows, strict=True)]
    while headers and not headers[-1]:
        headers.pop()
    return tuple(headers)
