"""The sensor and the schedule, evaluated as the daemon does, against a real installation."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inventra_pipelines.db.embedded import database
from tests.installation import FIRST_DAY, LAST_DAY, Installation, day_of_sales, land_days, sales_csv

TICK = """
import json, os, sys
from datetime import UTC, datetime
from inventra_pipelines.automation.instance import prepare_instance
from inventra_pipelines.db.embedded import current_url
from inventra_pipelines.settings import get_settings
os.environ.update(prepare_instance(get_settings(), current_url(get_settings())))
from dagster import DagsterInstance, build_schedule_context, build_sensor_context
from inventra_pipelines.definitions import defs
from inventra_pipelines.resources.landing import LandingZone
from inventra_pipelines.resources.postgres import Postgres
name, argument = sys.argv[1:]
with DagsterInstance.get() as instance:
    repository = defs.get_repository_def()
    if name == "sensor":
        resources = {"postgres": Postgres(), "landing": LandingZone()}
        context = build_sensor_context(
            instance=instance, cursor=argument or None, repository_def=repository, resources=resources
        )
        tick = repository.get_sensor_def("landed_files").evaluate_tick(context)
    else:
        moment = datetime.fromisoformat(argument)
        context = build_schedule_context(instance=instance, scheduled_execution_time=moment, repository_def=repository)
        tick = repository.get_schedule_def("nightly_schedule").evaluate_tick(context)
    requests = [[str(request.partition_key), request.run_key] for request in tick.run_requests or []]
    print(json.dumps({"requests": requests, "cursor": getattr(tick, "cursor", None), "skip": tick.skip_message}))
"""


def _tick(shop: Installation, name: str, argument: str = "") -> dict:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TICK, name, argument],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _rest(path: Path) -> None:
    """Make a file look as if it had been written a minute ago."""
    os.utime(path, (time.time() - 60, time.time() - 60))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("automation") / "home")
    installation.add_tenant("north")
    installation.add_tenant("south")
    land_days(installation, "north", 1)
    with database(installation.settings):
        done = installation.inventra(
            "backfill", "--tenant", "north", "--from", str(FIRST_DAY), "--to", str(FIRST_DAY), "--stages", "history"
        )
        assert done.returncode == 0, done.stderr
        yield installation


def test_the_sensor_asks_for_what_landed_and_not_for_what_is_loaded(shop: Installation):
    # The sensor looks at the two weeks before the calendar's last day.
    day = LAST_DAY - timedelta(1)
    assert _tick(shop, "sensor")["requests"] == []
    path = shop.land("south", day, "sales.csv", sales_csv(day_of_sales(day, document_prefix="S")))
    # Written at the end of the tick, however long that takes.
    os.utime(path, (time.time() + 600,) * 2)
    assert _tick(shop, "sensor")["requests"] == [], "a file that was written this second may be half there"
    _rest(path)
    asked = _tick(shop, "sensor")
    assert [partition for partition, _ in asked["requests"]] == [f"{day}|south"]
    assert _tick(shop, "sensor", asked["cursor"])["requests"] == asked["requests"], "the run key keeps it one run"
    shop.run("south", day)
    assert _tick(shop, "sensor", asked["cursor"])["requests"] == []


def test_the_schedule_asks_for_each_tenants_own_night(shop: Installation):
    # 02:00 in Berlin is 01:00 UTC in winter.
    before, after = (_tick(shop, "schedule", f"2026-03-10T{clock}+00:00")["requests"] for clock in ("00:45", "01:00"))
    assert before == [["2026-03-08|north", "2026-03-08|north"], ["2026-03-08|south", "2026-03-08|south"]]
    assert after == [["2026-03-09|north", "2026-03-09|north"], ["2026-03-09|south", "2026-03-09|south"]]
    outside = _tick(shop, "schedule", "2027-03-10T01:00+00:00")
    assert outside["requests"] == [] and "calendar" in outside["skip"]
