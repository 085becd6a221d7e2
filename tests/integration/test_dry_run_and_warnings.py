"""What the command line says beside what is loaded: of a file before it lands, and of what a check warns of."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner

from inventra_pipelines.cli.main import app
from inventra_pipelines.db.embedded import database
from inventra_pipelines.settings import get_settings
from tests.installation import FIRST_DAY, Installation, day_of_sales, sales_csv
from tests.integration.served import Commands


@pytest.fixture(scope="module")
def installed(install: Callable[[str], Installation]) -> Iterator[Installation]:
    """A shop of which nothing is loaded: forty lines of sales, an item of which its master does not name."""
    installation = install("warnings")
    installation.add_tenant("shop")
    file = installation.home / "tenants" / "shop.yaml"
    file.write_text(file.read_text().replace("sales: {}", "sales: {least_rows: 3}"))
    codes = sorted({str(line[1]) for line in day_of_sales(FIRST_DAY, lines=40)})
    master = "item_code,name\n" + "".join(f"{code},Item {code}\n" for code in codes[1:])
    installation.land("shop", FIRST_DAY, "items.csv", master)
    (installation.home.parent / "missing.txt").write_text(codes[0])
    (installation.home.parent / "day.csv").write_text(sales_csv(day_of_sales(FIRST_DAY, lines=40)))
    with mock.patch.dict(os.environ, installation.environment, clear=True), database(installation.settings):
        get_settings.cache_clear()
        yield installation
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def commands(installed: Installation) -> Iterator[Commands]:
    """Commands that run a day."""
    with Commands(installed) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(installed: Installation, commands: Commands) -> Installation:
    """Its first day is loaded."""
    done = commands.inventra(
        *("ingest", str(installed.home.parent / "day.csv")),
        *("--tenant", "shop", "--dataset", "sales", "--date", str(FIRST_DAY)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (installed.home.parent / "ingest.err").write_text(done.stderr)
    return installed


def dry_run(file: Path, *more: str, day: str = str(FIRST_DAY)):
    arguments = ["ingest", str(file), "--tenant", "shop", "--dataset", "sales", "--date", day, "--dry-run", *more]
    return CliRunner().invoke(app, arguments)


def standing(file: Path, day: str = str(FIRST_DAY)) -> dict[str, object]:
    return json.loads(dry_run(file, "--json", day=day).stdout)["standing"]


def loaded_batch(shop: Installation) -> str:
    return str(shop.value("select batch_id from raw.batches where file_name = 'sales-day.csv'"))


def sales_file(folder: Path, name: str, lines: int, prefix: str = "E") -> Path:
    (folder / name).write_text(sales_csv(day_of_sales(FIRST_DAY, lines=lines, document_prefix=prefix)))
    return folder / name


def test_an_item_that_no_master_names_is_a_warning_and_no_failure(shop: Installation):
    missing = (shop.home.parent / "missing.txt").read_text()
    lines = (shop.home.parent / "ingest.err").read_text().splitlines()
    (warning,) = (line for line in lines if line.startswith("warning:") and "items_are_known" in line)
    assert f"shop {missing}" in warning
    assert not any(line.startswith("error:") for line in lines)


def test_a_file_that_is_loaded_is_named_with_its_batch(shop: Installation, tmp_path: Path):
    same = shop.home.parent / "day.csv"
    words = f"loaded already as batch {loaded_batch(shop)} (landed {FIRST_DAY}, sales-day.csv)"
    text = " ".join(dry_run(same).stdout.split())
    assert f"As sales-day.csv of {FIRST_DAY} {words}" in text and text.endswith("nothing was loaded")
    assert standing(same) == {"outcome": "loaded_already", "message": words, "batch_id": loaded_batch(shop)}
    # The same content under another name, on another day.
    copy = tmp_path / "copy.csv"
    copy.write_bytes(same.read_bytes())
    assert standing(copy, str(FIRST_DAY + timedelta(1)))["message"] == words


def test_a_file_of_the_same_name_takes_its_place(shop: Installation, tmp_path: Path):
    found = standing(sales_file(tmp_path, "day.csv", 30))
    assert found == {
        "outcome": "replaces",
        "message": f"would take the place of batch {loaded_batch(shop)}: 40 rows",
        "batch_id": loaded_batch(shop),
    }


def test_a_file_that_is_far_too_small_would_be_held(shop: Installation, tmp_path: Path):
    next_day = str(FIRST_DAY + timedelta(1))
    small = sales_file(tmp_path, "small.csv", 2)
    assert standing(small, next_day)["outcome"] == "held"
    assert "would be held: 2 rows landed on" in " ".join(dry_run(small, day=next_day).stdout.split())
    # Beside the day's other file it is no feed of two rows.
    assert standing(small)["outcome"] == "new"
    assert "would replace 40" in str(standing(sales_file(tmp_path, "day.csv", 3))["message"])


def test_the_dry_run_says_what_ingest_then_does(shop: Installation, commands: Commands, tmp_path: Path):
    file = sales_file(tmp_path, "late.csv", 5, prefix="L")
    day = str(FIRST_DAY + timedelta(2))
    told = standing(file, day)
    before = shop.value("select count(*) from raw.batches")
    done = commands.inventra("ingest", str(file), "--tenant", "shop", "--dataset", "sales", "--date", day)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.value("select count(*) from raw.batches") == int(str(before)) + 1
    batch_id = shop.value("select batch_id from raw.batches where file_name = 'sales-late.csv'")
    assert told == {
        "outcome": "new",
        "message": "would be loaded as a new batch, beside what is there",
        "batch_id": None,
    }
    assert standing(file, day)["outcome"] == "loaded_already"
    assert commands.inventra("batches", "withdraw", str(batch_id)).returncode == 0
    assert standing(file, day)["outcome"] == "withdrawn"


def test_adjustments_and_promotions_that_meet_nothing_are_warnings_and_no_failure(
    shop: Installation, commands: Commands
):
    day, later = FIRST_DAY + timedelta(3), FIRST_DAY + timedelta(9)
    shop.land("shop", day, "demand_adjustments.csv", f"item_code,starts_on,step,quantity\nUNHEARD,{later},sales,5\n")
    shop.land("shop", day, "promotions.csv", f"item_code,starts_on\nUNSEEN,{later}\n")
    done = commands.inventra("run", "--tenant", "shop", "--date", str(day))
    assert done.returncode == 0, done.stdout + done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    (adjusted,) = (line for line in warnings if "adjustments_count" in line)
    assert f"UNHEARD at main from {later} by sales, tenant shop: the item has no forecast" in adjusted
    (promoted,) = (line for line in warnings if "promotions_count" in line)
    assert f"UNSEEN at every location from {later}, tenant shop: no such item" in promoted
