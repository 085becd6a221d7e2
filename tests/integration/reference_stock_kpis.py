"""What the stock and supply figures of a day should be, worked out once more from raw rows by plain means.

Belongs here: states of items, stock and supply figures and lead times of one day, by filters and loops. Rows are of one
location and of known quantities; thresholds are a tenant's defaults. The models are `dbt_project/models/marts`.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import polars as pl

from inventra_pipelines.domain.tenant import AnalyticsConfig, PlanningConfig

RULES, PLANNING = AnalyticsConfig(), PlanningConfig()
_YEAR, _FOUR_WEEKS, _QUARTER = 365, 28, 90
_LAYERS = {"0_30d": 30, "31_60d": 60, "61_90d": 90}

Row = dict[str, Any]


def _days(day: date, number: int) -> date:
    return day - timedelta(number)


@dataclass(frozen=True)
class StockYear:
    """Raw rows: sale lines (item_id, sold_on, quantity, revenue), counts, order lines as they landed last, items."""

    sales: pl.DataFrame
    stock: pl.DataFrame
    orders: pl.DataFrame
    items: pl.DataFrame

    @cached_property
    def counts(self) -> dict[str, list[Row]]:
        """Counts by item, the earliest first."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.stock.sort("counted_on").to_dicts():
            found[row["item_id"]].append(row)
        return found

    @cached_property
    def sold(self) -> dict[str, list[tuple[date, Decimal, Decimal]]]:
        """Day, units and revenue of the sale lines by item, the earliest first."""
        found: dict[str, list[tuple[date, Decimal, Decimal]]] = defaultdict(list)
        for item_id, *line in (
            self.sales.sort("sold_on").select("item_id", "sold_on", "quantity", "revenue").iter_rows()
        ):
            found[item_id].append((line[0], line[1], line[2]))
        return found

    @cached_property
    def lines(self) -> dict[str, list[Row]]:
        """Order lines by item."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.orders.to_dicts():
            found[row["item_id"]].append(row)
        return found

    @cached_property
    def values(self) -> dict[date, Decimal]:
        """Value of the stock at the end of every day."""
        in_force: dict[str, Decimal] = {}
        found: dict[date, Decimal] = {}
        counted: dict[date, list[Row]] = defaultdict(list)
        for row in self.stock.to_dicts():
            counted[row["counted_on"]].append(row)
        for number in range((max(counted) - min(counted)).days + 1):
            on = min(counted) + timedelta(number)
            in_force |= {row["item_id"]: row["quantity_on_hand"] * row["unit_cost"] for row in counted[on]}
            found[on] = sum(in_force.values(), Decimal(0))
        return found

    @cached_property
    def described(self) -> dict[str, Row]:
        """What the master says of each item."""
        return {row["item_id"]: row for row in self.items.to_dicts()}

    def sold_within(self, item_id: str, first: date, last: date) -> tuple[Decimal, Decimal]:
        """Units and revenue that an item sold from one day to another."""
        lines = self.sold[item_id]
        within = lines[bisect_left(lines, (first,)) : bisect_left(lines, (last + timedelta(1),))]
        return sum((units for _, units, _ in within), Decimal(0)), sum((value for *_, value in within), Decimal(0))

    def counts_up_to(self, item_id: str, day: date) -> list[Row]:
        """An item's counts up to a day."""
        counts = self.counts[item_id]
        return counts[: bisect_right(counts, day, key=lambda row: row["counted_on"])]


