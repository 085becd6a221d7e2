"""The day loop of the simulation: real demand per item and day replayed against a plain reorder rule.

Belongs here: arrays in, arrays out, vectorised over items. Who supplies what is `master.py`; what lands as rows on
which day is `feeds.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class ReorderPolicy:
    """The buyer's rule, per item.

    The rate is units a day: the average of the last `window_days` days, mixed by the share `foresight` with the average
    of the `foresight_days` to come. A buyer has season plans and customers' announcements; an average that only looks
    back would leave about twice as many selling items empty at the end of the demo's autumn (8 % instead of 4 %).

    A supplier is reviewed once a week, on its weekday or the first trading day after it. An item whose position (on
    hand plus on order) is at or below `rate x (lead time + review_days) + safety` is ordered up to that level plus
    `rate x cycle_days`, in whole packs and at least the minimum. Safety is `safety_factor` standard deviations of the
    window's daily demand times the root of lead time + review_days, and at most `safety_days` of the rate. Below
    `minimum_rate` the buyer lets the item run out. An order whose value is below the supplier's minimum waits for the
    next review.
    """

    window_days: int = 56
    foresight: float = 0.5
    foresight_days: int = 42
    review_days: int = 7
    safety_factor: float = 1.5
    safety_days: float = 28.0
    cycle_days: float = 14.0
    minimum_rate: float = 0.02


@dataclass(frozen=True)
class SupplyTerms:
    """Terms per item (and per supplier where said); items and suppliers are positions in the arrays.

    Attributes:
        supplier: Supplier of each item.
        lead_time_days: Promised days from order to receipt, per item.
        pack: Orders are multiples of it, units per item.
        minimum: Smallest order line, units per item.
        unit_cost: Money per unit, per item.
        launch_day: Day on which the item enters the range, per item.
        opening: Units on hand at the start of the launch day, per item.
        expected_rate: Units a day expected before there is history, per item.
        review_weekday: 0 is Monday, per supplier.
        minimum_value: Smallest order, money per supplier.
    """

    supplier: IntArray
    lead_time_days: IntArray
    pack: IntArray
    minimum: IntArray
    unit_cost: FloatArray
    launch_day: IntArray
    opening: IntArray
    expected_rate: FloatArray
    review_weekday: IntArray
    minimum_value: FloatArray


@dataclass(frozen=True)
class DeliveryNoise:
    """What goes otherwise than promised, drawn before the replay so that the replay itself is free of chance.

    Attributes:
        delay_days: Days after the promised day, by day ordered and supplier; negative is early.
        first_share: Share of the line that comes with the first delivery, by day ordered and item; 1 is all of it.
        rest_delay_days: Days until the rest follows, by day ordered and supplier.
    """

    delay_days: IntArray
    first_share: FloatArray
    rest_delay_days: IntArray


@dataclass(frozen=True)
class OrderLines:
    """Order lines, by day ordered and item; the days are positions and may lie after the last day.

    `first_day` and `first_quantity` are the first delivery, `full_day` the one that completes the line.
    """

    item: IntArray
    ordered_day: IntArray
    expected_day: IntArray
    quantity: IntArray
    first_day: IntArray
    first_quantity: IntArray
    full_day: IntArray


@dataclass(frozen=True)
class Replay:
    """The ledger by day and item (opening is what was there before the day's receipts) and the order lines."""

    opening: IntArray
    received: IntArray
    shipped: IntArray
    on_hand: IntArray
    on_order: IntArray
    orders: OrderLines


def to_working_day(day: IntArray, first_weekday: int) -> IntArray:
    """Move days that fall on a Saturday or Sunday to the Monday after; `first_weekday` is day 0's, 0 being Monday."""
    weekday = (day + first_weekday) % 7
    moved: IntArray = day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))
    return moved


def review_days(is_trading: BoolArray, review_weekday: IntArray, first_weekday: int) -> BoolArray:
    """Days by suppliers: the first trading day of each week on or after the supplier's weekday, Monday to Friday."""
    days = len(is_trading)
    reviewed = np.zeros((days, len(review_weekday)), dtype=bool)
    waiting = np.zeros(len(review_weekday), dtype=bool)
    for day in range(days):
        weekday = (day + first_weekday) % 7
        waiting = (waiting & (weekday != 0)) | (review_weekday == weekday)
        if is_trading[day] and weekday < 5:
            reviewed[day] = waiting
            waiting = np.zeros_like(waiting)
    return reviewed


def average_demand(demand: IntArray, launch_day: IntArray, expected_rate: FloatArray, window_days: int) -> FloatArray:
    """Units a day over the trailing window, by day and item.

    Days before the launch count as the expected rate: nothing was sold because the item was not there.
    """
    days = len(demand)
    known = np.where(np.arange(days)[:, None] >= launch_day, demand, expected_rate)
    totals = np.vstack([np.tile(expected_rate, (window_days, 1)), known]).cumsum(axis=0)
    average: FloatArray = (totals[window_days:] - totals[:-window_days]) / window_days
    return average


