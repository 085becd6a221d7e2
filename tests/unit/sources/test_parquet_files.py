"""Parquet files as text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.read import read_tables


def test_typed_columns_become_text_without_loss(tmp_path: Path):
    path = tmp_path / "sales.parquet"
    pl.DataFrame(
        {
            "day": [date(2024, 1, 2)],
            "at": [datetime(2024, 1, 2, 3, 4, 5)],
            "instant": pl.Series([datetime(2024, 1, 2, 3, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo"),
            "float": [17850.0],
            "decimal": [Decimal("2.5500")],
            "code": ["0012"],
        }
    ).write_parquet(path)
    (table,) = read_tables(path, FileMapping())
    assert table.frame.row(0) == (
        2,
        None,
        None,
        "2024-01-02",
        "2024-01-02 03:04:05.000000",
        "2024-01-02 03:00:00.000000+0000",
        "17850",
        "2.5500",
        "0012",
    )


def test_a_column_of_lists_or_a_damaged_file_is_refused(tmp_path: Path):
    path = tmp_path / "sales.parquet"
    pl.DataFrame({"a": [[1, 2]]}).write_parquet(path)
    with pytest.raises(FileRejected, match="column 'a'"):
        read_tables(path, FileMapping())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileRejected, match=r"sales\.parquet"):
        read_tables(path, FileMapping())
