"""Where the headers of a sheet stand: below blank rows and titles, in rows whose cells are merged.

Belongs here: what a sheet knows beyond the search of `header_rows.py`, which is how far a merged cell reaches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.domain.words import counted
from inventra_pipelines.sources.formats.header_rows import SEARCHED_ROWS, Header, find_header
from inventra_pipelines.sources.formats.tables import IsHeader, MergedCell

_LOOKED_AT_ROWS = 1_000

Merged = tuple[int, int, int, int]


def blank_rows(frame: pl.DataFrame) -> int:
    """How many rows at the top are blank; all of them where there is no content."""
    for offset in range(0, frame.height, _LOOKED_AT_ROWS):
        rows = frame.slice(offset, _LOOKED_AT_ROWS)
        filled = rows.select(pl.any_horizontal(pl.all().str.contains(r"\S"))).to_series().arg_true()
        if len(filled):
            return offset + int(filled[0])
    return frame.height


def sheet_header(
    frame: pl.DataFrame,
    first_column: int,
    merged: Iterable[Merged],
    mapping: FileMapping,
    is_header: IsHeader,
    where: str,
) -> Header:
    """Find the headers of a sheet, by `find_header`'s rules.

    Args:
        frame: The sheet from its first row on.
        first_column: Number of the sheet's column that the frame's first one is.
        merged: First row, first column, last row and last column of each merged range.
        mapping: The tenant's for the file's dataset.
        is_header: Whether headers give every column that the dataset requires.
        where: File and sheet, for messages.

    Raises:
        FileRejected: No row holds headers.
    """
    skipped = 0 if mapping.header_row else blank_rows(frame)
    searched = SEARCHED_ROWS + (mapping.header_row or 0)
    top = [[cell or "" for cell in row] for row in frame.slice(skipped, searched).rows()]
    ranges = [
        (first_row - skipped, first - first_column, last - first_column)
        for first_row, first, _, last in merged
        if 0 < first_row - skipped <= len(top) and last > first
    ]
    header = find_header(top, mapping, is_header, where)
    if ranges and header.last_row > header.first_row:
        header = _with_reach(header, top, ranges, is_header)
    if ranges and not is_header(header.headers):
        other = find_header(_spread(top, ranges), mapping, is_header, where)
        header = other if is_header(other.headers) else header
    if not any(header.headers):
        raise FileRejected(
            FileReason.WRONG_COLUMNS,
            f"{where}: row {skipped + header.last_row} holds no headers",
            "set header_row, or list the sheets to read under sheets, in the tenant's file",
        )
    return replace(header, first_row=skipped + header.first_row, last_row=skipped + header.last_row)


def merged_below(merged: Iterable[Merged], header: Header, rows: pl.DataFrame, first_column: int) -> list[MergedCell]:
    """The cells below the headers that span rows and hold anything.

    Args:
        merged: First row, first column, last row and last column of each merged range.
        header: The sheet's.
        rows: Below it, as a table's chunks have them.
        first_column: Number of the sheet's column that the first header stands in.
    """
    ends = int(rows["row_number"].max() or 0)  # type: ignore[arg-type]
    spans = sorted(
        (first_row, min(last_row, ends), first - first_column)
        for first_row, first, last_row, _ in merged
        if first_row > header.last_row and last_row > first_row and 0 <= first - first_column < len(header.headers)
    )
    wanted = pl.Series([first_row for first_row, _, _ in spans], dtype=pl.Int32)
    texts = {row["row_number"]: row for row in rows.filter(pl.col("row_number").is_in(wanted.implode())).to_dicts()}
    return [
        MergedCell(place, first_row, last_row, text)
        for first_row, last_row, place in spans
        if (text := texts.get(first_row, {}).get(str(place)))
    ]


def merged_in_words(merged: Sequence[MergedCell], header: Header) -> str | None:
    """What becomes of merged cells, for whoever sent the file; None where there are none."""
    if not merged:
        return None
    cell = merged[0]
    more = f" (and {counted(len(merged) - 1, 'more such cell')})" if merged[1:] else ""
    return (
        f"rows {cell.first_row} to {cell.last_row} of {header.headers[cell.place]!r} are one cell{more}:"
        " a text or date is taken for all of them, a number for the first"
    )


def hidden_in_words(hidden: Sequence[tuple[int, int]], numbers: pl.Series) -> str | None:
    """What becomes of rows that a spreadsheet does not show; None where none of those read is hidden.

    Args:
        hidden: First and last row of each range that is hidden, in order.
        numbers: Of the rows that are read, in order.
    """
    if not hidden or numbers.is_empty():
        return None
    firsts, lasts = (pl.Series(ends, dtype=pl.Int32) for ends in zip(*hidden, strict=True))
    starts, ends = numbers.search_sorted(firsts, "left"), numbers.search_sorted(lasts, "right")
    count = int((ends - starts).sum())
    if not count:
        return None
    first = numbers[int(starts.filter(ends > starts)[0])]
    rows = f"hidden row {first} is" if count == 1 else f"{count:,} hidden rows, the first of them row {first}, are"
    return f"{rows} read as the others"


def _with_reach(
    header: Header, top: Sequence[Sequence[str]], ranges: Sequence[tuple[int, int, int]], is_header: IsHeader
) -> Header:
    """Headers of several rows whose upper texts reach as far as their merged cells, and no further."""
    upper = [merged for merged in ranges if merged[0] < header.last_row]
    rows = _spread(top, upper)[header.first_row - 1 : header.last_row]
    joined = [" ".join(filter(None, map(str.strip, cells))) for cells in zip(*rows, strict=True)]
    while joined and not joined[-1]:
        joined.pop()
    return replace(header, headers=tuple(joined)) if is_header(joined) else header


def _spread(top: Sequence[Sequence[str]], ranges: Iterable[tuple[int, int, int]]) -> list[list[str]]:
    """The rows with the text of each merged range in every column of it."""
    rows = [list(row) for row in top]
    for number, first, last in ranges:
        row = rows[number - 1]
        if 0 <= first < len(row):
            row[first : last + 1] = [row[first]] * (min(last, len(row) - 1) - first + 1)
    return rows
