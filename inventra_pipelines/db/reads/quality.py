"""What the data-quality check reads: the scores of the last day of each window.

Belongs here: the SQL over `marts.rpt_data_quality`. What a part means stands in the model's description.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

from inventra_pipelines.db.writes import Window

PARTS = ("completeness", "freshness", "consistency", "validity", "coverage")

_QUALITY = f"""
    select
        tenant_id, as_of_on, dataset, {", ".join(PARTS)}, score, rows_read_day, rows_expected,
        coalesce(is_low, false) as is_low
    from marts.rpt_data_quality
    where tenant_id = %s and as_of_on = %s
    order by dataset
"""


@dataclass(frozen=True)
class DatasetQuality:
    """How good a dataset is as of a day: its parts that are available as shares 0..1, their mean, and its rows."""

    tenant_id: str
    as_of_on: date
    dataset: str
    parts: dict[str, float]
    score: float | None
    rows_read_day: int
    rows_expected: float | None
    is_low: bool


def data_quality_of(connection: psycopg.Connection, windows: Sequence[Window]) -> list[DatasetQuality]:
    """The datasets of each window's last day."""
    found = []
    for window in windows:
        for row in connection.execute(_QUALITY.encode(), (window.tenant_id, window.last)).fetchall():
            tenant_id, as_of_on, dataset, *shares = row[:8]
            parts = {part: share for part, share in zip(PARTS, shares, strict=True) if share is not None}
            found.append(DatasetQuality(tenant_id, as_of_on, dataset, parts, *row[8:]))
    return found
