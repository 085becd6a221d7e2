"""What a daily report is made from: one frozen dataclass of frames with stated columns and types.

Belongs here: the columns that whoever fills a report must deliver, and their check. What is drawn from them is in
`pdf.py` and `workbook.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import partial

import polars as pl

from inventra_pipelines.errors import PermanentError

Schema = Mapping[str, pl.DataType | type[pl.DataType]]

_TEXT, _DAY, _NUMBER, _COUNT, _FLAG = pl.String, pl.Date, pl.Float64, pl.Int64, pl.Boolean

KPIS: Schema = {
    "revenue_day": _NUMBER,
    "revenue_7d": _NUMBER,
    "revenue_28d": _NUMBER,
    "revenue_previous_28d": _NUMBER,
    "revenue_mtd": _NUMBER,
    "units_day": _NUMBER,
    "units_7d": _NUMBER,
    "units_28d": _NUMBER,
    "units_previous_28d": _NUMBER,
    "orders_7d": _COUNT,
    "orders_28d": _COUNT,
    "orders_previous_28d": _COUNT,
    "average_order_value_28d": _NUMBER,
    "active_customers_28d": _COUNT,
    "returns_value_28d": _NUMBER,
    "returns_rate_28d": _NUMBER,
    "items_sold_28d": _COUNT,
    "last_sold_on": _DAY,
    "stock_value": _NUMBER,
    "stock_units": _NUMBER,
    "items_in_stock": _COUNT,
    "items_out_of_stock": _COUNT,
    "items_dead": _COUNT,
    "dead_stock_value": _NUMBER,
    "last_counted_on": _DAY,
    "open_order_lines": _COUNT,
    "late_order_lines": _COUNT,
    "rows_read_day": _COUNT,
    "rows_rejected_day": _COUNT,
}
DAILY_SALES: Schema = {"sold_on": _DAY, "revenue": _NUMBER, "units_sold": _NUMBER}
PROPOSALS: Schema = {
    "item_id": _TEXT,
    "name": _TEXT,
    "location_id": _TEXT,
    "supplier_code": _TEXT,
    "abc_class": _TEXT,
    "status": _TEXT,
    "on_hand": _NUMBER,
    "reserved": _NUMBER,
    "on_order": _NUMBER,
    "available": _NUMBER,
    "unit_cost": _NUMBER,
    "unit_price": _NUMBER,
    "lead_time_days": _NUMBER,
    "review_days": _NUMBER,
    "service_level": _NUMBER,
    "demand_mean_weekly": _NUMBER,
    "demand_over_protection": _NUMBER,
    "demand_std_over_protection": _NUMBER,
    "safety_stock": _NUMBER,
    "reorder_point": _NUMBER,
    "order_up_to": _NUMBER,
    "quantity_proposed": _NUMBER,
    "order_value": _NUMBER,
    "stock_out_on": _DAY,
    "days_of_cover": _NUMBER,
    "excess_units": _NUMBER,
    "excess_value": _NUMBER,
    "money_at_risk": _NUMBER,
    "reason": _TEXT,
    "is_stock_simulated": _FLAG,
    "forecast_cutoff_on": _DAY,
}
FORECASTS_WEEKLY: Schema = {"lag": _COUNT, "target_on": _DAY, "mean": _NUMBER}
ITEM_FORECASTS: Schema = {
    "item_id": _TEXT,
    "name": _TEXT,
    "location_id": _TEXT,
    "lag": _COUNT,
    "target_on": _DAY,
    "mean": _NUMBER,
    "q10": _NUMBER,
    "q50": _NUMBER,
    "q90": _NUMBER,
    "model_used": _TEXT,
    "fallback_reason": _TEXT,
}
ACCURACY: Schema = {
    "level": _TEXT,
    "node": _TEXT,
    "lag": _COUNT,
    "forecasts": _COUNT,
    "actual_units": _NUMBER,
    "wape": _NUMBER,
    "bias": _NUMBER,
    "mase": _NUMBER,
    "rmsse": _NUMBER,
    "scaled_crps": _NUMBER,
    "coverage_80": _NUMBER,
    "coverage_95": _NUMBER,
    "tracking_signal": _NUMBER,
    "baseline_wape": _NUMBER,
    "forecast_value_added": _NUMBER,
}
ITEM_ACCURACY: Schema = {
    "item_id": _TEXT,
    "name": _TEXT,
    "location_id": _TEXT,
    "demand_class": _TEXT,
    "forecasts": _COUNT,
    "actual_units": _NUMBER,
    "error_units": _NUMBER,
    "wape": _NUMBER,
    "bias": _NUMBER,
    "mase": _NUMBER,
    "rmsse": _NUMBER,
    "tracking_signal": _NUMBER,
    "baseline_wape": _NUMBER,
    "forecast_value_added": _NUMBER,
    "worst_rank": _COUNT,
}
ALERTS: Schema = {
    "kind": _TEXT,
    "item_id": _TEXT,
    "name": _TEXT,
    "severity": _TEXT,
    "state": _TEXT,
    "opened_on": _DAY,
    "last_seen_on": _DAY,
    "resolved_on": _DAY,
    "money_at_risk": _NUMBER,
    "message": _TEXT,
}
ANOMALIES: Schema = {
    "item_id": _TEXT,
    "name": _TEXT,
    "kind": _TEXT,
    "direction": _TEXT,
    "observed": _NUMBER,
    "expected": _NUMBER,
    "score": _NUMBER,
    "money_at_risk": _NUMBER,
    "message": _TEXT,
}
FEEDS: Schema = {
    "dataset": _TEXT,
    "files": _COUNT,
    "rows_read": _COUNT,
    "rows_accepted": _COUNT,
    "rows_rejected": _COUNT,
    "last_landed_on": _DAY,
    "last_business_on": _DAY,
}
REJECTS: Schema = {"dataset": _TEXT, "reason_code": _TEXT, "rows": _COUNT, "example": _TEXT}
REJECT_ROWS: Schema = {
    "dataset": _TEXT,
    "file_name": _TEXT,
    "sheet": _TEXT,
    "row_number": _COUNT,
    "column_name": _TEXT,
    "raw_value": _TEXT,
    "reason_code": _TEXT,
    "message": _TEXT,
}
STOCK: Schema = {
    "item_id": _TEXT,
    "name": _TEXT,
    "location_id": _TEXT,
    "counted_on": _DAY,
    "on_hand": _NUMBER,
    "reserved": _NUMBER,
    "available": _NUMBER,
    "on_order": _NUMBER,
    "unit_cost": _NUMBER,
    "stock_value": _NUMBER,
    "status": _TEXT,
}
SCHEMAS: dict[str, Schema] = {
    "kpis": KPIS,
    "daily_sales": DAILY_SALES,
    "proposals": PROPOSALS,
    "forecasts_weekly": FORECASTS_WEEKLY,
    "item_forecasts": ITEM_FORECASTS,
    "accuracy": ACCURACY,
    "item_accuracy": ITEM_ACCURACY,
    "alerts": ALERTS,
    "anomalies": ANOMALIES,
    "feeds": FEEDS,
    "rejects": REJECTS,
    "reject_rows": REJECT_ROWS,
    "stock": STOCK,
}
SORT_KEYS: dict[str, list[str]] = {
    "daily_sales": ["sold_on"],
    "proposals": ["item_id", "location_id"],
    "forecasts_weekly": ["lag"],
    "item_forecasts": ["item_id", "location_id", "lag"],
    "accuracy": ["level", "node", "lag"],
    "item_accuracy": ["worst_rank"],
    "alerts": ["kind", "item_id", "opened_on", "state", "message"],
    "anomalies": ["kind", "item_id", "message"],
    "feeds": ["dataset"],
    "rejects": ["dataset", "reason_code"],
    "reject_rows": ["dataset", "file_name", "sheet", "row_number", "column_name", "reason_code", "raw_value"],
    "stock": ["item_id", "location_id"],
}


class ReportInputError(PermanentError):
    """A frame handed to a report lacks a column or holds a type that the report cannot read."""


def empty(name: str) -> pl.DataFrame:
    """A frame without rows and with the columns of the report field `name`."""
    return pl.DataFrame(schema=SCHEMAS[name])


def conform(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the columns and types of the report field `name`, sorted by its key.

    Further columns are left out; numeric types are cast (Decimal to Float64), all-null columns may have any type.

    Raises:
        ReportInputError: A column is missing or cannot be cast.
    """
    schema = SCHEMAS[name]
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ReportInputError(
            f"The report's frame {name} has no column {', '.join(missing)}",
            f"Deliver the columns {', '.join(schema)}",
        )
    try:
        typed = frame.select(pl.col(column).cast(dtype, strict=True) for column, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise ReportInputError(f"The report's frame {name} has a wrong type: {error}", f"Types: {schema}") from error
    keys = SORT_KEYS.get(name)
    return typed.sort(keys, nulls_last=True, maintain_order=True) if keys else typed


def item_label() -> pl.Expr:
    """The item as readers see it: its id, and its location where that is not the main one."""
    elsewhere = pl.col("location_id").fill_null("main") != "main"
    return pl.when(elsewhere).then(pl.format("{} {}", "item_id", "location_id")).otherwise(pl.col("item_id"))


@dataclass(frozen=True)
class DailyReport:
    """One tenant's day. Frames hold the columns of the schema constants above; order of rows does not matter.

    Column types: `*_on` Date, counts Int64, all other numbers Float64 (Decimal and integers are cast), texts String.
    Money is in `currency`, quantities in units, shares and rates 0..1, null means not available (never 0 for unknown).

    Attributes:
        tenant_id: The tenant's id, part of file names.
        tenant_name: The tenant's name as readers know it.
        currency: ISO 4217 code.
        day: The as-of day; nothing in the frames lies after it but forecasts' target_on and stock_out_on.
        config_version: The configuration the day was computed with.
        is_stock_simulated: Stock figures come from a simulation; every figure that rests on them is marked.
        kpis: `KPIS`; the day's row of rpt_daily_kpis, none or one row. returns_rate_28d is a share 0..1.
        daily_sales: `DAILY_SALES`; a row per day with sales in the 91 days that end on `day`, whole tenant.
        proposals: `PROPOSALS`; every planning.proposals row of the day with the item's name (null if unknown).
            service_level 0..1, status one of out_of_stock, stock_out_risk, order, healthy, excess, no_demand, unknown.
        forecasts_weekly: `FORECASTS_WEEKLY`; tenant total of the means per lag at the latest cutoff <= day. Quantiles
            are not here: they do not add up over items.
        item_forecasts: `ITEM_FORECASTS`; a row per item, location and lag at the same cutoff.
        accuracy: `ACCURACY`; the forecast.accuracy rows by level, node and lag of the latest as_of_on <= day; level is
            tenant (node ''), class, category or location. wape, bias, coverage_80, coverage_95, baseline_wape and
            forecast_value_added are shares (0.42 = 42 %); bias above 0 is over-forecast; forecast_value_added is above
            0 where the forecast is better: baseline_wape - wape.
        item_accuracy: `ITEM_ACCURACY`; the forecast.item_accuracy rows of the same day with the item's name.
            error_units is the sum of all misses; worst_rank 1 has most.
        alerts: `ALERTS`; open on the day (state "open"), and those resolved on it (state "resolved").
            item_id '' or null = the whole tenant; severity critical, warning or info.
        anomalies: `ANOMALIES`; the day's rows with the item's name; item_id '' or null = the whole tenant.
        feeds: `FEEDS`; a row per dataset the tenant is configured for, also where no file landed: files and rows of the
            batches that landed on the day (0 where none), last landing day and business date <= day over all batches.
        rejects: `REJECTS`; rows rejected of the day's batches by dataset and reason, with one message as example.
        reject_rows: `REJECT_ROWS`; every rejected row of the day's batches.
        stock: `STOCK`; the count in force on the day per item and location; status as in proposals, null if none.
    """

    tenant_id: str
    tenant_name: str
    currency: str
    day: date
    config_version: str
    is_stock_simulated: bool
    kpis: pl.DataFrame = field(default_factory=partial(empty, "kpis"))
    daily_sales: pl.DataFrame = field(default_factory=partial(empty, "daily_sales"))
    proposals: pl.DataFrame = field(default_factory=partial(empty, "proposals"))
    forecasts_weekly: pl.DataFrame = field(default_factory=partial(empty, "forecasts_weekly"))
    item_forecasts: pl.DataFrame = field(default_factory=partial(empty, "item_forecasts"))
    accuracy: pl.DataFrame = field(default_factory=partial(empty, "accuracy"))
    item_accuracy: pl.DataFrame = field(default_factory=partial(empty, "item_accuracy"))
    alerts: pl.DataFrame = field(default_factory=partial(empty, "alerts"))
    anomalies: pl.DataFrame = field(default_factory=partial(empty, "anomalies"))
    feeds: pl.DataFrame = field(default_factory=partial(empty, "feeds"))
    rejects: pl.DataFrame = field(default_factory=partial(empty, "rejects"))
    reject_rows: pl.DataFrame = field(default_factory=partial(empty, "reject_rows"))
    stock: pl.DataFrame = field(default_factory=partial(empty, "stock"))

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.name in SCHEMAS:
                object.__setattr__(self, entry.name, conform(entry.name, getattr(self, entry.name)))
        if self.kpis.height > 1:
            raise ReportInputError(
                f"The report of {self.tenant_id} for {self.day} has {self.kpis.height} rows of KPIs",
                "Deliver the one row of that day",
            )

    @property
    def rows_rejected(self) -> int:
        """Rows rejected of the batches that landed on the day, all datasets."""
        return int(self.feeds["rows_rejected"].sum() or 0)
