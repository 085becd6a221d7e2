"""Workbooks: sheets, headers, and cells as text."""

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from inventra_pipelines.domain.contracts import SALES
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.excel_files import read_workbook
from inventra_pipelines.sources.formats.tables import OpenedFile, contract_columns


@pytest.fixture
def workbook(tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.title = "Sales"

    def save(name: str = "w.xlsx") -> Path:
        book.save(tmp_path / name)
        return tmp_path / name

    return book, book.active, save


def opened(path: Path, *required: str, **mapping) -> OpenedFile:
    """The workbook, where a header is one that has all required names."""
    return read_workbook(path, FileMapping(**mapping), path.name, lambda headers: {*required} <= {*headers})


def rows(path: Path, *required: str, **mapping) -> list[tuple]:
    """Sheet, row number and texts of every row."""
    return [
        (table.sheet, row[0], *row[3:])
        for table in opened(path, *required, **mapping).tables
        for chunk in table.chunks
        for row in chunk.iter_rows()
    ]


def refused(path: Path, *required: str, **mapping) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        rows(path, *required, **mapping)
    assert path.name in caught.value.message
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (17850.0, "17850"),
        (4006381333931, "4006381333931"),
        (1e15, "1000000000000000"),
        (0.1 + 0.2, "0.3"),
        (1e-5, "0.00001"),
        (99999999.99, "99999999.99"),
        (1234567890.12345, "1234567890.12345"),
        ("0012", "0012"),
        ("'0012", "'0012"),
        ("1e5", "1e5"),
        (" x ", " x "),
        ("a\nb", "a\nb"),
        (True, "true"),
        (False, "false"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (dt.date(1900, 1, 1), "1900-01-01"),
        (dt.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02 03:04:05"),
        (dt.time(3, 4, 5), "03:04:05"),
        (dt.time(0, 0), "00:00:00"),
    ],
    ids=str,
)
def test_a_cell_comes_as_the_text_that_a_person_would_write(cell, text, workbook):
    _, sheet, save = workbook
    sheet.append(["a"])
    sheet.append([cell])
    assert rows(save(), "a") == [("Sales", 2, text)]


def test_a_percentage_is_its_number_and_a_quoted_word_in_a_format_makes_no_date(workbook):
    _, sheet, save = workbook
    sheet.append(["a", "b"])
    sheet.append([0.195, 45000])
    sheet["A2"].number_format, sheet["B2"].number_format = "0.0%", '"Day" 0'
    assert rows(save(), "a") == [("Sales", 2, "0.195", "45000")]


def test_moments_keep_midnight_where_others_of_their_column_have_a_time(workbook):
    _, sheet, save = workbook
    sheet.append(["at"])
    sheet.append([dt.datetime(2024, 1, 2)])
    sheet.append([dt.datetime(2024, 1, 2, 3, 4)])
    assert [row[2] for row in rows(save(), "at")] == ["2024-01-02 00:00:00", "2024-01-02 03:04:00"]


@pytest.mark.parametrize("has_extension", [False, True], ids=["plain", "with-an-extension-of-excel"])
def test_days_counted_from_1904_are_the_days_that_were_written(has_extension, workbook):
    book, sheet, save = workbook
    book.epoch = CALENDAR_MAC_1904
    sheet.append(["day", "time", "at"])
    sheet.append([dt.date(2024, 1, 2), dt.time(6, 30), dt.datetime(1904, 1, 2, 3, 4, 5)])
    path = save()
    if has_extension:
        _replace(path, "xl/workbook.xml", b"</workbook>", _EXCEL_EXTENSION + b"</workbook>")
    assert rows(path, "day") == [("Sales", 2, "2024-01-02", "06:30:00", "1904-01-02 03:04:05")]


_EXCEL_EXTENSION = (
    b'<extLst><ext uri="{79F54976-1DA5-4618-B147-4CDE4B953A38}" '
    b'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main">'
    b'<x14:workbookPr defaultImageDpi="32767"/></ext></extLst>'
)


def _replace(path: Path, part: str, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(old, new) if name == part else content)


def test_row_numbers_are_the_sheets_where_the_data_begin_further_down_and_right(workbook):
    _, sheet, save = workbook
    sheet["C3"], sheet["D3"] = "a", "b"
    sheet["C4"], sheet["D4"] = "x", "#N/A"
    sheet["C7"], sheet["D7"] = "y", "=1+1"
    path = save()
    (table,) = opened(path, "a").tables
    assert (table.headers, table.header_row) == (("a", "b"), 3)
    assert rows(path, "a") == [("Sales", 4, "x", "#N/A"), ("Sales", 7, "y", "#CALC!")]
    assert rows(path, header_row=3) == rows(path, "a")


def test_a_stated_header_row_may_stand_further_down_than_one_is_searched_for(workbook):
    _, sheet, save = workbook
    sheet["A1"], sheet["A90"], sheet["A91"] = "Sales report", "a", "x"
    assert rows(save(), "a", header_row=90) == [("Sales", 91, "x")]


def test_headers_are_found_below_a_title_and_a_hundred_blank_rows(workbook):
    _, sheet, save = workbook
    sheet["A101"], sheet["A103"], sheet["B103"] = "Sales report", "a", "b"
    sheet["A104"], sheet["C104"] = 1, "beside the table"
    assert rows(save(), "a", "b") == [("Sales", 104, "1", None)]


def test_blank_columns_between_headers_stay_blank(workbook):
    _, sheet, save = workbook
    for row in (["a", None, "b", None], [1, None, 2, None], [None, None, "  ", None]):
        sheet.append(row)
    (table,) = opened(save(), "a", "b").tables
    assert table.headers == ("a", "", "b")
    assert [row[3:] for chunk in table.chunks for row in chunk.rows()] == [("1", None, "2")]


def test_a_merged_text_or_date_is_that_of_all_its_rows_and_a_number_of_the_first(workbook):
    _, sheet, save = workbook
    sheet.append(["Store", "sku", "quantity", "sold_at", "unit_price", "Total"])
    for row in (["North", "A", 1, "2024-03-04", 2, 9], [None, "B", 2, None, 2, None], [None, "C", 3, None, 2, None]):
        sheet.append(row)
    sheet.append(["South", "D", 4, "2024-03-05", 2, 8])
    sheet.append([None, "E", None, "2024-03-06", 2, 7])
    for merged in ("A2:A4", "D2:D4", "F2:F4", "A5:A6", "C5:C6"):
        sheet.merge_cells(merged)
    found = opened(save(), "sku")
    assert not found.passed_over
    (told,) = found.remarks
    assert told == (
        "sheet 'Sales': rows 2 to 4 of 'Store' are one cell (and 4 more such cells):"
        " a text or date is taken for all of them, a number for the first"
    )
    (table,) = found.tables
    places = {"location_code": (0,), "item_code": (1,), "quantity": (2,), "sold_at": (3,), "unit_price": (4,)}
    (chunk,) = table.chunks
    read = contract_columns(chunk, table, places, SALES)
    assert read["location_code"].to_list() == ["North", "North", "North", "South", "South"]
    assert read["sold_at"].str.head(10).to_list() == ["2024-03-04"] * 3 + ["2024-03-05", "2024-03-06"]
    assert read["quantity"].to_list() == ["1", "2", "3", "4", None]


@pytest.mark.parametrize(
    ("hidden", "remark"),
    [
        ([], None),
        ([1], None),
        ([3], "hidden row 3 is read as the others"),
        ([1, 3, 4, 6], "3 hidden rows, the first of them row 3, are read as the others"),
        ([5, 8], None),
    ],
    ids=["none", "the-headers", "one", "several", "blank-rows"],
)
def test_hidden_rows_are_read_and_told(workbook, hidden, remark):
    _, sheet, save = workbook
    for row in (["a", "b"], [1, 2], [3, 4], [5, 6], [None, None], [7, 8]):
        sheet.append(row)
    for row in hidden:
        sheet.row_dimensions[row].hidden = True
    sheet.column_dimensions["B"].hidden = True
    found = opened(save(), "a", "b")
    assert found.remarks == ([f"sheet 'Sales': {remark}"] if remark else [])
    assert [row[3] for table in found.tables for chunk in table.chunks for row in chunk.rows()] == ["1", "3", "5", "7"]


def test_merged_headers_reach_as_far_as_their_cells_and_no_further(workbook):
    _, sheet, save = workbook
    sheet.append([None, "Sold", None, "", "Note"])
    sheet.append(["sku", "units", "value", "depot", None])
    sheet.append(["A", 1, 2, "North", "x"])
    sheet.merge_cells("B1:C1")
    sheet.merge_cells("E1:E2")
    path = save()
    (table,) = opened(path, "sku", "Sold units", "Sold value", "depot").tables
    assert table.headers == ("sku", "Sold units", "Sold value", "depot", "Note")
    assert rows(path, "sku", "Sold value", "depot") == [("Sales", 3, "A", "1", "2", "North", "x")]


def test_rows_at_the_bottom_that_are_no_data_are_left_out_where_the_mapping_says_so(workbook):
    _, sheet, save = workbook
    for row in (["a"], [1], [2], [None], ["Total"], [3]):
        sheet.append(row)
    path = save()
    assert [row[1:] for row in rows(path, "a", footer_rows=2)] == [(2, "1"), (3, "2")]
    assert opened(path, "a", footer_rows=2).passed_over == ["sheet 'Sales': rows 5 to 6, as footer_rows says: Total"]


def test_the_sheets_asked_for_are_read_and_all_means_visible_ones_with_content(workbook):
    book, sheet, save = workbook
    for name in ("More", "Empty", "Hidden"):
        book.create_sheet(name)
    for each in (sheet, book["More"], book["Hidden"]):
        each.append(["a"])
        each.append([each.title])
    book["Hidden"].sheet_state = "hidden"
    path = save()
    assert rows(path, "a") == [("Sales", 2, "Sales"), ("More", 2, "More")]
    assert opened(path, "a").passed_over == ["sheet 'Empty' is empty", "sheet 'Hidden' is hidden"]
    assert rows(path, "a", sheets=["Hidden", "Sales"]) == [("Hidden", 2, "Hidden"), ("Sales", 2, "Sales")]
    error = refused(path, "a", sheets=["Sale"])
    assert error.reason_code == "unknown_sheet"
    assert "'Sales', 'More', 'Empty', 'Hidden'" in error.message
    assert error.remedy == "did you mean 'Sales'"


def test_a_pattern_takes_the_visible_sheets_that_fit_in_their_order(workbook):
    book, sheet, save = workbook
    for name in ("2024-02", "2024-01", "2023-12", "2024-03"):
        book.create_sheet(name).append(["a"])
        book[name].append([name])
    book["2024-03"].sheet_state = "hidden"
    sheet.append(["a"])
    path = save()
    assert [row[2] for row in rows(path, "a", sheets=["2024-*"])] == ["2024-02", "2024-01"]
    assert refused(path, "a", sheets=["sales*"]).reason_code == "unknown_sheet"


def test_a_cover_page_is_passed_over_and_named_beside_a_sheet_that_fits(workbook):
    book, sheet, save = workbook
    sheet.append(["Prepared for the board"])
    book.create_sheet("Data").append(["a"])
    book["Data"].append([1])
    opened_file = opened(save(), "a")
    assert [table.sheet for table in opened_file.tables] == ["Data"]
    assert opened_file.passed_over == ["sheet 'Sales' has no header row"]


def test_where_no_sheet_fits_the_first_is_given_so_that_its_headers_can_be_named(workbook):
    book, sheet, save = workbook
    sheet.append(["x", "y"])
    book.create_sheet("Data").append(["z"])
    (table,) = opened(save(), "a").tables
    assert table.headers == ("x", "y")


def test_an_empty_workbook_is_refused(workbook):
    *_, save = workbook
    assert refused(save()).reason_code == "empty_file"


def test_a_sheet_without_the_row_that_the_mapping_names_is_refused(workbook):
    _, sheet, save = workbook
    sheet.append(["a"])
    error = refused(save(), "a", header_row=9)
    assert error.reason_code == "wrong_columns"
    assert "sheet 'Sales'" in error.message


def test_a_workbook_is_known_by_its_content_and_not_by_its_name(workbook):
    _, sheet, save = workbook
    sheet.append(["a"])
    sheet.append([1])
    path = save().rename(save().with_suffix(".xls"))
    assert opened(path, "a").format == "Excel workbook (.xlsx)"
    assert rows(path, "a") == [("Sales", 2, "1")]


def test_a_long_sheet_comes_in_pieces_without_a_gap(tmp_path, monkeypatch):
    monkeypatch.setattr("inventra_pipelines.sources.formats.excel_files._CHUNK_ROWS", 40)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sales")
    for number in range(101):
        sheet.append([f"a{number}" if number else "a"])
    book.save(tmp_path / "w.xlsx")
    (table,) = opened(tmp_path / "w.xlsx", "a").tables
    chunks = list(table.chunks)
    assert [chunk.height for chunk in chunks] == [40, 40, 20]
    assert pl.concat(chunks)["0"].to_list() == [f"a{number}" for number in range(1, 101)]
    assert pl.concat(chunks)["row_number"].to_list() == list(range(2, 102))


def test_the_real_workbook_gives_both_sheets_row_by_row(shared_data):
    path = shared_data / "online_retail_ii" / "online_retail_II.xlsx"
    tables = {table.sheet: pl.concat(table.chunks) for table in opened(path, "StockCode").tables}
    assert {sheet: frame.height for sheet, frame in tables.items()} == {
        "Year 2009-2010": 14_269,
        "Year 2010-2011": 20_497,
    }
    sheet = openpyxl.load_workbook(path, read_only=True)["Year 2009-2010"]
    for row, cells in enumerate(sheet.iter_rows(min_row=2, max_row=300, values_only=True)):
        expected = [None if cell is None else str(cell) for cell in cells]
        assert list(tables["Year 2009-2010"].row(row))[3:] == expected
