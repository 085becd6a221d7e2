"""The landing sensor: files that came in, or changed, become runs of their tenant and day.

Belongs here: telling what is new. A file counts as new while no batch of its folder has its name and size, or when it
was changed since the sensor last looked; half-written files wait until they have rested.
"""

import json
from datetime import UTC, date, datetime, timedelta

from dagster import RunRequest, SensorEvaluationContext, SensorResult, SkipReason, sensor

from inventra_pipelines.automation.jobs import nightly
from inventra_pipelines.automation.partitions import EARLIEST_DAY, SETTINGS, TENANTS, partition_key
from inventra_pipelines.db.reads.landing import landed_sizes
from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.landing import LandingZone
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.sources.landing import LandedFile

# A file is left alone until it has not been written to for so long.
REST_SECONDS = 15

# Folders older than this, counted back from the calendar's newest day, are for a person: `inventra backfill`.
LOOK_BACK_DAYS = 14

# A flood of folders is taken up over several ticks.
REQUESTS_A_TICK = 20


def _window(now: datetime) -> tuple[date, date]:
    last = SETTINGS.last_day or now.date() + timedelta(1)
    return max(SETTINGS.first_day or EARLIEST_DAY, last - timedelta(LOOK_BACK_DAYS)), last


def changed_folders(
    files: list[LandedFile], known: dict[tuple[str, date, str], int], seen: dict[str, str], now: datetime
) -> tuple[dict[tuple[str, date], str], dict[str, str]]:
    """Which folders hold something new.

    Args:
        files: What stands in the landing zone.
        known: Sizes in bytes of the batches there are, by tenant, landing day and file name.
        seen: The cursor: per folder what it held when it was last looked at.
        now: The present, aware.

    Returns:
        Folders to run with the fingerprint of what they hold, and the next cursor.
    """
    folders: dict[tuple[str, date], list[LandedFile]] = {}
    for file in files:
        folders.setdefault((file.tenant_id, file.landed_on), []).append(file)
    changed: dict[tuple[str, date], str] = {}
    cursor: dict[str, str] = {}
    for (tenant_id, day), held in sorted(folders.items()):
        name = f"{day}|{tenant_id}"
        fingerprint = ";".join(sorted(f"{file.file_name}:{file.size}:{int(file.modified_at)}" for file in held))
        is_resting = all(now.timestamp() - file.modified_at >= REST_SECONDS for file in held)
        is_new = any(known.get((tenant_id, day, file.file_name)) != file.size for file in held)
        is_changed = name in seen and seen[name] != fingerprint
        if (is_new or is_changed) and is_resting:
            changed[tenant_id, day] = fingerprint
        cursor[name] = fingerprint if is_resting else seen.get(name, "")
    return changed, cursor


def take_some(
    changed: dict[tuple[str, date], str], cursor: dict[str, str], seen: dict[str, str]
) -> tuple[list[tuple[tuple[str, date], str]], dict[str, str]]:
    """The oldest changed folders, at most `REQUESTS_A_TICK`, and a cursor by which the others still count."""
    in_order = sorted(changed.items(), key=lambda entry: (entry[0][1], entry[0][0]))
    waiting = {f"{day}|{tenant_id}" for (tenant_id, day), _ in in_order[REQUESTS_A_TICK:]}
    kept = {name: seen.get(name, "") if name in waiting else held for name, held in cursor.items()}
    return in_order[:REQUESTS_A_TICK], kept


@sensor(name="landed_files", job=nightly, minimum_interval_seconds=60)
def landed_files(
    context: SensorEvaluationContext, postgres: Postgres, landing: LandingZone
) -> SensorResult | SkipReason:
    """Request a run for each tenant and day of the last two weeks in whose folder something landed."""
    now = datetime.now(UTC)
    first, last = _window(now)
    windows = [Window(tenant_id, first, last) for tenant_id in TENANTS]
    files = [file for window in windows for file in landing.open().files(window.tenant_id, first, last)]
    with postgres.connect(read_only=True) as connection:
        known = landed_sizes(connection, windows)
    seen = json.loads(context.cursor or "{}")
    changed, cursor = changed_folders(files, known, seen, now)
    if not changed:
        context.update_cursor(json.dumps(cursor))
        return SkipReason(f"nothing new in {len(cursor)} folders from {first} to {last}")
    requested, cursor = take_some(changed, cursor, seen)
    return SensorResult(
        run_requests=[
            RunRequest(partition_key=partition_key(tenant_id, day), run_key=f"{day}|{tenant_id}|{fingerprint}")
            for (tenant_id, day), fingerprint in requested
        ],
        cursor=json.dumps(cursor),
    )
