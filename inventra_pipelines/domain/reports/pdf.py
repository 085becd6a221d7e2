"""The daily report as a PDF: the order of its sections, and what stands at the top and foot of every page."""

from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, NextPageTemplate, PageTemplate, Spacer

from inventra_pipelines.domain.reports import figures, fonts, theme
from inventra_pipelines.domain.reports.first_page import first_page
from inventra_pipelines.domain.reports.fonts import BOLD, REGULAR
from inventra_pipelines.domain.reports.glossary import glossary
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.section_accuracy import accuracy
from inventra_pipelines.domain.reports.section_data import alerts, anomalies, feeds
from inventra_pipelines.domain.reports.section_forecast import forecasts
from inventra_pipelines.domain.reports.section_sales import sales
from inventra_pipelines.domain.reports.section_stock import stock

_GAP = 16.0


class _CountedCanvas(Canvas):
    """A canvas that knows how many pages there are when it writes the foot of each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pages: list[dict[str, Any]] = []
        self.foot = ""

    def showPage(self) -> None:  # noqa: N802
        """Keep the page until the number of pages is known."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write every page with "Page x of y" at its foot."""
        for page in self._pages:
            self.__dict__.update(page)
            self._draw_foot(len(self._pages))
            super().showPage()
        super().save()

    def _draw_foot(self, pages: int) -> None:
        right = theme.PAGE_WIDTH - theme.MARGIN
        self.setStrokeColor(theme.RULE)
        self.setLineWidth(0.5)
        self.line(theme.MARGIN, 32, right, 32)
        self.setFillColor(theme.MUTED)
        self.setFont(REGULAR, 7)
        self.drawString(theme.MARGIN, 21, self.foot)
        self.drawRightString(right, 21, f"Page {self._pageNumber} of {pages}")


def render_pdf(report: DailyReport) -> bytes:
    """The report as a PDF; the same report gives the same bytes.

    Args:
        report: The day, as `DailyReport` documents it.

    Returns:
        The file's bytes. Tables too long to be read on paper are cut and say so ("N of M"); the workbook has every row.
    """
    fonts.register()
    buffer = BytesIO()
    document = _document(report, buffer)
    document.build(_story(report), canvasmaker=_CountedCanvas)
    return buffer.getvalue()


def _story(report: DailyReport) -> list[Flowable]:
    sections = [
        stock(report),
        forecasts(report),
        accuracy(report),
        alerts(report),
        anomalies(report),
        feeds(report),
        glossary(),
    ]
    story: list[Flowable] = [NextPageTemplate("later"), *first_page(report), *sales(report)]
    for section in sections:
        story += [Spacer(0, _GAP), *section]
    return story


def _document(report: DailyReport, buffer: BytesIO) -> BaseDocTemplate:
    document = BaseDocTemplate(
        buffer,
        pagesize=(theme.PAGE_WIDTH, theme.PAGE_HEIGHT),
        title=f"{report.tenant_name}: daily report, {figures.day(report.day)}",
        author="Inventra",
        subject=f"Sales, stock, forecast and orders as of {report.day.isoformat()}",
        creator="Inventra Pipelines",
        lang="en-GB",
        invariant=1,
        pageCompression=1,
    )
    plain = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0, "bottomPadding": 0}
    body = theme.PAGE_HEIGHT - theme.BOTTOM
    first = Frame(theme.MARGIN, theme.BOTTOM, theme.WIDTH, body - 30, id="first", **plain)
    later = Frame(theme.MARGIN, theme.BOTTOM, theme.WIDTH, body - theme.TOP, id="later", **plain)
    foot = _foot_words(report)

    def head(canvas: _CountedCanvas, _: BaseDocTemplate) -> None:
        _draw_head(canvas, report)
        canvas.foot = foot

    def only_foot(canvas: _CountedCanvas, _: BaseDocTemplate) -> None:
        canvas.foot = foot

    document.addPageTemplates(
        [PageTemplate("first", [first], onPage=only_foot), PageTemplate("later", [later], onPage=head)]
    )
    return document


def _foot_words(report: DailyReport) -> str:
    simulated = " · Stock figures are simulated" if report.is_stock_simulated else ""
    return f"Inventra daily report · configuration {report.config_version}{simulated}"


def _draw_head(canvas: Canvas, report: DailyReport) -> None:
    right, baseline = theme.PAGE_WIDTH - theme.MARGIN, theme.PAGE_HEIGHT - 32
    as_of = f"as of {figures.day(report.day)}"
    canvas.setFillColor(theme.INK)
    canvas.setFont(BOLD, 8)
    canvas.drawString(theme.MARGIN, baseline, figures.fit(figures.text(report.tenant_name), BOLD, 8, theme.WIDTH - 110))
    canvas.setFillColor(theme.MUTED)
    canvas.setFont(REGULAR, 8)
    canvas.drawRightString(right, baseline, as_of)
    canvas.setStrokeColor(theme.RULE)
    canvas.setLineWidth(0.5)
    canvas.line(theme.MARGIN, baseline - 6, right, baseline - 6)
