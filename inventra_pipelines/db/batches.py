"""Batches in Postgres: what is recorded, writing landing days whole, taking a batch out, and what a load touched.

Belongs here: the SQL over `raw.batches`, `raw.batch_days`, `raw.rejects` and the dataset tables. The rules between
batches are `domain/ingest/batches.py`.

Lock order, the same in every writer: the tenant's lock on `raw.batches`, the locks of the contents, then the dataset
tables in the order of the contracts, `raw.rejects`, `raw.batches`, `raw.batch_days`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta

import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy import Table

from inventra_pipelines.db import tables
from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.db.writes import Window, lock_windows, replace_window
from inventra_pipelines.domain.contracts import CONTRACTS, POLARS_TYPES
from inventra_pipelines.domain.ingest.batches import LIVE_STATES, TRANSACTION_DATASETS, Batch
from inventra_pipelines.domain.ingest.parse import REJECT_SCHEMA
from inventra_pipelines.errors import PermanentError

# Normalize is idempotent: rebuilding a week between two touched days costs less than another window.
_BRIDGED_DAYS = 7

_KEY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "tenant_id": pl.String,
    "landed_on": pl.Date,
    "batch_id": pl.String,
}
BATCH_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "batch_id": pl.String,
    "tenant_id": pl.String,
    "dataset": pl.String,
    "landed_on": pl.Date,
    "file_name": pl.String,
    "sha256": pl.String,
    "state": pl.String,
    "rows_read": pl.Int64,
    "rows_accepted": pl.Int64,
    "rows_rejected": pl.Int64,
    "bytes": pl.Int64,
    "config_version": pl.String,
    "message": pl.String,
}
DAY_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "tenant_id": pl.String,
    "batch_id": pl.String,
    "dataset": pl.String,
    "landed_on": pl.Date,
    "business_on": pl.Date,
    "rows": pl.Int64,
}
REJECT_ROW_SCHEMA = {**_KEY_SCHEMA, "file_name": pl.String, **REJECT_SCHEMA}
ROW_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    dataset: {
        **_KEY_SCHEMA,
        "sheet": pl.String,
        "row_number": pl.Int32,
        **{column.name: POLARS_TYPES[column.type] for column in contract.table_columns},
    }
    for dataset, contract in CONTRACTS.items()
}


# The planner knows nothing of rows that came this minute, and joins half a million of them row by row.
_ROWS_TO_ANALYZE = 10_000


@dataclass(frozen=True)
class Rows:
    """Rows for landing days: by dataset as the raw tables have them, the rejects, and the business days."""

    datasets: dict[str, pl.DataFrame]
    rejects: pl.DataFrame
    days: pl.DataFrame


def read_batches(connection: psycopg.Connection, tenant_id: str) -> list[Batch]:
    """All of a tenant's batches, by id."""
    names = ", ".join(field.name for field in fields(Batch))
    query = f"select {names} from raw.batches where tenant_id = %s order by batch_id"
    return [Batch(*row) for row in connection.execute(query.encode(), (tenant_id,)).fetchall()]


def read_foreign(connection: psycopg.Connection, tenant_id: str, contents: Collection[str]) -> set[tuple[str, str]]:
    """Dataset and hash of the transactions among the contents that are in force under another tenant."""
    query = """
        select distinct dataset, sha256
        from raw.batches
        where sha256 = any(%s) and tenant_id <> %s and dataset = any(%s) and state = any(%s) and rows_read > 0
    """
    parameters = (list(contents), tenant_id, list(TRANSACTION_DATASETS), list(LIVE_STATES))
    return {(dataset, sha256) for dataset, sha256 in connection.execute(query, parameters).fetchall()}


def lock_batches(connection: psycopg.Connection, tenant_id: str, contents: Iterable[str]) -> None:
    """Hold the tenant's batches, and the contents across tenants, until the transaction ends."""
    with connection.cursor() as cursor:
        lock_windows(cursor, tables.batches, [tenant_id])
        # By the first byte of the hash: at most 256 locks, however many files there are.
        for bucket in sorted({sha256[:2] for sha256 in contents}):
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"raw.batches|content|{bucket}",))


def read_rows(connection: psycopg.Connection, of_days: Sequence[str], of_rows: Sequence[str]) -> Rows:
    """The business days of some batches, and the rows and rejects of some as the tables have them."""

    def read(
        table: Table, schema: dict[str, pl.DataType | type[pl.DataType]], batch_ids: Sequence[str]
    ) -> pl.DataFrame:
        if not batch_ids:
            return pl.DataFrame(schema=schema)
        query = f"select {', '.join(schema)} from {table.fullname} where batch_id = any(%(ids)s)"
        return read_frame(connection, query, {"ids": list(batch_ids)}).cast(schema)  # type: ignore[arg-type]

    return Rows(
        {dataset: read(table, ROW_SCHEMAS[dataset], of_rows) for dataset, table in tables.raw.items()},
        read(tables.rejects, REJECT_ROW_SCHEMA, of_rows),
        read(tables.batch_days, DAY_SCHEMA, of_days),
    )


