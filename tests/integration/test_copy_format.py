"""Frames through a binary COPY: every type, its extremes and its nulls come out as they went in."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import psycopg
import pytest

from inventra_pipelines.db.copy_format import COPY_END, COPY_HEADER, copy_tuples

COLUMNS = {
    "a_text": (pl.String, "text", ["a", "", None, 'ü\n"x",\t🎁', "\\N"]),
    "an_exact": (
        pl.Decimal(18, 4),
        "numeric(18, 4)",
        [Decimal("1.5000"), Decimal("-0.0001"), None, Decimal("99999999999999.9999"), Decimal("10000.0000")],
    ),
    "a_day": (pl.Date, "date", [date(2024, 2, 29), date(1900, 1, 1), None, date(2199, 12, 31), date(2000, 1, 1)]),
    "a_moment": (
        pl.Datetime("us", "UTC"),
        "timestamptz",
        [
            datetime(2024, 3, 31, 1, 2, 3, 456789, UTC),
            datetime(1900, 1, 1, tzinfo=UTC),
            None,
            datetime(2199, 12, 31, 23, 59, 59, 999999, UTC),
            datetime(2000, 1, 1, tzinfo=UTC),
        ],
    ),
    "a_number": (pl.Int32, "integer", [1, -(2**31), None, 2**31 - 1, 0]),
    "a_double": (pl.Float64, "double precision", [1.5, -0.0, None, 1e308, float("inf")]),
    "a_truth": (pl.Boolean, "boolean", [True, False, None, True, False]),
}


def copied(connection: psycopg.Connection, frame: pl.DataFrame) -> list[tuple]:
    types = ", ".join(f"{name} {COLUMNS[name][1]}" for name in frame.columns)
    connection.execute(f"create temporary table copied ({types})".encode())
    with connection.cursor().copy(b"copy copied from stdin (format binary)") as copy:
        for block in (COPY_HEADER, copy_tuples(frame), COPY_END):
            copy.write(block)
    return connection.execute("select * from copied").fetchall()


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_a_type_comes_out_as_it_went_in(connection: psycopg.Connection, name: str):
    dtype, _, values = COLUMNS[name]
    assert copied(connection, pl.DataFrame({name: values}, schema={name: dtype})) == [(value,) for value in values]


def test_many_rows_in_several_pieces_and_none_at_all(connection: psycopg.Connection):
    frame = pl.concat([pl.DataFrame({"a_number": range(70_000)}, schema={"a_number": pl.Int32})] * 2, rechunk=False)
    assert copied(connection, frame) == [(number,) for number in [*range(70_000)] * 2]
    assert copy_tuples(frame.clear()) == b""
