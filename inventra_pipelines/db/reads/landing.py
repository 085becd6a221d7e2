"""What the landing sensor reads: which files have been seen.

Belongs here: SQL and its parameters.
"""

from collections.abc import Sequence
from datetime import date

import psycopg

from inventra_pipelines.db.writes import Window

_SIZES = """
    select tenant_id, landed_on, file_name, bytes
    from raw.batches
    where tenant_id = %s and landed_on between %s and %s and state <> 'superseded'
"""


def landed_sizes(connection: psycopg.Connection, windows: Sequence[Window]) -> dict[tuple[str, date, str], int]:
    """Bytes of each file in the windows that has a batch, refused ones included, by tenant, day and name."""
    sizes: dict[tuple[str, date, str], int] = {}
    for window in windows:
        for tenant_id, landed_on, file_name, size in connection.execute(
            _SIZES, (window.tenant_id, window.first, window.last)
        ):
            sizes[tenant_id, landed_on, file_name] = int(size)
    return sizes
