"""Parquet files, as text like every other format, so that one set of rules checks them all.

Belongs here: typed columns to text without loss, a few thousand rows at a time. A timestamp with a zone keeps its
instant, whole floats lose their fraction as a workbook's numbers do, a time of day is a clock time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.complaints import in_words
from inventra_pipelines.sources.formats.tables import OpenedFile, Table

_BATCH_ROWS = 100_000


def read_parquet(path: Path, name: str, decimal_mark: str = ".") -> OpenedFile:
    """Open a parquet file's one table; its first row is row 2, as if the column names were row 1.

    Raises:
        FileRejected: Damaged, or a column holds lists, structs, durations or bytes; damage further down is found while
            the chunks are read.
    """
    with _reading(name):
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        headers = tuple(schema.names)
        empty = _frame(schema.empty_table())
    texts = []
    for place, (header, dtype) in enumerate(zip(headers, empty.dtypes, strict=True)):
        text = _text(str(place), dtype)
        if text is not None and (dtype.is_float() or dtype.is_decimal()) and decimal_mark != ".":
            text = text.str.replace(".", decimal_mark, literal=True)
        if text is None:
            raise FileRejected(
                FileReason.UNREADABLE,
                f"{name}: column {header!r} holds {schema.field(place).type}, which is no value",
                "write it as text, a number or a date, or leave it out",
            )
        texts.append(text)
    return OpenedFile("parquet", iter([Table("", headers, 1, _chunks(file, texts, name), is_typed=True)]))


def _chunks(file: pq.ParquetFile, texts: list[pl.Expr], name: str) -> Iterator[pl.DataFrame]:
    nothing = pl.lit(None, dtype=pl.String)
    row_number = 2
    with file:
        batches = file.iter_batches(batch_size=_BATCH_ROWS)
        while True:
            with _reading(name):
                batch = next(batches, None)
                if batch is None:
                    return
                frame = _frame(pa.Table.from_batches([batch]))
                rows = frame.select(nothing.alias("problem"), nothing.alias("problem_text"), *texts)
            yield rows.with_row_index("row_number", offset=row_number).cast({"row_number": pl.Int32})
            row_number += batch.num_rows


def _frame(table: pa.Table) -> pl.DataFrame:
    """With columns named by position: two may have one name."""
    frame = pl.from_arrow(table.rename_columns([str(place) for place in range(table.num_columns)]))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _text(name: str, dtype: pl.DataType) -> pl.Expr | None:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+0000")
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if dtype.is_float():
        return _number(column)
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration):
        return None
    return column.cast(pl.String)


def _number(column: pl.Expr) -> pl.Expr:
    """A float in its shortest form, without an exponent where it has up to 37 digits or 18 decimals."""
    short = column.cast(pl.String).str.replace(r"\.0$", "")
    whole = column.cast(pl.Decimal(38, 0), strict=False).cast(pl.String)
    small = column.cast(pl.Decimal(38, 18), strict=False).cast(pl.String).str.strip_chars_end("0")
    written_out = pl.when(column.abs() >= 1).then(whole).otherwise(small)
    return pl.when(short.str.contains("e", literal=True)).then(pl.coalesce(written_out, short)).otherwise(short)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """What the parser raises, as a refusal."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # A panic of polars is no Exception.
        raise FileRejected(
            FileReason.UNREADABLE,
            f"{name}: the parquet file cannot be read ({in_words(error)})",
            "write and send it again",
        ) from None
