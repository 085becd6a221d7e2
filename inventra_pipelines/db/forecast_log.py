"""The log of attempts at forecasts: what is queued, running, done or failed, how long it took and what was wrong.

Belongs here: writing the log, each entry in a transaction of its own, so that a run that is killed or fails leaves it.
What a vintage was made from stands in forecast.runs, which a replay leaves as it is.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import psycopg

_ENTER = """
    insert into forecast.run_log (tenant_id, cutoff_on, run_id, at, state, seconds, items, fallbacks, error)
    values (%s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s)
"""


def enter(
    connection: psycopg.Connection,
    days: Iterable[tuple[str, date]],
    *,
    run_id: str,
    state: str,
    seconds: float | None = None,
    error: str | None = None,
    counts: Sequence[tuple[int, int]] | None = None,
) -> None:
    """Note where the forecasts of some tenants' days stand, and commit.

    Args:
        connection: A connection of its own.
        days: Tenants and cutoffs.
        run_id: The Dagster run.
        state: queued, running, completed or failed.
        seconds: Time since they began to run, of all of them together.
        error: What was wrong, in one line.
        counts: Items and fallbacks of each day, in order.
    """
    listed = list(days)
    known: list[tuple[int | None, int | None]] = [(None, None)] * len(listed) if counts is None else [*counts]
    with connection.cursor() as cursor:
        cursor.executemany(
            _ENTER,
            [
                (tenant_id, day, run_id, state, seconds, items, fallbacks, error)
                for (tenant_id, day), (items, fallbacks) in zip(listed, known, strict=True)
            ],
        )
    connection.commit()
