"""Order proposals, claim by claim, and the projection against a day-by-day loop."""

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.planning import projection
from inventra_pipelines.domain.planning.demand import DemandCurves
from inventra_pipelines.domain.planning.projection import project
from inventra_pipelines.domain.planning.proposals import PROPOSALS, plan_orders
from inventra_pipelines.domain.tenant import PlanningConfig
from inventra_pipelines.errors import PermanentError

D = date(2011, 12, 9)
ITEMS = {
    "item_id": pl.String,
    "supplier_code": pl.String,
    "unit_cost": pl.Decimal(18, 4),
    "unit_price": pl.Decimal(18, 4),
    "lead_time_days": pl.Int64,
    "minimum_order_quantity": pl.Decimal(18, 4),
    "pack_quantity": pl.Decimal(18, 4),
}
STOCK = {
    "item_id": pl.String,
    "location_id": pl.String,
    "quantity_on_hand": pl.Decimal(18, 4),
    "quantity_reserved": pl.Decimal(18, 4),
    "quantity_available": pl.Decimal(18, 4),
    "unit_cost": pl.Decimal(18, 4),
    "counted_on": pl.Date,
}
SUPPLY = {
    "item_id": pl.String,
    "location_id": pl.String,
    "quantity_open": pl.Decimal(18, 4),
    "expected_on": pl.Date,
}


def items(**changed: Any) -> pl.DataFrame:
    row = {
        "item_id": "A",
        "supplier_code": "S1",
        "unit_cost": 2,
        "unit_price": 5,
        "lead_time_days": 14,
        "minimum_order_quantity": None,
        "pack_quantity": 12,
    }
    return pl.DataFrame([row | changed], schema=ITEMS)


def stock(on_hand: float | None, item: str = "A", **changed: Any) -> pl.DataFrame:
    row = {
        "item_id": item,
        "location_id": "main",
        "quantity_on_hand": on_hand,
        "quantity_reserved": None,
        "quantity_available": on_hand,
        "unit_cost": None,
        "counted_on": D,
    }
    return pl.DataFrame([row | changed], schema=STOCK)


def supply(*lines: tuple[float, date | None]) -> pl.DataFrame:
    rows = [{"item_id": "A", "location_id": "main", "quantity_open": q, "expected_on": on} for q, on in lines]
    return pl.DataFrame(rows, schema=SUPPLY)


def forecasts(weekly: float = 7.0, std: float = 3.0, weeks: int = 8, item: str = "A") -> pl.DataFrame:
    lags = list(range(1, weeks + 1))
    return pl.DataFrame(
        {
            "item_id": [item] * weeks,
            "location_id": ["main"] * weeks,
            "cutoff_on": [D] * weeks,
            "lag": lags,
            "cumulative_mean": [float(weekly * lag) for lag in lags],
            "cumulative_std": [std * math.sqrt(lag) for lag in lags],
        }
    )


def plan(
    on_hand: pl.DataFrame,
    *,
    of: pl.DataFrame | None = None,
    open_supply: pl.DataFrame | None = None,
    forecast: pl.DataFrame | None = None,
    abc: str | None = "B",
    config: PlanningConfig | None = None,
) -> pl.DataFrame:
    return plan_orders(
        items() if of is None else of,
        on_hand,
        supply() if open_supply is None else open_supply,
        forecasts() if forecast is None else forecast,
        pl.DataFrame({"item_id": ["A"], "abc_class": [abc]}, schema={"item_id": pl.String, "abc_class": pl.String}),
        tenant_id="gifts",
        as_of_on=D,
        config=config or PlanningConfig(),
        config_version="v1",
        is_stock_simulated=True,
    )


def row(frame: pl.DataFrame) -> dict[str, Any]:
    assert frame.height == 1
    return frame.row(0, named=True)


def test_a_proposal_shows_every_figure_that_led_to_it() -> None:
    got = row(plan(stock(12)))
    assert got["demand_over_protection"] == 21
    assert got["demand_std_over_protection"] == pytest.approx(3 * math.sqrt(3), abs=1e-4)
    assert got["safety_stock"] == got["reorder_point"] - got["demand_over_protection"]
    assert got["order_up_to"] == got["reorder_point"] + 7
    assert got["quantity_proposed"] == 12 * math.ceil((got["order_up_to"] - 12) / 12)
    assert got["order_value"] == got["quantity_proposed"] * 2
    assert (got["forecast_cutoff_on"], got["config_version"], got["is_stock_simulated"]) == (D, "v1", True)


def test_the_reason_is_one_sentence_with_the_figures() -> None:
    got = row(plan(stock(25), of=items(unit_price=None)))
    assert got["status"] == "order"
    assert got["reason"] == (
        "available 25 + on order 0 is below the reorder point 30 (demand 21 over 21 days, safety stock 9, "
        "95 % service); order 12 in packs of 12, up to 37"
    )


