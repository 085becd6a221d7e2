"""Rejected rows for correction: in their own layout, as text, and read again by the mapping they came with."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from inventra_pipelines.domain.contracts import SALES, STOCK
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.correction_file import correction_text, correction_workbook
from inventra_pipelines.sources.reader.look import look
from inventra_pipelines.sources.reader.rejected_rows import Fault, RejectedRow, RejectedSheet, read_rejected

GERMAN = FileMapping(
    columns={"sold_at": "Datum", "item_code": "Artikel", "quantity": "Menge", "unit_price": "Preis"},
    date_formats=["%d.%m.%Y"],
    decimal_mark=",",
)
HEADERS = ("Datum", "Artikel", "Menge", "Preis", "Bemerkung")
PLACES = {"sold_at": [0], "item_code": [1], "quantity": [2], "unit_price": [3]}


def sheet(
    rows: Sequence[RejectedRow], name: str = "", headers: tuple[str, ...] = HEADERS, places: dict = PLACES
) -> RejectedSheet:
    return RejectedSheet(name, headers, places, list(rows))


def row(number: int, *cells: str | None, column: str = "quantity", line: str | None = None) -> RejectedRow:
    return RejectedRow(number, list(cells), line, [Fault(column, f"{column} is wrong.", f"correct {column}")])


WRONG = row(7, "31.12.2025", "0012", "zwei", "1,50", '=HYPERLINK("x")')
CORRECTED = row(7, "31.12.2025", "0012", "2", "1,50", '=HYPERLINK("x")')

LAYOUTS = {
    "plain": {},
    "header-row-stated": {"header_row": 4},
    "headers-of-two-rows": {"header_rows": 2},
    "both": {"header_row": 3, "header_rows": 2},
    "footer": {"footer_rows": 2},
    "semicolon": {"delimiter": ";"},
    "a-mark-of-two": {"delimiter": "| "},
    "escaped": {"escape_char": "\\", "quote_char": "'"},
    "another-encoding": {"encoding": "cp1252"},
}


@pytest.mark.parametrize("extension", ["xlsx", "csv"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_corrected_rows_load_with_the_mapping_they_were_rejected_by(tmp_path: Path, layout: dict, extension: str):
    mapping = GERMAN.model_copy(update=layout)
    second = row(9, "30.12.2025", 'it\'s a "quote", \\ and; more', "1", "2,25", "ä\nzweite Zeile")
    write = correction_workbook if extension == "xlsx" else correction_text
    path = tmp_path / f"fix.{extension}"
    path.write_bytes(write([sheet([CORRECTED, second])], mapping))
    found = look(path, SALES, mapping, path.name)
    assert found.refusal is None
    assert (found.rows_read, found.rows_accepted, found.rows_passed_over) == (2, 2, 0)
    assert found.first_rows[0] | {"item_code": "0012", "quantity": "2", "unit_price": "1.5"} == found.first_rows[0]
    assert found.first_rows[1]["item_code"] == 'it\'s a "quote", \\ and; more'
    assert found.tables[0].unused[0] == "Bemerkung"


def test_cells_at_fault_are_filled_and_all_cells_are_text(tmp_path: Path):
    content = correction_workbook([sheet([WRONG])], GERMAN)
    page = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    header, wrong = list(page.iter_rows())
    assert [cell.value for cell in header] == [
        *HEADERS,
        "rejected column",
        "rejected because",
        "what to do",
        "sheet",
        "row",
    ]
    assert [cell.value for cell in wrong[:8]] == [*WRONG.cells, "Menge", "quantity is wrong.", "correct quantity"]
    assert wrong[9].value == "7"
    fills = [cell.fill.fgColor.rgb if cell.fill.fill_type else None for cell in wrong[:5]]
    assert [place for place, fill in enumerate(fills) if fill] == [2]
    assert all(cell.data_type == "s" and cell.number_format == "@" for cell in wrong if cell.value)


def test_an_empty_cell_at_fault_is_filled_too():
    content = correction_workbook([sheet([row(3, "31.12.2025", None, "1", "1", None, column="item_code")])], GERMAN)
    cell = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]["B2"]
    assert (cell.value, cell.fill.fill_type) == (None, "solid")


@pytest.mark.parametrize("write", [correction_workbook, correction_text])
def test_the_same_rows_give_the_same_bytes(write):
    assert write([sheet([WRONG])], GERMAN) == write([sheet([WRONG])], GERMAN)


def test_sheets_keep_their_names_so_that_a_mapping_by_sheet_reads_them(tmp_path: Path):
    mapping = GERMAN.model_copy(update={"sheets": ["Nord", "Süd"]})
    path = tmp_path / "fix.xlsx"
    path.write_bytes(correction_workbook([sheet([CORRECTED], "Nord"), sheet([CORRECTED], "Süd")], mapping))
    found = look(path, SALES, mapping, path.name)
    assert [(table.sheet, table.rows_accepted) for table in found.tables] == [("Nord", 1), ("Süd", 1)]


def test_sheets_of_different_headers_need_a_workbook():
    other = sheet([row(2, "x", column="item_code")], "B", ("Artikel",), {"item_code": [0]})
    with pytest.raises(PermanentError, match=r"\.xlsx"):
        correction_text([sheet([WRONG], "A"), other], GERMAN)
    assert (
        len(openpyxl.load_workbook(io.BytesIO(correction_workbook([sheet([WRONG], "A"), other], GERMAN))).sheetnames)
        == 2
    )


def test_a_header_of_the_files_own_is_never_taken_for_a_note(tmp_path: Path):
    mapping = GERMAN.model_copy(update={"columns": {**GERMAN.columns, "document_id": "Row"}})
    own = sheet(
        [RejectedRow(2, ["31.12.2025", "1", "1", "1", "D7"], None, [Fault("", "b", "c")])], "", (*HEADERS[:4], "Row")
    )
    path = tmp_path / "fix.csv"
    path.write_bytes(correction_text([own], mapping))
    assert look(path, SALES, mapping, path.name).first_rows[0]["document_id"] == "D7"


def test_control_characters_and_escapes_of_the_format_come_through(tmp_path: Path):
    path = tmp_path / "fix.xlsx"
    cells = row(2, "31.12.2025", "_x0041_\x01", "1", "1", None, column="item_code")
    path.write_bytes(correction_workbook([sheet([cells])], GERMAN))
    assert look(path, SALES, GERMAN, path.name).first_rows[0]["item_code"] == "_x0041_␁"


def test_rejected_rows_are_read_from_the_file_with_their_own_headers(tmp_path: Path):
    path = tmp_path / "sales.csv"
    path.write_text("Bericht\n\nDatum;Artikel;Menge;Preis;Bemerkung\n01.12.2025;A;1;2;\n02.12.2025;B;x;2;ä\n1;2\n")
    fault = Fault("quantity", "b", "c")
    faults = {("", 5): [fault], ("", 6): [Fault("", "b", "c")]}
    (found,) = read_rejected(path, "sales.csv", "0001-ab", SALES, GERMAN, faults)
    assert (found.headers, found.places["quantity"]) == (HEADERS, [2])
    assert [(row.row, row.cells, row.line) for row in found.rows] == [
        (5, ["02.12.2025", "B", "x", "2", "ä"], None),
        (6, ["1", "2", None, None, None], "1;2"),
    ]
    assert [row.corrects for row in found.rows] == ["0001-ab:5:", "0001-ab:6:"]
    text = correction_text([found], GERMAN).decode("utf-8-sig")
    assert "line as it stood" in text.splitlines()[0] and '"1;2"' in text


def test_rows_corrected_once_more_keep_their_layout_and_the_row_that_they_are_about(tmp_path: Path):
    first = tmp_path / "fix.csv"
    headers = (*HEADERS, "Row")
    wrong = RejectedRow(7, ["31.12.2025", "1", "zwei", "1", "", "9"], None, [Fault("quantity", "b", "c")])
    wrong = replace(wrong, corrects="0001-ab:7:Nord")
    first.write_bytes(correction_text([sheet([wrong], "Nord", headers)], GERMAN))
    (found,) = read_rejected(first, "fix.csv", "0002-cd", SALES, GERMAN, {("", 2): [Fault("quantity", "d", "e")]})
    assert (found.headers, found.places) == (headers, {**PLACES})
    assert [(row.cells, row.corrects) for row in found.rows] == [(wrong.cells, "0001-ab:7:Nord")]
    second = tmp_path / "fix2.csv"
    second.write_bytes(correction_text([found], GERMAN))
    header, row = [line.split('","') for line in second.read_text("utf-8-sig").splitlines()]
    assert header[-6:] == ["rejected column", "rejected because", "what to do", "sheet", "row (note)", 'corrects_row"']
    assert row[-1] == '0001-ab:7:Nord"'


def test_only_sales_rows_name_what_they_correct(tmp_path: Path):
    path = tmp_path / "stock.csv"
    path.write_text("counted_on,item_code,quantity_on_hand\n2026-03-02,B,x\n")
    faults = {("", 2): [Fault("quantity_on_hand", "b", "c")]}
    (found,) = read_rejected(path, "stock.csv", "0001-ab", STOCK, FileMapping(), faults)
    assert "corrects_row" not in correction_text([found], FileMapping()).decode()
