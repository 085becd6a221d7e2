"""What sales in more than one currency come to, by plain loops over the raw rows.

Belongs here: a price by the currency of its row, sums that one unknown price leaves unknown, and from these the figures
of periods, items and stock. Every line stands once and none is cancelled; which lines do is `dbt_reference.py`.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
Lines = list[Row]

OWN = "GBP"


def to_four_decimals(value: Decimal) -> Decimal:
    """Rounded half away from zero, which `decimal` calls up."""
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def lines_of(rows: Iterable[Row], rates: Mapping[str, Decimal]) -> Lines:
    """The rows with `line_kind`, and with `price` and `revenue` in the tenant's currency, None where not known."""
    lines = []
    for row in rows:
        code = (row["currency"] or "").strip().upper()
        rate = Decimal(1) if code in ("", OWN) else rates.get(code)
        price, quantity = row["unit_price"], Decimal(row["quantity"])
        lines.append(
            {
                **row,
                "line_kind": "adjustment" if price <= 0 else "return" if quantity < 0 else "sale",
                "price": None if rate is None else to_four_decimals(price * rate),
                "revenue": None if rate is None else to_four_decimals(quantity * price * rate),
            }
        )
    return lines


def known_sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """None where one of the values is."""
    total = Decimal(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total


def of_kind(lines: Lines, kind: str, first: date = date.min, last: date = date.max) -> Lines:
    """Lines of a kind, sold on the days."""
    return [line for line in lines if line["line_kind"] == kind and first <= line["sold_on"] <= last]


def revenue_by(lines: Lines, key: Any, kind: str = "sale") -> dict[Any, Decimal | None]:
    """Revenue of the lines of a kind by a key of each."""
    groups: dict[Any, Lines] = {}
    for line in of_kind(lines, kind):
        groups.setdefault(key(line), []).append(line)
    return {group: known_sum(line["revenue"] for line in members) for group, members in groups.items()}


def margin_of(sales: Lines, costs: Mapping[str, Decimal]) -> Decimal | None:
    """Revenue less cost of the sales whose cost is known; None where a price is not, or no cost."""
    costed = [line for line in sales if line["item_code"] in costs]
    if not costed or any(line["revenue"] is None for line in sales):
        return None
    return sum((line["revenue"] - line["quantity"] * costs[line["item_code"]] for line in costed), Decimal(0))


def sales_figures(lines: Lines, costs: Mapping[str, Decimal], first: date, last: date) -> Row:
    """Figures of `rpt_sales_kpis` for one period."""
    sales, returns = of_kind(lines, "sale", first, last), of_kind(lines, "return", first, last)
    revenue = known_sum(line["revenue"] for line in sales)
    returned = known_sum(-line["revenue"] if line["revenue"] is not None else None for line in returns)
    promoted = known_sum(line["revenue"] for line in sales if line["promotion"])
    units = sum(line["quantity"] for line in sales)
    orders = len({line["document_id"] for line in sales})
    return {
        "revenue": revenue,
        "units_sold": units,
        "orders": orders,
        "average_order_value": to_four_decimals(revenue / orders) if revenue is not None and orders else None,
        "returns_value": returned,
        "returns_rate": float(returned / revenue) if returned is not None and revenue else None,
        "price_realised": to_four_decimals(revenue / units) if revenue is not None and units else None,
        "promotion_share": float(promoted / revenue) if promoted is not None and revenue else None,
        "gross_margin": margin_of(sales, costs),
        "unpriced_lines": sum(line["revenue"] is None for line in [*sales, *returns]),
    }


def abc_classes(lines: Lines, sunday: date) -> dict[str, tuple[str | None, Decimal | None]]:
    """Class and revenue of 52 weeks of each item sold up to a Sunday, at 80 and 95 % of what is known."""
    items = {line["item_code"] for line in of_kind(lines, "sale", last=sunday)}
    found = revenue_by(of_kind(lines, "sale", sunday - timedelta(363), sunday), lambda line: line["item_code"])
    known = {item: value for item, value in found.items() if value is not None}
    total, before = sum(known.values()), Decimal(0)
    classes: dict[str, tuple[str | None, Decimal | None]] = dict.fromkeys(items, (None, None))
    for item, value in sorted(known.items(), key=lambda pair: (-pair[1], pair[0])):
        share = before / total
        classes[item] = ("A" if share < Decimal("0.8") else "B" if share < Decimal("0.95") else "C", value)
        before += value
    return classes


def top_items(lines: Lines, day: date) -> dict[str, tuple[int, Decimal, float | None]]:
    """Rank, revenue and share of the items whose revenue of 28 days is known."""
    sold = revenue_by(of_kind(lines, "sale", day - timedelta(27), day), lambda line: line["item_code"])
    whole = known_sum(sold.values())
    known = sorted((-value, item) for item, value in sold.items() if value is not None)
    return {
        item: (rank, -value, None if whole is None else float(-value / whole))
        for rank, (value, item) in enumerate(known, 1)
    }


def lost_revenue(lines: Lines, stockouts: Iterable[tuple[str, date, date]], day: date) -> Decimal | None:
    """What the days without stock of four weeks lost: item, first day without and first with stock again."""
    lost: list[Decimal | None] = []
    for item, began_on, ended_on in stockouts:
        days = sum(day - timedelta(27) <= began_on + timedelta(n) <= day for n in range((ended_on - began_on).days))
        sold = of_kind(lines, "sale", began_on - timedelta(28), began_on - timedelta(1))
        revenue = known_sum(line["revenue"] for line in sold if line["item_code"] == item)
        if days:
            lost.append(None if revenue is None else revenue * days / 28)
    total = known_sum(lost)
    return None if total is None else to_four_decimals(total)
