"""The nightly schedule: every tenant at its own local time, each in a run of its own.

Belongs here: which tenants are due at a tick. A tick that was missed is caught up by the next one, and the run key
keeps a night from running twice.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dagster import RunRequest, ScheduleEvaluationContext, SkipReason, schedule

from inventra_pipelines.automation.jobs import nightly
from inventra_pipelines.automation.partitions import EARLIEST_DAY, SETTINGS, TENANTS, partition_key
from inventra_pipelines.domain.tenant import TenantConfig

EVERY_QUARTER_HOUR = "*/15 * * * *"


def due_nights(tenants: Iterable[TenantConfig], now: datetime) -> list[tuple[str, date]]:
    """Tenants whose local time has reached `nightly_at`, each with its local yesterday: the landing day to run.

    Args:
        tenants: Their configurations.
        now: An aware instant.
    """
    due = []
    for tenant in tenants:
        local = now.astimezone(ZoneInfo(tenant.time_zone))
        if local.strftime("%H:%M") >= tenant.nightly_at:
            due.append((tenant.tenant_id, local.date() - timedelta(1)))
    return due


def run_key(tenant_id: str, day: date) -> str:
    """Names a night, so that it is requested once."""
    return f"{day}|{tenant_id}"


@schedule(
    name="nightly_schedule",
    job=nightly,
    cron_schedule=EVERY_QUARTER_HOUR,
    execution_timezone="UTC",
    description="One run per tenant and night, at the tenant's own local time.",
)
def nightly_schedule(context: ScheduleEvaluationContext) -> list[RunRequest] | SkipReason:
    """Request the nights that are due; the run key makes a repeated request no second run."""
    first, last = SETTINGS.first_day or EARLIEST_DAY, SETTINGS.last_day
    due = due_nights(TENANTS.values(), context.scheduled_execution_time)
    inside = [(tenant_id, day) for tenant_id, day in due if first <= day and (last is None or day <= last)]
    if not inside:
        if due and last is not None and due[0][1] > last:
            return SkipReason(f"the calendar ended on {last}; unset INVENTRA_LAST_DAY to run on")
        return SkipReason("no tenant's night is due yet")
    return [
        RunRequest(partition_key=partition_key(tenant_id, day), run_key=run_key(tenant_id, day))
        for tenant_id, day in inside
    ]
