"""What an operator does with landed files on the command line: see, correct, release and withdraw them."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from unittest import mock

import openpyxl
import pytest
from typer.testing import CliRunner

from inventra_pipelines.cli.main import app
from inventra_pipelines.db.embedded import database
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import get_settings, user_name
from tests.installation import FIRST_DAY, Installation
from tests.integration.served import Commands

_MAPPING = """\
datasets:
  sales:
    columns: {sold_at: Datum, item_code: Artikel, quantity: Menge, unit_price: Preis, document_id: Beleg}
    date_formats: ["%d.%m.%Y"]
    decimal_mark: ","
"""
_HEADER = "Tagesbericht;;;;;\nDatum;Artikel;Menge;Preis;Beleg;Bemerkung\n"
_GOOD = [f"02.03.2026;{100 + row};1;2,50;R{row};" for row in range(6)]
_BAD = [
    "02.03.2026;0200;zwei;2,50;R7;=SUMME(A1)",
    "03/02/2026;0201;1;2,50;R8;",
    "02.03.2026;0202;1",
    "02.03.2026;;1;2,50;R9;Fisch & Öl",
]
_SALES = _HEADER + "\n".join([*_GOOD[:3], *_BAD, *_GOOD[3:], "Summe;;9;;;"]) + "\n"


@pytest.fixture(scope="module")
def installed(install: Callable[[str], Installation]) -> Iterator[Installation]:
    """A tenant of whom nothing is loaded; the server is held for all tests."""
    installation = install("batches")
    installation.add_tenant("shop", _MAPPING)
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
    """Its file of the first day was ingested on the command line: six good rows, four bad ones, totals."""
    file = installed.home.parent / "tag.csv"
    file.write_text(_SALES, encoding="utf-8")
    done = commands.inventra("ingest", str(file), "--tenant", "shop", "--dataset", "sales", "--date", str(FIRST_DAY))
    assert done.returncode == 0, done.stdout + done.stderr
    (installed.home.parent / "ingest.out").write_text(done.stdout)
    return installed


def run(*arguments: object):
    """A command that only reads, in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def only_batch(shop: Installation, name: str = "sales-tag.csv") -> dict[str, object]:
    (row,) = shop.rows(f"select * from raw.batches where file_name = '{name}'")
    return row


def test_ingest_ends_with_what_became_of_the_file(shop: Installation):
    lines = (shop.home.parent / "ingest.out").read_text().splitlines()
    batch = only_batch(shop)
    # The figures before it are the day's, and say so; an empty line parts the two.
    assert f"shop {FIRST_DAY}, all files of the day:" in lines
    end = lines.index(f"sales-tag.csv: partially loaded, batch {batch['batch_id']}")
    assert lines[end - 1] == ""
    assert lines[end + 1] == "  10 rows read: 6 loaded, 4 rejected; 1 passed over as no data"
    assert lines[end + 2].strip().startswith(str(batch["message"])[:40])
    assert lines[-1] == (
        f"  next: correct the rest with `inventra batches rejects {batch['batch_id']} --out corrections.xlsx`"
    )


def test_the_dry_run_counted_what_was_loaded(shop: Installation):
    file = shop.home.parent / "tag.csv"
    look = json.loads(run("ingest", file, "--tenant", "shop", "--dataset", "sales", "--dry-run", "--json").stdout)[
        "look"
    ]
    batch = only_batch(shop)
    for counted in ("rows_read", "rows_accepted", "rows_rejected", "rows_passed_over"):
        assert look[counted] == batch[counted], counted
    recorded = shop.rows(
        "select column_name, reason_code, row_number, message, hint from raw.rejects order by row_number"
    )
    assert recorded == [
        {
            "column_name": kind["column"],
            "reason_code": kind["reason_code"],
            "row_number": kind["row"],
            "message": kind["message"],
            "hint": kind["hint"],
        }
        for kind in sorted(look["rejects"], key=lambda kind: kind["row"])
    ]


def test_list_counts_the_rows_passed_over(shop: Installation):
    batch = only_batch(shop)
    assert "10 read, 4 rejected, 1 passed over" in run("batches", "list", "--tenant", "shop").stdout
    listed = [json.loads(line) for line in run("batches", "list", "--json").stdout.splitlines()]
    assert [(entry["batch_id"], entry["rows_passed_over"]) for entry in listed] == [(batch["batch_id"], 1)]
    assert run("batches", "list", "--tenant", "nobody").stdout == ""


def test_show_tells_everything_that_is_recorded(shop: Installation):
    batch = only_batch(shop)
    text = " ".join(run("batches", "show", batch["batch_id"]).stdout.split())
    for words in (
        "state: partially loaded",
        "10 read, 6 loaded, 4 rejected, 1 passed over",
        f"{len(_SALES.encode()):,} bytes",
        str(batch["sha256"]),
        str(batch["config_version"]),
        "business days: 2026-03-02",
        "1 row quantity: not a number",
        "such as row 6: quantity 'zwei' is not a number",
        "what to do: fill in item_code, or leave the row out",
        user_name(),
        "received",
    ):
        assert words in text, words
    record = json.loads(run("batches", "show", batch["batch_id"], "--json").stdout)
    assert record["rows_passed_over"] == 1
    assert [entry["state"] for entry in record["history"]] == ["received", "partially_loaded"]
    assert sum(reason["rows"] for reason in record["rejects"]) == 4


