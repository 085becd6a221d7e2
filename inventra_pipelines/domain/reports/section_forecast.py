"""The coming weeks by item with their range, and how good past forecasts were, by lag and against the baseline."""

import polars as pl
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color
from reportlab.platypus import Flowable, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.charts import Plot, sparkline
from inventra_pipelines.domain.reports.model import DailyReport, item_label
from inventra_pipelines.domain.reports.tables import Column, GridTable

ITEMS = 40


def forecasts(report: DailyReport) -> list[Flowable]:
    """The items that will sell most, with the range of next week and the weeks ahead at a glance."""
    pieces = theme.section("Forecast", room=170)
    if not report.item_forecasts.height:
        why = "There is no forecast for this day. Forecasts are made for items that sold in the last weeks."
        return [*pieces, theme.Reason(why)]
    items = per_item(report.item_forecasts)
    top = items.head(ITEMS)
    horizon = report.item_forecasts["lag"].n_unique()
    last_on = figures.day(report.item_forecasts["target_on"].max())
    columns = [
        Column("Item", 50),
        Column("Name", 150),
        Column("Method", 76),
        Column("Next week\nlow (10 %)", 50, True, figures.rate),
        Column("Next week\nexpected", 50, True, figures.rate),
        Column("Next week\nhigh (90 %)", 52, True, figures.rate),
        Column(f"{horizon} weeks\nexpected", 52, True, figures.rate),
        Column(f"Next {horizon} weeks", 84, draw=sparkline),
    ]
    rows = top.select(item_label(), "name", "model_used", "q10", "mean", "q90", "total", "path").rows()
    cut = figures.shown(top.height, items.height, "Forecasts", "item")
    fallbacks = report.item_forecasts.filter(pl.col("fallback_reason").fill_null("") != "")["item_id"].n_unique()
    note = (
        f"{cut}; those that will sell most units come first. Weeks of seven days up to {last_on}. The band "
        f"runs from the 10 % to the 90 % quantile. A fallback method was used for {figures.count(fallbacks, 'item')}; "
        "the workbook says why for each. Ranges are for one item: they do not add up to a range of the total."
    )
    return [*pieces, theme.paragraph(note, theme.NOTE), Spacer(0, 4), GridTable(columns, rows)]


def per_item(frame: pl.DataFrame) -> pl.DataFrame:
    """A row per item and location, largest total first: next week's range, total, and path of (q10, mean, q90)."""
    keys = ["item_id", "location_id"]
    grouped = frame.sort(*keys, "lag").group_by(keys, maintain_order=True)
    items = grouped.agg(
        pl.col("name", "model_used", "q10", "mean", "q90").first(),
        total=pl.col("mean").sum(),
        path=pl.concat_list("q10", "mean", "q90"),
    )
    return items.sort("total", *keys, descending=[True, False, False])


def accuracy(report: DailyReport) -> list[Flowable]:
    """Table and chart of the error by lag, against the baseline."""
    intro = (
        "What was forecast one, two and more weeks ahead, against what was sold then. Lower error is better; value "
        "added is what the forecast gains over simply repeating the past (the baseline)."
    )
    pieces = theme.section("Forecast accuracy", intro, room=345 if report.accuracy.height else 120)
    if not report.accuracy.height:
        why = (
            "No earlier forecast has met its week yet: accuracy can be measured once a forecast week lies in the past."
        )
        return [*pieces, theme.Reason(why)]
    columns = [
        Column("Weeks\nahead", 44, True, figures.number),
        Column("Forecasts\nmeasured", 60, True, figures.number),
        Column("Units sold", 62, True, figures.units),
        Column("Error\n(WAPE)", 52, True, _percent),
        Column("Baseline\nerror (WAPE)", 62, True, _percent),
        Column("Value added", 62, True, figures.signed_percent, _good_or_bad),
        Column("Bias", 52, True, figures.signed_percent),
        Column("RMSSE", 50, True, lambda value: figures.number(value, 2)),
        Column("Within the\n80 % range", 60, True, _percent),
    ]
    keys = ["lag", "forecasts", "actual_units", "wape", "baseline_wape", "forecast_value_added", "bias", "rmsse"]
    rows = report.accuracy.select(*keys, "coverage_80").rows()
    return [*pieces, _accuracy_chart(report.accuracy), Spacer(0, 8), GridTable(columns, rows)]


def _percent(value: object) -> str:
    return figures.percent(value, 1)


def _good_or_bad(value: object) -> Color | None:
    if not figures.is_number(value):
        return None
    return theme.GOOD if value > 0 else theme.BAD  # type: ignore[operator]


def _accuracy_chart(frame: pl.DataFrame) -> Drawing:
    drawing = Drawing(theme.WIDTH, 150)
    errors, baseline = frame["wape"].to_list(), frame["baseline_wape"].to_list()
    box = (0.0, 0.0, theme.WIDTH, 150.0)
    plot = Plot(
        drawing,
        box,
        "Error (WAPE) by weeks ahead, per cent of units sold",
        frame.height,
        [*errors, *baseline],
        figures.percent,
    )
    plot.legend("forecast", theme.ACCENT, is_line=True)
    plot.legend("baseline (same week last year, else last week)", theme.WARN, is_line=True)
    plot.line(baseline, theme.WARN, dots=True, dash=[3, 2])
    plot.line(errors, theme.ACCENT, dots=True)
    for slot, lag in enumerate(frame["lag"].to_list()):
        plot.x_label(slot, figures.count(lag, "week"))
    return drawing
