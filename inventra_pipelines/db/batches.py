"""Batches in Postgres: what is recorded, loading and copying and clearing their rows, taking one out, what it touched.

Belongs here: the SQL over `raw.batches`, `raw.batch_days`, `raw.rejects` and the dataset tables. The rules between
batches are `domain/ingest/batches.py`.

Whoever writes rows of a tenant holds its lock on `raw.batches` from before the first row is read until it commits; the
locks of the contents, which are the same for all tenants, are taken last.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta

import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy import Table

from inventra_pipelines.db import tables
from inventra_pipelines.db.writes import Window, lock_windows, record_load, replace_window
from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from inventra_pipelines.domain.ingest.batches import LIVE_STATES, TRANSACTION_DATASETS, Batch
from inventra_pipelines.domain.ingest.rejects import RowReason
from inventra_pipelines.domain.tenant import Dataset
from inventra_pipelines.errors import PermanentError

# Normalize is idempotent: rebuilding a week between two touched days costs less than another window.
_BRIDGED_DAYS = 7

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
    "rows_passed_over": pl.Int64,
    "bytes": pl.Int64,
    "config_version": pl.String,
    "reader_version": pl.String,
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

# The planner knows nothing of rows that came this minute, and joins half a million of them row by row.
_ROWS_TO_ANALYZE = 10_000
_SHARE_TO_ANALYZE = 0.1

# By batch id: how many rows it has of a dataset and business day. Days of other datasets are those that it reopens.
BatchDays = dict[str, dict[tuple[str, date], int]]


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema or "public", table.name)


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


def read_released(connection: psycopg.Connection, tenant_id: str) -> set[str]:
    """Ids of the batches that are taken as they are, however small, and whoever has the same data."""
    query = "select batch_id from raw.batch_releases where tenant_id = %s"
    return {batch_id for (batch_id,) in connection.execute(query, (tenant_id,)).fetchall()}


def read_days(connection: psycopg.Connection, batch_ids: Collection[str]) -> BatchDays:
    """Business days of some batches and how many rows each has."""
    query = "select batch_id, dataset, business_on, rows from raw.batch_days where batch_id = any(%s)"
    days: BatchDays = {}
    for batch_id, dataset, day, rows in connection.execute(query, (list(batch_ids),)):
        days.setdefault(batch_id, {})[dataset, day] = rows
    return days


def read_reasons(connection: psycopg.Connection, batch_ids: Collection[str]) -> dict[str, list[tuple[str, str, int]]]:
    """Column, reason code and number of the rejects of some batches."""
    query = """
        select batch_id, column_name, reason_code, count(*)
        from raw.rejects
        where batch_id = any(%s)
        group by batch_id, column_name, reason_code
        order by batch_id, column_name, reason_code
    """
    reasons: dict[str, list[tuple[str, str, int]]] = {}
    for batch_id, *reason in connection.execute(query, (list(batch_ids),)):
        reasons.setdefault(batch_id, []).append(tuple(reason))
    return reasons


def in_place(connection: psycopg.Connection, batches: Iterable[Batch]) -> list[Batch]:
    """Those of some live batches of a tenant whose rows all stand in their raw table."""
    found: list[Batch] = []
    for dataset, of_dataset in _by_dataset(batches).items():
        query = sql.SQL("select batch_id, count(*) from {} where {} group by batch_id").format(
            _name(tables.raw[dataset]), _rows_of(of_dataset)
        )
        counts: dict[str, int] = dict(connection.execute(query).fetchall())
        found += [batch for batch in of_dataset if counts.get(batch.batch_id, 0) == batch.rows_accepted]
    return found


def _by_dataset(batches: Iterable[Batch]) -> dict[Dataset, list[Batch]]:
    """Batches of known datasets, in the order of the contracts."""
    batches = list(batches)
    by_dataset = {dataset: [batch for batch in batches if batch.dataset == dataset] for dataset in CONTRACTS}
    return {dataset: of_dataset for dataset, of_dataset in by_dataset.items() if of_dataset}


def _rows_of(batches: Sequence[Batch]) -> sql.Composed:
    """A condition for the rows of some batches of a tenant; the days are what the index of the large tables knows."""
    days = [batch.landed_on for batch in batches]
    return sql.SQL("tenant_id = {} and landed_on between {} and {} and batch_id = any({})").format(
        batches[0].tenant_id, min(days), max(days), [batch.batch_id for batch in batches]
    )


def lock_batches(connection: psycopg.Connection, tenant_id: str) -> None:
    """Hold the tenant's batches until the transaction ends."""
    with connection.cursor() as cursor:
        lock_windows(cursor, tables.batches, [tenant_id])