def test_rejects_are_shown_row_by_row(shop: Installation):
    batch_id = only_batch(shop)["batch_id"]
    lines = run("batches", "rejects", batch_id).stdout.splitlines()
    assert lines[0].split() == ["row", "column", "because", "what", "to", "do"]
    assert max(map(len, lines)) <= 100
    rows = [json.loads(line) for line in run("batches", "rejects", batch_id, "--json").stdout.splitlines()]
    assert [row["row_number"] for row in rows] == [6, 7, 8, 9]


def test_rejected_rows_are_written_in_their_own_layout_the_same_bytes_each_time(shop: Installation, tmp_path: Path):
    batch_id = only_batch(shop)["batch_id"]
    target = tmp_path / "fix.xlsx"
    done = run("batches", "rejects", batch_id, "--out", target)
    assert done.exit_code == 0, done.output
    assert "4 rows to correct" in done.stdout and f"--dataset sales --date {FIRST_DAY}" in done.stdout
    content = target.read_bytes()
    page = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    header, *rows = [[cell.value for cell in row] for row in page.iter_rows()]
    assert header[:6] == ["Datum", "Artikel", "Menge", "Preis", "Beleg", "Bemerkung"]
    assert rows[0][:7] == ["02.03.2026", "0200", "zwei", "2,50", "R7", "=SUMME(A1)", "Menge"]
    assert [row[10] for row in rows] == ["6", "7", "8", "9"]
    run("batches", "rejects", batch_id, "--out", target)
    assert target.read_bytes() == content


