"""Parquet files, as text like every other format, so that one set of rules checks them all.

Belongs here: typed columns to text without loss. A timestamp with a zone keeps its offset, whole floats lose their
fraction as a workbook's numbers do.
"""

from pathlib import Path

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.tables import Table


def _text(name: str, dtype: pl.DataType) -> pl.Expr | None:
    column = pl.col(name)
    if dtype == pl.Datetime:
        zoned = getattr(dtype, "time_zone", None)
        if zoned:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+0000")
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if dtype.is_float():
        return column.cast(pl.String).str.replace(r"\.0$", "")
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return None
    return column.cast(pl.String)


def read_parquet(path: Path, name: str) -> list[Table]:
    """Read a parquet file's one table; its first row is row 2, as if the column names were row 1.

    Raises:
        FileRejected: Damaged, or a column holds lists, structs or bytes.
    """
    try:
        frame = pl.read_parquet(path)
    except BaseException as error:  # A panic of the reader is no Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        problem = " ".join(str(error).split())[:200]
        raise FileRejected(
            FileReason.UNREADABLE, f"{name}: the parquet file cannot be read ({problem})", "write and send it again"
        ) from None
    headers = tuple(frame.columns)
    texts = []
    for place, (header, dtype) in enumerate(frame.schema.items()):
        text = _text(header, dtype)
        if text is None:
            raise FileRejected(
                FileReason.UNREADABLE, f"{name}: column {header!r} holds {dtype}, which is no value", "flatten it"
            )
        texts.append(text.alias(str(place)))
    nothing = pl.lit(None, dtype=pl.String)
    rows = frame.select(nothing.alias("problem"), nothing.alias("problem_text"), *texts)
    return [Table("", headers, rows.with_row_index("row_number", offset=2))]
