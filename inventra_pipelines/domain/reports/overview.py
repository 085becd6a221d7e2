"""The first sheet of the workbook: key figures, feeds, and what the other sheets hold."""

from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from inventra_pipelines.domain.reports import figures
from inventra_pipelines.domain.reports.kpis import Kpi, key_figures
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.sheet_model import Sheet

FONT = "Calibri"
_INK, _ACCENT, _MUTED, _WARN = "1D2733", "1F5F82", "667282", "A86A12"
_NUMBERS = {"money": "#,##0", "money_exact": "#,##0.00", "count": "#,##0", "percent": "0.0%"}


class _Writer:
    """Appends rows of styled cells to a sheet; texts are never formulas."""

    def __init__(self, page: WriteOnlyWorksheet) -> None:
        self._page = page

    def cell(self, value: Any, font: Font | None = None, number_format: str = "", fill: str = "") -> WriteOnlyCell:
        cell = WriteOnlyCell(self._page, figures.text(value) if isinstance(value, str) and value else value)
        if font:
            cell.font = font
        if number_format:
            cell.number_format = number_format
        if fill:
            cell.fill = PatternFill("solid", start_color=fill)
        if isinstance(value, str):
            cell.data_type = "s"
            cell.alignment = Alignment(horizontal="left", indent=1)
        return cell

    def line(self, text: str, size: int = 11, bold: bool = False, colour: str = _INK) -> None:
        self._page.append([self.cell(text, Font(name=FONT, size=size, bold=bold, color=colour))])

    def head(self, *titles: str, right: int) -> None:
        """A heading over eight columns; those from the second to column `right` hold numbers."""
        font = Font(name=FONT, bold=True, color="FFFFFF")
        cells = [self.cell(title, font, fill=_ACCENT) for title in (*titles, *[""] * (8 - len(titles)))]
        for cell in cells[1:right]:
            cell.alignment = Alignment(horizontal="right")
        self._page.append(cells)

    def row(self, *cells: WriteOnlyCell) -> None:
        self._page.append(list(cells))

    def gap(self) -> None:
        self._page.append([])


def add_overview(book: Workbook, report: DailyReport, sheets: list[Sheet]) -> None:
    """Write the sheet Overview as the first of the book."""
    page = book.create_sheet("Overview")
    page.sheet_view.showGridLines = False
    for letter, width in zip("ABCDEFGH", (32, 16, 16, 14, 14, 16, 22, 16), strict=True):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "A3"
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    out = _Writer(page)
    out.line(report.tenant_name, 16, True, _ACCENT)
    out.line(
        f"Daily report as of {figures.day(report.day)} · money in {report.currency} · "
        f"configuration {report.config_version}",
        colour=_MUTED,
    )
    if report.is_stock_simulated:
        out.line(
            "Stock figures are simulated: a replay of the real sales against a reorder rule, not counts.",
            11,
            True,
            _WARN,
        )
    out.gap()
    _key_figures(out, report)
    out.gap()
    _feeds(out, report)
    out.gap()
    _contents(out, sheets)


def _key_figures(out: _Writer, report: DailyReport) -> None:
    out.head("Key figure", "Value", "Previous 28 days", "Change", "Note", right=4)
    for figure in key_figures(report):
        label = f"{figure.label} (simulated)" if figure.is_stock and report.is_stock_simulated else figure.label
        number_format = _NUMBERS[figure.kind]
        known = figure.value is not None
        value = (
            out.cell(figure.value, Font(name=FONT, bold=True), number_format) if known else out.cell("not available")
        )
        previous = out.cell(figure.previous, None, number_format)
        out.row(
            out.cell(label), value, previous, out.cell(figure.change, None, "+0.0%;-0.0%;0.0%"), out.cell(_note(figure))
        )


def _note(figure: Kpi) -> str:
    if figure.value is None:
        return f"Not available: {figure.reason}."
    return "" if figure.detail.startswith("previous") else figure.detail


def _feeds(out: _Writer, report: DailyReport) -> None:
    titles = (
        "Feed",
        "Files landed",
        "Rows read",
        "Accepted",
        "Rejected",
        "Last landed",
        "Newest business day",
        "Days old",
    )
    out.head(*titles, right=8)
    for feed in report.feeds.iter_rows(named=True):
        newest = feed["last_business_on"]
        counts = [feed[name] for name in ("files", "rows_read", "rows_accepted", "rows_rejected")]
        out.row(
            out.cell(figures.words(feed["dataset"]).capitalize()),
            *[out.cell(count, None, "#,##0") for count in counts],
            out.cell(feed["last_landed_on"], None, "d mmm yyyy"),
            out.cell(newest, None, "d mmm yyyy"),
            out.cell(None if newest is None else (report.day - newest).days, None, "#,##0"),
        )
    if not report.feeds.height:
        out.line("No feeds: no dataset is configured for this tenant and no file has ever landed.", colour=_MUTED)


def _contents(out: _Writer, sheets: list[Sheet]) -> None:
    out.head("Sheet", "Rows", right=2)
    for sheet in sheets:
        note = sheet.why_empty if not sheet.frame.height else ""
        out.row(out.cell(sheet.title), out.cell(sheet.frame.height, None, "#,##0"), out.cell(note))
