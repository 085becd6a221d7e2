"""What the models of classes, seasons and data quality should make of raw rows, worked out once more by plain means.

Belongs here: loops over the items of one Sunday and counts of one day. The models are `dbt_project/models/marts`.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

YEAR_DAYS = 364


def margins_and_lives(
    lines: pl.DataFrame, costs: Mapping[str, Decimal], discontinued: Mapping[str, date], sunday: date
) -> dict[str, dict[str, Any]]:
    """Gross margin of 52 weeks, its class and the stage of life, of each item sold up to a Sunday."""
    sales = lines.filter((pl.col("line_kind") == "sale") & (pl.col("sold_on") <= sunday))
    found: dict[str, dict[str, Any]] = {}
    for (item_id,), rows in sales.group_by("item_id"):
        first, last = rows["sold_on"].min(), rows["sold_on"].max()
        year = rows.filter(pl.col("sold_on") > sunday - timedelta(days=YEAR_DAYS))
        is_known = item_id in costs and not year.is_empty()
        margin = year["revenue"].sum() - year["quantity"].sum() * costs[item_id] if is_known else None
        weekly: dict[int, Decimal] = defaultdict(Decimal)
        for sold_on, quantity in rows.select("sold_on", "quantity").iter_rows():
            weekly[(sunday - sold_on).days // 7] += quantity
        age, silence = (sunday - first).days // 7 + 1, (sunday - last).days // 7
        found[item_id] = {
            "gross_margin_52w": margin,
            "abc_margin_class": None,
            "life_cycle": _life(weekly, age, silence, discontinued.get(item_id, date.max) <= sunday),
        }
    known = {
        item_id: each["gross_margin_52w"] for item_id, each in found.items() if each["gross_margin_52w"] is not None
    }
    total, before = sum(max(margin, 0) for margin in known.values()), Decimal(0)
    for item_id in sorted(known, key=lambda each: (-known[each], each)):
        if known[item_id] <= 0 or before >= Decimal("0.95") * total:
            found[item_id]["abc_margin_class"] = "C"
        else:
            found[item_id]["abc_margin_class"] = "A" if before < Decimal("0.8") * total else "B"
        before += max(known[item_id], 0)
    return found


def _life(weekly: Mapping[int, Decimal], age: int, silence: int, is_discontinued: bool) -> str:
    if is_discontinued or silence >= 52:
        return "obsolete"
    if silence >= 26:
        return "dormant"
    if age < 8:
        return "new"
    half = min(age // 2, 13)
    later = sum(weekly.get(week, Decimal(0)) for week in range(half))
    earlier = sum(weekly.get(week, Decimal(0)) for week in range(half, 2 * half))
    if later == earlier:
        return "mature"
    change = later - earlier
    return "growing" if change * 4 >= earlier else "declining" if -change * 4 >= earlier else "mature"


def seasons_of(units: Mapping[str, Mapping[int, float]], ages: Mapping[str, int]) -> dict[str, dict[str, float | None]]:
    """Seasonal strength and deseasonalised variation of each item, by a Sunday with two years.

    Args:
        units: By item, then by the number of weeks before the Sunday, 0 to 103.
        ages: Weeks since each item's first sale, that week included.
    """
    years = [
        [sum(of_item.get(week + shift, 0.0) for of_item in units.values()) for week in range(52)] for shift in (0, 52)
    ]
    means = [sum(year) / 52 for year in years]
    indexes = [max((now / means[0] + before / means[1]) / 2, 0.1) for now, before in zip(*years, strict=True)]
    found: dict[str, dict[str, float | None]] = {}
    for item_id, of_item in units.items():
        now, before = ([of_item.get(week + shift, 0.0) for week in range(52)] for shift in (0, 52))
        from_mean = [[each - sum(year) / 52 for each in year] for year in (now, before)]
        variance = sum(each**2 for year in from_mean for each in year)
        strength = None
        if ages[item_id] >= 104 and variance:
            # Season, the two years' mean week, and what it leaves; over 102 and 51 degrees of freedom.
            left = sum((one - other) ** 2 / 2 for one, other in zip(*from_mean, strict=True))
            strength = max(0.0, 1 - (left / 51) / (variance / 102))
        weeks = min(ages[item_id], 52)
        values = [each / index for each, index in zip(now, indexes, strict=True)][:weeks]
        mean = sum(values) / weeks
        spread = None
        if weeks > 1 and mean:
            spread = (sum((each - mean) ** 2 for each in values) / (weeks - 1)) ** 0.5 / mean
        found[item_id] = {"seasonal_strength": strength, "deseasonalised_variation": spread}
    return found


def sales_quality_of(lines: pl.DataFrame, day: date) -> dict[str, float | None]:
    """Completeness and consistency of the sales of 28 days."""
    recent = lines.filter(pl.col("sold_on").is_between(day - timedelta(days=27), day))
    counted = recent.filter(pl.col("line_kind").is_in(["sale", "return"]))
    faulty = recent.filter(pl.col("line_kind").is_in(["duplicate", "superseded", "unconverted"]))
    shares = [counted[column].is_not_null().sum() / counted.height for column in ("customer_code", "document_id")]
    return {"completeness": sum(shares) / 2, "consistency": 1 - faulty.height / recent.height}


def coverage_of(lines: pl.DataFrame, known: set[str], day: date) -> float:
    """Share of the items sold in 28 days that are among the known ones."""
    is_recent = pl.col("sold_on").is_between(day - timedelta(days=27), day) & (pl.col("line_kind") == "sale")
    sold = set(lines.filter(is_recent)["item_id"])
    return len(sold & known) / len(sold)


def balance_of(lines: pl.DataFrame, stock: pl.DataFrame, categories: Mapping[str, str]) -> dict[Any, dict[str, Any]]:
    """Demand, and stock at the month's end, by category and month of the lines' days."""
    sales = lines.filter(pl.col("line_kind") == "sale")
    counts = stock.sort("counted_on").with_columns(pl.col("item_code").str.to_uppercase().alias("item_id"))
    found: dict[Any, dict[str, Any]] = {}
    for month in sorted(set(sales["sold_on"].dt.truncate("1mo"))):
        of_month = sales.filter(pl.col("sold_on").dt.truncate("1mo") == month)
        in_force = counts.filter(pl.col("counted_on").dt.truncate("1mo") <= month).group_by("item_id").last()
        for name in sorted(
            {categories.get(item, "uncategorised") for item in [*of_month["item_id"], *in_force["item_id"]]}
        ):
            items = [
                item
                for item in {*of_month["item_id"], *in_force["item_id"]}
                if categories.get(item, "uncategorised") == name
            ]
            own, counted = (each.filter(pl.col("item_id").is_in(items)) for each in (of_month, in_force))
            found[name, month] = {
                "demand_units": own["quantity"].sum(),
                "demand_revenue": own["revenue"].sum(),
                "stock_units": counted["quantity_on_hand"].sum() if counted.height else None,
            }
    return found