def coming_demand(demand: IntArray, window_days: int) -> FloatArray:
    """Units a day over the days that follow, by day and item; at the end over the days that are left, at least one."""
    days = len(demand)
    totals = np.vstack([np.zeros_like(demand[:1]), demand.cumsum(axis=0)])
    start = np.minimum(np.arange(days) + 1, days - 1)
    end = np.minimum(start + window_days, days)
    average: FloatArray = (totals[end] - totals[start]) / (end - start)[:, None]
    return average


def order_quantities(
    position: IntArray,
    reviewed: BoolArray,
    terms: SupplyTerms,
    policy: ReorderPolicy,
    *,
    rate: FloatArray,
    spread: FloatArray,
) -> IntArray:
    """Units to order per item under the rule of `ReorderPolicy`.

    Args:
        position: Units on hand and on order, per item.
        reviewed: Which items' turn it is.
        terms: The items' terms.
        policy: The rule's figures.
        rate: Units a day, per item.
        spread: Standard deviation of a day's demand, per item.
    """
    protected_days = terms.lead_time_days + policy.review_days
    safety = np.minimum(policy.safety_factor * spread * np.sqrt(protected_days), policy.safety_days * rate)
    reorder_point = rate * protected_days + safety
    is_due = reviewed & (position <= reorder_point) & (rate >= policy.minimum_rate)
    missing = reorder_point + rate * policy.cycle_days - position
    packs = np.ceil(np.maximum(missing, terms.minimum) / terms.pack).astype(np.int64)
    wanted = np.where(is_due, packs * terms.pack, 0)
    value = np.bincount(terms.supplier, weights=wanted * terms.unit_cost, minlength=len(terms.minimum_value))
    placed: IntArray = np.where((value >= terms.minimum_value)[terms.supplier], wanted, 0)
    return placed


def replay_demand(
    demand: IntArray,
    terms: SupplyTerms,
    noise: DeliveryNoise,
    *,
    first_weekday: int,
    policy: ReorderPolicy | None = None,
) -> Replay:
    """Replay a demand matrix of days by items: receipts in the morning, then sales, then the review, then the count.

    Demand above what is on hand is lost, so that on hand never falls below zero. A day trades when anything sells.
    """
    policy = policy or ReorderPolicy()
    reviewed = review_days(demand.sum(axis=1) > 0, terms.review_weekday, first_weekday)
    trailing = average_demand(demand, terms.launch_day, terms.expected_rate, policy.window_days)
    rate = (1 - policy.foresight) * trailing + policy.foresight * coming_demand(demand, policy.foresight_days)
    square = average_demand(demand**2, terms.launch_day, terms.expected_rate**2, policy.window_days)
    spread = np.sqrt(np.maximum(square - trailing**2, 0.0))
    opening, received, shipped, on_hand, on_order = (np.zeros_like(demand) for _ in range(5))
    lines: list[OrderLines] = []
    hand, ordered = np.zeros_like(demand[0]), np.zeros_like(demand[0])
    for day in range(len(demand)):
        opening[day] = hand + np.where(terms.launch_day == day, terms.opening, 0)
        shipped[day] = np.minimum(opening[day] + received[day], demand[day])
        hand = opening[day] + received[day] - shipped[day]
        ordered = ordered - received[day]
        if reviewed[day].any():
            due = reviewed[day][terms.supplier] & (terms.launch_day <= day)
            quantity = order_quantities(hand + ordered, due, terms, policy, rate=rate[day], spread=spread[day])
            lines.append(_place(day, quantity, terms, noise, first_weekday))
            _deliver(lines[-1], received)
            ordered = ordered + quantity
        on_hand[day], on_order[day] = hand, ordered
    return Replay(opening, received, shipped, on_hand, on_order, _joined(lines))


def _place(day: int, quantity: IntArray, terms: SupplyTerms, noise: DeliveryNoise, first_weekday: int) -> OrderLines:
    """Order lines for the items with a quantity, with the days on which they are expected and will come."""
    item = np.flatnonzero(quantity)
    units = quantity[item]
    supplier = terms.supplier[item]
    expected = to_working_day(day + terms.lead_time_days[item], first_weekday)
    first_day = to_working_day(np.maximum(expected + noise.delay_days[day, supplier], day + 1), first_weekday)
    packs = np.ceil(units * noise.first_share[day, item] / terms.pack[item]).astype(np.int64)
    first_quantity = np.minimum(packs * terms.pack[item], units)
    full_day = to_working_day(first_day + noise.rest_delay_days[day, supplier], first_weekday)
    full_day = np.where(first_quantity == units, first_day, full_day)
    return OrderLines(item, np.full_like(item, day), expected, units, first_day, first_quantity, full_day)


def _deliver(lines: OrderLines, received: IntArray) -> None:
    """Add the deliveries of the lines to the days on which they come; those after the last day stay open."""
    rest = lines.quantity - lines.first_quantity
    for day, units in ((lines.first_day, lines.first_quantity), (lines.full_day, rest)):
        is_inside = day < len(received)
        np.add.at(received, (day[is_inside], lines.item[is_inside]), units[is_inside])


def _joined(lines: list[OrderLines]) -> OrderLines:
    names = ("item", "ordered_day", "expected_day", "quantity", "first_day", "first_quantity", "full_day")
    empty = [np.zeros(0, dtype=np.int64)]
    return OrderLines(*(np.concatenate(empty + [getattr(part, name) for part in lines]) for name in names))
