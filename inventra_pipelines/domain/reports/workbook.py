"""The daily report as a workbook: typed cells, frozen headers, filters, a chart; every row that the PDF cuts.

openpyxl writes the parts, the styles and the chart; rows of data are written by `xlsx_rows.py`.
"""

from datetime import datetime, time
from functools import partial
from io import BytesIO

import polars as pl
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.writer.excel import ExcelWriter

from inventra_pipelines.domain.reports import figures
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.overview import FONT, add_overview
from inventra_pipelines.domain.reports.sales_chart import add_sales_chart
from inventra_pipelines.domain.reports.sheet_model import Kind, Sheet, SheetColumn
from inventra_pipelines.domain.reports.sheets import data_sheets
from inventra_pipelines.domain.reports.xlsx_archive import Rows, WorkbookArchive
from inventra_pipelines.domain.reports.xlsx_rows import sheet_rows

MAX_ROWS = 1_048_576
FIRST_ROW = 3

FORMATS: dict[Kind, str] = {
    "text": "General",
    "code": "@",
    "words": "General",
    "date": "d mmm yyyy",
    "money": "#,##0.00",
    "quantity": "#,##0",
    "count": "#,##0",
    "percent": "0.0%",
    "ratio": "0.00",
    "flag": "General",
}


def render_workbook(report: DailyReport, max_rows: int = MAX_ROWS) -> bytes:
    """The report as an xlsx file; the same report gives the same bytes.

    Args:
        report: The day, as `DailyReport` documents it.
        max_rows: How many rows a sheet can have. A sheet with more says at its top how many of how many it shows.

    Returns:
        The file's bytes.
    """
    book = Workbook(write_only=True)
    stamp = datetime.combine(report.day, time())
    book.properties.creator = "Inventra"
    book.properties.title = f"{figures.text(report.tenant_name)}: daily report, {figures.day(report.day)}"
    book.properties.created = book.properties.modified = stamp
    sheets = data_sheets(report)
    add_overview(book, report, sheets)
    rows: dict[str, Rows] = {}
    for index, sheet in enumerate(sheets, 2):
        part = f"xl/worksheets/sheet{index}.xml"
        rows[part] = _add_sheet(book, report, sheet, max_rows)
    buffer = BytesIO()
    ExcelWriter(book, WorkbookArchive(buffer, rows)).save()
    return buffer.getvalue()


def _add_sheet(book: Workbook, report: DailyReport, sheet: Sheet, max_rows: int) -> Rows:
    """Lay a sheet out down to its header; returns what gives its rows."""
    page = book.create_sheet(sheet.title)
    frame = sheet.frame.select(_written(column) for column in sheet.columns).head(max_rows - FIRST_ROW + 1)
    last = FIRST_ROW - 1 + frame.height
    page.freeze_panes = f"{get_column_letter(sheet.frozen + 1)}{FIRST_ROW}"
    # The properties of a sheet are written with its first row.
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0
    page.row_dimensions[1].height, page.row_dimensions[2].height = 20, 31
    for index, column in enumerate(sheet.columns, 1):
        page.column_dimensions[get_column_letter(index)].width = column.width
    page.append(
        [_styled(page, _title(report, sheet, frame.height), Font(name=FONT, bold=True, size=12, color="1F5F82"))]
    )
    page.append(_header(page, sheet.columns))
    if frame.height:
        page.auto_filter.ref = f"A2:{get_column_letter(len(sheet.columns))}{last}"
    else:
        page.append([_styled(page, sheet.why_empty, Font(name=FONT, italic=True, color="667282"))])
    page.print_title_rows = "1:2"
    if sheet.title == "Sales" and frame.height:
        add_sales_chart(page, report, FIRST_ROW, last)
    styles = [_style(page, _format(frame, column)) for column in sheet.columns]
    return partial(sheet_rows, frame, styles, FIRST_ROW)


def _written(column: SheetColumn) -> pl.Expr:
    if column.kind != "words":
        return pl.col(column.source)
    return (
        pl.col(column.source)
        .str.replace_all("_", " ", literal=True)
        .str.replace("stock out", "stock-out", literal=True)
    )


def _title(report: DailyReport, sheet: Sheet, written: int) -> str:
    whole = sheet.frame.height
    rows = figures.count(whole, "row")
    if written < whole:
        rows = f"{written:,} of {whole:,} rows (a sheet of a workbook holds no more)"
    simulated = ["stock figures are simulated"] if sheet.is_stock and report.is_stock_simulated else []
    pieces = [sheet.title, figures.text(report.tenant_name), f"as of {figures.day(report.day)}", rows, *simulated]
    return " · ".join([*pieces, *([sheet.note] if sheet.note else [])])


def _styled(page: WriteOnlyWorksheet, text: str, font: Font) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, text)
    cell.data_type, cell.font = "s", font
    return cell


def _header(page: WriteOnlyWorksheet, columns: list[SheetColumn]) -> list[WriteOnlyCell]:
    cells = []
    for column in columns:
        cell = _styled(page, column.heading, Font(name=FONT, bold=True, color="FFFFFF"))
        cell.fill = PatternFill("solid", start_color="1F5F82")
        left = column.kind in ("text", "code", "words", "flag")
        cell.alignment = Alignment(
            wrap_text=True, vertical="center", horizontal="left" if left else "right", indent=int(left)
        )
        cell.border = Border(bottom=Side("thin", color="CFD6DE"))
        cells.append(cell)
    return cells


def _format(frame: pl.DataFrame, column: SheetColumn) -> str:
    """The number format of a column; quantities show one decimal where not all of them are whole."""
    if column.kind == "quantity" and (frame[column.source] % 1 != 0).any():
        return "#,##0.0"
    return FORMATS[column.kind]


def _style(page: WriteOnlyWorksheet, number_format: str) -> int:
    """The index of a cell style in the workbook."""
    cell = WriteOnlyCell(page)
    cell.number_format = number_format
    if number_format in (FORMATS["text"], FORMATS["code"]):
        cell.alignment = Alignment(horizontal="left", indent=1)
    return int(cell.style_id)