def test_the_columns_are_those_of_the_table_in_order() -> None:
    assert plan(stock(12)).schema == pl.Schema(PROPOSALS)
    assert plan(stock(12).clear()).schema == pl.Schema(PROPOSALS)


def test_a_tenant_without_stock_has_no_proposals() -> None:
    assert plan(stock(12).clear()).is_empty()


def test_a_forecast_item_without_a_count_is_unknown_and_its_stock_null() -> None:
    other = stock(5, item="B")
    got = row(plan(other).filter(pl.col("item_id") == "A"))
    assert got["status"] == "unknown"
    nulls = (
        "on_hand reserved available quantity_proposed order_value stock_out_on days_of_cover excess_units money_at_risk"
    )
    assert [got[name] for name in nulls.split()] == [None] * 9
    assert got["reorder_point"] == 30
    assert got["reason"].startswith("no stock count; the reorder point 30")


def test_stock_without_a_forecast_is_no_demand_and_all_of_it_excess() -> None:
    got = row(plan(stock(5, item="B", unit_cost=3), forecast=forecasts().clear()))
    assert (got["status"], got["quantity_proposed"], got["excess_units"], got["excess_value"]) == (
        "no_demand",
        0,
        5,
        15,
    )
    assert got["reorder_point"] is None
    assert got["reason"] == "no demand is forecast; available 5"


@pytest.mark.parametrize(
    ("on_hand", "status"),
    [
        (-3, "out_of_stock"),
        (0, "out_of_stock"),
        (20, "stock_out_risk"),
        (25, "order"),
        (31, "healthy"),
        (500, "excess"),
    ],
)
def test_each_status_has_its_range_of_stock(on_hand: float, status: str) -> None:
    assert row(plan(stock(on_hand)))["status"] == status


def test_excess_is_what_neither_the_cover_nor_the_order_level_asks_for() -> None:
    fast = row(plan(stock(500)))
    assert (fast["excess_units"], fast["excess_value"]) == (320, 640)
    assert fast["reason"] == "available 500 is 320 more than the demand of 180 days (180)"
    short = row(plan(stock(500), config=PlanningConfig(excess_cover_days=7)))
    assert (short["excess_units"], short["reason"]) == (
        463,
        "available 500 is 463 more than the level to order up to (37)",
    )


def test_a_range_without_bound_orders_no_more_than_the_tenant_calls_excess() -> None:
    got = row(
        plan(
            stock(0),
            forecast=forecasts(std=60.0),
            config=PlanningConfig(service_levels={"A": 0.9999, "B": 0.9999, "C": 0.9999}),
        )
    )
    # One unit a day: 180 days of it, and the review week on top.
    assert (got["reorder_point"], got["order_up_to"]) == (180, 187)


def test_a_price_or_cost_that_is_not_known_leaves_money_null() -> None:
    got = row(plan(stock(0), of=items(unit_price=None, unit_cost=None)))
    assert (got["money_at_risk"], got["order_value"], got["excess_value"]) == (None, None, None)
    assert got["quantity_proposed"] > 0


def test_the_cost_of_the_count_stands_in_for_a_missing_item_cost() -> None:
    assert row(plan(stock(500, unit_cost=4), of=items(unit_cost=None)))["excess_value"] == (500 - 180) * 4
    assert row(plan(stock(500, unit_cost=4)))["excess_value"] == (500 - 180) * 2


def test_money_at_risk_is_the_demand_that_finds_no_stock_at_the_sales_price() -> None:
    assert row(plan(stock(0)))["money_at_risk"] == 21 * 5
    assert row(plan(stock(15)))["money_at_risk"] == 6 * 5
    assert row(plan(stock(30)))["money_at_risk"] == 0


def test_stock_runs_out_on_the_first_day_whose_demand_is_not_met() -> None:
    got = row(plan(stock(10)))
    assert got["stock_out_on"] == D + timedelta(days=11)
    assert got["days_of_cover"] == 10
    assert row(plan(stock(0)))["stock_out_on"] == D
    assert row(plan(stock(57)))["stock_out_on"] is None


def test_open_receipts_put_off_the_stock_out() -> None:
    got = row(plan(stock(10), open_supply=supply((5, D + timedelta(days=10)))))
    assert got["stock_out_on"] == D + timedelta(days=16)
    too_late = row(plan(stock(10), open_supply=supply((5, D + timedelta(days=12)))))
    assert too_late["stock_out_on"] == D + timedelta(days=11)
    assert too_late["money_at_risk"] == (21 - 10 - 5) * 5


