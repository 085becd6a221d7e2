"""Errors and formulas without a result come out as their text, in every format of a workbook."""

import datetime as dt
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import fastexcel
import openpyxl
import pytest
import xlrd

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.excel_files import read_workbook
from inventra_pipelines.sources.formats.workbook_records import xlsb_records

ERRORS = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"]
SHEET = "xl/worksheets/sheet1.xml"


def rows(path: Path, **mapping) -> dict[str, dict[int, tuple]]:
    """Texts by sheet and row number, below the first row with content."""
    opened = read_workbook(path, FileMapping(**mapping), path.name, lambda _: True)
    return {
        table.sheet: {row[0]: row[3:] for chunk in table.chunks for row in chunk.iter_rows()} for table in opened.tables
    }


@pytest.fixture
def messy(shared_data) -> Path:
    folder = shared_data / "messy"
    if not folder.is_dir():
        pytest.skip("the folder of messy workbooks is not there")
    return folder


def test_errors_of_an_xlsx_come_out_as_their_text(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    for error in ERRORS:
        book.active.append(["x", error])
    book.save(tmp_path / "w.xlsx")
    assert [row[1] for row in rows(tmp_path / "w.xlsx")["Sheet"].values()] == ERRORS


def test_a_formula_that_was_never_calculated_is_an_error_wherever_it_stands(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["B2"], sheet["C2"] = "a", "b"
    sheet["B3"], sheet["C3"] = "x", "=B3&1"
    sheet["A5"] = "=1+1"
    book.save(tmp_path / "w.xlsx")
    (found,) = rows(tmp_path / "w.xlsx").values()
    assert found == {3: (None, "x", "#CALC!"), 5: ("#CALC!", None, None)}


def test_a_formula_with_a_stored_result_is_its_result_even_if_that_is_no_text(tmp_path):
    book = openpyxl.Workbook()
    for row in (["a", "b", "c"], ["x", "RESULT", "TEXT"]):
        book.active.append(row)
    path = tmp_path / "w.xlsx"
    book.save(path)
    _edit(
        path,
        (b'<c r="B2" t="inlineStr"><is><t>RESULT</t></is></c>', b'<c r="B2"><f>1+1</f><v>2</v></c>'),
        (b'<c r="C2" t="inlineStr"><is><t>TEXT</t></is></c>', b'<c r="C2" t="str"><f>""</f><v></v></c>'),
    )
    assert rows(path)["Sheet"] == {2: ("x", "2", "")}


def test_another_prefix_and_other_quotes_hide_no_error(tmp_path):
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["x", "#N/A"], ["y", "=1+1"]):
        book.active.append(row)
    path = tmp_path / "w.xlsx"
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        xml = archive.read(SHEET)
    prefixed = xml.replace(b"</", b"\0").replace(b"<", b"<x:").replace(b"\0", b"</x:").replace(b"xmlns=", b"xmlns:x=")
    for changed in (prefixed, xml.replace(b'"', b"'")):
        _edit(path, (xml, changed))
        assert [row[1] for row in rows(path)["Sheet"].values()] == ["#N/A", "#CALC!"]
        xml = changed


def _edit(path: Path, *changes: tuple[bytes, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for old, new in changes:
        assert old in parts[SHEET]
        parts[SHEET] = parts[SHEET].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


@pytest.fixture(scope="module")
def saved_by_an_office(tmp_path_factory) -> Path:
    """A folder of one workbook as xlsx, xls and ods, each written and calculated by LibreOffice."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not there")
    folder = tmp_path_factory.mktemp("office")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    sheet["B3"], sheet["C3"], sheet["D3"], sheet["E3"] = "code", "sold", "day", "time"
    formulas = ["=1/0", "=NA()", "=NOSUCH(1)", '=1+"x"', "=2*3", '="0012"&"A"']
    for number, formula in enumerate(formulas, 4):
        sheet.cell(number, 2, f"00{number}")
        sheet.cell(number, 3, formula)
        sheet.cell(number, 4, dt.date(2024, 1, number))
        sheet.cell(number, 5, dt.time(6, number))
    sheet["B15"], sheet["C15"] = 4006381333931, 0.1 + 0.2
    sheet["D15"], sheet["E15"] = dt.date(2024, 2, 29), dt.time(23, 59, 59)
    book.save(folder / "source.xlsx")
    (folder / "out").mkdir()
    for kind in ("xls", "ods", "xlsx"):
        command = [office, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", kind]
        subprocess.run(
            [*command, "--outdir", folder / "out", folder / "source.xlsx"], check=True, capture_output=True, timeout=120
        )
    return folder / "out"


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_every_format_tells_the_same_of_a_calculated_workbook(kind, saved_by_an_office):
    found = rows(saved_by_an_office / f"source.{kind}")["Sales"]
    assert [found[number][1] for number in range(4, 10)] == [
        "#DIV/0!",
        "#N/A",
        "#NAME?",
        "#VALUE!",
        "6",
        "0012A",
    ]
    assert found[4] == ("004", "#DIV/0!", "2024-01-04", "06:04:00")
    assert found[15] == ("4006381333931", "0.3", "2024-02-29", "23:59:59")
    assert sorted(found) == [*range(4, 10), 15]


@pytest.mark.parametrize("folder", ["readxl/tests/testthat/sheets", "readxl/inst/extdata"])
def test_xls_cells_agree_with_another_reader_cell_by_cell(folder, messy):
    compared = 0
    for path in sorted((messy / folder).glob("*.xls")):
        book = xlrd.open_workbook(path)
        for sheet in book.sheets():
            cells = {
                (row, column): sheet.cell(row, column)
                for row in range(sheet.nrows)
                for column in range(sheet.ncols)
                if sheet.cell_type(row, column) not in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)
            }
            if not any(str(cell.value).strip() for cell in cells.values()):
                continue
            first = min(column for _, column in cells)
            for number, texts in rows(path, sheets=[sheet.name])[sheet.name].items():
                for place, text in enumerate(texts, first):
                    assert _agree(text, cells.get((number - 1, place)), book.datemode), (path.name, number, place)
                    compared += 1
    assert compared > 500


def _agree(text: str | None, cell: xlrd.sheet.Cell | None, datemode: int) -> bool:
    if cell is None or text is None:
        return not (text or "").strip() and (cell is None or not str(cell.value).strip())
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return float(text) == pytest.approx(cell.value, abs=1e-9)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return text == str(bool(cell.value)).lower()
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return text == xlrd.error_text_from_code[cell.value]
    if cell.ctype == xlrd.XL_CELL_DATE and cell.value >= 1:
        expected = xlrd.xldate_as_datetime(cell.value, datemode)
        return abs(dt.datetime.fromisoformat(text) - expected) < dt.timedelta(seconds=1)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return text == str((dt.datetime.min + dt.timedelta(days=cell.value)).time())
    # A text that reads as a moment of day zero is taken for a time of day.
    return text == cell.value or cell.value == f"1899-12-31 {text}"


@pytest.mark.parametrize("folder", ["readxl/tests/testthat/sheets", "readxl/inst/extdata", "frictionless/data"])
def test_xlsx_cells_agree_with_another_reader_cell_by_cell(folder, messy):
    compared = 0
    for path in sorted((messy / folder).glob("*.xlsx")):
        try:
            book = openpyxl.load_workbook(path, data_only=True)
        except (IndexError, KeyError, TypeError):
            continue
        for sheet in book.worksheets:
            cells = {(cell.row, cell.column): cell.value for line in sheet.iter_rows() for cell in line}
            cells = {place: value for place, value in cells.items() if value is not None}
            if not any(str(value).strip() for value in cells.values()):
                continue
            first = min(column for _, column in cells)
            for number, texts in rows(path, sheets=[sheet.title])[sheet.title].items():
                for place, text in enumerate(texts, first):
                    value = cells.get((number, place))
                    assert _same(text, value), (path.name, sheet.title, number, place, text, value)
                    compared += 1
    assert compared > 200


def _same(text: str | None, value: object) -> bool:
    if text is None or value is None:
        return not (text or "").strip() and not str(value or "").strip()
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int | float):
        return float(text) == pytest.approx(value, abs=1e-9)
    if isinstance(value, dt.datetime):
        return abs(dt.datetime.fromisoformat(text) - value) < dt.timedelta(milliseconds=2)
    # openpyxl leaves the escape of a carriage return as it is in the file.
    return text in (value, str(value).replace("_x000D_", "\r")) or value == f"1899-12-31 {text}"


def test_charts_of_an_xls_leave_the_cells_of_their_sheet_alone(messy):
    path = messy / "calamine" / "tests" / "xls_cross_sheet_chart.xls"
    (table,) = read_workbook(path, FileMapping(sheets=["Report"]), path.name, lambda _: True).tables
    report = xlrd.open_workbook(path).sheet_by_name("Report")
    assert table.headers == ("HEADER TEXT A1",) == (report.cell_value(0, 0),)
    found = {row[0]: row[3] for chunk in table.chunks for row in chunk.iter_rows()}
    assert found == {row + 1: report.cell_value(row, 0) for row in range(1, report.nrows) if report.cell_value(row, 0)}


@pytest.mark.parametrize("name", ["any_sheets", "date", "date_1904", "issues"])
def test_an_xlsb_tells_the_same_as_its_xlsx(name, messy):
    folder = messy / "calamine" / "tests"
    names = [sheet.title for sheet in openpyxl.load_workbook(folder / f"{name}.xlsx").worksheets]
    by_kind = [
        {sheet: _rows_or_reason(folder / f"{name}.{kind}", sheet) for sheet in names} for kind in ("xlsx", "xlsb")
    ]
    assert by_kind[0] == by_kind[1]


def _rows_or_reason(path: Path, sheet: str) -> object:
    try:
        return rows(path, sheets=[sheet])
    except FileRejected as refusal:
        return refusal.reason_code


def test_errors_of_an_xlsb_come_out_as_their_text(messy, tmp_path):
    with zipfile.ZipFile(messy / "calamine" / "tests" / "date.xlsb") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = "xl/worksheets/sheet1.bin"
    content = parts[part]
    ends = [0] + [start + length for _, start, length in xlsb_records(content)]
    kinds = [kind for kind, _, _ in xlsb_records(content)]
    # The last cell of the sheet, a number of column B, becomes #N/A.
    last = max(place for place, kind in enumerate(kinds) if kind in (2, 5))
    error = struct.pack("<BBIIB", 3, 9, 1, 0, 0x2A)
    parts[part] = content[: ends[last]] + error + content[ends[last + 1] :]
    path = tmp_path / "w.xlsb"
    with zipfile.ZipFile(path, "w") as archive:
        for name, each in parts.items():
            archive.writestr(name, each)
    assert fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string").to_polars().row(2)[1] is None
    assert rows(path)["Sheet1"][3][1] == "#N/A"


ODS_CELLS = {
    '<table:table-cell office:value-type="time" office:time-value="PT30H05M00S"><text:p>30:05</text:p>': "30:05:00",
    '<table:table-cell office:value-type="time" office:time-value="PT00H05M00.5S"><text:p>0:05</text:p>': "00:05:00.5",
    '<table:table-cell table:formula="of:=1+1">': "#CALC!",
    '<table:table-cell table:formula="of:=A9" office:value-type="float" office:value="0"><text:p>Err:522</text:p>': (
        "Err:522"
    ),
    '<table:table-cell office:value-type="percentage" office:value="0.195"><text:p>20 %</text:p>': "0.195",
    '<table:table-cell office:value-type="currency" office:value="2.5"><text:p>2,50 EUR</text:p>': "2.5",
    '<table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>WAHR</text:p>': "true",
    '<table:table-cell office:value-type="string"><text:p>#N/A</text:p>': "#N/A",
}


def _ods(path: Path, rows_of_cells: list[str]) -> Path:
    namespaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = "".join(rows_of_cells)
    content = (
        f'<?xml version="1.0"?><office:document-content {namespaces} office:version="1.3"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    return path


@pytest.mark.parametrize(("cell", "text"), ODS_CELLS.items(), ids=ODS_CELLS.values())
def test_a_cell_of_an_ods_comes_as_its_value_wherever_rows_and_cells_repeat(cell, text, tmp_path):
    header = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    blank = '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
    repeated = cell.replace("<table:table-cell", '<table:table-cell table:number-columns-repeated="2"')
    path = _ods(
        tmp_path / "w.ods",
        [
            f"<table:table-row>{header * 3}</table:table-row>",
            blank,
            f'<table:table-row table:number-rows-repeated="2">{header}{repeated}</table:table-cell></table:table-row>',
        ],
    )
    assert rows(path)["S"] == {5: ("a", text, text), 6: ("a", text, text)}


def test_hidden_rows_of_an_ods_are_told(tmp_path):
    cell = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    kinds = ("", 'table:visibility="collapse" table:number-rows-repeated="2"', "", 'table:visibility="filter"')
    path = _ods(tmp_path / "w.ods", [f"<table:table-row {kind}>{cell}</table:table-row>" for kind in kinds])
    opened = read_workbook(path, FileMapping(), path.name, lambda _: True)
    assert opened.remarks == ["sheet 'S': 3 hidden rows, the first of them row 2, are read as the others"]


def test_an_ods_whose_cells_repeat_without_end_is_refused(tmp_path):
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
    path = _ods(tmp_path / "w.ods", [f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'])
    with pytest.raises(FileRejected, match="row 1,048,576 and column 16,384") as caught:
        rows(path)
    assert caught.value.reason_code == "too_large"


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _xls(path: Path, code_page: int, texts: list[str], is_large: bool) -> Path:
    """A workbook of one column, as programs write it that are no spreadsheets; a small stream lies in another place."""
    strings = b"".join(struct.pack("<HB", len(text), 1) + text.encode("utf-16-le") for text in texts)
    globals_end = b"".join(
        [
            _record(0x00FC, struct.pack("<II", len(texts), len(texts)) + strings),
            _record(0x000A, b""),
        ]
    )
    globals_start = _record(0x0809, struct.pack("<HHQ", 0x0600, 5, 0)) + _record(0x0042, struct.pack("<H", code_page))
    name = struct.pack("<BBBB", 0, 0, 1, 0) + b"S"
    offset = len(globals_start) + 4 + 4 + len(name) + len(globals_end)
    sheet = _record(0x0809, struct.pack("<HHQ", 0x0600, 16, 0))
    sheet += b"".join(_record(0x00FD, struct.pack("<HHHI", row, 0, 0, row)) for row in range(len(texts)))
    stream = (
        globals_start + _record(0x0085, struct.pack("<I", offset) + name) + globals_end + sheet + _record(0x000A, b"")
    )
    path.write_bytes(_compound(stream.ljust(4096 if is_large else len(stream), b"\x00")))
    return path


def _compound(stream: bytes) -> bytes:
    """A compound file that holds a workbook's stream; below 4,096 bytes in sectors of 64 bytes within the root's."""
    is_small = len(stream) < 4096
    sectors = -(-len(stream) // 512)
    chain = [*range(3, 2 + sectors), -2]
    table = [-3, -2, *chain] + ([-2] if is_small else [])
    table += [-1] * (128 - len(table))
    small = [*range(1, -(-len(stream) // 64)), -2] if is_small else []
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096)
    header += struct.pack("<iIiI", 2 + sectors if is_small else -2, int(is_small), -2, 0)
    header += struct.pack("<109i", 0, *[-1] * 108)

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = f"{name}\0".encode("utf-16-le")
        return text.ljust(64, b"\0") + struct.pack("<HBBiii36xiQ", len(text), kind, 1, -1, -1, child, start, size)

    root = entry("Root Entry", 5, 1, 2 if is_small else -2, len(stream) if is_small else 0)
    folder = root + entry("Workbook", 2, -1, 0 if is_small else 2, len(stream))
    body = struct.pack("<128i", *table) + folder.ljust(512, b"\0") + stream.ljust(512 * sectors, b"\0")
    if is_small:
        body += struct.pack("<128i", *small, *[-1] * (128 - len(small)))
    return header + body


@pytest.mark.parametrize("is_large", [True, False], ids=["large", "small"])
@pytest.mark.parametrize("code_page", [1200, 1252, 1251])
def test_texts_of_an_xls_are_unicode_whatever_code_page_it_names(code_page, is_large, tmp_path):
    path = _xls(tmp_path / "w.xls", code_page, ["item", "Łódź 5€", "abc"], is_large)
    assert xlrd.open_workbook(path).sheet_by_index(0).col_values(0) == ["item", "Łódź 5€", "abc"]
    with path.open("rb") as stream:
        assert stream.read(4) == b"\xd0\xcf\x11\xe0"
    opened = read_workbook(path, FileMapping(), "w.xls", lambda headers: headers == ("item",))
    (table,) = opened.tables
    assert table.headers == ("item",)
    assert [chunk["0"].to_list() for chunk in table.chunks] == [["Łódź 5€", "abc"]]