def item_states(year: StockYear, day: date) -> dict[str, Row]:
    """The state of every counted item at the end of a day."""
    found = {}
    any_order = any(row["ordered_on"] <= day for rows in year.lines.values() for row in rows)
    for item_id in year.counts:
        known = year.counts_up_to(item_id, day)
        if not known:
            continue
        on_hand, cost = known[-1]["quantity_on_hand"], known[-1]["unit_cost"]
        units_28d, _ = year.sold_within(item_id, _days(day, _FOUR_WEEKS - 1), day)
        units_90d, _ = year.sold_within(item_id, _days(day, _QUARTER - 1), day)
        last_sold_on = max((on for on, *_ in year.sold[item_id] if on <= day), default=None)
        cover = on_hand * 28 / units_28d if units_28d else None
        is_dead = last_sold_on is None or (day - last_sold_on).days >= RULES.dead_after_days
        status = _status(on_hand, cover, is_dead, year.described.get(item_id, {}).get("lead_time_days"))
        excess = max(on_hand - RULES.overstocked_cover_days * units_28d / 28, Decimal(0)) if units_28d else None
        if status == "dead":
            excess = on_hand
        left, layers = max(on_hand, Decimal(0)), {}
        received = [row for row in year.lines[item_id] if row["received_on"] and row["received_on"] <= day]
        for layer, oldest in (*_LAYERS.items(), ("over_90d", 100_000)):
            ages = [row for row in received if (day - row["received_on"]).days <= oldest]
            units = sum((row["quantity_received"] for row in ages), Decimal(0))
            layers[f"units_{layer}"] = min(left, units) - sum(layers.values())
        ordered = [row for row in year.lines[item_id] if row["ordered_on"] <= day]
        still_open = [row for row in ordered if row["received_on"] is None or row["received_on"] > day]
        found[item_id] = {
            "on_hand": on_hand,
            "on_order": sum(map(_open_units, still_open), Decimal(0)) if any_order else None,
            "stock_value": on_hand * cost,
            "unit_cost": cost,
            "last_sold_on": last_sold_on,
            "units_28d": units_28d,
            "units_90d": units_90d,
            "status": status,
            "excess_units": None if excess is None else round(excess, 4),
            **layers,
            "units_unknown_age": left - sum(layers.values()),
        }
    return found


def _status(on_hand: Decimal, cover: Decimal | None, is_dead: bool, lead_time_days: int | None) -> str:
    if on_hand <= 0:
        return "out_of_stock"
    if is_dead:
        return "dead"
    if cover is None:
        return "healthy"
    if cover < RULES.urgent_cover_days:
        return "urgent"
    if cover < (lead_time_days or PLANNING.default_lead_time_days) + PLANNING.review_days:
        return "understocked"
    return "overstocked" if cover > RULES.overstocked_cover_days else "healthy"


def _open_units(line: Row) -> Decimal:
    """What was to come of a line that was open; a part that came has no day and is taken off on all of them."""
    came = Decimal(0) if line["received_on"] else line["quantity_received"]
    return max(line["quantity_ordered"] - came, Decimal(0))


def stock_kpis(year: StockYear, day: date) -> Row:
    """The stock figures of one day that are more than counts of statuses."""
    states = item_states(year, day)
    value = sum((row["stock_value"] for row in states.values()), Decimal(0))
    demand = sum((row["units_28d"] * row["unit_cost"] for row in states.values()), Decimal(0))
    values = [total for on, total in year.values.items() if _days(day, _YEAR) < on <= day]
    average = sum(values) / len(values)
    costs = year.items.select("item_id", "unit_cost")
    sold = year.sales.join(costs, on="item_id").filter(
        pl.col("sold_on").is_between(_days(day, len(values) - 1), day), pl.col("unit_cost").is_not_null()
    )
    cost_of_goods = sum((q * c for q, c in sold.select("quantity", "unit_cost").iter_rows()), Decimal(0))
    margin = sum(sold["revenue"], Decimal(0)) - cost_of_goods
    annual = Decimal(_YEAR) / len(values)
    layers = {
        layer: sum(
            (
                row["stock_value"] * row[f"units_{layer}"] / row["on_hand"]
                for row in states.values()
                if row["on_hand"] > 0
            ),
            Decimal(0),
        )
        for layer in (*_LAYERS, "over_90d")
    }
    is_long = len(values) >= _QUARTER
    return {
        "stock_units": sum((row["on_hand"] for row in states.values()), Decimal(0)),
        "stock_value": value,
        "items_counted": len(states),
        "last_counted_on": max(
            row["counted_on"] for rows in year.counts.values() for row in rows if row["counted_on"] <= day
        ),
        "days_of_cover": value / (demand / 28),
        **{f"value_{layer}": amount for layer, amount in layers.items()},
        "value_unknown_age": value - sum(layers.values()),
        "carrying_cost_month": value * Decimal(str(RULES.carrying_cost_rate)) / 12,
        "stock_days_365d": len(values),
        "average_stock_value_365d": average,
        "turns_365d": cost_of_goods / average * annual if is_long else None,
        "gmroi_365d": margin / average * annual if is_long else None,
        **_availability(year, day),
    }


