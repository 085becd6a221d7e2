"""When a tenant's night is due, and what the landing sensor takes for new."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from inventra_pipelines.automation.schedules import due_nights, run_key
from inventra_pipelines.automation.sensors import REQUESTS_A_TICK, REST_SECONDS, changed_folders, take_some
from inventra_pipelines.domain.tenant import TenantConfig


def _tenant(tenant_id: str, zone: str, at: str) -> TenantConfig:
    return TenantConfig(tenant_id=tenant_id, name=tenant_id, time_zone=zone, nightly_at=at)


@pytest.mark.parametrize(
    ("zone", "at", "now", "day"),
    [
        ("UTC", "02:00", "2026-03-10T01:59:00+00:00", date(2026, 3, 8)),
        ("UTC", "02:00", "2026-03-10T02:00:00+00:00", date(2026, 3, 9)),
        ("Asia/Tokyo", "02:00", "2026-03-09T17:00:00+00:00", date(2026, 3, 9)),
        ("America/New_York", "02:00", "2026-03-10T05:45:00+00:00", date(2026, 3, 8)),
        ("America/New_York", "02:00", "2026-03-10T06:00:00+00:00", date(2026, 3, 9)),
        # 01:30 does not exist on the night the clocks go forward; the first tick after it is due.
        ("Europe/London", "01:30", "2026-03-29T01:00:00+00:00", date(2026, 3, 28)),
        # No tick of the day comes after 23:50; the next day's catch it up.
        ("UTC", "23:50", "2026-03-10T23:45:00+00:00", date(2026, 3, 8)),
        ("UTC", "23:50", "2026-03-11T00:00:00+00:00", date(2026, 3, 9)),
    ],
    ids=["before", "at", "tokyo", "new-york-before", "new-york-at", "clock-change", "late", "late-caught-up"],
)
def test_a_night_is_due_from_the_tenants_own_local_time_on(zone, at, now, day):
    due = due_nights([_tenant("shop", zone, at)], datetime.fromisoformat(now))
    assert due == [("shop", day)]


def test_a_night_keeps_its_run_key_at_every_later_tick_of_the_day():
    tenant = _tenant("shop", "UTC", "02:00")
    keys = {run_key(*due_nights([tenant], datetime(2026, 3, 10, hour, 15, tzinfo=UTC))[0]) for hour in range(2, 24)}
    assert keys == {"2026-03-09|shop"}


@dataclass(frozen=True)
class _File:
    tenant_id: str
    landed_on: date
    file_name: str
    size: int
    modified_at: float


NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = date(2026, 3, 10)
OLD = NOW.timestamp() - 3600


def test_a_file_without_a_batch_is_new():
    changed, _ = changed_folders([_File("shop", DAY, "sales.csv", 10, OLD)], {}, {}, NOW)
    assert list(changed) == [("shop", DAY)]


def test_a_loaded_file_is_not_new_at_the_first_look():
    known = {("shop", DAY, "sales.csv"): 10}
    changed, cursor = changed_folders([_File("shop", DAY, "sales.csv", 10, OLD)], known, {}, NOW)
    assert changed == {} and list(cursor) == ["2026-03-10|shop"]


def test_a_file_changed_in_place_with_the_same_size_is_new():
    known = {("shop", DAY, "sales.csv"): 10}
    file = _File("shop", DAY, "sales.csv", 10, OLD)
    _, cursor = changed_folders([file], known, {}, NOW)
    changed, _ = changed_folders([_File("shop", DAY, "sales.csv", 10, OLD + 60)], known, cursor, NOW)
    assert list(changed) == [("shop", DAY)]


def test_a_file_still_being_written_waits_and_is_taken_at_a_later_look():
    file = _File("shop", DAY, "sales.csv", 10, NOW.timestamp() - 1)
    changed, cursor = changed_folders([file], {}, {}, NOW)
    assert changed == {}
    later = datetime.fromtimestamp(NOW.timestamp() + REST_SECONDS + 1, UTC)
    assert list(changed_folders([file], {}, cursor, later)[0]) == [("shop", DAY)]


def test_a_folder_that_was_requested_is_not_requested_again_while_it_stays_the_same():
    file = _File("shop", DAY, "sales.csv", 10, OLD)
    first, cursor = changed_folders([file], {}, {}, NOW)
    second, _ = changed_folders([file], {}, cursor, NOW)
    # The run key holds the fingerprint, so that Dagster starts no second run for the same content.
    assert first == second


def test_what_a_tick_leaves_over_is_taken_up_by_the_next_ones_though_only_changed_in_place():
    # Two tenants in turn, so that the order of tenants and the order of days differ.
    files = [
        _File(tenant, DAY - timedelta(offset), "sales.csv", 10, OLD) for offset in range(25) for tenant in ("b", "a")
    ]
    known = {(file.tenant_id, file.landed_on, file.file_name): file.size for file in files}
    _, cursor = changed_folders(files, known, {}, NOW)
    touched = [_File(file.tenant_id, file.landed_on, file.file_name, 10, OLD + 60) for file in files]
    taken: list[tuple[str, date]] = []
    for _ in range(3):
        changed, following = changed_folders(touched, known, cursor, NOW)
        requested, cursor = take_some(changed, following, cursor)
        assert len(requested) <= REQUESTS_A_TICK
        taken += [folder for folder, _ in requested]
    assert sorted(taken) == sorted((file.tenant_id, file.landed_on) for file in files)
    assert changed_folders(touched, known, cursor, NOW)[0] == {}
