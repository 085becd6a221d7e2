"""The one partition definition of the whole chain, tenant x day, and what a run's keys mean as windows.

Belongs here: the definition, its calendar, and the translation between Dagster's keys and `Window`s. Code below the
assets never sees a partition key: it takes a list of windows.
"""

import logging
import warnings
from collections.abc import Iterable
from datetime import date, timedelta

from dagster import (
    BackfillPolicy,
    DailyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
)

from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import Settings, get_settings
from inventra_pipelines.tenants import load_tenants

EARLIEST_DAY = date(2010, 1, 1)

# Backfill policies are marked beta, and Dagster says so once per asset; the version is pinned.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`")

# A year of a tenant is one run that works set-based over the range; Dagster's cost is events, not runs.
SINGLE_RUN = BackfillPolicy.single_run()


def tenant_day_partitions(settings: Settings, tenants: Iterable[str]) -> MultiPartitionsDefinition:
    """Tenant x day from the installation's calendar; without a last day it grows with the present one.

    Raises:
        PermanentError: There is no tenant.
    """
    names = sorted(tenants)
    if not names:
        raise PermanentError(
            f"no tenant is configured in {settings.tenants_folder}",
            "add <tenant>.yaml there, or run `inventra demo`",
        )
    first = settings.first_day or EARLIEST_DAY
    # Where the calendar is open, today exists as well: it is already yesterday's night in the eastern time zones.
    days = (
        DailyPartitionsDefinition(start_date=first.isoformat(), end_date=(settings.last_day + timedelta(1)).isoformat())
        if settings.last_day
        else DailyPartitionsDefinition(start_date=first.isoformat(), end_offset=1)
    )
    return MultiPartitionsDefinition({"date": days, "tenant": StaticPartitionsDefinition(names)})


def partition_key(tenant_id: str, day: date) -> MultiPartitionKey:
    """Dagster's key of one tenant and day."""
    return MultiPartitionKey({"date": day.isoformat(), "tenant": tenant_id})


def windows_of(keys: Iterable[str]) -> list[Window]:
    """A run's partition keys as windows: per tenant its runs of consecutive days, in order."""
    days_by_tenant: dict[str, list[date]] = {}
    for key in keys:
        # Dagster writes the dimensions in the order of their names: date|tenant.
        day_text, tenant_id = str(key).split("|")
        days_by_tenant.setdefault(tenant_id, []).append(date.fromisoformat(day_text))
    windows: list[Window] = []
    for tenant_id in sorted(days_by_tenant):
        days = sorted(days_by_tenant[tenant_id])
        first = last = days[0]
        for day in days[1:]:
            if day - last > timedelta(1):
                windows.append(Window(tenant_id, first, last))
                first = day
            last = day
        windows.append(Window(tenant_id, first, last))
    return windows


def check_days(settings: Settings, first: date, last: date) -> None:
    """Hold the days a person names against the calendar.

    Raises:
        PermanentError: They are in the wrong order or outside of the calendar; the message says what it is.
    """
    earliest, latest = settings.first_day or EARLIEST_DAY, settings.last_day
    if last < first:
        raise PermanentError(f"the last day {last} is before the first day {first}", "swap them")
    if first < earliest or (latest and last > latest):
        raise PermanentError(
            f"{first if first < earliest else last} is outside of the calendar {earliest} to {latest or 'today'}",
            "name a day inside it, or change INVENTRA_FIRST_DAY and INVENTRA_LAST_DAY",
        )


SETTINGS = get_settings()
TENANTS: dict[str, TenantConfig] = load_tenants(
    SETTINGS.tenants_folder, on_error=lambda error: logging.getLogger("inventra").error("left out: %s", error)
)
PARTITIONS = tenant_day_partitions(SETTINGS, TENANTS)