def lock_contents(connection: psycopg.Connection, contents: Iterable[str]) -> None:
    """Hold contents across tenants until the transaction ends."""
    # By the first byte of the hash: at most 256 locks, however many files there are.
    for bucket in sorted({sha256[:2] for sha256 in contents}):
        connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"raw.batches|content|{bucket}",))


def clear_rows(connection: psycopg.Connection, batches: Iterable[Batch]) -> None:
    """Delete the rows and rejects of batches of a tenant."""
    for dataset, of_dataset in _by_dataset(batches).items():
        for table in (tables.raw[dataset], tables.rejects):
            connection.execute(sql.SQL("delete from {} where {}").format(_name(table), _rows_of(of_dataset)))


def copy_batch(connection: psycopg.Connection, source: Batch, batch: Batch) -> None:
    """Give a batch the rows and rejects that stand in the tables for another of the same tenant and content."""
    values = {"batch_id": batch.batch_id, "landed_on": batch.landed_on, "file_name": batch.file_name}
    for table in (tables.raw[batch.dataset], tables.rejects):  # type: ignore[index]
        names = [column.name for column in table.columns]
        connection.execute(
            sql.SQL("insert into {} ({}) select {} from {} where {}").format(
                _name(table),
                sql.SQL(", ").join(map(sql.Identifier, names)),
                sql.SQL(", ").join(sql.Literal(values[n]) if n in values else sql.Identifier(n) for n in names),
                _name(table),
                _rows_of([source]),
            )
        )


_REJECT_REPEATED = """
    with ranked as (
        select
            row_number,
            sheet,
            first_value(row_number) over later as holding_row,
            row_number() over later as place
        from {table}
        where batch_id = {batch_id}
        window later as (partition by {key} order by sheet desc, row_number desc)
    ),

    repeated as (
        delete from {table} as old
        using ranked
        where
            ranked.place > 1
            and old.batch_id = {batch_id}
            and old.row_number = ranked.row_number
            and old.sheet = ranked.sheet
        returning
            old.tenant_id,
            old.landed_on,
            old.sheet,
            old.row_number,
            ranked.holding_row,
            concat_ws(', ', {shown}) as shown
    )

    insert into raw.rejects (
        tenant_id, landed_on, batch_id, file_name, sheet, row_number, column_name, raw_value, reason_code, message, hint
    )
    select
        tenant_id, landed_on, {batch_id}, {file_name}, sheet, row_number, '', left(shown, 200), {reason},
        shown || ' stands again in row ' || holding_row || ', which holds.', ''
    from repeated
"""


def reject_repeated_keys(connection: psycopg.Connection, contract: Contract, batch_id: str, file_name: str) -> int:
    """Make the last row of each key of a batch hold and reject the others; gives how many those were.

    For batches that were parsed in pieces: within a piece the parser has done it.
    """
    shown = (
        sql.SQL("format({}, old.{})").format(sql.Literal(f"{name} '%s'"), sql.Identifier(name)) for name in contract.key
    )
    query = sql.SQL(_REJECT_REPEATED).format(
        table=_name(tables.raw[contract.dataset]),
        batch_id=sql.Literal(batch_id),
        file_name=sql.Literal(file_name),
        key=sql.SQL(", ").join(map(sql.Identifier, contract.key)),
        shown=sql.SQL(", ").join(shown),
        reason=sql.Literal(str(RowReason.DUPLICATE_KEY)),
    )
    return connection.execute(query).rowcount


