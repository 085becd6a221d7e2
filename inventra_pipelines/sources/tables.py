"""What every reader gives: a table of text, and its columns under the contract's names.

Belongs here: `Table` and `contract_columns`. Which reader a file gets is `read.py`; what the text means is
`domain/ingest/`.

Row numbers are those a spreadsheet shows: the header on row 1 makes 2 the first row of data. In a delimited file a
record whose quoted text spans lines counts once. Rows without any content are not rows: they take a number and are
passed over.
"""

from dataclasses import dataclass

import polars as pl

from inventra_pipelines.domain.contracts import Contract
from inventra_pipelines.domain.ingest.headers import map_columns
from inventra_pipelines.domain.tenant import FileMapping

ROW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sheet": pl.String,
    "row_number": pl.Int32,
    "problem": pl.String,
    "problem_text": pl.String,
}


@dataclass(frozen=True)
class Table:
    """One sheet, or the whole of a file that has none.

    Attributes:
        sheet: Its name; empty where the format has no sheets.
        headers: As written, by position.
        frame: `row_number`, `problem` and `problem_text` (null, or why the row could not be split and its text), then
            one string column per header, named by position: `0`, `1`, ...
    """

    sheet: str
    headers: tuple[str, ...]
    frame: pl.DataFrame


def contract_columns(table: Table, contract: Contract, mapping: FileMapping, name: str) -> pl.DataFrame:
    """The table's rows under the contract's column names, as `parse_rows` takes them.

    Raises:
        FileRejected: The headers do not give the contract's columns.
    """
    where = f"{name}, sheet {table.sheet!r}" if table.sheet else name
    places = map_columns(table.headers, contract, mapping, where)
    missing = [column.name for column in contract.columns if column.name not in places]
    constants = [pl.lit(mapping.constants.get(column), dtype=pl.String).alias(column) for column in missing]
    return table.frame.select(
        pl.lit(table.sheet).alias("sheet"),
        pl.col("row_number").cast(pl.Int32),
        "problem",
        "problem_text",
        *(pl.col(str(place)).alias(column) for column, place in places.items()),
        *constants,
    ).select(*ROW_SCHEMA, *(column.name for column in contract.columns))
