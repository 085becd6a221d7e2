"""The sheets of the workbook but those of all items: actions, sales, accuracy, alerts, anomalies, rejects.

Belongs here: contents only. Sheets with a row per item are in `item_sheets.py`, the overview in `overview.py`.
"""

import polars as pl

from inventra_pipelines.domain.reports.actions import ranked_actions
from inventra_pipelines.domain.reports.item_sheets import forecasts, item_accuracy, proposals, stock
from inventra_pipelines.domain.reports.kpis import NO_RATE
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.series import daily_series
from inventra_pipelines.domain.reports.sheet_model import ERRORS, ITEM, NOT_YET, Sheet, SheetColumn, money_column


def data_sheets(report: DailyReport) -> list[Sheet]:
    """All sheets but the overview, in order."""
    return [
        _actions(report),
        _sales(report),
        proposals(report),
        forecasts(report),
        _accuracy(report),
        item_accuracy(report),
        stock(report),
        _alerts(report),
        _anomalies(report),
        _rejects(report),
    ]


def _actions(report: DailyReport) -> Sheet:
    actions = ranked_actions(report)
    frame = pl.DataFrame(
        {
            "rank": list(range(1, len(actions) + 1)),
            "what": [action.what for action in actions],
            "item_id": [action.item or "all items" for action in actions],
            "name": [action.name for action in actions],
            "why": [action.why for action in actions],
            "money": [action.money for action in actions],
            "tone": [action.tone for action in actions],
        },
        schema={
            "rank": pl.Int64,
            "what": pl.String,
            "item_id": pl.String,
            "name": pl.String,
            "why": pl.String,
            "money": pl.Float64,
            "tone": pl.String,
        },
    )
    columns = [
        SheetColumn("rank", "Rank by money", "count", 8),
        SheetColumn("what", "Action", "text", 30),
        *ITEM,
        SheetColumn("why", "Why", "text", 60),
        money_column("money", "At stake", report),
        SheetColumn("tone", "Status or severity", "words", 16),
    ]
    return Sheet("Actions", frame, columns, "No proposal and no open alert calls for an action.", True)


def _sales(report: DailyReport) -> Sheet:
    daily = daily_series(report)
    if not daily["units_sold"].is_not_null().any():
        daily = daily.clear()
    daily = daily.with_columns(
        weekday=pl.col("day_on").dt.strftime("%A"),
    )
    columns = [
        SheetColumn("day_on", "Day", "date", 13),
        SheetColumn("weekday", "Weekday", "text", 12),
        money_column("revenue", "Revenue", report),
        money_column("average_7d", "Average of 7 days", report),
        SheetColumn("units_sold", "Units sold", "quantity", 12),
    ]
    note = "the 91 days up to the day; blank where nothing was sold"
    if daily["revenue"].count() < daily["units_sold"].count():
        note += f", revenue also on days with {NO_RATE}"
    return Sheet("Sales", daily, columns, "There are no sales in the 91 days up to this day.", note=note, frozen=1)


def _accuracy(report: DailyReport) -> Sheet:
    columns = [
        SheetColumn("level", "Level", "words", 11),
        SheetColumn("node", "Of", "text", 24),
        SheetColumn("lag", "Weeks ahead", "count"),
        *ERRORS,
        SheetColumn("scaled_crps", "Scaled CRPS", "ratio"),
        SheetColumn("coverage_80", "Within the 80 % range", "percent", 13),
        SheetColumn("coverage_95", "Below the 95 % limit", "percent", 13),
    ]
    ranks = {level: rank for rank, level in enumerate(("tenant", "class", "category", "location"))}
    rank = pl.col("level").replace_strict(ranks, default=len(ranks), return_dtype=pl.Int8)
    everything = pl.when(pl.col("level") == "tenant").then(pl.lit("all items")).otherwise("node")
    frame = report.accuracy.sort(rank, "node", "lag").with_columns(everything.alias("node"))
    note = "by tenant, demand class, category and location, and by weeks ahead; targets of the last 13 weeks"
    return Sheet("Accuracy", frame, columns, NOT_YET, note=note, frozen=3)


def _alerts(report: DailyReport) -> Sheet:
    columns = [
        SheetColumn("severity", "Severity", "words", 10),
        SheetColumn("state", "State", "words", 10),
        SheetColumn("kind", "Kind", "words", 20),
        *ITEM,
        SheetColumn("message", "What happened", "text", 80),
        money_column("money_at_risk", "Money at risk", report),
        SheetColumn("opened_on", "Opened on", "date", 13),
        SheetColumn("last_seen_on", "Last seen on", "date", 13),
        SheetColumn("resolved_on", "Resolved on", "date", 13),
    ]
    order = {"critical": 0, "warning": 1, "info": 2}
    rank = pl.col("severity").replace_strict(order, default=9, return_dtype=pl.Int8)
    frame = report.alerts.sort(
        "state",
        rank,
        "money_at_risk",
        "item_id",
        "kind",
        descending=[False, False, True, False, False],
        nulls_last=True,
    )
    return Sheet("Alerts", frame, columns, "No alert is open, and none was resolved on this day.", True)


def _anomalies(report: DailyReport) -> Sheet:
    columns = [
        *ITEM,
        SheetColumn("kind", "Kind", "words", 18),
        SheetColumn("direction", "Direction", "words", 10),
        SheetColumn("observed", "Observed", "quantity"),
        SheetColumn("expected", "Expected", "quantity"),
        SheetColumn("score", "Score", "ratio"),
        money_column("money_at_risk", "Money at risk", report),
        SheetColumn("message", "What happened", "text", 80),
    ]
    frame = report.anomalies.sort("money_at_risk", "item_id", "kind", descending=[True, False, False], nulls_last=True)
    return Sheet("Anomalies", frame, columns, "No sales figure of this day lies far from what was expected.", frozen=2)


def _rejects(report: DailyReport) -> Sheet:
    columns = [
        SheetColumn("dataset", "Dataset", "words", 14),
        SheetColumn("file_name", "File", "text", 32),
        SheetColumn("sheet", "Sheet", "text", 16),
        SheetColumn("row_number", "Row", "count", 9),
        SheetColumn("column_name", "Column", "code", 18),
        SheetColumn("raw_value", "Value as it stood", "text", 24),
        SheetColumn("reason_code", "Reason", "words", 24),
        SheetColumn("message", "What is wrong", "text", 80),
    ]
    return Sheet("Rejects", report.reject_rows, columns, "No row of this day's files was rejected.")