def write_batches(
    connection: psycopg.Connection,
    window: Window,
    batches: Sequence[Batch],
    days: BatchDays,
    recorded: Mapping[str, Batch],
    *,
    run_id: str,
    actor: str,
) -> None:
    """Make the window's landing days hold these batches and business days, and log what changed.

    Args:
        connection: Open; the write is part of its transaction.
        window: A tenant's landing days.
        batches: All of them; the rows of those in force stand in the tables already.
        days: By batch id.
        recorded: The tenant's batches before, by id.
        run_id: Kept in the load manifest and the log.
        actor: Who runs it, for the log.
    """
    by_id = {batch.batch_id: batch for batch in batches}
    rows = [
        (window.tenant_id, batch_id, dataset, by_id[batch_id].landed_on, day, count)
        for batch_id, of_batch in days.items()
        for (dataset, day), count in of_batch.items()
    ]
    frames = (
        (tables.batches, pl.DataFrame([astuple(batch) for batch in batches], schema=BATCH_SCHEMA, orient="row")),
        (tables.batch_days, pl.DataFrame(rows, schema=DAY_SCHEMA, orient="row")),
    )
    for table, frame in frames:
        columns = [column.name for column in table.columns]
        replace_window(
            connection, table, frame.select(columns), windows=[window], window_column="landed_on", run_id=run_id
        )
    live = sorted((batch for batch in batches if batch.is_live), key=lambda batch: batch.batch_id)
    with connection.cursor() as cursor:
        for dataset in CONTRACTS:
            of_dataset = [batch for batch in live if batch.dataset == dataset]
            # What a batch's rows are follows from its content and from what read it.
            identity = "\n".join(f"{b.batch_id} {b.sha256} {b.reader_version} {b.rows_accepted}" for b in of_dataset)
            checksum = hashlib.sha256(identity.encode()).hexdigest()
            count = sum(batch.rows_accepted for batch in of_dataset)
            record_load(cursor, tables.raw[dataset], window, run_id, count, checksum)
        _log(cursor, batches, recorded, run_id, actor)


_LOG = """
    insert into ops.batch_log
        (tenant_id, batch_id, at, actor, run_id, state, rows_accepted, rows_rejected, config_version, message)
    values (%s, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s)
"""


def _log(
    cursor: psycopg.Cursor, batches: Iterable[Batch], recorded: Mapping[str, Batch], run_id: str, actor: str
) -> None:
    entries: list[tuple[object, ...]] = []
    for batch in batches:
        before = recorded.get(batch.batch_id)
        identity = (batch.tenant_id, batch.batch_id, actor, run_id)
        if before is None:
            entries.append((*identity, "received", 0, 0, batch.config_version, f"{batch.bytes:,} bytes"))
        counts = (batch.state, batch.rows_accepted, batch.rows_rejected)
        if before is None or counts != (before.state, before.rows_accepted, before.rows_rejected):
            entries.append((*identity, *counts, batch.config_version, batch.message))
    cursor.executemany(_LOG, entries)


_CHANGED = """
    select changes.relname
    from pg_stat_user_tables as changes
    inner join pg_class on pg_class.oid = changes.relid
    where schemaname = 'raw' and n_mod_since_analyze > greatest(%s, %s * reltuples)
    order by changes.relname
"""


def index_new_blocks(connection: psycopg.Connection) -> None:
    """Enter the days of new blocks into the raw tables' indexes: until then, each look at a day reads all of them.

    The server does it by itself too, but minutes later.
    """
    for contract in CONTRACTS.values():
        if contract.business_day:
            connection.execute("select brin_summarize_new_values(%s)", (f"raw.{contract.dataset}_days",))


