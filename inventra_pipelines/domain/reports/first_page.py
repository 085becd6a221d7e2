"""The first page: whose day it is, how fresh the data is, the key figures, and what to do first."""

from datetime import date
from typing import cast

import polars as pl
from reportlab.lib.colors import Color
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.actions import LIMITED_SHARE, Action, first_actions, ranked_actions
from inventra_pipelines.domain.reports.fonts import BOLD, REGULAR
from inventra_pipelines.domain.reports.kpis import NO_RATE, Kpi, key_figures
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.series import daily_series
from inventra_pipelines.domain.reports.tables import Column, GridTable, code_words

TOP_ACTIONS = 20
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Masthead(Flowable):
    """The tenant's name, the day, and revenue of 91 days at a glance on the right."""

    def __init__(self, report: DailyReport) -> None:
        super().__init__()
        self._report = report

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """The whole width, 54 points high."""
        self.width, self.height = available_width, 54.0
        return self.width, self.height

    def draw(self) -> None:
        """The band with its texts and the small chart."""
        canvas, report = self.canv, self._report
        canvas.setFillColor(theme.ACCENT)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        canvas.setFillColor(theme.WHITE)
        canvas.setFont(BOLD, 18)
        canvas.drawString(14, 29, figures.fit(figures.text(report.tenant_name), BOLD, 18, self.width * 0.6 - 20))
        canvas.setFont(REGULAR, 9.5)
        weekday = _WEEKDAYS[report.day.weekday()]
        canvas.drawString(14, 12, f"Daily report as of {weekday}, {figures.day(report.day)}")
        daily = daily_series(report)
        values = [max(value or 0.0, 0.0) for value in daily["revenue"].to_list()]
        left = self.width * 0.62
        canvas.setFont(REGULAR, 7)
        if not any(values):
            is_known = daily["revenue"].count() == daily["units_sold"].count()
            canvas.drawString(left, 12, "No sales in the last 91 days" if is_known else f"Only {NO_RATE} in 91 days")
            return
        peak = figures.short_money(report.currency)(max(values))
        canvas.drawString(left, 42, f"Revenue per day, 91 days, highest {peak}")
        step = (self.width - left - 14) / len(values)
        for index, value in enumerate(values):
            height = value / max(values) * 30
            canvas.rect(left + index * step, 7, step * 0.7, height, stroke=0, fill=1)


