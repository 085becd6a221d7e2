"""What to do about stock: items that are out or will run out, orders proposed, and excess."""

import polars as pl
from reportlab.platypus import Flowable, Spacer

from inventra_pipelines.domain.reports import figures, theme
from inventra_pipelines.domain.reports.actions import ORDERING
from inventra_pipelines.domain.reports.model import DailyReport, item_label
from inventra_pipelines.domain.reports.tables import Column, GridTable, code_tone, code_words

RISKS, ORDERS, SUPPLIERS, EXCESS = 150, 300, 40, 100


def stock(report: DailyReport) -> list[Flowable]:
    """The three sections, or one with the reason why there are no proposals."""
    if not report.proposals.height:
        counted = "a stock count is there" if report.stock.height else "no stock count has landed"
        forecast = "there are forecasts" if report.item_forecasts.height else "there is no forecast"
        why = f"No order proposals were made for this day. They need stock and a forecast: {counted}, and {forecast}."
        return [*theme.section("Stock and orders"), theme.Reason(why)]
    return [*_risks(report), Spacer(0, 16), *_orders(report), Spacer(0, 16), *_excess(report)]


def _marked(report: DailyReport) -> list[Flowable]:
    return [theme.simulated_note(), Spacer(0, 6)] if report.is_stock_simulated else []


