"""The sensor and the schedule, evaluated as the daemon does, against a real installation."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inventra_pipelines.db.embedded import database
from tests.installation import FIRST_DAY, LAST_DAY, Installation, day_of_sales, land_days, sales_csv
from tests.integration.served import Commands


def _tick(commands: Commands, name: str, argument: str = "") -> dict:
    done = commands.module("tests.integration.ticks", name, argument)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _rest(path: Path) -> None:
    """Make a file look as if it had been written a minute ago."""
    os.utime(path, (time.time() - 60, time.time() - 60))


@pytest.fixture(scope="module")
def shop(install: Callable[[str], Installation]) -> Iterator[Installation]:
    installation = install("automation")
    installation.add_tenant("north")
    installation.add_tenant("south")
    land_days(installation, "north", 1)
    with database(installation.settings):
        yield installation


@pytest.fixture(scope="module")
def commands(shop: Installation) -> Iterator[Commands]:
    """A process that evaluates ticks, as the daemon's goes on from one to the next; the first day is run."""
    with Commands(shop) as opened:
        done = opened.inventra(
            "backfill", "--tenant", "north", "--from", str(FIRST_DAY), "--to", str(FIRST_DAY), "--stages", "history"
        )
        assert done.returncode == 0, done.stderr
        yield opened


def test_the_sensor_asks_for_what_landed_and_not_for_what_is_loaded(shop: Installation, commands: Commands):
    # The sensor looks at the two weeks before the calendar's last day.
    day = LAST_DAY - timedelta(1)
    assert _tick(commands, "sensor")["requests"] == []
    path = shop.land("south", day, "sales.csv", sales_csv(day_of_sales(day, document_prefix="S")))
    # Written at the end of the tick, however long that takes.
    os.utime(path, (time.time() + 600,) * 2)
    assert _tick(commands, "sensor")["requests"] == [], "a file that was written this second may be half there"
    _rest(path)
    asked = _tick(commands, "sensor")
    assert [partition for partition, _ in asked["requests"]] == [f"{day}|south"]
    assert _tick(commands, "sensor", asked["cursor"])["requests"] == asked["requests"], "the run key keeps it one run"
    commands.run("south", day)
    assert _tick(commands, "sensor", asked["cursor"])["requests"] == []


def test_the_schedule_asks_for_each_tenants_own_night(commands: Commands):
    # 02:00 in Berlin is 01:00 UTC in winter.
    before, after = (
        _tick(commands, "schedule", f"2026-03-10T{clock}+00:00")["requests"] for clock in ("00:45", "01:00")
    )
    assert before == [["2026-03-08|north", "2026-03-08|north"], ["2026-03-08|south", "2026-03-08|south"]]
    assert after == [["2026-03-09|north", "2026-03-09|north"], ["2026-03-09|south", "2026-03-09|south"]]
    outside = _tick(commands, "schedule", "2027-03-10T01:00+00:00")
    assert outside["requests"] == [] and "calendar" in outside["skip"]
