"""The one way a partition's rows get into a table.

Belongs here: `replace_window`, which every stage writes through, and the checksum that a replay is held against. A
write is COPY into a temporary table, then delete and insert under a lock, in the caller's transaction: a killed write
leaves the old rows whole, and two writers of one window wait for each other.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO

import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy import Table

# Rows of a frame that are turned to CSV at a time: bounds the memory of a large write.
_COPY_ROWS = 100_000


@dataclass(frozen=True)
class Window:
    """A tenant's days, both ends included."""

    tenant_id: str
    first: date
    last: date

    def __str__(self) -> str:
        """As errors and logs show it."""
        days = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{self.tenant_id} {days}"


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema or "public", table.name)


def copy_rows(cursor: psycopg.Cursor, target: sql.Composable, frame: pl.DataFrame) -> None:
    """COPY a frame into a table whose columns have the frame's names; null is null, an empty string stays one."""
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(target, columns)
    with cursor.copy(statement) as copy:
        for piece in frame.iter_slices(_COPY_ROWS):
            buffer = BytesIO()
            piece.write_csv(
                buffer, include_header=False, quote_style="necessary", datetime_format="%Y-%m-%d %H:%M:%S%.6f%z"
            )
            copy.write(buffer.getbuffer())


def frame_checksum(frame: pl.DataFrame, key: Sequence[str]) -> str:
    """SHA-256 over a frame's rows in key order, as the manifest keeps it: equal rows, equal checksum."""
    ordered = frame.sort(list(key)) if frame.height else frame
    return hashlib.sha256(ordered.select(sorted(frame.columns)).write_csv().encode()).hexdigest()


def lock_windows(cursor: psycopg.Cursor, table: Table, tenant_ids: Iterable[str]) -> None:
    """Hold the table's advisory lock of each tenant until the transaction ends, in one order, so that none deadlock."""
    for tenant_id in sorted(set(tenant_ids)):
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{table.fullname}|{tenant_id}",))


def record_load(cursor: psycopg.Cursor, table: Table, window: Window, run_id: str, rows: int, checksum: str) -> None:
    """Note in the load manifest what a window of a table holds now."""
    cursor.execute(_RECORD_LOAD, (table.fullname, window.tenant_id, window.first, window.last, run_id, rows, checksum))


_RECORD_LOAD = """
    insert into ops.load_manifest
        (table_name, tenant_id, window_first, window_last, run_id, rows, checksum, loaded_at)
    values (%s, %s, %s, %s, %s, %s, %s, now())
    on conflict (table_name, tenant_id, window_first, window_last) do update set
        run_id = excluded.run_id,
        rows = excluded.rows,
        checksum = excluded.checksum,
        loaded_at = excluded.loaded_at
"""


def _rows_of(frame: pl.DataFrame, window: Window, window_column: str) -> pl.DataFrame:
    return frame.filter(
        (pl.col("tenant_id") == window.tenant_id) & pl.col(window_column).is_between(window.first, window.last)
    )


def replace_window(
    connection: psycopg.Connection,
    table: Table,
    frame: pl.DataFrame,
    *,
    windows: Sequence[Window],
    window_column: str,
    run_id: str,
) -> int:
    """Make the table's rows in the windows be the frame's rows, in one transaction; rows that vanished vanish.

    Args:
        connection: An open connection; the write is part of its transaction.
        table: Declared in `db/tables.py`.
        frame: Rows with the table's columns, any order; all of them inside the windows.
        windows: Tenants and days that are replaced, also where the frame has no row for them; they do not overlap.
        window_column: The table's date column that the windows speak of.
        run_id: Kept in the manifest.

    Returns:
        Rows written.

    Raises:
        ValueError: A row lies outside the windows, or a column is missing or unknown: a defect of the caller.
    """
    expected = {column.name for column in table.columns}
    if set(frame.columns) != expected:
        raise ValueError(f"{table.fullname}: columns differ by {sorted(expected ^ set(frame.columns))}")
    inside = sum(_rows_of(frame, window, window_column).height for window in windows)
    if inside != frame.height:
        raise ValueError(f"{table.fullname}: {frame.height - inside} rows outside of {', '.join(map(str, windows))}")

    name = _name(table)
    staged = sql.Identifier(f"staged_{table.name}")
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create temporary table {} (like {} including defaults) on commit drop").format(staged, name)
        )
        copy_rows(cursor, staged, frame)
        lock_windows(cursor, table, (window.tenant_id for window in windows))
        for window in windows:
            cursor.execute(
                sql.SQL("delete from {} where tenant_id = %s and {} between %s and %s").format(
                    name, sql.Identifier(window_column)
                ),
                (window.tenant_id, window.first, window.last),
            )
        cursor.execute(sql.SQL("insert into {} ({}) select {} from {}").format(name, columns, columns, staged))
        key = [column.name for column in table.primary_key.columns]
        for window in windows:
            rows = _rows_of(frame, window, window_column)
            checksum = frame_checksum(rows, key)
            record_load(cursor, table, window, run_id, rows.height, checksum)
        cursor.execute(sql.SQL("drop table {}").format(staged))
    return frame.height


def days_of(windows: Iterable[Window]) -> list[tuple[str, date]]:
    """Every tenant and day of the windows, in order."""
    return [
        (window.tenant_id, window.first + timedelta(offset))
        for window in windows
        for offset in range((window.last - window.first).days + 1)
    ]


def split_windows(windows: Iterable[Window], most_days: int) -> Iterator[list[Window]]:
    """The windows in order, in pieces of at most so many tenant-days: bounds what a long backfill holds in memory."""
    piece: list[Window] = []
    room = most_days
    for window in windows:
        first = window.first
        while first <= window.last:
            last = min(window.last, first + timedelta(room - 1))
            piece.append(Window(window.tenant_id, first, last))
            room -= (last - first).days + 1
            first = last + timedelta(1)
            if room == 0:
                yield piece
                piece, room = [], most_days
    if piece:
        yield piece