def _availability(year: StockYear, day: date) -> Row:
    """Item-days out of stock in four weeks, and what would have been sold on them."""
    item_days = out = 0
    units = revenue = Decimal(0)
    for number in range(_FOUR_WEEKS):
        on = _days(day, number)
        for item_id in year.counts:
            known = year.counts_up_to(item_id, on)
            if not known:
                continue
            is_out = known[-1]["quantity_on_hand"] <= 0
            if year.sold_within(item_id, _days(on, _QUARTER - 1), on)[0] > 0:
                item_days += 1
                out += is_out
            if is_out:
                while len(known) > 1 and known[-2]["quantity_on_hand"] <= 0:
                    known.pop()
                began_on = known[-1]["counted_on"]
                if (on - began_on).days < _QUARTER:
                    before = year.sold_within(item_id, _days(began_on, 28), _days(began_on, 1))
                    units, revenue = units + before[0], revenue + before[1]
    return {
        "availability_28d": 1 - out / item_days if item_days else None,
        "lost_units_28d": units / 28,
        "lost_revenue_28d": revenue / 28,
    }


def supply_kpis(year: StockYear, day: date) -> Row:
    """Open, late and judged purchase-order lines of one day."""
    ordered = [row for rows in year.lines.values() for row in rows if row["ordered_on"] <= day]
    still_open = [row for row in ordered if row["received_on"] is None or row["received_on"] > day]
    due = [row for row in ordered if _days(day, _QUARTER - 1) <= row["expected_on"] <= day]
    come = [row for row in due if row["received_on"] and row["received_on"] <= day]
    in_time = [
        row
        for row in come
        if row["received_on"] <= row["expected_on"] and row["quantity_received"] >= row["quantity_ordered"]
    ]
    units = sum(row["quantity_ordered"] for row in due)
    filled = sum(min(row["quantity_received"], row["quantity_ordered"]) for row in come)
    costs = {item_id: row["unit_cost"] for item_id, row in year.described.items()}
    return {
        "open_order_lines": len(still_open),
        "late_order_lines": sum(row["expected_on"] < day for row in still_open),
        "open_order_value": sum((_open_units(row) * costs[row["item_id"]] for row in still_open), Decimal(0)),
        "due_order_lines_90d": len(due),
        "on_time_in_full_rate_90d": len(in_time) / len(due) if due else None,
        "fill_rate_90d": filled / units if units else None,
    }


def lead_times(year: StockYear, sunday: date) -> dict[tuple[str, str], Row]:
    """Lead times by supplier and item, and by supplier, of the lines received in the year to a Sunday."""
    taken: dict[tuple[str, str], list[tuple[int, Decimal]]] = defaultdict(list)
    for row in (row for rows in year.lines.values() for row in rows):
        came = row["received_on"]
        if came is None or not _days(sunday, RULES.lead_time_days) < came <= sunday or not row["quantity_received"]:
            continue
        from_on = row["confirmed_on"] if row["confirmed_on"] and row["confirmed_on"] <= came else row["ordered_on"]
        for item_id in (row["item_id"], ""):
            taken[row["supplier_code"], item_id].append(((came - from_on).days, row["quantity_received"]))
    found = {}
    for key, lines in taken.items():
        total = sum(units for _, units in lines)
        mean = float(sum(days * units for days, units in lines) / total)
        spread = sum((days - mean) ** 2 * float(units) for days, units in lines) / float(total)
        found[key] = {
            "lead_time_days_mean": mean,
            "lead_time_days_std": spread**0.5,
            "lead_time_days_p50": _quantile(lines, Decimal("0.5")),
            "lead_time_days_p90": _quantile(lines, Decimal("0.9")),
            "units_received": total,
            "lines": len(lines),
        }
    return found


def _quantile(lines: list[tuple[int, Decimal]], share: Decimal) -> int:
    total, within = sum(units for _, units in lines), Decimal(0)
    for days, units in sorted(lines):
        within += units
        if within >= share * total:
            return days
    raise AssertionError("no lines")
