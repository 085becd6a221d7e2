"""Alerts, anomalies, and what came in: feeds, rejected rows by reason, examples."""

import polars as pl
from reportlab.platypus import Flowable, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.first_page import freshness
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.tables import Column, GridTable, code_tone, code_words

ALERTS, RESOLVED, ANOMALIES, REASONS, EXAMPLES = 80, 30, 50, 40, 25
_SEVERITIES = ["critical", "warning", "info"]


def alerts(report: DailyReport) -> list[Flowable]:
    """Open alerts by severity and money, then those resolved on the day."""
    opened = report.alerts.filter(pl.col("state") == "open")
    resolved = report.alerts.filter(pl.col("state") == "resolved")
    new = opened.filter(pl.col("opened_on") == report.day).height
    intro = f"{opened.height:,} open, {new:,} of them new today; {resolved.height:,} resolved today."
    pieces = theme.section("Alerts", intro)
    if not report.alerts.height:
        return [*pieces, theme.Reason("No alert is open, and none was resolved on this day.")]
    if opened.height:
        pieces += _alert_table(report, opened, ALERTS, "Open", "open alert")
    if resolved.height:
        pieces += [Spacer(0, 10), *_alert_table(report, resolved, RESOLVED, "Resolved today", "resolved alert")]
    return pieces


def _alert_table(report: DailyReport, frame: pl.DataFrame, limit: int, title: str, noun: str) -> list[Flowable]:
    rank = pl.col("severity").replace_strict(
        {name: i for i, name in enumerate(_SEVERITIES)}, default=9, return_dtype=pl.Int8
    )
    ranked = frame.sort(
        rank, "money_at_risk", "item_id", "kind", descending=[False, True, False, False], nulls_last=True
    )
    top = ranked.head(limit)
    columns = [
        Column("Severity", 44, tone=code_tone),
        Column("Kind", 70, write=code_words),
        Column("Item", 50, write=_item),
        Column("What happened", 236),
        Column("Since", 56, True, figures.day),
        Column("Money at risk", 58, True, figures.money(report.currency)),
    ]
    rows = top.select("severity", "kind", "item_id", "message", "opened_on", "money_at_risk").rows()
    note = figures.shown(top.height, frame.height, "Alerts", noun)
    return [*theme.subsection(title, note), GridTable(columns, rows)]


def _item(value: object) -> str:
    return figures.text(value) if value else "all items"


def anomalies(report: DailyReport) -> list[Flowable]:
    """Weekly sales far from what was expected."""
    frame = report.anomalies
    intro = (
        "Sales far above or below what the item's own past leads to expect. The score is in robust standard deviations."
    )
    pieces = theme.section("Anomalies", intro if frame.height else "")
    if not frame.height:
        return [*pieces, theme.Reason("No sales figure of this day lies far from what was expected.")]
    keys = ["money_at_risk", "item_id", "kind"]
    top = frame.sort(*keys, descending=[True, False, False], nulls_last=True).head(ANOMALIES)
    columns = [
        Column("Item", 50, write=_item),
        Column("Name", 158),
        Column("Kind", 80, write=code_words),
        Column("Direction", 46),
        Column("Observed", 50, True, figures.units),
        Column("Expected", 50, True, figures.rate),
        Column("Score", 36, True, lambda value: figures.number(value, 1)),
        Column("Money at risk", 58, True, figures.money(report.currency)),
    ]
    rows = top.select("item_id", "name", "kind", "direction", "observed", "expected", "score", "money_at_risk").rows()
    note = figures.shown(top.height, frame.height, "Anomalies", "anomaly", "anomalies")
    return [*pieces, theme.paragraph(note, theme.NOTE), Spacer(0, 4), GridTable(columns, rows)]


def feeds(report: DailyReport) -> list[Flowable]:
    """Feeds, rejected rows by dataset and reason, and some rejected rows as they stood in their files."""
    intro = "What landed on this day. Every row read is accepted or rejected with a reason; none is dropped silently."
    pieces = [*theme.section("Data feeds and rejected rows", intro), *freshness(report), Spacer(0, 12)]
    if not report.rejects.height and not report.reject_rows.height:
        landed = report.feeds["rows_read"].sum() or 0
        why = f"All {landed:,} rows that landed on this day were accepted." if landed else "No rows landed on this day."
        return [*pieces, theme.Reason(why)]
    return [*pieces, *_reasons(report), Spacer(0, 12), *_examples(report)]


def _reasons(report: DailyReport) -> list[Flowable]:
    ranked = report.rejects.sort("rows", "dataset", "reason_code", descending=[True, False, False])
    top = ranked.head(REASONS)
    columns = [
        Column("Dataset", 70, write=code_words),
        Column("Reason", 100, write=code_words),
        Column("Rows", 44, True, figures.number),
        Column("Example", 310),
    ]
    rows = top.select("dataset", "reason_code", "rows", "example").rows()
    note = figures.shown(top.height, ranked.height, "Rejects", "reason")
    return [*theme.subsection("Why rows were rejected", note), GridTable(columns, rows)]


def _examples(report: DailyReport) -> list[Flowable]:
    frame = report.reject_rows
    if not frame.height:
        return []
    # A few of every reason tell more than the first rows of one file.
    within = pl.int_range(pl.len()).over("dataset", "reason_code")
    top = frame.with_columns(turn=within).sort("turn", maintain_order=True).head(EXAMPLES).drop("turn")
    top = top.sort("dataset", "file_name", "sheet", "row_number", nulls_last=True, maintain_order=True)
    columns = [
        Column("File", 96),
        Column("Sheet", 50),
        Column("Row", 34, True, figures.number),
        Column("Column", 66),
        Column("Value", 78),
        Column("What is wrong", 200),
    ]
    rows = top.select("file_name", "sheet", "row_number", "column_name", "raw_value", "message").rows()
    note = figures.shown(top.height, frame.height, "Rejects", "rejected row")
    return [*theme.subsection("Rejected rows", note), GridTable(columns, rows)]