def test_the_corrected_file_fills_the_gaps_and_doubles_nothing(shop: Installation, commands: Commands, tmp_path: Path):
    batch_id = only_batch(shop)["batch_id"]
    before = shop.rows("select item_code, quantity, corrects_row from raw.sales order by item_code, document_id")
    for extension in ("csv", "xlsx"):
        target = tmp_path / f"sales-corrected.{extension}"
        assert run("batches", "rejects", batch_id, "--out", target).exit_code == 0
    book = openpyxl.load_workbook(tmp_path / "sales-corrected.xlsx")
    page = book.worksheets[0]
    page["C2"], page["A3"], page["D4"] = 2, "02.03.2026", "2,50"
    # As another row of the document: it is one more.
    page["B5"], page["E5"] = "101", "R1"
    book.save(tmp_path / "sales-corrected.xlsx")
    done = commands.inventra(
        *("ingest", str(tmp_path / "sales-corrected.xlsx")),
        *("--tenant", "shop", "--dataset", "sales", "--date", str(FIRST_DAY)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 rows read: 4 loaded, 0 rejected; 0 passed over as no data" in done.stdout
    # Of the day's two files ten and four rows were read; what is read last is the file's own.
    assert "14 rows read" in done.stdout and done.stdout.index("14 rows read") < done.stdout.index("4 rows read: 4")
    assert f"next: forecasts and reports with `inventra run --tenant shop --date {FIRST_DAY}`" in done.stdout
    after = shop.rows("select item_code, quantity, corrects_row from raw.sales order by item_code, document_id")
    new = [row for row in after if row not in before]
    assert [(row["item_code"], int(row["quantity"]), row["corrects_row"]) for row in new] == [
        ("0200", 2, f"{batch_id}:6:"),
        ("0201", 1, f"{batch_id}:7:"),
        ("0202", 1, f"{batch_id}:8:"),
        ("101", 1, f"{batch_id}:9:"),
    ]
    assert len(after) == len(before) + 4
    assert shop.value("select sum(units_sold) from marts.fct_sales_daily") == 11
    # The text file holds the same rows.
    lines = list(csv.reader(io.StringIO((tmp_path / "sales-corrected.csv").read_text(encoding="utf-8-sig"))))
    assert [line[:3] for line in lines[1:]] == [line.split(";")[:3] for line in _BAD]


def test_rows_that_load_and_do_not_count_are_told(shop: Installation, tmp_path: Path):
    again = tmp_path / "nochmal.csv"
    again.write_text(_HEADER + _GOOD[1] + "\n02.03.2026;0300;1;2,50;R30;\n", encoding="utf-8")
    done = shop.inventra("ingest", str(again), "--tenant", "shop", "--dataset", "sales", "--date", str(FIRST_DAY))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows read: 2 loaded, 0 rejected" in done.stdout
    assert "1 row loaded and not counted: the same row stands in another file" in " ".join(done.stdout.split())


def test_repeated_keys_are_left_out_of_a_correction_unless_asked_for(
    shop: Installation, commands: Commands, tmp_path: Path
):
    stock = tmp_path / "stock.csv"
    stock.write_text("counted_on,item_code,quantity_on_hand\n2026-03-02,A,1\n2026-03-02,A,2\n2026-03-02,B,x\n")
    done = commands.inventra("ingest", str(stock), "--tenant", "shop", "--dataset", "stock", "--date", str(FIRST_DAY))
    assert done.returncode == 0, done.stdout + done.stderr
    batch_id = only_batch(shop, "stock.csv")["batch_id"]
    target = tmp_path / "fix.csv"
    told = run("batches", "rejects", batch_id, "--out", target).stdout
    assert "1 row left out" in told and len(target.read_text().splitlines()) == 2
    run("batches", "rejects", batch_id, "--out", target, "--with-repeated")
    assert len(target.read_text().splitlines()) == 3


def test_a_refused_file_ends_with_one_and_says_why(shop: Installation, commands: Commands, tmp_path: Path):
    wrong = tmp_path / "falsch.csv"
    wrong.write_text("a,b\n1,2\n")
    done = commands.inventra("ingest", str(wrong), "--tenant", "shop", "--dataset", "sales", "--date", "2026-03-06")
    batch = only_batch(shop, "sales-falsch.csv")
    assert done.returncode == 1
    assert f"sales-falsch.csv: refused, batch {batch['batch_id']}" in done.stdout
    assert "none of its rows are loaded" in done.stdout
    assert any(line.startswith("error:") for line in done.stderr.splitlines())
    refused = run("batches", "release", batch["batch_id"])
    assert isinstance(refused.exception, PermanentError) and "refused, not held" in str(refused.exception)
    assert "no row of batch" in run("batches", "rejects", batch["batch_id"]).stdout


@pytest.mark.parametrize("command", ["show", "rejects", "release", "withdraw"])
def test_an_unknown_batch_is_one_line_with_the_remedy(shop: Installation, command: str):
    done = run("batches", command, "0000")
    assert isinstance(done.exception, PermanentError)
    assert "no batch '0000'" in str(done.exception) and "inventra batches list" in str(done.exception)


def test_a_correction_names_its_kind_and_needs_the_kept_copy(shop: Installation, tmp_path: Path):
    batch = only_batch(shop)
    wrong = run("batches", "rejects", batch["batch_id"], "--out", tmp_path / "fix.txt")
    assert isinstance(wrong.exception, PermanentError) and ".xlsx nor .csv" in str(wrong.exception)
    (kept,) = (shop.home / "kept").rglob(f"{batch['sha256']}*")
    content = kept.read_bytes()
    kept.unlink()
    gone = run("batches", "rejects", batch["batch_id"], "--out", tmp_path / "fix.csv")
    assert isinstance(gone.exception, PermanentError) and "is gone" in str(gone.exception)
    kept.write_bytes(content)


def test_a_withdrawal_is_logged_with_who_did_it(shop: Installation, commands: Commands):
    batch_id = only_batch(shop)["batch_id"]
    done = commands.inventra("batches", "withdraw", str(batch_id))
    assert done.returncode == 0, done.stdout + done.stderr
    last = shop.rows(f"select actor, state from ops.batch_log where batch_id = '{batch_id}' order by entry_id")[-1]
    assert last == {"actor": user_name(), "state": "withdrawn"}


def test_a_second_withdrawal_says_so_and_what_to_do(shop: Installation):
    batch = only_batch(shop)
    assert batch["state"] == "withdrawn"
    logged = shop.value("select count(*) from ops.batch_log")
    again = run("batches", "withdraw", batch["batch_id"])
    assert isinstance(again.exception, PermanentError)
    assert "is withdrawn already" in str(again.exception)
    assert "land it under another name" in str(again.exception) and f"--from {FIRST_DAY}" in str(again.exception)
    assert shop.value("select count(*) from ops.batch_log") == logged


def test_a_held_file_is_told_released_and_loaded(shop: Installation, tmp_path: Path):
    day = date(2026, 3, 5)
    shop.add_tenant("shop", _MAPPING.replace("datasets:", "datasets:", 1) + "alerts: {stale_after_days: 5}\n")
    text = (shop.home / "tenants" / "shop.yaml").read_text().replace("sales: {}", "sales: {least_rows: 5}")
    (shop.home / "tenants" / "shop.yaml").write_text(text)
    small = tmp_path / "klein.csv"
    small.write_text(_HEADER + "05.03.2026;300;1;2,50;R20;\n")
    # A process of its own: its tenant has changed.
    with Commands(shop) as commands:
        held = commands.inventra("ingest", str(small), "--tenant", "shop", "--dataset", "sales", "--date", str(day))
        batch = only_batch(shop, "sales-klein.csv")
        shown = run("batches", "show", batch["batch_id"]).stdout
        done = commands.inventra("batches", "release", str(batch["batch_id"]))
    assert held.returncode == 1
    assert f"sales-klein.csv: held, batch {batch['batch_id']}" in held.stdout and "fewer than least_rows" in held.stdout
    assert shown.count("held") >= 2
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"sales-klein.csv: loaded, batch {batch['batch_id']}" in done.stdout
    assert "1 row read: 1 loaded, 0 rejected; 0 passed over as no data" in done.stdout
    assert only_batch(shop, "sales-klein.csv")["state"] == "loaded"
    again = run("batches", "release", batch["batch_id"])
    assert isinstance(again.exception, PermanentError) and "not held, it is loaded" in str(again.exception)
