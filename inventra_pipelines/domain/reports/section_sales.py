"""The sales page: revenue by day and week, units with the forecast of the coming weeks, and the weeks as a table."""

from datetime import timedelta

import polars as pl
from reportlab.graphics.shapes import Drawing
from reportlab.platypus import Flowable, PageBreak, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.charts import Plot
from inventra_pipelines.domain.reports.kpis import NO_RATE
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.series import DAYS, daily_series, weekly_series
from inventra_pipelines.domain.reports.tables import Column, GridTable

_HALF = (theme.WIDTH - 18) / 2


def sales(report: DailyReport) -> list[Flowable]:
    """Charts and weekly table; a sentence where nothing was sold in 91 days."""
    intro = (
        f"{DAYS} days to {figures.day(report.day)}. Revenue is goods sold before returns, in {report.currency}; "
        "cancelled documents and services such as postage are left out. Days without a bar had no sales"
    )
    daily = daily_series(report)
    is_priced = daily["revenue"].count() == daily["units_sold"].count()
    intro += "." if is_priced else f", or {NO_RATE}: their revenue is not known."
    pieces = [PageBreak(), *theme.section("Sales", intro)]
    if not daily["units_sold"].is_not_null().any():
        why = "There are no sales in the 91 days up to this day, so there is nothing to draw."
        if not report.daily_sales.height:
            why += " Look at the data feeds: the sales feed may not have landed."
        return [*pieces, theme.Reason(why)]
    weeks = weekly_series(report, report.day)
    return [
        *pieces,
        _daily_chart(report, daily),
        Spacer(0, 14),
        _weekly_charts(report, weeks),
        Spacer(0, 14),
        *theme.subsection("Weeks", "Seven days each; the last one ends on the day of this report.", room=120),
        _week_table(report, weeks),
    ]


def _daily_chart(report: DailyReport, daily: pl.DataFrame) -> Drawing:
    drawing = Drawing(theme.WIDTH, 175)
    revenue = daily["revenue"].to_list()
    sign = figures.symbol(report.currency).strip()
    box = (0.0, 0.0, theme.WIDTH, 175.0)
    plot = Plot(drawing, box, f"Revenue per day, {sign}", DAYS, revenue, figures.short_money(report.currency))
    plot.legend("day", theme.ACCENT_SOFT)
    plot.legend("average of the last 7 days", theme.ACCENT, is_line=True)
    plot.bars(revenue, theme.ACCENT_SOFT)
    plot.line(daily["average_7d"].to_list(), theme.ACCENT)
    for slot in range(DAYS - 1, -1, -14):
        plot.x_label(slot, figures.day_short(daily["day_on"][slot]))
    return drawing


def _weekly_charts(report: DailyReport, weeks: pl.DataFrame) -> Drawing:
    drawing = Drawing(theme.WIDTH, 160)
    revenue = weeks["revenue"].to_list()
    sign = figures.symbol(report.currency).strip()
    box = (0.0, 0.0, _HALF, 160.0)
    plot = Plot(drawing, box, f"Revenue per week, {sign}", len(revenue), revenue, figures.short_money(report.currency))
    plot.bars(revenue, theme.ACCENT)
    for slot in range(len(revenue) - 1, -1, -3):
        plot.x_label(slot, figures.day_short(weeks["week_ends_on"][slot]))
    _units_chart(report, drawing)
    return drawing


def _units_chart(report: DailyReport, drawing: Drawing) -> None:
    """Units of whole weeks up to the forecast's cutoff, then the forecast means."""
    ahead = report.forecasts_weekly
    cutoff = report.day
    if ahead.height:
        cutoff = ahead["target_on"][0] - timedelta(days=7 * ahead["lag"][0])
    weeks = weekly_series(report, cutoff)
    past, means = weeks["units_sold"].to_list(), ahead["mean"].to_list()
    ends = weeks["week_ends_on"].to_list() + ahead["target_on"].to_list()
    title = "Units per week: sold and expected" if means else "Units per week (no forecast for this day)"
    box = (_HALF + 18, 0.0, _HALF, 160.0)
    plot = Plot(drawing, box, title, len(ends), [*past, *means], figures.short_number)
    plot.legend("sold", theme.ACCENT)
    plot.bars(past, theme.ACCENT)
    if means:
        plot.legend("expected (mean of the forecast)", theme.ACCENT_SOFT)
        plot.bars(means, theme.ACCENT_SOFT, first=len(past))
    for slot in range(len(past) - 1, -1, -4):
        plot.x_label(slot, figures.day_short(ends[slot]))
    for slot in range(len(past) + 3, len(ends), 4):
        plot.x_label(slot, figures.day_short(ends[slot]))


def _week_table(report: DailyReport, weeks: pl.DataFrame) -> GridTable:
    rows: list[tuple[object, ...]] = []
    revenue: float | None
    before: float | None = None
    begun = weeks.filter(pl.col("days_with_sales").cum_sum() > 0)
    for end, revenue, units_sold, days in begun.iter_rows():
        change = revenue / before - 1 if before and revenue is not None else None
        per_day = revenue / days if days and revenue is not None else None
        rows.append((end, revenue, change, units_sold, days, per_day))
        before = revenue
    pounds = figures.money(report.currency)
    columns = [
        Column("Week to", 90, write=figures.day),
        Column("Revenue", 90, True, pounds),
        Column("Change on week before", 100, True, figures.signed_percent),
        Column("Units sold", 80, True, figures.units),
        Column("Days with sales", 80, True, figures.number),
        Column("Revenue per day with sales", 110, True, pounds),
    ]
    return GridTable(columns, rows[::-1])
