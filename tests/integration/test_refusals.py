"""Each wrong thing a person can do ends in one clear line with the remedy and a non-zero exit; the others go on."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from inventra_pipelines.db.embedded import database
from tests.installation import FIRST_DAY, Installation, day_of_sales, land_days, sales_csv
from tests.integration.served import Commands

SECOND = FIRST_DAY + timedelta(1)
EMPTY_DAY = FIRST_DAY + timedelta(10)


@pytest.fixture(scope="module")
def shops(install: Callable[[str], Installation]) -> Iterator[Installation]:
    """Two tenants with three days of files each."""
    installation = install("refusals")
    installation.add_tenant("north")
    installation.add_tenant("south")
    land_days(installation, "north", 3)
    land_days(installation, "south", 3, prefix="S")
    with database(installation.settings):
        yield installation


@pytest.fixture(scope="module")
def commands(shops: Installation) -> Iterator[Commands]:
    """Commands that need no settings of their own; the first two days of both tenants are run."""
    both = ("--tenant", "north", "--tenant", "south")
    with Commands(shops) as opened:
        done = opened.inventra("backfill", *both, "--from", str(FIRST_DAY), "--to", str(SECOND), "--stages", "history")
        assert done.returncode == 0, done.stdout + done.stderr
        yield opened


def _one_error_line(done, *words: str) -> str:
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert lines, done.stdout + done.stderr
    for word in words:
        assert any(word in line for line in lines), (word, lines)
    return lines[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("empty",)),
        ("sold_at,item_code,amount,unit_price\n2026-03-03 10:00:00,100,1,2.50\n", ("quantity",)),
        (b"PK\x03\x04 this is no workbook", ("sales.csv",)),
        (b"\xff\xfe\x00\x00\xd8", ("sales.csv",)),
    ],
    ids=["an-empty-file", "a-wrong-column", "a-broken-workbook", "a-broken-encoding"],
)
def test_a_file_that_cannot_be_read_is_one_line_and_nothing_loaded_is_lost(
    shops: Installation, commands: Commands, content, words
):
    before = shops.value("select count(*) from raw.sales where tenant_id = 'north'")
    good = (shops.folder("north", SECOND) / "sales.csv").read_bytes()
    shops.land("north", SECOND, "sales.csv", content)
    done = commands.inventra("run", "--tenant", "north", "--date", str(SECOND))
    _one_error_line(done, "sales.csv", *words)
    assert shops.value("select count(*) from raw.sales where tenant_id = 'north'") == before
    assert (
        shops.value(
            f"select count(*) from alerts.conditions where tenant_id = 'north' and as_of_on = '{SECOND}' "
            "and kind = 'rejected_file'"
        )
        == 1
    )
    shops.land("north", SECOND, "sales.csv", good)
    commands.run("north", SECOND)
    assert shops.value("select count(*) from raw.sales where tenant_id = 'north'") == before


def test_a_file_of_another_tenant_is_refused_and_does_not_name_that_tenant(shops: Installation, commands: Commands):
    content = (shops.folder("south", SECOND) / "sales.csv").read_bytes()
    path = shops.land("north", SECOND, "sales-extra.csv", content)
    done = commands.inventra("run", "--tenant", "north", "--date", str(SECOND))
    line = _one_error_line(done, "sales-extra.csv", "tenant")
    assert "south" not in line
    foreign = "select count(*) from raw.sales where tenant_id = 'north' and document_id like 'S%'"
    assert shops.value(foreign) == 0
    batch_id = str(shops.value("select batch_id from raw.batches where file_name = 'sales-extra.csv'"))
    assert f"inventra batches release {batch_id}" in line
    released = commands.inventra("batches", "release", batch_id)
    assert released.returncode == 0, released.stdout + released.stderr
    assert shops.value(foreign) == 12
    path.unlink()
    assert commands.inventra("batches", "withdraw", batch_id).returncode == 0
    assert shops.value(foreign) == 0


def test_a_broken_file_of_one_tenant_does_not_hold_up_the_other_in_the_same_run(
    shops: Installation, commands: Commands
):
    third = FIRST_DAY + timedelta(2)
    good = (shops.folder("north", third) / "sales.csv").read_bytes()
    shops.land("north", third, "sales.csv", "nothing,of,use\n1,2,3\n")
    done = commands.inventra(
        "backfill", "--tenant", "north", "--tenant", "south", "--from", str(third), "--to", str(third)
    )
    _one_error_line(done, "north", "sales.csv")
    assert shops.value(f"select count(*) from raw.sales where tenant_id = 'south' and landed_on = '{third}'") == 12
    assert shops.value("select count(*) from reports.artifacts where tenant_id = 'south'") >= 2
    shops.land("north", third, "sales.csv", good)


def test_a_day_without_files_is_an_empty_success_and_a_no_feed_alert_that_the_next_file_resolves(
    shops: Installation, commands: Commands
):
    commands.run("north", EMPTY_DAY)
    alert = shops.rows("select * from alerts.alerts where tenant_id = 'north' and kind = 'no_feed' and state = 'open'")
    assert [row["opened_on"] for row in alert] == [EMPTY_DAY]
    next_day = EMPTY_DAY + timedelta(1)
    shops.land("north", next_day, "sales.csv", sales_csv(day_of_sales(next_day)))
    commands.run("north", next_day)
    resolved = shops.rows("select * from alerts.alerts where tenant_id = 'north' and kind = 'no_feed'")
    assert [row["resolved_on"] for row in resolved] == [next_day]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--tenant", "nobody", "--date", "2026-03-03"), ("nobody", "north, south")),
        (("run", "--tenant", "north", "--date", "03.03.2026"), ("--date", "YYYY-MM-DD")),
        (("run", "--tenant", "north", "--date", "2020-01-01"), ("calendar",)),
        (("backfill", "--tenant", "north", "--from", "2026-03-03", "--to", "2026-03-02"), ("before",)),
        (("sql", "delete from raw.sales"), ("read-only",)),
        (("sql", "select 1; delete from raw.sales"), ("query failed",)),
        (("ingest", "/no/such/file.csv", "--tenant", "north", "--dataset", "sales"), ("/no/such/file.csv",)),
        (("batches", "withdraw", "0000"), ("0000",)),
        (("reports", "get", "--tenant", "north", "--date", "2026-03-30"), ("no daily_pdf",)),
    ],
    ids=[
        "unknown-tenant",
        "not-a-day",
        "outside-the-calendar",
        "days-swapped",
        "sql-that-writes",
        "two-statements",
        "missing-file",
        "unknown-batch",
        "no-such-report",
    ],
)
def test_a_wrong_request_is_one_line_with_the_remedy(shops: Installation, commands: Commands, arguments, words):
    before = shops.value("select count(*) from raw.sales")
    _one_error_line(commands.inventra(*arguments), *words)
    assert shops.value("select count(*) from raw.sales") == before


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"INVENTRA_WORKER": "2"}, ("INVENTRA_WORKER", "did you mean INVENTRA_WORKERS")),
        ({"INVENTRA_WORKERS": "many"}, ("INVENTRA_WORKERS",)),
        ({"INVENTRA_LAST_DAY": "2020-01-01"}, ("INVENTRA_LAST_DAY", "before")),
        ({"DATABASE_URL": "mysql://user:secret@host/db"}, ("DATABASE_URL", "postgresql://")),
        ({"DATABASE_URL": "postgresql://user:secret@127.0.0.1:1/db"}, ("127.0.0.1", "does not answer")),
        ({"DATABASE_URL": "postgresql://user:top%20secret@127.0.0.1:1/db"}, ("127.0.0.1", "does not answer")),
        ({"INVENTRA_LANDING_DIR": "/no/such/landing"}, ("/no/such/landing", "INVENTRA_LANDING_DIR")),
    ],
    ids=["unknown-setting", "wrong-value", "calendar-swapped", "not-postgres", "database-down", "space", "no-landing"],
)
def test_a_wrong_setting_is_one_line_with_the_remedy_and_no_password(shops: Installation, variables, words):
    done = shops.inventra("run", "--tenant", "north", "--date", str(FIRST_DAY), **variables)
    _one_error_line(done, *words)
    assert "secret" not in done.stdout + done.stderr


def test_an_unknown_key_in_a_tenants_file_is_one_line_that_names_file_and_key(shops: Installation):
    shops.add_tenant("north", extra="curency: EUR\n")
    done = shops.inventra("run", "--tenant", "north", "--date", str(FIRST_DAY))
    _one_error_line(done, "north.yaml", "curency")
    # The other tenant's nights go on.
    shops.run("south", FIRST_DAY)
    shops.add_tenant("north")
