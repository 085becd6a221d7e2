"""The coming weeks by item with their range. How good past forecasts were is in `section_accuracy.py`."""

import polars as pl
from reportlab.platypus import Flowable, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.charts import sparkline
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