class Tiles(Flowable):
    """Key figures in rows of four: label, figure, change, what stands beside it or why it is missing."""

    _ACROSS, _GAP, _HEIGHT = 4, 6.0, 54.0

    def __init__(self, tiles: list[Kpi], currency: str, marks_stock: bool) -> None:
        super().__init__()
        self._tiles, self._currency, self._marks_stock = tiles, currency, marks_stock

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As many rows as the tiles need."""
        rows = -(-len(self._tiles) // self._ACROSS)
        self.width, self.height = available_width, rows * (self._HEIGHT + self._GAP) - self._GAP
        return self.width, self.height

    def draw(self) -> None:
        """Every tile at its place."""
        width = (self.width - (self._ACROSS - 1) * self._GAP) / self._ACROSS
        for index, tile in enumerate(self._tiles):
            row, across = divmod(index, self._ACROSS)
            bottom = self.height - row * (self._HEIGHT + self._GAP) - self._HEIGHT
            self._draw_tile(tile, across * (width + self._GAP), bottom, width)

    def _draw_tile(self, tile: Kpi, left: float, bottom: float, width: float) -> None:
        canvas, room = self.canv, width - 14
        marked = tile.is_stock and self._marks_stock
        canvas.setFillColor(theme.ZEBRA)
        canvas.rect(left, bottom, width, self._HEIGHT, stroke=0, fill=1)
        canvas.setFillColor(theme.WARN if marked else theme.ACCENT)
        canvas.rect(left, bottom, 2, self._HEIGHT, stroke=0, fill=1)
        canvas.setFillColor(theme.MUTED)
        canvas.setFont(REGULAR, 7)
        label = f"{tile.label}, simulated" if marked else tile.label
        canvas.drawString(left + 8, bottom + 41, figures.fit(label, REGULAR, 7, room))
        size = 15.0 if tile.value is not None else 10.0
        written = tile.written(self._currency)
        canvas.setFillColor(theme.INK if tile.value is not None else theme.MUTED)
        canvas.setFont(BOLD, size)
        canvas.drawString(left + 8, bottom + 22, figures.fit(written, BOLD, size, room))
        start = left + 8
        if tile.change is not None:
            change = figures.signed_percent(tile.change)
            canvas.setFont(BOLD, 7.5)
            canvas.setFillColor(_change_tone(tile))
            canvas.drawString(start, bottom + 8, change)
            start += stringWidth(change, BOLD, 7.5) + 5
        canvas.setFillColor(theme.MUTED)
        detail = tile.detail if tile.value is not None else tile.reason
        self._draw_detail(detail, start, bottom + 8, left + width - 6 - start)

    def _draw_detail(self, detail: str, left: float, baseline: float, room: float) -> None:
        size = 6.5
        while size > 5.2 and stringWidth(detail, REGULAR, size) > room:
            size -= 0.1
        self.canv.setFont(REGULAR, size)
        self.canv.drawString(left, baseline, figures.fit(detail, REGULAR, size, room))


def _change_tone(tile: Kpi) -> Color:
    if not tile.better or abs(tile.change or 0.0) < 0.0005:
        return theme.MUTED
    return theme.GOOD if ((tile.change or 0.0) > 0) == (tile.better == "up") else theme.BAD


def first_page(report: DailyReport) -> list[Flowable]:
    """Masthead, freshness, key figures, the twenty actions."""
    pieces: list[Flowable] = [theme.Bookmark("Summary", "Summary"), Masthead(report), Spacer(0, 7)]
    if report.is_stock_simulated:
        pieces += [theme.simulated_note(), Spacer(0, 7)]
    pieces += [*freshness(report), Spacer(0, 8)]
    pieces += [Tiles(key_figures(report), report.currency, report.is_stock_simulated), Spacer(0, 9)]
    return pieces + _actions(report)


def age(last_on: date | None, today: date) -> str:
    """How old the last business day is: "today", "1 day old"."""
    if last_on is None:
        return figures.NONE
    days = (today - last_on).days
    return "up to date" if days <= 0 else f"{figures.count(days, 'day')} old"


def freshness(report: DailyReport) -> list[Flowable]:
    """A row per feed: what landed on the day, what was rejected, and how old its newest business day is."""
    if not report.feeds.height:
        return [theme.Reason("No feeds: no dataset is configured for this tenant and no file has ever landed.")]
    rows = [
        (
            code_words(feed["dataset"]).capitalize(),
            feed["files"],
            feed["rows_read"],
            feed["rows_accepted"],
            feed["rows_rejected"],
            feed["last_landed_on"],
            feed["last_business_on"],
            age(feed["last_business_on"], report.day),
        )
        for feed in report.feeds.iter_rows(named=True)
    ]
    columns = [
        Column("Feed", 96),
        Column("Files landed", 58, True, figures.number),
        Column("Rows read", 58, True, figures.number),
        Column("Accepted", 58, True, figures.number),
        Column("Rejected", 58, True, figures.number, _warn_if_any),
        Column("Last landed", 66, True, figures.day),
        Column("Newest business day", 88, True, figures.day),
        Column("Freshness", 72, True, tone=_warn_if_old),
    ]
    return [GridTable(columns, rows, row_height=12.0)]


def _warn_if_any(value: object) -> Color | None:
    return theme.WARN if value else None


def _warn_if_old(value: object) -> Color | None:
    words = str(value).split()
    return theme.WARN if words[-1] == "old" and int(words[0].replace(",", "")) > 3 else None


def _actions(report: DailyReport) -> list[Flowable]:
    actions = ranked_actions(report)
    counted = report.alerts.filter(pl.col("state") == "open").group_by("severity").len().sort("severity")
    alerts = ", ".join(f"{n:,} {figures.text(severity)}" for severity, n in counted.iter_rows()) or "none"
    title = "What to do first"
    if not actions:
        why = "There is no order proposal that calls for an order or a sale of excess, and no open alert."
        if not report.proposals.height:
            why = "No order proposals were made for this day: they need a stock count and a forecast. No alert is open."
        return [*theme.subsection(title), theme.Reason(why)]
    top = first_actions(actions, TOP_ACTIONS)
    money = sum(action.money or 0.0 for action in top)
    whole = sum(action.money or 0.0 for action in actions)
    pounds = figures.money(report.currency)
    limited = any(action.limited for action in actions if action not in top)
    share = f"{LIMITED_SHARE:.0%}"
    excess = (
        f" Excess and unusual sales take at most {share} of the places each, so that orders show." if limited else ""
    )
    note = (
        f"{len(top)} of {figures.count(len(actions), 'action')} by money at stake, {pounds(money)} of {pounds(whole)}."
        f"{excess} Open alerts: {alerts}. Rows rejected today: {report.rows_rejected:,}."
    )
    columns = [
        Column("", 20, draw=_draw_rank),
        Column("Action", 106),
        Column("Item", 48),
        Column("Name", 150),
        Column("Why", 138),
        Column("At stake" + (" (sim.)" if report.is_stock_simulated else ""), 62, True, pounds),
    ]
    rows = [_action_row(rank, action) for rank, action in enumerate(top, 1)]
    return [*theme.subsection(title, note), GridTable(columns, rows, row_height=14.2)]


def _action_row(rank: int, action: Action) -> tuple[object, ...]:
    return ((rank, action.tone), action.what, action.item or "all items", action.name, action.why, action.money)


def _draw_rank(canvas: Canvas, value: object, left: float, bottom: float, width: float, height: float) -> None:
    """The rank in a disc, in the colour of how urgent the action is."""
    rank, tone = cast("tuple[int, str]", value)
    middle = bottom + height / 2
    canvas.setFillColor(theme.TONES.get(tone, theme.ACCENT))
    canvas.circle(left + width / 2, middle, 5.2, stroke=0, fill=1)
    canvas.setFillColor(theme.WHITE)
    canvas.setFont(BOLD, 6)
    canvas.drawCentredString(left + width / 2, middle - 2.1, str(rank))
