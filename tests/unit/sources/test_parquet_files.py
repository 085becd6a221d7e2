"""Parquet files as text, batch by batch."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.sources.formats import parquet_files
from inventra_pipelines.sources.formats.parquet_files import read_parquet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sales.parquet"


def rows(path: Path) -> list[tuple]:
    (table,) = read_parquet(path, path.name).tables
    return pl.concat(table.chunks).rows()


def test_typed_columns_become_text_without_loss(path):
    pl.DataFrame(
        {
            "day": [date(2024, 1, 2)],
            "at": [datetime(2024, 1, 2, 3, 4, 5)],
            "instant": pl.Series([datetime(2024, 1, 2, 3, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo"),
            "clock": [time(3, 4, 5)],
            "float": [17850.0],
            "code_as_float": [4006381333931.0],
            "decimal": [Decimal("2.5500")],
            "code": ["0012"],
            "flag": [True],
            "category": pl.Series(["x"], dtype=pl.Categorical),
            "nothing": [None],
        }
    ).write_parquet(path)
    (table,) = read_parquet(path, path.name).tables
    assert table.header_row == 1
    assert table.headers[:2] == ("day", "at")
    assert rows(path)[0] == (
        2,
        None,
        None,
        "2024-01-02",
        "2024-01-02 03:04:05.000000",
        "2024-01-02 03:00:00.000000+0000",
        "03:04:05",
        "17850",
        "4006381333931",
        "2.5500",
        "0012",
        "true",
        "x",
        None,
    )


def test_large_and_small_floats_are_written_out(path):
    pq.write_table(pa.table({"a": [1e17, 1e-5, 123456.789, 0.1 + 0.2, None]}), path)
    texts = [row[3] for row in rows(path)]
    assert [None if text is None else float(text) for text in texts] == [1e17, 1e-5, 123456.789, 0.1 + 0.2, None]
    assert texts[0] == "100000000000000000"
    assert not any("e" in text.lower() for text in texts if text)


@pytest.mark.parametrize(
    "column",
    [[[1, 2]], [{"b": 1}], [b"\xff"], [timedelta(hours=30)]],
    ids=["list", "struct", "bytes", "duration"],
)
def test_a_column_that_holds_no_plain_value_is_refused_by_its_name(column, path):
    pq.write_table(pa.table({"a": column}), path)
    with pytest.raises(FileRejected, match="column 'a' holds") as caught:
        read_parquet(path, path.name)
    assert caught.value.reason_code == "unreadable"
    assert caught.value.remedy


def test_a_file_cut_short_is_refused(path):
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileRejected, match=r"sales\.parquet") as caught:
        read_parquet(path, path.name)
    assert caught.value.reason_code == "unreadable"


def test_damage_further_down_is_found_while_the_rows_are_read(path):
    pq.write_table(pa.table({"a": [f"text {number}" for number in range(10_000)]}), path, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[20:200] = b"\xff" * 180
    path.write_bytes(content)
    (table,) = read_parquet(path, path.name).tables
    with pytest.raises(FileRejected, match="cannot be read"):
        list(table.chunks)


def test_row_groups_follow_each_other_in_batches_that_number_on(path, monkeypatch):
    monkeypatch.setattr(parquet_files, "_BATCH_ROWS", 40)
    pq.write_table(pa.table({"a": list(range(100))}), path, row_group_size=50)
    (table,) = read_parquet(path, path.name).tables
    chunks = list(table.chunks)
    assert max(chunk.height for chunk in chunks) <= 40
    assert [row[::3] for row in pl.concat(chunks).rows()] == [(number + 2, str(number)) for number in range(100)]


def test_two_columns_of_one_name_keep_their_places(path):
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    (table,) = read_parquet(path, path.name).tables
    assert table.headers == ("a", "a")
    assert [chunk.row(0)[3:] for chunk in table.chunks] == [("1", "2")]


def test_a_file_without_rows_gives_its_headers(path):
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    (table,) = read_parquet(path, path.name).tables
    assert table.headers == ("a",)
    assert sum(chunk.height for chunk in table.chunks) == 0
