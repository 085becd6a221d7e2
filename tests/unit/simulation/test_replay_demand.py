"""The vectorised replay against a naive loop, and the laws that its ledger obeys."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.simulation.replay import (
    DeliveryNoise,
    ReorderPolicy,
    Replay,
    SupplyTerms,
    average_demand,
    coming_demand,
    replay_demand,
    review_days,
)

WEDNESDAY = 2
DAYS, ITEMS, SUPPLIERS = 60, 7, 3
# Windows and shares are powers of two, so that both sides of the comparison are exact in floating point.
POLICY = ReorderPolicy(window_days=8, foresight=0.5, foresight_days=4, cycle_days=8.0)


def small_case(seed: int) -> tuple[np.ndarray, SupplyTerms, DeliveryNoise]:
    chance = np.random.default_rng(seed)
    demand = chance.poisson(chance.uniform(0.1, 6, ITEMS), (DAYS, ITEMS)) * (chance.random((DAYS, ITEMS)) < 0.6)
    demand[np.arange(DAYS) % 7 == 3] = 0
    launch = np.where(chance.random(ITEMS) < 0.5, 0, chance.integers(0, 20, ITEMS))
    demand = np.where(np.arange(DAYS)[:, None] >= launch, demand, 0).astype(np.int64)
    pack = chance.choice([1, 3, 6], ITEMS)
    terms = SupplyTerms(
        supplier=chance.integers(0, SUPPLIERS, ITEMS),
        lead_time_days=chance.integers(5, 12, ITEMS),
        pack=pack,
        minimum=pack * chance.choice([1, 2], ITEMS),
        unit_cost=chance.integers(1, 9, ITEMS) / 4,
        launch_day=launch,
        opening=chance.integers(0, 40, ITEMS),
        expected_rate=chance.integers(0, 64, ITEMS) / 16,
        review_weekday=chance.integers(0, 5, SUPPLIERS),
        minimum_value=np.array([0.0, 5.0, 20.0]),
    )
    noise = DeliveryNoise(
        delay_days=chance.integers(-1, 15, (DAYS, SUPPLIERS)),
        first_share=np.where(chance.random((DAYS, ITEMS)) < 0.3, 0.5, 1.0),
        rest_delay_days=chance.integers(5, 13, (DAYS, SUPPLIERS)),
    )
    return demand, terms, noise


def weekday_of(day: int) -> int:
    return (day + WEDNESDAY) % 7


def rolled(day: int) -> int:
    return day + {5: 2, 6: 1}.get(weekday_of(day), 0)


def naive_rate(demand: np.ndarray, terms: SupplyTerms, day: int, item: int) -> tuple[float, float]:
    """Mixed rate and spread of one item on one day, by definition."""
    expected = float(terms.expected_rate[item])
    past = [
        float(demand[d, item]) if d >= max(terms.launch_day[item], 0) else expected
        for d in range(day - POLICY.window_days + 1, day + 1)
    ]
    mean = sum(past) / len(past)
    spread = math.sqrt(max(sum(v * v for v in past) / len(past) - mean * mean, 0.0))
    ahead = demand[day + 1 : day + 1 + POLICY.foresight_days, item]
    coming = float(ahead.sum()) / len(ahead) if len(ahead) else float(demand[day, item])
    return (1 - POLICY.foresight) * mean + POLICY.foresight * coming, spread


def naive_quantity(demand: np.ndarray, terms: SupplyTerms, day: int, item: int, position: int) -> int:
    rate, spread = naive_rate(demand, terms, day, item)
    protected = int(terms.lead_time_days[item]) + POLICY.review_days
    safety = min(POLICY.safety_factor * spread * math.sqrt(protected), POLICY.safety_days * rate)
    reorder_point = rate * protected + safety
    if position > reorder_point or rate < POLICY.minimum_rate:
        return 0
    wanted = max(reorder_point + rate * POLICY.cycle_days - position, int(terms.minimum[item]))
    pack = int(terms.pack[item])
    return math.ceil(wanted / pack) * pack


def naive_replay(demand: np.ndarray, terms: SupplyTerms, noise: DeliveryNoise) -> dict[str, Any]:
    """Day by day, supplier by supplier, item by item, in plain integers."""
    hand, ordered = [0] * ITEMS, [0] * ITEMS
    arriving: dict[tuple[int, int], int] = {}
    on_hand, on_order, lines = [], [], []
    last_review_week = [-1] * SUPPLIERS
    for day in range(DAYS):
        for item in range(ITEMS):
            if terms.launch_day[item] == day:
                hand[item] += int(terms.opening[item])
            came = arriving.get((day, item), 0)
            ordered[item] -= came
            hand[item] = max(hand[item] + came - int(demand[day, item]), 0)
        week = (day + WEDNESDAY) // 7
        is_open = demand[day].sum() > 0 and weekday_of(day) < 5
        for supplier in range(SUPPLIERS):
            turn = int(terms.review_weekday[supplier])
            # Day 0 is a Wednesday: a turn on Monday or Tuesday of that week lies before the calendar.
            has_come = weekday_of(day) >= turn and (week > 0 or turn >= WEDNESDAY)
            if not (is_open and has_come and last_review_week[supplier] != week):
                continue
            last_review_week[supplier] = week
            wanted = {
                item: naive_quantity(demand, terms, day, item, hand[item] + ordered[item])
                for item in range(ITEMS)
                if terms.supplier[item] == supplier and terms.launch_day[item] <= day
            }
            if sum(units * terms.unit_cost[item] for item, units in wanted.items()) < terms.minimum_value[supplier]:
                continue
            for item, units in wanted.items():
                if not units:
                    continue
                expected = rolled(day + int(terms.lead_time_days[item]))
                first = rolled(max(expected + int(noise.delay_days[day, supplier]), day + 1))
                pack = int(terms.pack[item])
                part = min(math.ceil(units * noise.first_share[day, item] / pack) * pack, units)
                full = first if part == units else rolled(first + int(noise.rest_delay_days[day, supplier]))
                arriving[first, item] = arriving.get((first, item), 0) + part
                arriving[full, item] = arriving.get((full, item), 0) + units - part
                ordered[item] += units
                lines.append((day, item, expected, units, first, part, full))
        on_hand.append(list(hand))
        on_order.append(list(ordered))
    return {"on_hand": on_hand, "on_order": on_order, "lines": sorted(lines)}


def lines_of(replay: Replay) -> list[tuple[int, ...]]:
    o = replay.orders
    columns = (o.ordered_day, o.item, o.expected_day, o.quantity, o.first_day, o.first_quantity, o.full_day)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_the_vectorised_replay_equals_a_naive_loop(seed: int) -> None:
    demand, terms, noise = small_case(seed)
    replay = replay_demand(demand, terms, noise, first_weekday=WEDNESDAY, policy=POLICY)
    naive = naive_replay(demand, terms, noise)
    assert lines_of(replay) == naive["lines"]
    assert replay.on_hand.tolist() == naive["on_hand"]
    assert replay.on_order.tolist() == naive["on_order"]
    assert len(naive["lines"]) > 5


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_stock_is_conserved_and_never_negative(seed: int) -> None:
    demand, terms, noise = small_case(seed)
    replay = replay_demand(demand, terms, noise, first_weekday=WEDNESDAY)
    assert (replay.opening + replay.received - replay.shipped == replay.on_hand).all()
    entered = np.where(np.arange(DAYS)[:, None] == terms.launch_day, terms.opening, 0)
    assert (replay.opening[1:] == replay.on_hand[:-1] + entered[1:]).all()
    assert min(replay.on_hand.min(), replay.on_order.min(), replay.shipped.min()) >= 0
    assert (replay.shipped <= demand).all()
    ordered = np.bincount(replay.orders.item, weights=replay.orders.quantity, minlength=ITEMS)
    assert (ordered == replay.received.sum(axis=0) + replay.on_order[-1]).all()


def test_demand_above_the_stock_empties_it() -> None:
    demand, terms, noise = small_case(1)
    demand[5] += 10_000
    replay = replay_demand(demand, terms, noise, first_weekday=WEDNESDAY)
    assert (replay.on_hand[5] == 0).all()


def test_a_closed_day_passes_the_review_to_the_next_trading_day_of_the_week() -> None:
    # Day 0 is a Monday; Tuesday and Wednesday of the first week are closed, all of the second week from Thursday is.
    is_trading = np.array([True, False, False, True, True, False, True] + [True] * 3 + [False] * 4 + [True])
    reviewed = review_days(is_trading, np.array([1, 3]), 0)
    assert np.flatnonzero(reviewed[:, 0]).tolist() == [3, 8]
    assert np.flatnonzero(reviewed[:, 1]).tolist() == [3]


def test_days_before_the_launch_count_as_the_expected_rate() -> None:
    demand = np.array([[0], [0], [8], [0]])
    average = average_demand(demand, np.array([2]), np.array([3.0]), 4)
    assert average[:, 0].tolist() == [3.0, 3.0, (3 + 3 + 3 + 8) / 4, (3 + 3 + 8 + 0) / 4]


def test_the_coming_window_shrinks_at_the_end() -> None:
    demand = np.array([[9], [2], [4], [6]])
    assert coming_demand(demand, 2)[:, 0].tolist() == [3.0, 5.0, 6.0, 6.0]
