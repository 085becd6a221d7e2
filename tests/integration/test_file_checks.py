"""Checks of what one file says: days that have not come yet, lines that are there twice, corrections of nothing."""

from datetime import date

import psycopg
import pytest

from inventra_pipelines.checks.ingest import days_have_come
from inventra_pipelines.checks.normalize import corrections_hold, lines_stand_once
from inventra_pipelines.db.writes import Window

DAY = date(2026, 3, 2)
WINDOW = [Window("shop", DAY, DAY)]

BATCH = """
    insert into raw.batches (
        batch_id, tenant_id, dataset, landed_on, file_name, sha256, state, rows_read, rows_accepted, rows_rejected,
        rows_passed_over, bytes, config_version, reader_version
    )
    values (%s, 'shop', 'sales', '2026-03-02', %s, 'hash', 'loaded', 3, 3, 0, 0, 10, 'v1', 'r1')
"""
BUSINESS_DAY = """
    insert into raw.batch_days (tenant_id, landed_on, batch_id, dataset, business_on, rows)
    values ('shop', '2026-03-02', 'b1', 'sales', %s, %s)
"""
# The dbt project makes the real one; the check reads these columns of it.
LINES = """
    create table intermediate.int_sales_lines (
        tenant_id text, batch_id text, sheet text, row_number integer, sold_on date, document_id text,
        line_number integer, line_kind text, item_id text, location_id text
    )
"""


def test_rows_of_a_day_that_had_not_come_are_named_with_their_file(connection: psycopg.Connection):
    connection.execute(BATCH, ("b1", "sales.csv"))
    connection.execute(BUSINESS_DAY, (date(2026, 3, 2), 3))
    # What a batch no longer has is kept with no rows, so that its day is rebuilt.
    connection.execute(BUSINESS_DAY, (date(2026, 3, 3), 0))
    assert days_have_come(connection, WINDOW).passed
    connection.execute(BUSINESS_DAY, (date(2026, 12, 3), 2))
    result = days_have_come(connection, WINDOW)
    assert not result.passed
    assert result.metadata["files"].value == "shop sales.csv of 2026-03-02: 2 rows of 2026-12-03"


def _line(connection: psycopg.Connection, batch_id: str, row: int, kind: str, item: str = "A", day: date = DAY) -> None:
    line = ("shop", batch_id, "", row, day, "D1", 1, kind, item, "main")
    connection.execute("insert into intermediate.int_sales_lines values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", line)
    connection.execute(
        """
        insert into raw.sales (
            tenant_id, landed_on, batch_id, sheet, row_number, sold_on, sold_at, item_code, quantity, unit_price,
            document_id, line_number
        )
        values ('shop', %s, %s, '', %s, %s, %s, %s, 1, 1, 'D1', 1)
        """,
        (DAY, batch_id, row, day, day, item),
    )


def _warned(connection: psycopg.Connection) -> str:
    result = lines_stand_once(connection, WINDOW)
    first = str(result.metadata["first"].value)
    assert result.passed == (first == "none")
    return first


@pytest.fixture
def files(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute(LINES)
    connection.execute(BATCH, ("b1", "sales.csv"))
    connection.execute(BATCH, ("b2", "later.csv"))
    return connection


def test_a_line_that_one_file_has_twice_is_named_and_one_of_two_files_is_not(files: psycopg.Connection):
    _line(files, "b1", 2, "superseded")
    _line(files, "b2", 2, "sale")
    assert _warned(files) == "none", "a newer file corrects an older one"
    _line(files, "b1", 3, "superseded")
    assert _warned(files) == "shop sales.csv: document D1, line 1"


def test_a_number_that_comes_again_for_another_item_on_a_later_day_is_named(files: psycopg.Connection):
    later = date(2026, 3, 3)
    _line(files, "b1", 2, "superseded")
    _line(files, "b2", 2, "sale", day=later)
    assert _warned(files) == "none", "a line may be dated anew"
    _line(files, "b2", 3, "sale", item="B", day=later)
    assert _warned(files) == "shop sales.csv: document D1, line 1"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("loaded", "none"),
        ("partially_loaded", "none"),
        ("superseded", "shop fix.csv: 2 rows of batch b2 correct batch b1, which is superseded"),
        ("withdrawn", "shop fix.csv: 2 rows of batch b2 correct batch b1, which is withdrawn"),
        (None, "shop fix.csv: 2 rows of batch b2 correct batch b1, which is unknown"),
    ],
)
def test_corrections_of_a_file_that_is_not_in_force_are_named(
    connection: psycopg.Connection, state: str | None, words: str
):
    connection.execute(BATCH, ("b2", "fix.csv"))
    if state:
        connection.execute(BATCH, ("b1", "sales.csv"))
        connection.execute("update raw.batches set state = %s where batch_id = 'b1'", (state,))
    for row in (2, 3):
        connection.execute(
            """
            insert into raw.sales (
                tenant_id, landed_on, batch_id, sheet, row_number, sold_on, sold_at, item_code, quantity, unit_price,
                corrects_row
            )
            values ('shop', %s, 'b2', '', %s, %s, %s, 'A', 1, 1, 'b1:7:')
            """,
            (DAY, row, DAY, DAY),
        )
    result = corrections_hold(connection, WINDOW)
    assert (result.passed, result.metadata["first"].value) == (words == "none", words)
