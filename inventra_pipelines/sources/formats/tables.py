"""What every reader gives: a file's tables of text, in pieces, and their columns under the contract's names.

Belongs here: `OpenedFile`, `Table`, and what is done with a table's pieces. Which reader a file gets is `read.py`; what
the text means is `domain/ingest/`.

Row numbers are those a spreadsheet shows: the header on row 1 makes 2 the first row of data. In a delimited file a
record whose quoted text spans lines counts once. Rows without any content are not rows: they take a number and are
passed over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.tenant import FileMapping

ROW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sheet": pl.String,
    "row_number": pl.Int32,
    "problem": pl.String,
    "problem_text": pl.String,
}

_SHOWN_CHARACTERS = 80

# Whether some headers give every column that the dataset requires.
IsHeader = Callable[[Sequence[str]], bool]


@dataclass(frozen=True)
class MergedCell:
    """A cell that spans rows, of which only the first one holds its text.

    Attributes:
        place: Position of its header.
        first_row: Number of its first row.
        last_row: Number of its last row.
        text: What it holds.
    """

    place: int
    first_row: int
    last_row: int
    text: str


@dataclass(frozen=True)
class Table:
    """One sheet, one file of an archive, or the whole of a file that has neither.

    Attributes:
        sheet: Its name; empty where the format has no sheets.
        headers: As written, by position; those of several rows joined by a space.
        header_row: Number of the row, or the last of the rows, that the headers stand in.
        chunks: Frames of `row_number`, `problem` and `problem_text` (null, or why the row could not be split and its
            text), then one string column per header, named by position: `0`, `1`, ... Read once, in order; a file that
            turns out to be damaged raises FileRejected in between.
        is_typed: Whether numbers may stand in it as numbers, written with the mapping's decimal mark here.
        merged: Cells below the headers that span rows.
    """

    sheet: str
    headers: tuple[str, ...]
    header_row: int
    chunks: Iterable[pl.DataFrame]
    is_typed: bool = False
    merged: Sequence[MergedCell] = ()

    def mapping(self, mapping: FileMapping) -> FileMapping:
        """The mapping that its texts are read by.

        Beside numbers that are numbers, a text of one group of three digits is not told from one with three decimals:
        `1.234` is refused there, whatever parts thousands.
        """
        return mapping.model_copy(update={"thousands_mark": None}) if self.is_typed else mapping


@dataclass(frozen=True)
class OpenedFile:
    """A file whose kind is known.

    Attributes:
        format: What it is, in words: `delimited text`, `Excel workbook (.xlsx)`.
        details: What was found out about it, in words by name: `encoding`, `delimiter`, `packed as`.
        passed_over: Sheets and files of an archive that are not read, each with why.
        remarks: What was read in a way that not everybody expects, in words.
        tables: Read once, in order: a table's chunks before the next table.
    """

    format: str
    tables: Iterator[Table]
    details: Mapping[str, str] = field(default_factory=dict)
    passed_over: Sequence[str] = ()
    remarks: Sequence[str] = ()


def footer_in_words(rows: pl.DataFrame) -> str:
    """What the mapping's `footer_rows` leaves out: which rows, and what the first of them says."""
    numbers = rows["row_number"]
    first = rows.select(name for name in rows.columns if name.isdecimal()).head(1)
    text = " ".join(cell.strip() for cell in first.row(0) if cell and cell.strip())
    where = f"row {numbers[0]}" if rows.height == 1 else f"rows {numbers[0]} to {numbers[-1]}"
    return f"{where}, as footer_rows says: {text[:_SHOWN_CHARACTERS]}"


def with_last(chunks: Iterable[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, bool]]:
    """Each chunk, and whether it is the last one."""
    before: pl.DataFrame | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    if before is not None:
        yield before, True


def contract_columns(
    chunk: pl.DataFrame, table: Table, places: Mapping[str, Sequence[int]], contract: Contract
) -> pl.DataFrame:
    """A chunk's rows under the contract's column names, as `parse_rows` takes them.

    A merged cell's code, text or date is that of all its rows. A number is not: it would count once for each.

    Args:
        chunk: Of the table.
        table: Its sheet and merged cells are taken.
        places: Positions of the headers of each contract column, whose texts are joined by a space.
        contract: The dataset's; columns without a place are absent.
    """

    def cell(position: int, column: Column) -> pl.Expr:
        own = pl.col(str(position))
        below = {
            row: merged.text
            for merged in table.merged
            if merged.place == position and column.type in ("code", "text", "date", "timestamp")
            for row in range(merged.first_row + 1, merged.last_row + 1)
        }
        if not below:
            return own
        spread = pl.col("row_number").replace_strict(below, default=None, return_dtype=pl.String)
        return pl.when(own.str.contains(r"\S")).then(own).otherwise(spread)

    def text(column: Column) -> pl.Expr:
        positions = places[column.name]
        if len(positions) == 1:
            return cell(positions[0], column)
        parts = [cell(position, column).str.strip_chars() for position in positions]
        joined = pl.concat_str(parts, separator=" ", ignore_nulls=True)
        return pl.when(pl.any_horizontal(part.str.len_bytes() > 0 for part in parts)).then(joined)

    return chunk.select(
        pl.lit(table.sheet).alias("sheet"),
        pl.col("row_number").cast(pl.Int32),
        "problem",
        "problem_text",
        *(text(column).alias(column.name) for column in contract.columns if column.name in places),
    )
