"""Numbers that are numbers in their file mean the same under any marks; a text that could be one is not guessed."""

from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.headers import header_texts, is_header_of, map_columns
from inventra_pipelines.domain.ingest.parse import ParsedRows, parse_rows
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import contract_columns

SALES = CONTRACTS["sales"]
GERMAN = FileMapping(decimal_mark=",", thousands_mark=".", time_zone="Europe/Berlin")
HEADERS = ["sold_at", "item_code", "quantity", "unit_price"]
NUMBERS = [1.234, 12.345, 2.5, 0.3, 1234567.125, -0.0625, 7]
EXACT = [Decimal(str(number)).quantize(Decimal("0.0001")) for number in NUMBERS]


def parsed(path: Path, mapping: FileMapping) -> ParsedRows:
    with open_file(path, mapping, path.name, is_header_of(SALES, mapping)) as opened:
        (table,) = opened.tables
        places = map_columns(table.headers, SALES, mapping, path.name)
        rows = pl.concat(contract_columns(chunk, table, places, SALES) for chunk in table.chunks)
        return parse_rows(rows, SALES, table.mapping(mapping), headers=header_texts(table.headers, places))


def workbook(path: Path, rows: list[list]) -> Path:
    book = openpyxl.Workbook()
    for row in [["Sales of Monday"], [], HEADERS, *rows]:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("mapping", [GERMAN, FileMapping(time_zone="UTC")], ids=["german", "english"])
def test_number_cells_are_their_numbers(tmp_path: Path, mapping: FileMapping):
    path = workbook(tmp_path / "sales.xlsx", [["2024-01-01", "A", number, 1] for number in NUMBERS])
    rows = parsed(path, mapping)
    assert rows.rejects.is_empty()
    assert rows.accepted["quantity"].to_list() == EXACT


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Decimal(18, 4)], ids=["float", "decimal"])
def test_numbers_of_parquet_are_their_numbers(tmp_path: Path, dtype):
    frame = pl.DataFrame({"sold_at": "2024-01-01", "item_code": "A", "quantity": NUMBERS, "unit_price": 1.5})
    frame.with_columns(pl.col("quantity").cast(dtype)).write_parquet(tmp_path / "sales.parquet")
    rows = parsed(tmp_path / "sales.parquet", GERMAN)
    assert rows.rejects.is_empty()
    assert rows.accepted["quantity"].to_list() == EXACT
    assert set(rows.accepted["unit_price"]) == {Decimal("1.5")}


def test_beside_texts_a_number_is_rejected_where_it_could_mean_a_thousand_times_as_much(tmp_path: Path):
    path = workbook(
        tmp_path / "sales.xlsx",
        [["2024-01-01", "A", 1.234, 1], ["2024-01-01", "B", "1.234,50", 1], ["2024-01-01", "C", "2,5", 1]],
    )
    rows = parsed(path, GERMAN)
    assert rows.accepted["quantity"].to_list() == [Decimal("1234.5"), Decimal("2.5")]
    assert rows.rejects["reason_code"].to_list() == ["not_a_number"]
    assert rows.rejects["row_number"].to_list() == [4]


def test_in_a_text_file_the_declared_mark_parts_thousands(tmp_path: Path):
    path = tmp_path / "sales.csv"
    path.write_text("sold_at;item_code;quantity;unit_price\n2024-01-01;A;1.234;1,5\n")
    assert parsed(path, GERMAN).accepted["quantity"].to_list() == [Decimal(1234)]
