"""Replacing a window: exact, whole, alone; and frames that come back as they went in."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.db import tables
from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.db.writes import Window, frame_checksum, replace_window

DAY = date(2026, 3, 2)
KEY = ["tenant_id", "as_of_on"]


def _evaluations(tenant: str, *days: date) -> pl.DataFrame:
    return pl.DataFrame(
        {"tenant_id": [tenant] * len(days), "as_of_on": days}, schema={"tenant_id": pl.String, "as_of_on": pl.Date}
    )


def _write(connection: psycopg.Connection, frame: pl.DataFrame, *windows: Window) -> int:
    return replace_window(
        connection, tables.evaluations, frame, windows=windows, window_column="as_of_on", run_id="run"
    )


def _days(connection: psycopg.Connection, tenant: str) -> list[date]:
    rows = connection.execute("select as_of_on from alerts.evaluations where tenant_id = %s order by 1", (tenant,))
    return [day for (day,) in rows]


def test_rows_that_vanished_vanish_and_neighbours_stay(connection: psycopg.Connection):
    days = [DAY + timedelta(offset) for offset in range(4)]
    _write(connection, _evaluations("a", *days), Window("a", days[0], days[3]))
    _write(connection, _evaluations("b", days[1]), Window("b", days[1], days[1]))
    _write(connection, _evaluations("a", days[2]), Window("a", days[1], days[2]))
    assert _days(connection, "a") == [days[0], days[2], days[3]]
    assert _days(connection, "b") == [days[1]]


def test_an_empty_frame_empties_the_window_and_is_on_the_manifest(connection: psycopg.Connection):
    _write(connection, _evaluations("a", DAY), Window("a", DAY, DAY))
    assert _write(connection, _evaluations("a"), Window("a", DAY, DAY)) == 0
    assert _days(connection, "a") == []
    row = connection.execute("select rows, run_id from ops.load_manifest where tenant_id = 'a'").fetchone()
    assert row == (0, "run")


def test_a_row_outside_of_the_windows_is_a_defect_and_writes_nothing(connection: psycopg.Connection):
    with pytest.raises(ValueError, match="1 rows outside of a 2026-03-02"):
        _write(connection, _evaluations("a", DAY, DAY + timedelta(1)), Window("a", DAY, DAY))
    with pytest.raises(ValueError, match="outside"):
        _write(connection, _evaluations("b", DAY), Window("a", DAY, DAY))
    assert _days(connection, "a") == []


def test_a_missing_column_is_a_defect(connection: psycopg.Connection):
    with pytest.raises(ValueError, match="as_of_on"):
        _write(connection, pl.DataFrame({"tenant_id": ["a"]}), Window("a", DAY, DAY))


def test_an_error_in_mid_write_leaves_the_old_rows(migrated_url: str):
    window = Window("whole", DAY, DAY)
    with psycopg.connect(migrated_url) as first:
        _write(first, _evaluations("whole", DAY), window)
    with pytest.raises(psycopg.errors.UniqueViolation), psycopg.connect(migrated_url) as second:
        _write(second, _evaluations("whole", DAY, DAY), window)
    with psycopg.connect(migrated_url) as after:
        assert _days(after, "whole") == [DAY]


def test_eight_writers_of_one_window_leave_the_rows_of_one(migrated_url: str):
    window = Window("crowd", DAY, DAY + timedelta(99))
    frame = _evaluations("crowd", *(DAY + timedelta(offset) for offset in range(100)))
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def write() -> None:
        try:
            with psycopg.connect(migrated_url) as own:
                barrier.wait(timeout=20)
                _write(own, frame, window)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    with psycopg.connect(migrated_url) as after:
        assert len(_days(after, "crowd")) == 100


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXT), max_size=8))
def test_any_text_comes_back_as_it_went_in(migrated_url: str, texts: list[str | None]):
    frame = pl.DataFrame(
        {
            "tenant_id": ["text"] * len(texts),
            "landed_on": [DAY] * len(texts),
            "batch_id": ["b"] * len(texts),
            "file_name": ["f"] * len(texts),
            "sheet": [""] * len(texts),
            "row_number": list(range(len(texts))),
            "column_name": [""] * len(texts),
            "raw_value": texts,
            "reason_code": ["r"] * len(texts),
            "message": ["m"] * len(texts),
            "hint": ["h"] * len(texts),
        },
        schema_overrides={"raw_value": pl.String, "landed_on": pl.Date, "row_number": pl.Int32},
    )
    with psycopg.connect(migrated_url) as own:
        replace_window(
            own, tables.rejects, frame, windows=[Window("text", DAY, DAY)], window_column="landed_on", run_id="run"
        )
        read = read_frame(own, "select raw_value from raw.rejects where tenant_id = 'text' order by row_number")
        own.rollback()
    assert read["raw_value"].to_list() == texts


def test_every_type_is_read_as_the_docstring_says(connection: psycopg.Connection):
    frame = read_frame(
        connection,
        "select 1.5::numeric as money, 2.25::double precision as number, 3 as whole, true as flag, "
        "null::text as nothing, '' as empty, date '2026-03-02' as day, "
        "timestamptz '2026-03-02 10:00:00.123+02' as moment, %(text)s as text",
        {"text": "50 % 'off'"},
    )
    assert frame.row(0, named=True) == {
        "money": Decimal("1.5"),
        "number": 2.25,
        "whole": 3,
        "flag": True,
        "nothing": None,
        "empty": "",
        "day": DAY,
        "moment": datetime(2026, 3, 2, 8, 0, 0, 123000, UTC),
        "text": "50 % 'off'",
    }


def test_a_single_column_of_nulls_keeps_its_rows(connection: psycopg.Connection):
    assert read_frame(connection, "select null::text as x from generate_series(1, 3)").height == 3


def test_the_checksum_depends_on_rows_and_not_on_their_order():
    one = pl.DataFrame({"tenant_id": ["a", "b"], "as_of_on": [DAY, DAY]})
    assert frame_checksum(one, KEY) == frame_checksum(one.reverse().select("as_of_on", "tenant_id"), KEY)
    assert frame_checksum(one, KEY) != frame_checksum(one.head(1), KEY)
