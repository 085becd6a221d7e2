"""Workbooks: cells as text, sheets, formula errors, and files made to hurt."""

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.read import read_tables


@pytest.fixture
def workbook(tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.title = "Sales"

    def save(name: str = "w.xlsx") -> Path:
        book.save(tmp_path / name)
        return tmp_path / name

    return book, book.active, save


def refused(path: Path, **mapping) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        read_tables(path, FileMapping(**mapping))
    assert path.name in caught.value.message
    assert caught.value.remedy
    return caught.value


def test_cells_come_as_text_with_iso_dates_and_whole_numbers_without_a_fraction(workbook):
    _, sheet, save = workbook
    sheet.append(["code", "when", "day", "text", "number", "flag"])
    sheet.append([17850.0, dt.datetime(2024, 1, 2, 3, 4, 5), dt.date(2024, 1, 2), "0012", 0.1 + 0.2, True])
    (table,) = read_tables(save(), FileMapping())
    assert table.sheet == "Sales"
    assert table.headers == ("code", "when", "day", "text", "number", "flag")
    assert table.frame.row(0)[3:] == ("17850", "2024-01-02 03:04:05", "2024-01-02 00:00:00", "0012", "0.3", "true")


def test_row_numbers_are_the_sheets_where_the_data_begin_further_down_and_right(workbook):
    _, sheet, save = workbook
    sheet["C3"], sheet["D3"] = "a", "b"
    sheet["C4"], sheet["D4"] = "x", "#N/A"
    sheet["C7"], sheet["D7"] = "y", "=1+1"
    (table,) = read_tables(save(), FileMapping(header_row=3))
    assert table.headers == ("a", "b")
    assert table.frame.select("row_number", "0", "1").rows() == [(4, "x", "#N/A"), (7, "y", "#CALC!")]


def test_the_sheets_asked_for_are_read_and_all_means_visible_ones_with_content(workbook):
    book, sheet, save = workbook
    sheet.append(["a"])
    sheet.append(["1"])
    for name in ("More", "Empty", "Hidden"):
        book.create_sheet(name)
    for name in ("More", "Hidden"):
        book[name].append(["a"])
        book[name].append([name])
    book["Hidden"].sheet_state = "hidden"
    path = save()
    assert [table.sheet for table in read_tables(path, FileMapping())] == ["Sales", "More"]
    assert [table.sheet for table in read_tables(path, FileMapping(sheets=["Hidden"]))] == ["Hidden"]
    error = refused(path, sheets=["Sale"])
    assert error.reason_code == "unknown_sheet"
    assert error.remedy == "did you mean 'Sales'"


def test_an_empty_workbook_is_refused(workbook):
    *_, save = workbook
    assert refused(save()).reason_code == "empty_file"


def test_a_cell_in_the_last_corner_is_refused_before_it_is_parsed(workbook):
    _, sheet, save = workbook
    sheet["A1"], sheet["XFD1048576"] = "a", 1
    error = refused(save())
    assert error.reason_code == "too_large"
    assert "1,048,576" in error.message


def test_a_zip_bomb_is_refused_before_it_is_unpacked(workbook, tmp_path):
    *_, save = workbook
    path = save()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", b"\0" * (80 * 2**20))
    assert refused(path).reason_code == "too_large"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04 this is no archive", "unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "unreadable"),
    ],
    ids=["no-archive", "no-compound-file"],
)
def test_a_broken_workbook_is_refused(content, reason, tmp_path):
    path = tmp_path / "w.xlsx"
    path.write_bytes(content)
    assert refused(path).reason_code == reason


def test_a_workbook_cut_short_is_refused(workbook):
    _, sheet, save = workbook
    sheet.append(["a"])
    path = save()
    path.write_bytes(path.read_bytes()[:-200])
    assert refused(path).reason_code == "unreadable"


def test_a_zip_of_something_else_is_refused(tmp_path):
    path = tmp_path / "sales.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sales.csv", "a,b\n1,2\n")
    assert refused(path).reason_code == "unknown_format"


def test_the_real_workbook_gives_both_sheets_row_by_row(shared_data):
    path = shared_data / "online_retail_ii" / "online_retail_II.xlsx"
    tables = read_tables(path, FileMapping())
    assert [(table.sheet, table.frame.height) for table in tables] == [
        ("Year 2009-2010", 14_269),
        ("Year 2010-2011", 20_497),
    ]
    sheet = openpyxl.load_workbook(path, read_only=True)["Year 2009-2010"]
    for row, cells in enumerate(sheet.iter_rows(min_row=2, max_row=40, values_only=True)):
        expected = [None if cell is None else str(cell) for cell in cells]
        assert list(tables[0].frame.row(row))[3:] == expected


@pytest.mark.parametrize("name", ["any_sheets.ods", "date.xls", "date.xlsb", "temperature.xlsx"])
def test_each_kind_of_workbook_is_read(shared_data, name):
    folder = shared_data / "messy" / "calamine" / "tests"
    if not folder.is_dir():
        pytest.skip("the folder of messy workbooks is not there")
    assert read_tables(folder / name, FileMapping())[0].frame.height
