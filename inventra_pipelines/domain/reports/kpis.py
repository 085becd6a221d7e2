"""The key figures of a day, each with its change and, where it is not available, the reason in a sentence.

Belongs here: which figures are shown and what is said beside them; tiles and cells are drawn elsewhere.
"""

from dataclasses import dataclass
from typing import Any, Literal

from inventra_pipelines.domain.reports import figures
from inventra_pipelines.domain.reports.model import DailyReport

NO_RATE = "sales in a currency without a rate"
Kind = Literal["money", "money_exact", "count", "percent"]


@dataclass(frozen=True)
class Kpi:
    """A key figure.

    Attributes:
        label: What it is, with its period.
        kind: How it is written.
        value: None where not available; then `reason` says why.
        previous: The same figure of the 28 days before, where known.
        better: Whether a rise is good, bad or neither.
        detail: What stands beside the figure.
        is_stock: Rests on stock figures.
    """

    label: str
    kind: Kind
    value: float | None
    reason: str
    previous: float | None = None
    better: Literal["up", "down", ""] = ""
    detail: str = ""
    is_stock: bool = False

    @property
    def change(self) -> float | None:
        """Change against the previous period as a share; None where there is nothing to compare with."""
        if self.value is None or not self.previous:
            return None
        return self.value / self.previous - 1

    def written(self, currency: str) -> str:
        """The value as text."""
        writers: dict[str, figures.Formatter] = {
            "money": figures.money(currency),
            "money_exact": figures.money(currency, 2),
            "count": figures.number,
            "percent": lambda value: figures.percent(value, 1),
        }
        return "not available" if self.value is None else writers[self.kind](self.value)


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if part is not None and whole else None


def _previous_words(value: float | None, written: str) -> str:
    return "" if value is None else f"previous {written}"


def key_figures(report: DailyReport) -> list[Kpi]:
    """Twelve figures: sales of 28 days with change, this week and month, stock and supply."""
    row: dict[str, Any] = report.kpis.row(0, named=True) if report.kpis.height else dict.fromkeys(report.kpis.columns)
    return _sales_figures(report, row) + _stock_figures(report, row)


def _sales_figures(report: DailyReport, row: dict[str, Any]) -> list[Kpi]:
    pounds, exact = figures.money(report.currency), figures.money(report.currency, 2)
    if not report.kpis.height:
        why = "no key figures for this day"
    elif row["last_sold_on"] is None:
        why = "no sales have been landed yet"
    else:
        why = f"no sales in the 28 days; last sale {figures.day(row['last_sold_on'])}"
    why_no_money = why if row["units_28d"] is None else NO_RATE
    why_no_ratio = why if not row["units_28d"] else NO_RATE
    why_no_orders = why if not row["units_28d"] else "the sales carry no document numbers"
    previous_average = _ratio(row["revenue_previous_28d"], row["orders_previous_28d"])
    value_28d, units_28d, orders_28d = (
        row["revenue_previous_28d"],
        row["units_previous_28d"],
        row["orders_previous_28d"],
    )
    day_of = figures.day_short(report.day)
    sold = "" if row["items_sold_28d"] is None else f"{figures.count(row['items_sold_28d'], 'item')} sold in the period"
    returned = "" if row["returns_value_28d"] is None else f"{pounds(row['returns_value_28d'])} returned"
    on_day = "" if row["revenue_day"] is None else f"{pounds(row['revenue_day'])} on {day_of}"
    on_day_units = "" if row["units_day"] is None else f"{figures.number(row['units_day'])} units on {day_of}"
    return [
        Kpi(
            "Revenue, 28 days",
            "money",
            row["revenue_28d"],
            why_no_money,
            value_28d,
            "up",
            _previous_words(value_28d, pounds(value_28d)),
        ),
        Kpi(
            "Units sold, 28 days",
            "count",
            row["units_28d"],
            why,
            units_28d,
            "up",
            _previous_words(units_28d, figures.number(units_28d)),
        ),
        Kpi(
            "Orders, 28 days",
            "count",
            row["orders_28d"],
            why_no_orders,
            orders_28d,
            "up",
            _previous_words(orders_28d, figures.number(orders_28d)),
        ),
        Kpi(
            "Average order value, 28 days",
            "money_exact",
            row["average_order_value_28d"],
            why_no_ratio if row["revenue_28d"] is None else why_no_orders,
            previous_average,
            "up",
            _previous_words(previous_average, exact(previous_average)),
        ),
        Kpi(
            "Active customers, 28 days",
            "count",
            row["active_customers_28d"],
            why if not row["units_28d"] else "the sales carry no customer codes",
            detail=sold,
        ),
        Kpi(
            "Returns, share of revenue",
            "percent",
            row["returns_rate_28d"],
            why_no_ratio,
            better="down",
            detail=returned,
        ),
        Kpi("Revenue, 7 days", "money", row["revenue_7d"], why_no_money, detail=on_day),
        Kpi("Revenue, month to date", "money", row["revenue_mtd"], why_no_money, detail=on_day_units),
    ]


def _stock_figures(report: DailyReport, row: dict[str, Any]) -> list[Kpi]:
    if not report.kpis.height:
        why = "no key figures for this day"
    elif row["last_counted_on"] is None:
        why = "no stock count has been landed yet"
    else:
        why = "the stock counts carry no unit cost"
    supply_why = "no purchase orders have been landed yet" if report.kpis.height else why
    counted = "" if row["last_counted_on"] is None else f"last count {figures.day(row['last_counted_on'])}"
    in_stock = "" if row["items_in_stock"] is None else f"{figures.count(row['items_in_stock'], 'item')} in stock"
    dead = "" if row["items_dead"] is None else f"{figures.count(row['items_dead'], 'item')} without movement"
    open_lines = "" if row["open_order_lines"] is None else f"of {figures.count(row['open_order_lines'], 'open line')}"
    return [
        Kpi("Stock value", "money", row["stock_value"], why, detail=counted, is_stock=True),
        Kpi(
            "Items out of stock", "count", row["items_out_of_stock"], why, better="down", detail=in_stock, is_stock=True
        ),
        Kpi("Dead stock", "money", row["dead_stock_value"], why, better="down", detail=dead, is_stock=True),
        Kpi(
            "Late order lines",
            "count",
            row["late_order_lines"],
            supply_why,
            better="down",
            detail=open_lines,
            is_stock=True,
        ),
    ]
