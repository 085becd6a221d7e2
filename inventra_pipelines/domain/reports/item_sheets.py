"""The sheets with a row per item: order proposals, forecasts by week and how past ones turned out, stock."""

import polars as pl

from inventra_pipelines.domain.reports import figures
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.sheet_model import (
    ERRORS,
    ITEM,
    LOCATION,
    NOT_YET,
    Sheet,
    SheetColumn,
    money_column,
)


def proposals(report: DailyReport) -> Sheet:
    """Every proposal with all the figures that led to it, those with the most money at risk first."""
    columns = [
        *ITEM,
        LOCATION,
        SheetColumn("supplier_code", "Supplier", "code", 11),
        SheetColumn("abc_class", "ABC class", "code", 7),
        SheetColumn("status", "Status", "words", 15),
        SheetColumn("quantity_proposed", "Order quantity", "quantity"),
        money_column("order_value", "Order value", report),
        money_column("money_at_risk", "Money at risk", report),
        SheetColumn("stock_out_on", "Runs out on", "date", 13),
        SheetColumn("days_of_cover", "Days of cover", "quantity"),
        SheetColumn("on_hand", "On hand", "quantity"),
        SheetColumn("reserved", "Reserved", "quantity"),
        SheetColumn("available", "Available", "quantity"),
        SheetColumn("on_order", "On order", "quantity"),
        SheetColumn("demand_mean_weekly", "Expected sales a week", "quantity"),
        SheetColumn("lead_time_days", "Lead time, days", "quantity"),
        SheetColumn("review_days", "Review period, days", "quantity"),
        SheetColumn("service_level", "Service level", "percent"),
        SheetColumn("demand_over_protection", "Expected sales, lead time + review", "quantity", 15),
        SheetColumn("demand_std_over_protection", "Their standard deviation", "quantity", 12),
        SheetColumn("safety_stock", "Safety stock", "quantity"),
        SheetColumn("reorder_point", "Reorder point", "quantity"),
        SheetColumn("order_up_to", "Order up to", "quantity"),
        SheetColumn("excess_units", "Excess units", "quantity"),
        money_column("excess_value", "Excess value", report),
        money_column("unit_cost", "Unit cost", report),
        money_column("unit_price", "Unit price", report),
        SheetColumn("reason", "Reason", "text", 70),
        SheetColumn("is_stock_simulated", "Simulated stock", "flag"),
        SheetColumn("forecast_cutoff_on", "Forecast made on", "date", 13),
    ]
    why = "No order proposals were made for this day: they need a stock count and a forecast."
    ranked = report.proposals.sort(
        "money_at_risk", "item_id", "location_id", descending=[True, False, False], nulls_last=True
    )
    return Sheet("Proposals", ranked, columns, why, True, frozen=2)


def forecasts(report: DailyReport) -> Sheet:
    """A row per item and location; expected units, low, median and high of each week side by side."""
    frame = report.item_forecasts
    targets = sorted(frame["target_on"].drop_nulls().unique().to_list())
    measures = [("mean", "Expected"), ("q10", "Low (10 %)"), ("q50", "Median"), ("q90", "High (90 %)")]
    at = [
        pl.col(measure).filter(pl.col("target_on") == target).first().alias(f"{measure} {target}")
        for measure, _ in measures
        for target in targets
    ]
    wide = frame.group_by("item_id", "location_id", maintain_order=True).agg(
        pl.col("name").first(),
        *[pl.col(c).filter(pl.col(c) != "").unique().sort().str.join(", ") for c in ("model_used", "fallback_reason")],
        *at,
        total=pl.col("mean").sum().round(6),
    )
    columns = [
        *ITEM,
        LOCATION,
        SheetColumn("model_used", "Method", "text", 16),
        SheetColumn("fallback_reason", "Reason of fallback", "text", 24),
        SheetColumn("total", f"Expected, all {figures.count(len(targets), 'week')}", "quantity", 13),
    ]
    columns += [
        SheetColumn(f"{measure} {target}", f"{heading}\nweek to {figures.day(target)}", "quantity", 17)
        for measure, heading in measures
        for target in targets
    ]
    note = "units per week; low, median and high are for one item and week and do not add up over items or weeks"
    return Sheet("Forecasts", wide, columns, "There is no forecast for this day.", note=note, frozen=2)


def item_accuracy(report: DailyReport) -> Sheet:
    """How each item's forecasts turned out, those that missed by most units first."""
    columns = [
        SheetColumn("worst_rank", "Rank by units missed", "count", 9),
        *ITEM,
        LOCATION,
        SheetColumn("demand_class", "Demand class", "words", 14),
        SheetColumn("error_units", "Units missed", "quantity"),
        *ERRORS,
    ]
    note = "over all weeks ahead; a week that was forecast n times counts n times"
    return Sheet("Item accuracy", report.item_accuracy, columns, NOT_YET, note=note, frozen=3)


def stock(report: DailyReport) -> Sheet:
    """The count in force per item and location."""
    columns = [
        *ITEM,
        LOCATION,
        SheetColumn("status", "Status", "words", 15),
        SheetColumn("counted_on", "Counted on", "date", 13),
        SheetColumn("on_hand", "On hand", "quantity"),
        SheetColumn("reserved", "Reserved", "quantity"),
        SheetColumn("available", "Available", "quantity"),
        SheetColumn("on_order", "On order", "quantity"),
        money_column("unit_cost", "Unit cost", report),
        money_column("stock_value", "Stock value", report),
    ]
    return Sheet("Stock", report.stock, columns, "No stock count has been landed yet.", True, frozen=2)