def analyze_changed(connection: psycopg.Connection) -> None:
    """Give the planner fresh statistics of the raw tables of which much is new."""
    for (table,) in connection.execute(_CHANGED, (_ROWS_TO_ANALYZE, _SHARE_TO_ANALYZE)).fetchall():
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier("raw", table)))


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


def find_batch(connection: psycopg.Connection, batch_id: str) -> Batch:
    """The batch of that id.

    Raises:
        PermanentError: There is none.
    """
    names = ", ".join(field.name for field in fields(Batch))
    found = connection.execute(f"select {names} from raw.batches where batch_id = %s".encode(), (batch_id,)).fetchone()
    if found is None:
        raise PermanentError(f"there is no batch {batch_id!r}", "list the batches with `inventra batches list`")
    return Batch(*found)


def withdraw_batch(connection: psycopg.Connection, batch_id: str, *, actor: str = "", run_id: str = "") -> Withdrawal:
    """Take a batch's rows out for good, in one transaction of the caller; a replay does not bring them back.

    Raises:
        PermanentError: There is no such batch.
    """
    tenant_id = find_batch(connection, batch_id).tenant_id
    lock_batches(connection, tenant_id)
    recorded = read_batches(connection, tenant_id)
    batch = next(batch for batch in recorded if batch.batch_id == batch_id)
    gone = batch.out("withdrawn", "withdrawn")
    with connection.cursor() as cursor:
        lock_windows(cursor, tables.batch_days, [tenant_id])
        clear_rows(connection, [batch])
        cursor.execute("update raw.batch_days set rows = 0 where batch_id = %s", (batch_id,))
        cursor.execute("delete from raw.batch_releases where batch_id = %s", (batch_id,))
        cursor.execute(
            """
            update raw.batches
            set state = %s, rows_read = 0, rows_accepted = 0, rows_rejected = 0, rows_passed_over = 0, message = %s
            where batch_id = %s
            """,
            (gone.state, gone.message, batch_id),
        )
        _log(cursor, [gone], {batch_id: batch}, run_id, actor)
    days = {batch.landed_on} | {
        other.landed_on
        for other in recorded
        if other.state == "duplicate" and (other.dataset, other.sha256) == (batch.dataset, batch.sha256)
    }
    return Withdrawal(
        batch,
        [Window(tenant_id, day, day) for day in sorted(days)],
        merge_days(tenant_id, [day for _, day in read_days(connection, [batch_id]).get(batch_id, {})]),
    )


def release_batch(connection: psycopg.Connection, batch_id: str) -> Batch:
    """Take a batch as it is from now on, however small, and whoever has the same data; its day's next run loads it.

    Raises:
        PermanentError: There is no such batch.
    """
    batch = find_batch(connection, batch_id)
    connection.execute(
        "insert into raw.batch_releases (tenant_id, batch_id) values (%s, %s) on conflict do nothing",
        (batch.tenant_id, batch_id),
    )
    return batch


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


def record_reopened(connection: psycopg.Connection, window: Window, dataset: Dataset, days: Iterable[date]) -> None:
    """Note business days of a dataset that a window's landing days change though no row of them landed.

    They are kept with the first of its batches, if there is one of the dataset, like days that a batch once held: so
    every later stage and every replay rebuilds them.
    """
    connection.execute(
        """
        insert into raw.batch_days (tenant_id, batch_id, dataset, landed_on, business_on, rows)
        select batches.tenant_id, batches.batch_id, %(dataset)s, batches.landed_on, days.business_on, 0
        from (
            select tenant_id, batch_id, landed_on
            from raw.batches
            where tenant_id = %(tenant_id)s and landed_on between %(first)s and %(last)s
            order by (dataset = %(dataset)s) desc, landed_on, batch_id
            limit 1
        ) as batches
        cross join unnest(%(days)s::date[]) as days (business_on)
        on conflict do nothing
        """,
        {
            "tenant_id": window.tenant_id,
            "dataset": dataset,
            "first": window.first,
            "last": window.last,
            "days": list(days),
        },
    )
