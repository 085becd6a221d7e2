"""A suggested mapping, pasted into the tenant's file, reads the file it was made from."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from inventra_pipelines.cli.main import app
from inventra_pipelines.domain.tenant import TenantConfig
from tests.unit.cli.messy_files import MESSY_FILES, MessyFile


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def add_tenant(home: Path, pasted: str = "", currency: str = "EUR") -> None:
    (home / "tenants").mkdir(parents=True, exist_ok=True)
    text = f"tenant_id: shop\nname: Shop\ntime_zone: Europe/Berlin\ncurrency: {currency}\n{pasted}"
    (home / "tenants" / "shop.yaml").write_text(text)


@pytest.mark.parametrize("messy", MESSY_FILES, ids=lambda messy: messy.name)
def test_a_pasted_suggestion_makes_the_dry_run_load_every_row(fresh_settings: Path, tmp_path: Path, messy: MessyFile):
    file = tmp_path / messy.name
    messy.write(file)
    add_tenant(fresh_settings)
    suggested = run("mapping", "suggest", file, "--dataset", messy.dataset, "--tenant", "shop")
    assert suggested.exit_code == 0, suggested.output
    add_tenant(fresh_settings, suggested.stdout)
    done = run("ingest", file, "--tenant", "shop", "--dataset", messy.dataset, "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    look = json.loads(done.stdout)["look"]
    assert (look["rows_read"], look["rows_accepted"], look["rejects"]) == (messy.rows, messy.rows, [])
    assert messy.first.items() <= look["first_rows"][0].items()


def test_a_suggestion_says_why_beside_each_line_and_leaves_the_doubtful_to_a_person(tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text("Day,SKU,Qty,Price,Order #\n03/04/2025,1,1,2.50,A\n05/06/2025,2,1,3.50,B\n")
    text = run("mapping", "suggest", file, "--dataset", "sales").stdout
    lines = {line.split("#")[0].strip(): line for line in text.splitlines() if not line.strip().startswith("#")}
    assert "likely" in lines["sold_at: Day"]
    assert not any(line.startswith(("item_code", "quantity", "unit_price")) for line in lines)
    for reading in ('# date_formats: ["%d/%m/%Y"]', '# date_formats: ["%m/%d/%Y"]'):
        assert reading in text
    assert "3 April 2025" in text and "4 March 2025" in text
    assert yaml.safe_load(text) == {"datasets": {"sales": {"columns": {"sold_at": "Day"}}}}


def test_what_the_tenants_file_says_stays_where_it_fits(fresh_settings: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text("When;SKU;Menge;Preis;Laden\n31.12.2025;1;1;2,50;N\n")
    add_tenant(
        fresh_settings,
        "datasets:\n  sales:\n    columns: {sold_at: When, channel: Laden, customer_code: Client}\n"
        "    integer_codes: [item_code]\n",
    )
    text = run("mapping", "suggest", file, "--dataset", "sales", "--tenant", "shop").stdout
    mapping = TenantConfig.model_validate({"tenant_id": "shop", "name": "Shop", **yaml.safe_load(text)}).datasets[
        "sales"
    ]
    assert mapping.columns == {"sold_at": "When", "channel": "Laden", "quantity": "Menge", "unit_price": "Preis"}
    assert (mapping.integer_codes, mapping.decimal_mark, mapping.date_formats) == (["item_code"], ",", ["%d.%m.%Y"])


def test_headers_that_no_column_uses_are_named(tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text('Datum;Artikel;Menge;ME;Preis;Wetter;"Zwei\nZeilen"\n31.12.2025;1;1;ST;2,50;nass;x\n')
    done = run("mapping", "suggest", file, "--dataset", "sales")
    assert "# not used: Wetter, Zwei Zeilen\n" in done.stdout
    assert yaml.safe_load(done.stdout)["datasets"]["sales"]["columns"]["unit_of_measure"] == "ME"
    suggestion = json.loads(run("mapping", "suggest", file, "--dataset", "sales", "--json").stdout)["suggestion"]
    assert [" ".join(header.split()) for header in suggestion["unused"]] == ["Wetter", "Zwei Zeilen"]


def test_a_bad_date_among_many_is_told_and_hides_nothing(tmp_path: Path):
    file = tmp_path / "sales.csv"
    days = [f"{day:02}.{month:02}.2025" for month in range(1, 13) for day in range(1, 29)]
    lines = [f"{day};A{row};1;2,50" for row, day in enumerate(["31.02.2024", *days])]
    file.write_text("\n".join(["xyz;Artikel;Menge;Preis", *lines]) + "\n")
    text = run("mapping", "suggest", file, "--dataset", "sales").stdout
    assert "sold_at: xyz" in text
    assert "reads 01.01.2025 in sold_at; 1 text is not read, such as '31.02.2024'" in text
    assert "With it 336 of 337 rows of this file would load, 1 would be rejected." in text


def test_without_a_dataset_the_best_fitting_ones_are_named(tmp_path: Path):
    file = tmp_path / "export.csv"
    file.write_text("counted_on,item_code,quantity_on_hand\n2025-12-31,A,1\n")
    fits = json.loads(run("mapping", "suggest", file, "--json").stdout)
    assert (fits[0]["dataset"], fits[0]["found"], fits[0]["required"], fits[0]["missing"]) == ("stock", 3, 3, [])
    assert {"dataset": "suppliers", "required": 1, "found": 0, "others": 0, "missing": ["supplier_code"]} in fits
    assert "stock" in run("mapping", "suggest", file).stdout


@pytest.mark.parametrize("total", ["TOTAL", "Report total"])
def test_a_total_below_a_single_date_hides_no_date_column(tmp_path: Path, total: str):
    file = tmp_path / "stock.csv"
    file.write_text(f"Count Date,SKU,On Hand\n06/30/2024,A,5\n06/30/2024,B,7\n{total},,12\n")
    text = run("mapping", "suggest", file, "--dataset", "stock").stdout
    assert yaml.safe_load(text)["datasets"]["stock"] == {
        "columns": {"counted_on": "Count Date"},
        "date_formats": ["%m/%d/%Y"],
    }
    assert "constants" not in text


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"%PDF-1.7 ...", "PDF"), (b"PK\x03\x04 no archive", "damaged")],
    ids=["empty", "a-pdf", "a-broken-archive"],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, words: str):
    file = tmp_path / "sales.csv"
    file.write_bytes(content)
    done = run("mapping", "suggest", file, "--dataset", "sales")
    assert done.exit_code != 0 and words in str(done.exception) and "sales.csv" in str(done.exception)
