"""What the dbt models should make of raw sales, worked out once more by plain means.

Belongs here: line kinds by a loop over the lines of a group, KPIs of one day and classes of one Sunday by filters, all
from raw rows. The models are `dbt_project/`.
"""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import polars as pl

# All that the files have.
_COLUMNS = ("sold_at", "item_code", "quantity", "unit_price", "document_id", "customer_code", "channel", "description")


def line_kinds(sales: pl.DataFrame) -> pl.DataFrame:
    """The raw rows with `item_id`, `line_kind` and `revenue`, one row each."""
    rows = sales.sort("landed_on", "batch_id", "sheet", "row_number").to_dicts()
    seen: set[tuple[Any, ...]] = set()
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        row["item_id"] = row["item_code"].upper()
        copy = tuple(row[column] for column in _COLUMNS)
        if not row["item_code"][:5].isdigit():
            row["line_kind"] = "service"
        elif copy in seen:
            row["line_kind"] = "duplicate"
        else:
            negative, free = row["quantity"] < 0, row["unit_price"] <= 0
            row["line_kind"] = "adjustment" if free else "return" if negative else "sale"
            groups[row["sold_on"], row["item_id"], row["customer_code"], abs(row["quantity"])].append(row)
        seen.add(copy)
    for group in groups.values():
        waiting: list[dict[str, Any]] = []
        for row in sorted(group, key=lambda each: (each["sold_at"], each["quantity"] < 0)):
            if row["quantity"] > 0:
                waiting.append(row)
            elif row["quantity"] < 0 and row["document_id"].startswith("C") and waiting:
                row["line_kind"] = waiting.pop(0)["line_kind"] = "cancelled"
    return pl.DataFrame(rows, schema={**sales.schema, "item_id": pl.String, "line_kind": pl.String}).with_columns(
        (pl.col("quantity") * pl.col("unit_price")).cast(pl.Decimal(38, 4)).alias("revenue")
    )


def kpis_of(lines: pl.DataFrame, stock: pl.DataFrame, day: date) -> dict[str, Any]:
    """The KPIs of one day that follow from sale and return lines and from counts."""

    def between(first: int, last: int, kind: str = "sale") -> pl.DataFrame:
        days = pl.col("sold_on").is_between(day - timedelta(days=first), day - timedelta(days=last))
        return lines.filter(days & (pl.col("line_kind") == kind))

    four_weeks, ever = between(27, 0), between(100_000, 0)
    in_force = (
        stock.filter(pl.col("counted_on") <= day)
        .sort("counted_on")
        .group_by(pl.col("item_code").str.to_uppercase().alias("item_id"))
        .last()
        .with_columns((pl.col("quantity_on_hand") * pl.col("unit_cost")).cast(pl.Decimal(38, 4)).alias("value"))
    )
    on_hand = in_force.filter(pl.col("quantity_on_hand") > 0)
    dead = on_hand.join(between(89, 0), on="item_id", how="anti")
    return {
        "revenue_day": between(0, 0)["revenue"].sum(),
        "revenue_7d": between(6, 0)["revenue"].sum(),
        "revenue_28d": four_weeks["revenue"].sum(),
        "revenue_previous_28d": between(55, 28)["revenue"].sum()
        if ever["sold_on"].min() <= day - timedelta(55)
        else None,
        "revenue_mtd": between(day.day - 1, 0)["revenue"].sum(),
        "units_28d": four_weeks["quantity"].sum(),
        "orders_7d": between(6, 0)["document_id"].n_unique(),
        "orders_28d": four_weeks["document_id"].n_unique(),
        "active_customers_28d": four_weeks["customer_code"].drop_nulls().n_unique(),
        "returns_value_28d": -between(27, 0, "return")["revenue"].sum(),
        "items_sold_28d": four_weeks["item_id"].n_unique(),
        "last_sold_on": ever["sold_on"].max(),
        "stock_value": in_force["value"].sum(),
        "stock_units": in_force["quantity_on_hand"].sum(),
        "items_in_stock": on_hand.height,
        "items_out_of_stock": in_force.height - on_hand.height,
        "items_dead": dead.height,
        "dead_stock_value": dead["value"].sum(),
        "last_counted_on": in_force["counted_on"].max(),
    }


def classes_of(lines: pl.DataFrame, sunday: date) -> dict[str, dict[str, Any]]:
    """Classes of each item sold up to a Sunday, by item."""
    sales = lines.filter((pl.col("line_kind") == "sale") & (pl.col("sold_on") <= sunday))
    found: dict[str, dict[str, Any]] = {}
    for (item_id,), rows in sales.group_by("item_id"):
        first = rows["sold_on"].min()
        span = (sunday - first).days // 7 + 1
        weeks = [0.0] * min(span, 52)
        year = rows.filter(pl.col("sold_on") > sunday - timedelta(days=364))
        for sold_on, quantity in year.select("sold_on", pl.col("quantity").cast(pl.Float64)).iter_rows():
            weeks[(sunday - sold_on).days // 7] += quantity
        found[item_id] = {
            "revenue": year["revenue"].sum(),
            "xyz_class": _xyz(weeks),
            "demand_class": _demand(weeks, span),
        }
    total, before = sum(item["revenue"] for item in found.values()), 0
    for item_id in sorted(found, key=lambda each: (-found[each]["revenue"], each)):
        share = float(before) / float(total)
        found[item_id]["abc_class"] = "A" if share < 0.8 else "B" if share < 0.95 else "C"
        before += found[item_id]["revenue"]
    return found


def _spread(values: list[float]) -> float | None:
    """Coefficient of variation, of the sample."""
    mean = sum(values) / len(values) if values else 0.0
    if len(values) < 2 or mean == 0:
        return None
    return (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5 / mean


def _xyz(weeks: list[float]) -> str:
    spread = _spread(weeks)
    return "Z" if spread is None or spread > 1.0 else "X" if spread <= 0.5 else "Y"


def _demand(weeks: list[float], span: int) -> str:
    sizes = [units for units in weeks if units > 0]
    if not any(weeks[:26]):
        return "dormant"
    if span < 8:
        return "new"
    is_rare, is_varied = len(weeks) / len(sizes) >= 1.32, (_spread(sizes) or 0.0) ** 2 >= 0.49
    return {(0, 0): "smooth", (0, 1): "erratic", (1, 0): "intermittent", (1, 1): "lumpy"}[is_rare, is_varied]
