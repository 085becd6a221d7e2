"""The log of attempts at forecasts: what is queued, running, done or failed, how long it took and what was wrong.

Belongs here: writing the log, each entry in a transaction of its own, so that a run that is killed or fails leaves it;
the next attempt at the same day ends what a killed one left open. What a vintage was made from stands in forecast.runs,
which a replay leaves as it is.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import psycopg

_ENTER = """
    insert into forecast.run_log (tenant_id, cutoff_on, run_id, at, state, seconds, items, fallbacks, error)
    values (%s, %s, %s, clock_timestamp(), %s, %s, %s, %s, %s)
"""
# The last entry of an attempt says where it stands.
_FAIL_OPEN = """
    insert into forecast.run_log (tenant_id, cutoff_on, run_id, at, state, seconds, error)
    select
        tenant_id, cutoff_on, run_id, clock_timestamp(), 'failed',
        case when %(is_own)s then extract(epoch from clock_timestamp() - at) end, %(error)s
    from (
        select distinct on (log.tenant_id, log.cutoff_on, log.run_id) log.*
        from forecast.run_log as log
        inner join unnest(%(tenants)s::text[], %(days)s::date[]) as day (tenant_id, cutoff_on)
            using (tenant_id, cutoff_on)
        where (log.run_id = %(run_id)s) = %(is_own)s
        order by log.tenant_id, log.cutoff_on, log.run_id, log.entry_id desc
    ) as attempt
    where state in ('queued', 'running')
"""
_STILL_OPEN = "still open when another attempt began: it was killed, its machine stopped, or both ran at once"


def queue(connection: psycopg.Connection, days: Iterable[tuple[str, date]], *, run_id: str) -> None:
    """Note that an attempt at some tenants' days begins, and that what earlier ones left open has failed; commit.

    Args:
        connection: A connection of its own.
        days: Tenants and cutoffs.
        run_id: The Dagster run.
    """
    listed = list(days)
    _fail_open(connection, listed, run_id, is_own=False, error=_STILL_OPEN)
    enter(connection, listed, run_id=run_id, state="queued")


def fail(
    connection: psycopg.Connection, days: Iterable[tuple[str, date]], *, run_id: str, error: BaseException
) -> None:
    """Note that an attempt ended with an error, for all of its days that are not completed; commit.

    Args:
        connection: A connection of its own.
        days: Tenants and cutoffs.
        run_id: The Dagster run.
        error: What it ended with.
    """
    _fail_open(connection, list(days), run_id, is_own=True, error=f"{type(error).__name__}: {error}")
    connection.commit()


def _fail_open(
    connection: psycopg.Connection, days: list[tuple[str, date]], run_id: str, *, is_own: bool, error: str
) -> None:
    """Enters that attempts at some days failed that are open: this run's own, or those of others."""
    tenants, cutoffs = [tenant_id for tenant_id, _ in days], [day for _, day in days]
    connection.execute(
        _FAIL_OPEN, {"tenants": tenants, "days": cutoffs, "run_id": run_id, "is_own": is_own, "error": error}
    )


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
