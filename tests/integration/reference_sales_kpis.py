"""What the sales key figures should be, worked out once more from the lines of the files by plain means.

Belongs here: the days of each period, its figures by filters over sale and return lines, and the top items of one day.
Which lines are sales says `dbt_reference.py`; the models are `dbt_project/models/marts`.
"""

import calendar
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

ROLLING = {"day": 1, "7d": 7, "28d": 28, "90d": 90}
PERIODS = (*ROLLING, "mtd", "ytd")
TREND_SHARE = Decimal("0.1")

Figures = dict[str, Any]


def month_before(day: date) -> date:
    """The same day of the month before, or its last one."""
    last = day.replace(day=1) - timedelta(1)
    return last.replace(day=min(day.day, last.day))


def year_before(day: date) -> date:
    """The same day of the year before; 28 February for the 29th."""
    return day.replace(year=day.year - 1, day=min(day.day, calendar.monthrange(day.year - 1, day.month)[1]))


def first_day(period: str, last: date) -> date:
    """The day on which a period begins that ends on a day."""
    if period in ROLLING:
        return last - timedelta(ROLLING[period] - 1)
    return last.replace(day=1) if period == "mtd" else last.replace(month=1, day=1)


def compared_ends(period: str, day: date) -> dict[str, date]:
    """The last day of each period that one is compared with, by the ending of the columns' names."""
    ends = {"_year_before": year_before(day)}
    if period in ROLLING:
        ends["_previous"] = day - timedelta(ROLLING[period])
    elif period == "mtd":
        ends["_previous"] = month_before(day)
    return ends


def sales_kpis_of(lines: pl.DataFrame, day: date) -> dict[str, Figures]:
    """The figures of every period as of a day.

    Args:
        lines: As `line_kinds`, with `promotion` and `unit_cost`, the cost in force on the day of sale.
        day: Later lines are not looked at.
    """
    known = lines.filter(pl.col("sold_on") <= day)
    first_sold_on = known.filter(pl.col("line_kind") == "sale")["sold_on"].min()
    found: dict[str, Figures] = {}
    for period in PERIODS:
        first = first_day(period, day)
        figures: Figures = {"from_on": first, "to_on": day} | _figures(known, first, day)
        figures["trend"] = _trend(known, first, day) if first < day and first_sold_on <= first else None
        for ending in ("_previous", "_year_before"):
            end = compared_ends(period, day).get(ending)
            is_known = end is not None and first_day(period, end) >= first_sold_on
            compared = _figures(known, first_day(period, end), end) if end and is_known else {}
            figures |= {name + ending: compared.get(name) for name in _figures(known, day, day)}
        found[period] = figures
    return found


def _of(lines: pl.DataFrame, kind: str, first: date, last: date) -> pl.DataFrame:
    return lines.filter((pl.col("line_kind") == kind) & pl.col("sold_on").is_between(first, last))


def _figures(lines: pl.DataFrame, first: date, last: date) -> Figures:
    sales, returns = _of(lines, "sale", first, last), _of(lines, "return", first, last)
    revenue, units = sales["revenue"].sum(), sales["quantity"].sum()
    orders = sales["document_id"].n_unique()
    customers = set(sales["customer_code"].drop_nulls())
    earlier = set(_of(lines, "sale", date.min, first - timedelta(1))["customer_code"].drop_nulls())
    costed = sales.filter(pl.col("unit_cost").is_not_null())
    margin = sum(row[0] - row[1] * row[2] for row in costed.select("revenue", "quantity", "unit_cost").iter_rows())
    promoted = _of(lines, "sale", date.min, last).filter(pl.col("promotion").is_not_null())
    of_promotion = promoted.filter(pl.col("sold_on") >= first)["revenue"].sum()
    returned = -returns["revenue"].sum()
    return {
        "revenue": revenue,
        "units_sold": units,
        "orders": orders,
        "average_order_value": _money(revenue, orders),
        "units_per_order": _share(units, orders),
        "active_customers": len(customers),
        "new_customers": len(customers - earlier),
        "returning_customers": len(customers & earlier),
        "returns_value": returned,
        "returns_rate": _share(returned, revenue),
        "price_realised": _money(revenue, units),
        "promotion_share": _share(of_promotion, revenue) if promoted.height else None,
        "gross_margin": margin if costed.height else None,
        "margin_share": _share(margin, costed["revenue"].sum()),
        "costed_share": _share(costed["revenue"].sum(), revenue),
        "unpriced_lines": 0,
    }


def _money(value: Decimal, parts: Decimal | int) -> Decimal | None:
    return (value / parts).quantize(Decimal("0.0001"), ROUND_HALF_UP) if parts else None


def _share(value: Decimal | int, whole: Decimal | int) -> float | None:
    return float(value) / float(whole) if whole else None


def _trend(lines: pl.DataFrame, first: date, last: date) -> str:
    half = timedelta((last - first).days // 2 + (last - first).days % 2 - 1)
    earlier = _of(lines, "sale", first, first + half)["revenue"].sum()
    later = _of(lines, "sale", last - half, last)["revenue"].sum()
    if later > earlier * (1 + TREND_SHARE):
        return "rising"
    return "falling" if later < earlier * (1 - TREND_SHARE) else "steady"


def top_items_of(lines: pl.DataFrame, day: date) -> list[Figures]:
    """The ten items with the most revenue of 28 days."""
    now, before = _ranking(lines, day), _ranking(lines, day - timedelta(28))
    total = sum(row["revenue"] for row in now)
    places = {row["item_id"]: place for place, row in enumerate(before, 1)}
    return [
        {
            "revenue_rank": place,
            **row,
            "revenue_share": float(row["revenue"]) / float(total),
            "revenue_rank_previous": places.get(row["item_id"]),
        }
        for place, row in enumerate(now[:10], 1)
    ]


def _ranking(lines: pl.DataFrame, day: date) -> list[Figures]:
    sold = _of(lines, "sale", day - timedelta(27), day).group_by("item_id")
    rows = sold.agg(pl.col("revenue").sum(), pl.col("quantity").sum().alias("units_sold")).to_dicts()
    return sorted(rows, key=lambda row: (-row["revenue"], row["item_id"]))


def customers_of(lines: pl.DataFrame) -> pl.DataFrame:
    """Each customer's sales and returns of all time."""
    is_sale, is_return = pl.col("line_kind") == "sale", pl.col("line_kind") == "return"
    return (
        lines.filter((is_sale | is_return) & pl.col("customer_code").is_not_null())
        .group_by("customer_code")
        .agg(
            pl.col("sold_on").filter(is_sale).min().alias("first_bought_on"),
            pl.col("sold_on").filter(is_sale).max().alias("last_bought_on"),
            pl.col("sold_on").filter(is_sale).dt.truncate("1mo").n_unique().cast(pl.Int64).alias("months_active"),
            pl.col("quantity").filter(is_sale).sum().cast(pl.Decimal(38, 4)).alias("units_sold"),
            pl.col("revenue").filter(is_sale).sum(),
            pl.col("revenue").filter(is_return).sum().neg().alias("returns_value"),
        )
        .sort("customer_code")
    )