def _ranked(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows by a money column, with `item_label` to show them by."""
    ranked = frame.sort(column, "item_id", "location_id", descending=[True, False, False], nulls_last=True)
    return ranked.with_columns(item_label=item_label())


def _risks(report: DailyReport) -> list[Flowable]:
    risky = report.proposals.filter(pl.col("status").is_in(["out_of_stock", "stock_out_risk"]))
    out = risky.filter(pl.col("status") == "out_of_stock").height
    pieces = theme.section("Stock-outs and risks", _risk_intro(report, risky, out))
    if not risky.height:
        return [
            *pieces,
            theme.Reason("No item with demand is out of stock or will run out before an order can arrive."),
        ]
    top = _ranked(risky, "money_at_risk").head(RISKS)
    keys = ["item_label", "name", "abc_class", "status", "available", "on_order", "demand_mean_weekly", "stock_out_on"]
    columns = [
        Column("Item", 50),
        Column("Name", 142),
        Column("ABC", 22),
        Column("Status", 62, write=code_words, tone=code_tone),
        Column("Available", 44, True, figures.units),
        Column("On order", 42, True, figures.units),
        Column("Sells\na week", 38, True, figures.rate),
        Column("Runs out", 56, True, figures.day),
        Column("Lead time\ndays", 42, True, figures.number),
        Column("Money\nat risk", 52, True, figures.money(report.currency)),
    ]
    rows = top.select(*keys, "lead_time_days", "money_at_risk").rows()
    cut = figures.shown(top.height, risky.height, "Proposals", "item at risk", "items at risk")
    return [*pieces, *_marked(report), theme.paragraph(cut, theme.NOTE), Spacer(0, 4), GridTable(columns, rows)]


def _risk_intro(report: DailyReport, risky: pl.DataFrame, out: int) -> str:
    money = figures.money(report.currency)(risky["money_at_risk"].sum())
    return (
        f"{out:,} out of stock, {risky.height - out:,} at risk of running out before the next review's order arrives; "
        f"together {money} of expected sales at risk.{_idle_words(report)}"
    )


def _idle_words(report: DailyReport) -> str:
    """What the KPI on the first page counts as out of stock beyond the items at risk."""
    idle = report.proposals.filter((pl.col("status") == "no_demand") & (pl.col("on_hand") <= 0)).height
    return (
        f" {figures.count(idle, 'further item')} without expected demand {'is' if idle == 1 else 'are'} out of stock."
        if idle
        else ""
    )


def _orders(report: DailyReport) -> list[Flowable]:
    to_order = report.proposals.filter(pl.col("status").is_in(list(ORDERING)) & (pl.col("quantity_proposed") > 0))
    value = figures.money(report.currency)(to_order["order_value"].sum())
    suppliers = to_order["supplier_code"].n_unique()
    intro = (
        f"{figures.count(to_order.height, 'order line')} with {figures.count(suppliers, 'supplier')}, {value} at cost."
    )
    pieces = theme.section("Order proposals", intro if to_order.height else "", room=190)
    if not to_order.height:
        return [*pieces, theme.Reason("Nothing needs to be ordered today: every item is above its reorder point.")]
    top = _ranked(to_order, "order_value").head(ORDERS)
    pounds = figures.money(report.currency)
    columns = [
        Column("Item", 50),
        Column("Name", 132),
        Column("ABC", 22),
        Column("Supplier", 48),
        Column("Available", 44, True, figures.units),
        Column("On order", 42, True, figures.units),
        Column("Sells\na week", 38, True, figures.rate),
        Column("Safety\nstock", 36, True, figures.units),
        Column("Reorder\npoint", 40, True, figures.units),
        Column("Order\nquantity", 44, True, figures.units),
        Column("Order\nvalue", 52, True, pounds),
    ]
    keys = ["item_label", "name", "abc_class", "supplier_code", "available", "on_order", "demand_mean_weekly"]
    rows = top.select(*keys, "safety_stock", "reorder_point", "quantity_proposed", "order_value").rows()
    shown_value = top["order_value"].sum()
    label = "Total" if top.height == to_order.height else "Total of the lines shown"
    total = ("", label, *[None] * 7, figures.units(top["quantity_proposed"].sum()), pounds(shown_value))
    cut = figures.shown(top.height, to_order.height, "Proposals", "order line")
    return [
        *pieces,
        *_marked(report),
        *_by_supplier(report, to_order),
        Spacer(0, 12),
        *theme.subsection("Lines by value", f"{cut}. The workbook gives the reason beside each line."),
        GridTable(columns, rows, total),
    ]


def _by_supplier(report: DailyReport, to_order: pl.DataFrame) -> list[Flowable]:
    grouped = to_order.group_by("supplier_code").agg(
        lines=pl.len(),
        urgent=pl.col("status").is_in(["out_of_stock", "stock_out_risk"]).sum(),
        quantity=pl.col("quantity_proposed").sum(),
        value=pl.col("order_value").sum(),
        lead=pl.col("lead_time_days").max(),
        at_risk=pl.col("money_at_risk").sum(),
    )
    grouped = grouped.sort("value", "supplier_code", descending=[True, False], nulls_last=True)
    top = grouped.head(SUPPLIERS)
    pounds = figures.money(report.currency)
    columns = [
        Column("Supplier", 110, write=_supplier),
        Column("Lines", 50, True, figures.number),
        Column("of these urgent", 66, True, figures.number),
        Column("Units", 60, True, figures.units),
        Column("Order value", 76, True, pounds),
        Column("Longest lead time, days", 96, True, figures.number),
        Column("Money at risk", 76, True, pounds),
    ]
    note = figures.shown(top.height, grouped.height, "Proposals", "supplier")
    return [*theme.subsection("By supplier", note), GridTable(columns, top.rows())]


def _supplier(value: object) -> str:
    return figures.text(value) if value else "no supplier known"


def _excess(report: DailyReport) -> list[Flowable]:
    surplus = report.proposals.filter(pl.col("excess_units") > 0)
    value = figures.money(report.currency)(surplus["excess_value"].sum())
    intro = (
        f"{figures.count(surplus.height, 'item')} above what will sell in the cover period, {value} tied up at cost."
    )
    pieces = theme.section("Excess", intro if surplus.height else "")
    if not surplus.height:
        return [*pieces, theme.Reason("No item holds more than its demand over the longest cover allowed.")]
    top = _ranked(surplus, "excess_value").head(EXCESS)
    pounds = figures.money(report.currency)
    columns = [
        Column("Item", 50),
        Column("Name", 170),
        Column("ABC", 22),
        Column("On hand", 48, True, figures.units),
        Column("Sells\na week", 44, True, figures.rate),
        Column("Weeks of\ncover", 46, True, figures.rate),
        Column("Excess\nunits", 50, True, figures.units),
        Column("Unit\ncost", 44, True, figures.money(report.currency, 2)),
        Column("Excess\nvalue", 56, True, pounds),
    ]
    weeks = (pl.col("days_of_cover") / 7).alias("weeks_of_cover")
    keys = ["item_label", "name", "abc_class", "on_hand", "demand_mean_weekly"]
    rows = top.select(*keys, weeks, "excess_units", "unit_cost", "excess_value").rows()
    cut = figures.shown(top.height, surplus.height, "Proposals", "item with excess", "items with excess")
    return [*pieces, *_marked(report), theme.paragraph(cut, theme.NOTE), Spacer(0, 4), GridTable(columns, rows)]
