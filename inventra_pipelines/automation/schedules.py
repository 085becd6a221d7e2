"""The nightly schedule: every tenant at its own local time, each in a run of its own.

Belongs here: which night is due at a tick. Every tick asks for each tenant's latest night, so that one that was missed
is caught up within a day, and the run key keeps a night from running twice.
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
    """Each tenant's latest night: the landing day before the day on which its `nightly_at` last struck.

    Args:
        tenants: Their configurations.
        now: An aware instant.
    """
    due = []
    for tenant in tenants:
        local = now.astimezone(ZoneInfo(tenant.time_zone))
        has_struck_today = local.strftime("%H:%M") >= tenant.nightly_at
        due.append((tenant.tenant_id, local.date() - timedelta(1 if has_struck_today else 2)))
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
    """Request each tenant's latest night; the run key makes a repeated request no second run."""
    first, last = SETTINGS.first_day or EARLIEST_DAY, SETTINGS.last_day
    due = due_nights(TENANTS.values(), context.scheduled_execution_time)
    inside = [(tenant_id, day) for tenant_id, day in due if first <= day and (last is None or day <= last)]
    if not inside:
        return SkipReason(f"no night is inside of the calendar, {first} to {last}; see INVENTRA_LAST_DAY")
    return [
        RunRequest(partition_key=partition_key(tenant_id, day), run_key=run_key(tenant_id, day))
        for tenant_id, day in inside
    ]
