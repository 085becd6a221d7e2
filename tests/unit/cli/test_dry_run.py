"""A dry run says in words and in JSON what would happen to a file, and loads nothing."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from inventra_pipelines.cli.main import app
from inventra_pipelines.domain.contracts import STOCK
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.reader.look import look
from tests.unit.cli.messy_files import MESSY_FILES

_BAD = """\
sold_at,item_code,quantity,unit_price,Filiale
2025-12-31 10:00:00,A,1.50,2.50,N
2025-12-31,B,x,2.50,N
31/12/2025,C,1,2.50,N
2025-12-31,,1,2.50,N
1,2
Total,,3,,
"""


@pytest.fixture
def shop(fresh_settings: Path) -> Path:
    folder = fresh_settings / "tenants"
    folder.mkdir(parents=True)
    (folder / "shop.yaml").write_text(
        "tenant_id: shop\nname: Shop\ntime_zone: Europe/Berlin\n"
        "datasets:\n  sales:\n    constants: {currency: EUR}\n    columns: {customer_code: Kunde}\n"
    )
    return fresh_settings


def dry_run(file: Path, *more: str, dataset: str = "sales"):
    return CliRunner().invoke(app, ["ingest", str(file), "--tenant", "shop", "--dataset", dataset, "--dry-run", *more])


def test_rows_are_counted_with_a_reason_an_example_and_what_to_do(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text(_BAD.replace("Filiale", "Kunde"))
    done = dry_run(file)
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "5 rows read: 1 would load, 4 would be rejected; 1 passed over as no data" in text
    for words in (
        "delimited text",
        "UTF-8",
        "delimiter: comma",
        "Headers in row 1",
        "customer_code Kunde the tenant's file says so",
        "currency EUR in every row the tenant's file says so",
        "sold_at sold_at its own name",
        "sold_at 2025-12-31 10:00:00",
        "quantity 1.5",
        "such as row 3: quantity 'x' is not a number",
        "what to do: fill in item_code, or leave the row out",
        "such as row 6: The row has 2 fields where the header has 5.",
        "passed over, totals in row 7: Total | 3",
        "With it 2 of 5 rows would load, 3 would be rejected.",
    ):
        assert words in text, words
    assert done.stdout.rstrip().endswith("nothing was loaded")
    assert not (shop / "landing").exists()


def test_what_is_printed_fits_a_hundred_columns(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text(_BAD.replace("x,2.50", f"{'x' * 60},2.50").replace("Filiale", "Kunde"))
    lines = dry_run(file).stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)


def test_headers_that_are_not_used_are_named_with_what_they_may_be(shop: Path, tmp_path: Path):
    file = tmp_path / "items.csv"
    file.write_text("item_code,Warengruppe,Farbe\nA,Tee,rot\n")
    done = dry_run(file, dataset="items")
    assert done.exit_code == 0
    assert "not used: Warengruppe, Farbe" in done.stdout
    assert "A suggestion, not used here" in done.stdout
    assert "category: Warengruppe" in done.stdout and "likely" in done.stdout


def test_a_header_that_is_perhaps_a_column_is_listed_once(shop: Path, tmp_path: Path):
    file = tmp_path / "items.csv"
    file.write_text("SKU,Farbe,Bezeichner Text\nA,rot,X\n")
    suggested = CliRunner().invoke(app, ["mapping", "suggest", str(file), "--dataset", "items"])
    (line,) = [line for line in suggested.stdout.splitlines() if "Bezeichner Text" in line]
    assert "perhaps" in line
    assert "# not used: Farbe\n" in suggested.stdout
    assert json.loads(dry_run(file, "--json", dataset="items").stdout)["suggestion"]["unused"] == ["Farbe"]


def test_a_file_of_headers_alone_is_told(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text("sold_at,item_code,quantity,unit_price,Kunde\n")
    text = " ".join(dry_run(file).stdout.split())
    assert "0 rows read" in text and "no rows below the header" in text
    file.write_text("sold_at,item_code,quantity,unit_price,Kunde\n2025-12-31,A,1,2.50,K\n")
    assert "no rows below" not in dry_run(file).stdout


def test_settings_that_the_file_has_no_use_for_are_told(shop: Path, tmp_path: Path):
    tenant = shop / "tenants" / "shop.yaml"
    tenant.write_text(
        "tenant_id: shop\nname: Shop\ndatasets:\n  sales: {sheets: [Sales], constants: {currency: EUR, channel: web}}\n"
    )
    file = tmp_path / "sales.csv"
    file.write_text("sold_at,item_code,quantity,unit_price,Currency\n2025-12-31,A,1,2.50,GBP\n")
    done = dry_run(file, "--json")
    look = json.loads(done.stdout)["look"]
    assert look["remarks"] == [
        "the constant 'EUR' for currency is not used: the column 'Currency' of the file holds",
        "sheets of the tenant's file is not used: the file has none",
        "1 row in GBP, the first in row 2, whose revenue is not known; "
        "declare exchange_rates: GBP in the tenant's file",
    ]
    assert (look["first_rows"][0]["currency"], look["first_rows"][0]["channel"]) == ("GBP", "web")
    text = " ".join(dry_run(file).stdout.split())
    assert "Remarks the constant 'EUR' for currency is not used" in text


def test_a_file_that_would_be_refused_is_told_what_would_mend_it_and_ends_with_one(shop: Path, tmp_path: Path):
    german = MESSY_FILES[0]
    file = tmp_path / german.name
    german.write(file)
    done = dry_run(file)
    assert done.exit_code == 1 and isinstance(done.exception, PermanentError)
    assert "Kunde" in str(done.exception)
    for words in (
        "required and missing: sold_at, item_code, quantity, unit_price",
        "The headers seem to stand in row 4",
        "sold_at: Rechnungsdatum",
        'decimal_mark: ","',
        "With it 3 of 3 rows would load.",
        "nothing was loaded",
    ):
        assert words in done.stdout, done.stdout


def test_headers_that_nothing_uses_are_named_though_the_file_would_be_refused(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text("Datum;Artikel;Menge;Preis;Wetter;Kunde\n31.12.2025;1;1;2,50;nass;K\n")
    done = dry_run(file)
    assert done.exit_code == 1
    assert "Not used even so: Wetter" in done.stdout
    found = json.loads(dry_run(file, "--json").stdout)
    assert found["suggestion"]["unused"] == ["Wetter"]
    assert found["standing"] is None


def test_what_a_check_will_warn_of_is_a_remark_of_the_dry_run(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text(
        "sold_at,item_code,quantity,unit_price,Kunde,document_id,line_number\n"
        "2025-03-04,A,1,2.50,K,D1,1\n2025-12-03,B,1,2.50,K,D1,2\n2025-11-03,C,1,2.50,K,D1,1\n"
    )
    assert json.loads(dry_run(file, "--date", "2025-03-05", "--json").stdout)["look"]["remarks"] == [
        "2 rows of a day after 2025-03-05, on which the file lands, the first of 2025-12-03 in row 3: a day and a "
        "month that changed places, mostly; correct date_formats in the tenant's file",
        "1 document line in the file twice or more, the first in row 2 and row 4: only the last of them counts; set "
        "document_numbers: daily if they start anew daily; map no line_number that counts no lines",
    ]
    tenant = shop / "tenants" / "shop.yaml"
    tenant.write_text(tenant.read_text() + "document_numbers: daily\n")
    # Of another day each, and that day has come.
    assert "Remarks" not in dry_run(file, "--date", "2025-12-03").stdout


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("constants: {location: S1}", "sales has no column 'location'. did you mean location_code."),
        ("integer_codes: [customer]", "sales has no code column 'customer'. did you mean customer_code."),
        ("pad_codes: {quantity: 3}", "sales has no code column 'quantity'. the code columns are"),
        ("columns: {solt_at: Datum}", "sales has no column 'solt_at'. did you mean sold_at."),
    ],
    ids=["constant", "integer-code", "padded", "column"],
)
def test_a_wrong_setting_is_an_error_and_nothing_to_paste(shop: Path, tmp_path: Path, setting: str, words: str):
    tenant = shop / "tenants" / "shop.yaml"
    tenant.write_text(f"tenant_id: shop\nname: Shop\ndatasets:\n  sales:\n    {setting}\n")
    file = tmp_path / "sales.csv"
    file.write_text("sold_at,item_code,quantity,unit_price\n2025-12-31,A,1,2.50\n")
    done = dry_run(file)
    assert done.exit_code == 1 and words in str(done.exception)
    assert "suggestion" not in done.stdout and "Not used" not in done.stdout
    # What else the file needs is still found, without the wrong setting.
    file.write_text("sold_at,item_code,quantity,unit_price\n31.12.2025,A,1,2.50\n")
    yaml = str(json.loads(dry_run(file, "--json").stdout)["suggested_yaml"])
    assert "date_formats" in yaml and setting.partition(":")[0] not in yaml and "header_row" not in yaml
    suggested = CliRunner().invoke(app, ["mapping", "suggest", str(file), "--dataset", "sales", "--tenant", "shop"])
    assert f"# left out: setting datasets.sales.{setting.partition(':')[0]}: {words}" in suggested.stdout
    assert "# With it 1 of 1 row of this file would load, 0 would be rejected." in suggested.stdout


def test_without_a_server_the_database_is_not_asked_and_none_is_started(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text("sold_at,item_code,quantity,unit_price,Kunde\n2025-12-31,A,1,2.50,K\n")
    text = " ".join(dry_run(file, "--date", "2025-12-31").stdout.split())
    assert "1 row read: 1 would load" in text
    assert "As sales.csv of 2025-12-31" in text
    assert "was not asked: the embedded Postgres" in text and "is not running" in text
    assert not (shop / "postgres").exists()


def test_json_holds_the_look_and_the_suggestion(shop: Path, tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text(_BAD.replace("Filiale", "Kunde"))
    found = json.loads(dry_run(file, "--json").stdout)
    kinds = {(kind["column"], kind["reason_code"]): kind for kind in found["look"]["rejects"]}
    assert set(kinds) == {
        ("", "malformed_row"),
        ("sold_at", "not_a_date"),
        ("item_code", "missing_value"),
        ("quantity", "not_a_number"),
    }
    assert (kinds["quantity", "not_a_number"]["row"], kinds["quantity", "not_a_number"]["value"]) == (3, "x")
    assert all(kind["rows"] == 1 and kind["hint"] for kind in kinds.values())
    assert '["%d/%m/%Y"]' in found["suggested_yaml"]
    assert (found["standing"]["outcome"], found["standing"]["batch_id"]) == ("not_asked", None)


def test_sheets_that_are_not_read_and_keys_that_repeat_across_sheets_are_told(tmp_path: Path):
    book = Workbook()
    for title, rows in {
        "North": [("2025-12-31", "A", 1), ("2025-12-31", "B", 2)],
        "South": [("2025-12-31", "A", 5)],
    }.items():
        page = book.create_sheet(title)
        page.append(["counted_on", "item_code", "quantity_on_hand"])
        for row in rows:
            page.append(row)
    hidden = book.create_sheet("Old")
    hidden.append(["counted_on", "item_code", "quantity_on_hand"])
    hidden.sheet_state = "hidden"
    del book["Sheet"]
    book.save(tmp_path / "stock.xlsx")
    found = look(tmp_path / "stock.xlsx", STOCK, FileMapping(), "stock.xlsx")
    assert found.sheets_passed_over == ["sheet 'Old' is hidden"]
    assert (found.rows_read, found.rows_accepted, found.rows_rejected) == (3, 2, 1)
    assert [(table.sheet, table.rows_accepted, table.rows_rejected) for table in found.tables] == [
        ("North", 1, 1),
        ("South", 1, 0),
    ]
    (kind,) = found.rejects
    assert (kind.reason_code, kind.sheet, kind.row, kind.rows) == ("duplicate_key", "North", 2, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"PK\x03\x04 broken", "damaged"), (b"\xff\xfe\x00\x00\xd8", "sales.csv"), (b"%PDF-1.4", "PDF")],
    ids=["empty", "broken-workbook", "broken-encoding", "pdf"],
)
def test_what_cannot_be_read_is_one_line_and_no_crash(shop: Path, tmp_path: Path, content: bytes, words: str):
    file = tmp_path / "sales.csv"
    file.write_bytes(content)
    done = dry_run(file)
    assert done.exit_code == 1 and isinstance(done.exception, PermanentError) and words in str(done.exception)
    assert "nothing was loaded" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest", "no.csv", "--tenant", "shop", "--dataset", "sales"), "there is no file no.csv"),
        (("ingest", __file__, "--tenant", "nobody", "--dataset", "sales"), "unknown tenant 'nobody' (known: shop)"),
        (("mapping", "suggest", "no.csv"), "there is no file no.csv"),
    ],
    ids=["no-file", "no-tenant", "no-file-to-suggest-for"],
)
def test_a_wrong_request_names_what_is_wrong(shop: Path, arguments: tuple[str, ...], words: str):
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, PermanentError) and words in str(done.exception)
