"""What must never happen: replays that differ, ghosts, half-written or doubled partitions."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from inventra_pipelines.db.embedded import database
from tests.installation import FIRST_DAY, Installation, day_of_sales, land_days, sales_csv
from tests.integration.served import Commands

DAYS = 20
LAST = FIRST_DAY + timedelta(DAYS - 1)
A_DAY = FIRST_DAY + timedelta(9)


@pytest.fixture(scope="module")
def landed(install: Callable[[str], Installation]) -> Iterator[Installation]:
    """Twenty days of one tenant and two of another as files; the server is held for all tests."""
    installation = install("replay")
    installation.add_tenant("north")
    installation.add_tenant("south")
    land_days(installation, "north", DAYS)
    land_days(installation, "south", 2, prefix="S")
    installation.add_tenant("strict", "analytics: {least_quality_score: 1.0}\n")
    rows = day_of_sales(FIRST_DAY, document_prefix="T")
    installation.land("strict", FIRST_DAY, "sales.csv", sales_csv([*rows, [*rows[0][:2], "many", *rows[0][3:]]]))
    with database(installation.settings):
        yield installation


@pytest.fixture(scope="module")
def commands(landed: Installation) -> Iterator[Commands]:
    """Runs where it makes no difference that they are processes of their own."""
    with Commands(landed) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(landed: Installation, commands: Commands) -> Installation:
    """The twenty days run from files to analytics, two of them to reports."""
    done = commands.inventra(
        "backfill", "--tenant", "north", "--from", str(FIRST_DAY), "--to", str(LAST), "--stages", "history"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    commands.run("north", A_DAY)
    commands.run("north", LAST)
    return landed


def test_every_row_read_is_accepted_or_rejected_and_stands_in_raw_sales(shop: Installation):
    counts = shop.rows(
        "select sum(rows_read) as read, sum(rows_accepted) as accepted, sum(rows_rejected) as rejected "
        "from raw.batches where tenant_id = 'north' and dataset = 'sales'"
    )[0]
    assert counts["read"] == DAYS * 12 == counts["accepted"] + counts["rejected"]  # type: ignore[operator]
    assert shop.value("select count(*) from raw.sales where tenant_id = 'north'") == counts["accepted"]


def test_a_replay_of_a_day_changes_no_table_and_no_report(shop: Installation):
    before = shop.checksums()
    shop.run("north", A_DAY)
    assert shop.checksums() == before
    assert any(name.endswith(".pdf") for name in before)


def test_a_replay_of_the_whole_range_changes_no_table_and_no_report(shop: Installation, commands: Commands):
    before = {name: value for name, value in shop.checksums().items() if name != "ops.load_manifest"}
    done = commands.inventra(
        "backfill", "--tenant", "north", "--from", str(FIRST_DAY), "--to", str(LAST), "--stages", "history"
    )
    assert done.returncode == 0, done.stderr
    assert {name: value for name, value in shop.checksums().items() if name != "ops.load_manifest"} == before


def test_a_row_removed_from_the_file_leaves_no_trace_and_comes_back_with_the_file(
    shop: Installation, commands: Commands
):
    before = shop.checksums()
    rows = day_of_sales(A_DAY)
    removed = rows[4]
    shop.land("north", A_DAY, "sales.csv", sales_csv(rows[:4] + rows[5:]))
    commands.run("north", A_DAY)
    gone = f"tenant_id = 'north' and sold_on = '{A_DAY}'"
    assert shop.value(f"select count(*) from raw.sales where {gone}") == len(rows) - 1
    assert shop.value(f"select count(*) from intermediate.int_sales_lines where {gone}") == len(rows) - 1
    expected = sum(row[2] for row in rows if row is not removed)  # type: ignore[misc]
    assert shop.value(f"select sum(units_sold) from marts.fct_sales_daily where {gone}") == expected

    shop.land("north", A_DAY, "sales.csv", sales_csv(rows))
    commands.run("north", A_DAY)
    after = shop.checksums()
    changed = {name for name in before if before[name] != after.get(name)}
    # The batch that was superseded stays on record, and with it the days it touched.
    assert changed <= {"raw.batches", "raw.batch_days", "ops.load_manifest"}


def test_the_last_row_of_an_item_removed_takes_the_item_out_of_that_days_facts(shop: Installation, commands: Commands):
    rows = day_of_sales(LAST)
    item = rows[0][1]
    shop.land("north", LAST, "sales.csv", sales_csv([row for row in rows if row[1] != item]))
    commands.run("north", LAST)
    assert (
        shop.value(
            f"select count(*) from marts.fct_sales_daily where tenant_id = 'north' and sold_on = '{LAST}' "
            f"and item_id = '{item}'"
        )
        == 0
    )
    shop.land("north", LAST, "sales.csv", sales_csv(rows))
    commands.run("north", LAST)


def test_a_vanished_file_is_replayed_from_its_kept_copy(shop: Installation, commands: Commands):
    before = shop.checksums()
    (shop.folder("north", A_DAY) / "sales.csv").unlink()
    commands.run("north", A_DAY)
    assert shop.checksums() == before
    shop.land("north", A_DAY, "sales.csv", sales_csv(day_of_sales(A_DAY)))


def test_a_run_killed_in_mid_write_leaves_the_partition_whole(shop: Installation, commands: Commands):
    before = shop.checksums()
    rows = day_of_sales(A_DAY)
    shop.land("north", A_DAY, "sales.csv", sales_csv(rows[:2]))
    # Another transaction holds the lock of the last table that ingest writes: by then the run has deleted and inserted
    # the sales, and not committed.
    with database(shop.settings) as url, psycopg.connect(url) as holder:
        holder.execute("select pg_advisory_xact_lock(hashtextextended('raw.batch_days|north', 0))")
        process = shop.start("run", "--tenant", "north", "--date", str(A_DAY))
        shop.wait_until("select count(*) > 0 from pg_stat_activity where wait_event = 'advisory' and state = 'active'")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        holder.rollback()
    shop.wait_until("select count(*) = 0 from pg_stat_activity where wait_event = 'advisory'")
    assert shop.checksums() == before
    shop.land("north", A_DAY, "sales.csv", sales_csv(rows))
    commands.run("north", A_DAY)
    assert shop.checksums() == before


def test_two_runs_of_one_partition_at_once_give_the_result_of_one(shop: Installation):
    before = shop.checksums()
    both = [shop.start("run", "--tenant", "north", "--date", str(A_DAY)) for _ in range(2)]
    for process in both:
        output = "".join(process.communicate(timeout=180))
        assert process.returncode == 0, output
    assert shop.checksums() == before


def test_another_tenants_rows_are_not_touched_by_a_run(shop: Installation, commands: Commands):
    commands.run("south", FIRST_DAY)
    before = shop.rows("select * from marts.fct_sales_daily where tenant_id = 'south' order by item_id, sold_on")
    assert before
    commands.run("north", FIRST_DAY)
    after = shop.rows("select * from marts.fct_sales_daily where tenant_id = 'south' order by item_id, sold_on")
    assert after == before


def test_a_run_whose_data_the_tenant_does_not_accept_ends_after_the_key_figures(shop: Installation, commands: Commands):
    done = commands.inventra("run", "--tenant", "strict", "--date", str(FIRST_DAY))
    assert done.returncode == 1
    assert "data_quality" in done.stdout + done.stderr
    assert shop.value("select count(*) from marts.rpt_daily_kpis where tenant_id = 'strict'") == 1
    for table in ("forecast.forecasts", "planning.proposals", "reports.artifacts"):
        assert shop.value(f"select count(*) from {table} where tenant_id = 'strict'") == 0


PO_HEADER = "order_id,line_number,item_code,ordered_on,expected_on,received_on,quantity_ordered,quantity_received\n"


def test_a_past_day_replayed_after_later_days_came_says_what_it_said(shop: Installation, commands: Commands):
    day, later = FIRST_DAY + timedelta(1), FIRST_DAY + timedelta(4)
    shop.land("north", day, "purchase_orders.csv", PO_HEADER + f"P1,1,100,{day},{later},,50,20\n")
    shop.land("north", day, "items.csv", "item_code,lead_time_days,unit_cost\n100,5,2\n101,5,2\n")
    commands.run("north", day)
    of_day = f"select * from planning.proposals where tenant_id = 'north' and as_of_on = '{day}' order by item_id"
    said = shop.rows(of_day)
    assert [row["on_order"] for row in said if row["item_id"] == "100"] == [30]
    reports = {name: value for name, value in shop.checksums().items() if f"north/{day}/" in name}
    assert len(reports) == 2

    shop.land("north", later, "purchase_orders.csv", PO_HEADER + f"P1,1,100,{day},{later},{later},50,50\n")
    shop.land("north", later, "items.csv", "item_code,lead_time_days,unit_cost\n100,40,9\n")
    commands.run("north", later)
    commands.run("north", day)
    assert shop.rows(of_day) == said
    assert {name: value for name, value in shop.checksums().items() if f"north/{day}/" in name} == reports


def test_no_secret_and_no_database_address_stands_in_a_run(shop: Installation):
    with database(shop.settings) as url, psycopg.connect(url, dbname="inventra_dagster") as connection:
        bodies = connection.execute("select run_body from runs").fetchall()
        events = connection.execute("select event from event_logs").fetchall()
    assert bodies and events
    assert not [1 for (text,) in bodies + events if "postgresql" in text and "://" in text]


def test_the_home_folder_is_the_only_place_written(shop: Installation):
    assert Path(shop.home / "artifacts" / "north").is_dir()
    assert Path(shop.home / "outbox" / "north").is_dir()
