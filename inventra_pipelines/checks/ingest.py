"""Checks of the ingest stage: what was read is accounted for, and every file could be read.

Belongs here: reading the figures and saying what they mean. They run inside the asset's step, over its windows.
"""

from collections.abc import Sequence

import psycopg
from dagster import AssetCheckResult, AssetCheckSeverity

from inventra_pipelines.assets.keys import BATCHES
from inventra_pipelines.db.writes import Window

# The raw tables are counted, not the batches' own figures: a lost row must show.
_COUNTS = """
    select
        coalesce(sum(rows_read), 0),
        coalesce(sum(rows_accepted), 0),
        coalesce(sum(rows_rejected), 0),
        coalesce(sum((
            select count(*) from raw.sales as s
            where s.tenant_id = b.tenant_id and s.landed_on = b.landed_on and s.batch_id = b.batch_id
        )), 0)
    from raw.batches as b
    where dataset = 'sales' and tenant_id = %s and landed_on between %s and %s
        and state in ('loaded', 'partially_loaded')
"""

_REJECTED_FILES = """
    select tenant_id, landed_on, file_name, message
    from raw.batches
    where state = 'rejected' and tenant_id = %s and landed_on between %s and %s
    order by 1, 2, 3
"""


def rows_reconcile(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Accepted + rejected = read, and the accepted sales rows stand in `raw.sales`."""
    read = accepted = rejected = present = 0
    for window in windows:
        row = connection.execute(_COUNTS, (window.tenant_id, window.first, window.last)).fetchone()
        counts = [int(value) for value in row or (0, 0, 0, 0)]
        read, accepted, rejected, present = (
            a + b for a, b in zip((read, accepted, rejected, present), counts, strict=True)
        )
    return AssetCheckResult(
        asset_key=BATCHES,
        check_name="rows_reconcile",
        passed=read == accepted + rejected and present == accepted,
        metadata={"sales_rows_read": read, "accepted": accepted, "rejected": rejected, "in_raw_sales": present},
    )


def no_file_rejected(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """No landed file of the windows was refused whole."""
    refused: list[str] = []
    for window in windows:
        rows = connection.execute(_REJECTED_FILES, (window.tenant_id, window.first, window.last)).fetchall()
        refused += [f"{tenant_id}/{landed_on}/{name}: {message}" for tenant_id, landed_on, name, message in rows]
    return AssetCheckResult(
        asset_key=BATCHES,
        check_name="no_file_rejected",
        passed=not refused,
        severity=AssetCheckSeverity.ERROR,
        metadata={"rejected_files": len(refused), "files": "\n".join(refused[:20]) or "none"},
    )
