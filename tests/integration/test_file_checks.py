"""Checks of what one file says: days that have not come yet, and lines that are there twice."""

from datetime import date

import psycopg

from inventra_pipelines.checks.ingest import days_have_come
from inventra_pipelines.checks.normalize import lines_stand_once
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
        line_number integer, line_kind text
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


def _line(connection: psycopg.Connection, batch_id: str, row: int, kind: str) -> None:
    place = ("shop", batch_id, "", row, DAY, "D1", 1)
    connection.execute(
        "insert into intermediate.int_sales_lines values (%s, %s, %s, %s, %s, %s, %s, %s)", (*place, kind)
    )
    connection.execute(
        """
        insert into raw.sales (
            tenant_id, landed_on, batch_id, sheet, row_number, sold_on, sold_at, item_code, quantity, unit_price,
            document_id, line_number
        )
        values ('shop', %s, %s, '', %s, %s, %s, 'A', 1, 1, 'D1', 1)
        """,
        (DAY, batch_id, row, DAY, DAY),
    )


def test_a_line_that_one_file_has_twice_is_named_and_one_of_two_files_is_not(connection: psycopg.Connection):
    connection.execute(LINES)
    connection.execute(BATCH, ("b1", "sales.csv"))
    connection.execute(BATCH, ("b2", "corrected.csv"))
    _line(connection, "b1", 2, "superseded")
    _line(connection, "b2", 2, "sale")
    assert lines_stand_once(connection, WINDOW).passed, "a newer file corrects an older one"
    _line(connection, "b1", 3, "superseded")
    result = lines_stand_once(connection, WINDOW)
    assert not result.passed
    assert result.metadata["first"].value == "shop sales.csv: document D1, line 1"