@pytest.mark.parametrize("expected_on", [D, D - timedelta(days=30)])
def test_a_late_delivery_is_taken_to_come_the_next_day(expected_on: date) -> None:
    got = row(plan(stock(0), open_supply=supply((40, expected_on))))
    assert got["money_at_risk"] == 0
    assert (got["on_order"], got["quantity_proposed"], got["status"]) == (40, 0, "out_of_stock")


def test_a_delivery_without_a_day_is_taken_to_need_the_lead_time() -> None:
    assert row(plan(stock(0), open_supply=supply((40, None))))["money_at_risk"] == 13 * 5


def test_reserved_stock_is_not_available() -> None:
    got = row(plan(stock(40, quantity_reserved=11, quantity_available=None)))
    assert (got["on_hand"], got["reserved"], got["available"], got["status"]) == (40, 11, 29, "order")


def test_an_item_without_a_lead_time_says_that_the_default_was_used() -> None:
    got = row(plan(stock(12), of=items(lead_time_days=None)))
    assert got["lead_time_days"] == 14
    assert "lead time 14 days by default" in got["reason"]


def test_the_minimum_order_is_kept_and_rounded_up_to_packs() -> None:
    got = row(plan(stock(29), of=items(minimum_order_quantity=30)))
    assert got["quantity_proposed"] == 36
    assert got["reason"].endswith("order 36 in packs of 12, up to 37, minimum order 30")


def test_the_service_level_follows_the_class() -> None:
    levels = [row(plan(stock(12), abc=abc))["service_level"] for abc in ("A", "B", "C", None)]
    assert levels == [0.98, 0.95, 0.90, 0.95]
    partial = PlanningConfig(service_levels={"A": 0.99})
    assert row(plan(stock(12), abc="C", config=partial))["service_level"] == 0.90


def test_an_input_with_a_key_twice_is_an_error_that_names_it() -> None:
    with pytest.raises(PermanentError, match="stock holds item A twice"):
        plan(pl.concat([stock(1), stock(2)]))


def test_a_count_after_the_day_is_an_error() -> None:
    with pytest.raises(PermanentError, match="count of 2011-12-10"):
        plan(stock(1, counted_on=D + timedelta(days=1)))


def test_the_order_of_the_input_rows_does_not_matter() -> None:
    both = pl.concat([stock(12), stock(3, item="B")])
    demand = pl.concat([forecasts(), forecasts(2, 2, item="B")])
    assert plan(both, forecast=demand).equals(plan(both.reverse(), forecast=demand.reverse()))


def test_chunks_of_rows_give_what_one_walk_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = np.outer([0.0, 3.0, 7.0, 14.0, 21.0], range(5)).astype(float)
    arriving = pl.DataFrame(
        {"row": [1, 2, 3, 4, 4], "day": [3, 1, 9, 2, 20], "quantity": [5.0, 9.0, 2.0, 8.0, 30.0]},
        schema_overrides={"row": pl.UInt32},
    )
    available, protection = np.array([0.0, 4.0, math.nan, 9.0, 12.0]), np.array([7.0, 14.0, 21.0, 21.0, 30.0])
    whole = project(DemandCurves(mean, mean, 0), available, arriving, protection)
    monkeypatch.setattr(projection, "CHUNK_ROWS", 2)
    chunked = project(DemandCurves(mean, mean, 0), available, arriving, protection)
    np.testing.assert_array_equal(chunked, whole)


@given(
    available=st.integers(-5, 60),
    rate=st.floats(0, 4),
    arrivals=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 20)), max_size=4),
    protection=st.integers(1, 40),
)
@settings(max_examples=150, deadline=None)
def test_the_projection_equals_a_walk_day_by_day(
    available: int, rate: float, arrivals: list[tuple[int, int]], protection: int
) -> None:
    weeks = 4
    mean = np.array([[rate * 7 * week for week in range(weeks + 1)]])
    arriving = pl.DataFrame(
        {"row": [0] * len(arrivals), "day": [day for day, _ in arrivals], "quantity": [float(q) for _, q in arrivals]},
        schema={"row": pl.UInt32, "day": pl.Int64, "quantity": pl.Float64},
    )
    arriving = arriving.group_by("row", "day").agg(pl.col("quantity").sum())
    days_left, lost = project(
        DemandCurves(mean, mean, 0), np.array([float(available)]), arriving, np.array([float(protection)])
    )
    level, lost_naive, first = float(max(available, 0)), 0.0, None
    for day in range(1, max(protection, weeks * 7) + 1):
        level += sum(q for on, q in arrivals if on == day)
        if rate - level > 1e-7:
            first = first or day
            lost_naive += rate - level if day <= protection else 0
        level = max(level - rate, 0.0)
    expected = 0 if available <= 0 and rate * 28 > 1e-9 else first if first and first <= weeks * 7 else math.nan
    assert lost[0] == pytest.approx(lost_naive, abs=1e-5)
    assert days_left[0] == pytest.approx(expected, nan_ok=True)
