"""Checks of the ingest stage: what was read is accounted for, and every file could be read.

Belongs here: reading the figures and saying what they mean. They run inside the asset's step, over its windows.
"""

from collections.abc import Sequence

import psycopg
from dagster import AssetCheckResult, AssetCheckSeverity
from psycopg import sql

from inventra_pipelines.assets.keys import BATCHES
from inventra_pipelines.db import tables
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.words import counted
from inventra_pipelines.sources.outcome import RefusedFile

# All of them stand in `raw.batches`.
_FILES_SHOWN = 20

# What the batches say they read, against what stands in the tables: a lost row must show, of any dataset.
_CLAIMED = """
    select dataset, array_agg(batch_id), sum(rows_read), sum(rows_accepted)
    from raw.batches
    where tenant_id = %s and landed_on between %s and %s and state in ('loaded', 'partially_loaded')
    group by dataset
"""
_LOADED = "select count(*) from {} where tenant_id = %s and landed_on between %s and %s and batch_id = any(%s)"
_REJECTED = """
    select count(distinct (batch_id, sheet, row_number))
    from raw.rejects
    where tenant_id = %s and landed_on between %s and %s
"""
_AHEAD = """
    select batches.tenant_id, batches.file_name, batches.landed_on, days.business_on, days.rows
    from raw.batch_days as days
    inner join raw.batches as batches on days.batch_id = batches.batch_id
    where
        batches.tenant_id = %s
        and batches.landed_on between %s and %s
        and batches.state in ('loaded', 'partially_loaded')
        and days.business_on > batches.landed_on
        and days.rows > 0
    order by batches.landed_on, batches.file_name, days.business_on
"""


def rows_reconcile(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Every row that was read stands in its raw table or in `raw.rejects`."""
    read = accepted = loaded = rejected = 0
    for window in windows:
        place = (window.tenant_id, window.first, window.last)
        rejected += _count(connection, sql.SQL(_REJECTED), place)
        for dataset, batch_ids, rows_read, rows_accepted in connection.execute(_CLAIMED, place).fetchall():
            read, accepted = read + int(rows_read), accepted + int(rows_accepted)
            table = tables.raw[dataset]
            name = sql.Identifier(table.schema or "public", table.name)
            loaded += _count(connection, sql.SQL(_LOADED).format(name), (*place, batch_ids))
    return AssetCheckResult(
        asset_key=BATCHES,
        check_name="rows_reconcile",
        passed=read == loaded + rejected and accepted == loaded,
        metadata={"rows_read": read, "rows_loaded": loaded, "rows_rejected": rejected},
    )


def _count(connection: psycopg.Connection, query: sql.SQL | sql.Composed, parameters: tuple[object, ...]) -> int:
    row = connection.execute(query, parameters).fetchone()
    return int(row[0]) if row else 0


def days_have_come(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """No row is of a day after the one on which its file landed: a day and a month that changed places, mostly."""
    ahead = [
        row for window in windows for row in connection.execute(_AHEAD, (window.tenant_id, window.first, window.last))
    ]
    lines = [
        f"{tenant_id} {file_name} of {landed_on}: {counted(rows, 'row')} of {business_on}"
        for tenant_id, file_name, landed_on, business_on, rows in ahead
    ]
    return AssetCheckResult(
        asset_key=BATCHES,
        check_name="days_have_come",
        passed=not ahead,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "rows": sum(row[-1] for row in ahead),
            "files": "\n".join(lines[:_FILES_SHOWN]) or "none",
            "remedy": "correct date_formats in the tenant's file and run the day again: the file is read anew",
        },
    )


def no_file_rejected(refused: Sequence[RefusedFile]) -> AssetCheckResult:
    """No file of the run was refused whole, one that had been read under an earlier mapping included."""
    lines = [file.message for file in refused]
    return AssetCheckResult(
        asset_key=BATCHES,
        check_name="no_file_rejected",
        passed=not lines,
        severity=AssetCheckSeverity.ERROR,
        metadata={"rejected_files": len(lines), "files": "\n".join(lines[:_FILES_SHOWN]) or "none"},
    )