def write_days(
    connection: psycopg.Connection, window: Window, rows: Rows, batches: Sequence[Batch], run_id: str
) -> None:
    """Make the window's landing days hold these rows and batches and nothing else, in the caller's transaction."""
    frames: list[tuple[Table, pl.DataFrame]] = [
        *((tables.raw[dataset], rows.datasets[dataset]) for dataset in CONTRACTS),
        (tables.rejects, rows.rejects),
        (tables.batches, pl.DataFrame([astuple(batch) for batch in batches], schema=BATCH_SCHEMA, orient="row")),
        (tables.batch_days, rows.days),
    ]
    for table, frame in frames:
        replace_window(connection, table, frame, windows=[window], window_column="landed_on", run_id=run_id)
        if frame.height > _ROWS_TO_ANALYZE:
            name = sql.Identifier(table.schema or "public", table.name)
            connection.execute(sql.SQL("analyze {}").format(name))


@dataclass(frozen=True)
class Withdrawal:
    """What taking a batch out touched.

    Attributes:
        batch: As it was before.
        replay: Landing days to ingest again: the batch's own, and those of files that were duplicates of it.
        touched: Business days whose normalized rows are to be rebuilt.
    """

    batch: Batch
    replay: list[Window]
    touched: list[Window]


def withdraw_batch(connection: psycopg.Connection, batch_id: str) -> Withdrawal:
    """Take a batch's rows out for good, in one transaction of the caller; a replay does not bring them back.

    Raises:
        PermanentError: There is no such batch.
    """
    found = connection.execute("select tenant_id from raw.batches where batch_id = %s", (batch_id,)).fetchone()
    if found is None:
        raise PermanentError(f"there is no batch {batch_id!r}", "list the batches with `inventra batches list`")
    tenant_id = found[0]
    lock_batches(connection, tenant_id, [])
    recorded = read_batches(connection, tenant_id)
    batch = next(batch for batch in recorded if batch.batch_id == batch_id)
    with connection.cursor() as cursor:
        of_rows = [tables.raw[batch.dataset]] if batch.dataset in tables.raw else []  # type: ignore[index]
        for table in (*of_rows, tables.rejects, tables.batch_days):
            lock_windows(cursor, table, [tenant_id])
        for table in (*of_rows, tables.rejects):
            name = sql.Identifier(table.schema or "public", table.name)
            cursor.execute(
                sql.SQL("delete from {} where tenant_id = %s and landed_on = %s and batch_id = %s").format(name),
                (tenant_id, batch.landed_on, batch_id),
            )
        cursor.execute("update raw.batch_days set rows = 0 where batch_id = %s", (batch_id,))
        cursor.execute(
            """
            update raw.batches
            set state = 'withdrawn', rows_read = 0, rows_accepted = 0, rows_rejected = 0, message = 'withdrawn'
            where batch_id = %s
            """,
            (batch_id,),
        )
    days = {batch.landed_on} | {
        other.landed_on
        for other in recorded
        if other.state == "duplicate" and (other.dataset, other.sha256) == (batch.dataset, batch.sha256)
    }
    own_days = connection.execute("select business_on from raw.batch_days where batch_id = %s", (batch_id,)).fetchall()
    return Withdrawal(
        batch,
        [Window(tenant_id, day, day) for day in sorted(days)],
        merge_days(tenant_id, [day for (day,) in own_days]),
    )


def merge_days(tenant_id: str, days: Iterable[date]) -> list[Window]:
    """Days as ranges; up to seven days that are missing between two are bridged."""
    windows: list[Window] = []
    for day in sorted(set(days)):
        if windows and day - windows[-1].last <= timedelta(days=_BRIDGED_DAYS + 1):
            windows[-1] = Window(tenant_id, windows[-1].first, day)
        else:
            windows.append(Window(tenant_id, day, day))
    return windows


def touched_windows(connection: psycopg.Connection, windows: Sequence[Window]) -> dict[str, list[Window]]:
    """Business days that batches landed in the windows hold or once held.

    Returns:
        Per date column of the contracts that have one (`sold_on`, `counted_on`, `ordered_on`), the days as ranges by
        tenant.
    """
    query = """
        select distinct dataset, business_on
        from raw.batch_days
        where tenant_id = %s and landed_on between %s and %s
    """
    days: dict[tuple[str, str], set[date]] = {}
    for window in windows:
        for dataset, day in connection.execute(query, (window.tenant_id, window.first, window.last)):
            days.setdefault((dataset, window.tenant_id), set()).add(day)
    touched: dict[str, list[Window]] = {}
    for contract in CONTRACTS.values():
        if contract.business_day:
            touched[contract.business_day] = [
                merged
                for (dataset, tenant_id), found in sorted(days.items())
                if dataset == contract.dataset
                for merged in merge_days(tenant_id, found)
            ]
    return touched
