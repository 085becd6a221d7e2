"""The day's actions ranked by the money that hangs on them, from order proposals and open alerts.

Belongs here: which rows call for an action, what it says, and its rank. How it is drawn is in `first_page.py`.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from inventra_pipelines.domain.reports import figures
from inventra_pipelines.domain.reports.model import DailyReport, item_label

# At most this part of the first places for selling down, and as much for looking into unusual sales.
LIMITED_SHARE = 0.3
FAILED_FEEDS = ("no_feed", "rejected_file", "stale_feed", "thin_feed", "rejected_rows")
ORDERING = ("out_of_stock", "stock_out_risk", "order")
SURPLUS = ("excess", "no_demand")


@dataclass(frozen=True)
class Action:
    """One thing to do.

    Attributes:
        what: The action in a few words.
        item: Item id, with its location where that is not the main one; empty for the whole tenant.
        name: The item's name.
        why: The figures that call for it.
        money: Money that hangs on it, None where no price or cost is known.
        tone: Status or severity, for the colour.
        is_stock: Rests on stock figures.
        limited: Group of actions that gets part of the first places only, or empty.
        is_urgent: Stands before all others: on a feed that failed rests every figure of the report.
    """

    what: str
    item: str
    name: str
    why: str
    money: float | None
    tone: str
    is_stock: bool
    limited: str = ""
    is_urgent: bool = False


def ranked_actions(report: DailyReport) -> list[Action]:
    """All actions: feeds that failed first, then those with the most money; without money last. Ties by item.

    An alert about the stock of an item that has a proposal of its own is that proposal's action, not a second one.
    """
    surplus = pl.col("status").is_in(SURPLUS) & (pl.col("excess_units") > 0)
    proposals = report.proposals.filter(pl.col("status").is_in(ORDERING) | surplus)
    labelled = proposals.with_columns(item_label=item_label())
    actions = [_from_proposal(row) for row in labelled.iter_rows(named=True)]
    covered = set(proposals["item_id"].to_list())
    unusual = {(row["kind"], row["item_id"]): row for row in report.anomalies.iter_rows(named=True)}
    for row in report.alerts.filter(pl.col("state") == "open").iter_rows(named=True):
        kind = row["kind"] or ""
        about_stock = "stock" in kind or "excess" in kind
        if not (about_stock and row["item_id"] in covered):
            actions.append(_from_alert(row, about_stock, unusual.get((kind, row["item_id"]))))
    return sorted(actions, key=lambda a: (not a.is_urgent, a.money is None, -(a.money or 0.0), a.item, a.what))


def first_actions(ranked: list[Action], places: int) -> list[Action]:
    """The first `places` of the ranked actions: at most 30 % excess and 30 % unusual sales, unless others are too few.

    A lost sale is lost for good, while excess only ties money up and an unusual week only asks for a look; without
    the limit the two push out the orders.
    """
    most = round(places * LIMITED_SHARE)
    taken: dict[str, int] = {}
    chosen: list[Action] = []
    left_out: list[Action] = []
    for action in ranked:
        taken[action.limited] = taken.get(action.limited, 0) + 1
        (left_out if action.limited and taken[action.limited] > most else chosen).append(action)
    kept = {id(action) for action in [*chosen, *left_out][:places]}
    return [action for action in ranked if id(action) in kept]


def _from_proposal(row: dict[str, Any]) -> Action:
    excess = row["status"] in SURPLUS
    return Action(
        what=f"Sell down {figures.units(row['excess_units'])} units" if excess else _order_words(row),
        item=row["item_label"],
        name=row["name"] or "",
        why=_excess_words(row) if excess else shortage_words(row),
        money=row["excess_value"] if excess else row["money_at_risk"],
        tone="excess" if excess else row["status"],
        is_stock=True,
        limited="excess" if excess else "",
    )


def _order_words(row: dict[str, Any]) -> str:
    if row["quantity_proposed"]:
        supplier = f" from {row['supplier_code']}" if row["supplier_code"] else ""
        return f"Order {figures.units(row['quantity_proposed'])}{supplier}"
    if row["on_order"]:
        return f"Chase the {figures.units(row['on_order'])} on order"
    return "Review: nothing proposed"


def shortage_words(row: dict[str, Any]) -> str:
    """Why an item is short, from its proposal: when it runs out, what it sells, how long supply takes."""
    sells = f"sells {figures.units(row['demand_mean_weekly'])} a week"
    if row["status"] == "out_of_stock":
        return f"out of stock, {sells}"
    if row["stock_out_on"] is not None:
        lead = "" if row["lead_time_days"] is None else f", lead time {figures.number(row['lead_time_days'])} days"
        return f"runs out {figures.day_short(row['stock_out_on'])}{lead}"
    return f"{figures.units(row['available'])} available, reorder at {figures.units(row['reorder_point'])}"


def _excess_words(row: dict[str, Any]) -> str:
    if row["days_of_cover"] is None:
        return "no demand forecast"
    return f"{figures.rate(row['days_of_cover'] / 7)} weeks of cover"


def _from_alert(row: dict[str, Any], about_stock: bool, anomaly: dict[str, Any] | None) -> Action:
    message = figures.text(row["message"]).removeprefix(f"item {row['item_id']}").lstrip(" :")
    return Action(
        what=f"Check {figures.words(row['kind'])}",
        item=row["item_id"] or "",
        name=row["name"] or "",
        why=message if anomaly is None or not row["item_id"] else _unusual_words(anomaly),
        money=row["money_at_risk"],
        tone=row["severity"] or "",
        is_stock=about_stock,
        limited="" if anomaly is None or not row["item_id"] else "unusual sales",
        is_urgent=row["kind"] in FAILED_FEEDS,
    )


def _unusual_words(row: dict[str, Any]) -> str:
    sold, usual = figures.units(row["observed"]), figures.units(row["expected"])
    return f"sold {sold} in 7 days, usual {usual}" if row["observed"] else f"stopped selling, usual {usual} a week"
