"""How good past forecasts were: by weeks ahead and against the baseline, by demand class, and the worst items."""

from collections.abc import Callable

import polars as pl
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color
from reportlab.platypus import Flowable, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.charts import Plot
from inventra_pipelines.domain.reports.model import DailyReport, item_label
from inventra_pipelines.domain.reports.tables import Column, GridTable

WORST_ITEMS = 10


def accuracy(report: DailyReport) -> list[Flowable]:
    """Table and chart of the error by lag, against the baseline; then classes and the worst items."""
    intro = (
        "What was forecast one, two and more weeks ahead, against what was sold then. Lower error is better; value "
        "added is what the forecast gains over simply repeating the past (the baseline)."
    )
    whole = report.accuracy.filter(pl.col("level") == "tenant")
    pieces = theme.section("Forecast accuracy", intro, room=345 if whole.height else 120)
    if not whole.height:
        why = (
            "No earlier forecast has met its week yet: accuracy can be measured once a forecast week lies in the past."
        )
        return [*pieces, theme.Reason(why)]
    columns = [
        Column("Weeks\nahead", 36, True, figures.number),
        Column("Forecasts\nmeasured", 52, True, figures.number),
        Column("Units sold", 52, True, figures.units),
        Column("Error\n(WAPE)", 44, True, _percent),
        Column("Baseline\n(WAPE)", 48, True, _percent),
        Column("Value\nadded", 44, True, figures.signed_percent, _good_or_bad),
        Column("Bias", 42, True, figures.signed_percent),
        Column("MASE", 36, True, _ratio),
        Column("RMSSE", 38, True, _ratio),
        Column("Scaled\nCRPS", 38, True, _ratio),
        Column("Within the\n80 % range", 50, True, _percent),
        Column("Below the\n95 % limit", 50, True, _percent),
    ]
    keys = ["lag", "forecasts", "actual_units", "wape", "baseline_wape", "forecast_value_added", "bias", "mase"]
    rows = whole.select(*keys, "rmsse", "scaled_crps", "coverage_80", "coverage_95").rows()
    return [
        *pieces,
        _accuracy_chart(whole),
        Spacer(0, 8),
        GridTable(columns, rows),
        *_classes(report.accuracy.filter(pl.col("level") == "class")),
        *_worst_items(report.item_accuracy),
    ]


def _classes(frame: pl.DataFrame) -> list[Flowable]:
    """A row per demand class: the nearest and the furthest week ahead."""
    if not frame.height:
        return []
    all_lags: list[int] = frame["lag"].unique().sort().to_list()
    lags = [*all_lags[:1], *all_lags[1:][-1:]]
    measures: list[tuple[str, str, Callable[[object], str], Callable[[object], Color | None] | None]] = [
        ("wape", "error", _percent, None),
        ("forecast_value_added", "value added", figures.signed_percent, _good_or_bad),
        ("bias", "bias", figures.signed_percent, None),
        ("coverage_80", "within 80 %", _percent, None),
    ]
    columns = [
        Column("Demand class", 66, write=figures.words),
        Column("Units sold,\n" + _ahead(lags[0]), 60, True, figures.units),
    ]
    columns += [
        Column(f"{_ahead(lag)}:\n{words}", 60, True, write, tone) for lag in lags for _, words, write, tone in measures
    ]
    at = [
        pl.col(name).filter(pl.col("lag") == lag).first().alias(f"{name} {lag}")
        for lag in lags
        for name in ("actual_units", *(name for name, *_ in measures))
    ]
    shown = [f"{name} {lag}" for lag in lags for name, *_ in measures]
    by_class = frame.group_by("node", maintain_order=True).agg(*at)
    rows = by_class.select("node", f"actual_units {lags[0]}", *shown).rows()
    return [Spacer(0, 10), *theme.subsection("By demand class", "", 40 + 13.0 * len(rows)), GridTable(columns, rows)]


def _worst_items(items: pl.DataFrame) -> list[Flowable]:
    """The items whose forecasts missed by most units."""
    if not items.height:
        return []
    top = items.sort("worst_rank").head(WORST_ITEMS)
    columns = [
        Column("Item", 50),
        Column("Name", 150),
        Column("Demand class", 62, write=figures.words),
        Column("Units missed,\na forecast", 56, True, figures.rate),
        Column("Units sold,\na week", 52, True, figures.rate),
        Column("Error\n(WAPE)", 48, True, _percent),
        Column("Value\nadded", 48, True, figures.signed_percent, _good_or_bad),
        Column("Bias", 48, True, figures.signed_percent),
        Column("Tracking\nsignal", 44, True, figures.rate),
    ]
    a_week = [(pl.col(name) / pl.col("forecasts")).alias(name) for name in ("error_units", "actual_units")]
    keys = ["name", "demand_class", "error_units", "actual_units", "wape", "forecast_value_added", "bias"]
    rows = top.with_columns(item_label(), *a_week).select("item_id", *keys, "tracking_signal").rows()
    note = (
        f"{figures.shown(top.height, items.height, 'Item accuracy', 'item')}; those that missed by most units in all."
    )
    return [
        Spacer(0, 10),
        *theme.subsection("Worst forecasts", note, 60 + 13.0 * len(rows)),
        GridTable(columns, rows),
    ]


def _ahead(lag: int) -> str:
    return figures.count(lag, "week")


def _percent(value: object) -> str:
    return figures.percent(value, 1)


def _ratio(value: object) -> str:
    return figures.number(value, 2)


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
