"""Consensus forecasts against a loop over days, and what must hold whatever the planners write."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from inventra_pipelines.domain.forecast.consensus import STEPS, consensus
from inventra_pipelines.domain.forecast.frames import CONSENSUS, UNPLACED

Row = dict[str, Any]

CUTOFF = date(2024, 3, 3)
ADJUSTMENTS = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "starts_on": pl.Date,
    "ends_on": pl.Date,
    "step": pl.String,
    "quantity": pl.Decimal(38, 4),
    "cap": pl.Decimal(38, 4),
    "status": pl.String,
    "landed_on": pl.Date,
    "replaced_on": pl.Date,
}
FORECASTS = {name: CONSENSUS[name] for name in ("tenant_id", "cutoff_on", "item_id", "location_id", "target_on", "lag")}


def day(number: int) -> date:
    """The day that many days after the cutoff; 1 is the first one of its first week."""
    return CUTOFF + timedelta(number)


def forecasts_of(means: dict[str, list[float]], cutoff_on: date = CUTOFF, tenant_id: str = "shop") -> pl.DataFrame:
    rows = [
        (tenant_id, cutoff_on, item, "main", cutoff_on + timedelta(weeks=lag), lag, mean)
        for item, weekly in means.items()
        for lag, mean in enumerate(weekly, 1)
    ]
    return pl.DataFrame(rows, schema={**FORECASTS, "mean": pl.Float64}, orient="row")


def change(first: int, last: int, step: str = "sales", quantity: float = 0, **more: Any) -> Row:
    return {
        **{"tenant_id": "shop", "item_id": "A", "location_id": "main", "starts_on": day(first), "ends_on": day(last)},
        **{"step": step, "quantity": quantity, "cap": None, "status": "approved"},
        **{"landed_on": day(-10), "replaced_on": None, **more},
    }


def adjustments_of(*changes: Row) -> pl.DataFrame:
    frame = pl.DataFrame(list(changes), schema={**ADJUSTMENTS, "quantity": pl.Float64, "cap": pl.Float64})
    return frame.cast(ADJUSTMENTS)


def looped(forecasts: pl.DataFrame, changes: list[Row]) -> dict[tuple[Any, ...], dict[str, float | None]]:
    """Each week day by day: what every step adds, and for each cap what it holds against its days."""
    found = {}
    for row in forecasts.iter_rows(named=True):
        days = {row["target_on"] - timedelta(back) for back in range(7)}
        own = [
            one
            for one in changes
            if one["item_id"] == row["item_id"]
            and one["tenant_id"] == row["tenant_id"]
            and one["status"] == "approved"
            and one["landed_on"] <= row["cutoff_on"]
            and (one["replaced_on"] is None or one["replaced_on"] > row["cutoff_on"])
            and any(one["starts_on"] <= on <= one["ends_on"] for on in days)
        ]
        if not own:
            continue
        parts: dict[str, float] = defaultdict(float)
        by_day = dict.fromkeys(days, row["mean"] / 7)
        for one in own:
            length = (one["ends_on"] - one["starts_on"]).days + 1
            for on in days:
                if one["starts_on"] <= on <= one["ends_on"]:
                    parts[one["step"]] += one["quantity"] / length
                    by_day[on] += one["quantity"] / length
        total, limits = sum(by_day.values()), []
        for one in own:
            if one["cap"] is not None:
                length = (one["ends_on"] - one["starts_on"]).days + 1
                inside = [on for on in days if one["starts_on"] <= on <= one["ends_on"]]
                outside = sum(units for on, units in by_day.items() if on not in inside)
                limits.append(max(0.0, outside + one["cap"] * len(inside) / length))
        cap = min(limits, default=None)
        found[tuple(row[name] for name in ("tenant_id", "cutoff_on", "item_id", "lag"))] = {
            "baseline": row["mean"],
            **{step: parts[step] for step in STEPS},
            "cap": cap,
            "consensus": max(0.0, total if cap is None else min(total, cap)),
        }
    return found


amounts = st.integers(-4_000_000, 4_000_000).map(lambda units: units / 10_000)
whole = st.integers(0, 4_000_000).map(lambda units: units / 10_000)


@st.composite
def plans(draw: st.DrawFn) -> tuple[pl.DataFrame, list[Row]]:
    """Vintages of two tenants, and changes around them; no two in force with the same key."""
    forecasts = pl.concat(
        forecasts_of({item: draw(st.lists(whole, min_size=4, max_size=4)) for item in "AB"}, day(back), tenant)
        for back in (0, -3)
        for tenant in ("shop", "other")
    )
    changes = {}
    for _ in range(draw(st.integers(0, 8))):
        first = draw(st.integers(-20, 40))
        one = change(
            first,
            first + draw(st.integers(0, 40)),
            draw(st.sampled_from(STEPS)),
            draw(amounts),
            cap=draw(st.none() | whole),
            status=draw(st.sampled_from(["approved", "approved", "proposed", "rejected"])),
            landed_on=day(draw(st.integers(-5, 2))),
            replaced_on=draw(st.none() | st.integers(-4, 3).map(day)),
            item_id=draw(st.sampled_from("AB")),
            tenant_id=draw(st.sampled_from(["shop", "other"])),
        )
        changes[tuple(one[name] for name in ("tenant_id", "item_id", "starts_on", "step"))] = one
    return forecasts, list(changes.values())


@settings(deadline=None)
@given(plans())
def test_the_consensus_is_that_of_a_loop_over_days(plan: tuple[pl.DataFrame, list[Row]]) -> None:
    forecasts, changes = plan
    made = consensus(forecasts, adjustments_of(*changes))
    assert made.rows.schema == CONSENSUS and made.unplaced.is_empty()
    found = {
        (row["tenant_id"], row["cutoff_on"], row["item_id"], row["lag"]): row for row in made.rows.iter_rows(named=True)
    }
    expected = looped(forecasts, changes)
    assert len(found) == made.rows.height and found.keys() == expected.keys()
    for key, figures in expected.items():
        assert {name: found[key][name] for name in figures} == pytest.approx(figures, abs=0.0006), key


@settings(deadline=None)
@given(plans())
def test_the_consensus_is_never_below_zero_nor_above_its_cap_and_its_parts_add_up(
    plan: tuple[pl.DataFrame, list[Row]],
) -> None:
    forecasts, changes = plan
    for row in consensus(forecasts, adjustments_of(*changes)).rows.iter_rows(named=True):
        total = row["baseline"] + sum(row[step] for step in STEPS)
        assert row["consensus"] >= 0
        assert row["cap"] is None or 0 <= row["consensus"] <= row["cap"]
        limited = total if row["cap"] is None else min(total, row["cap"])
        assert row["consensus"] == pytest.approx(max(0.0, limited), abs=1e-4)


@settings(deadline=None)
@given(plans())
def test_the_weeks_of_a_period_share_all_of_its_units(plan: tuple[pl.DataFrame, list[Row]]) -> None:
    forecasts, changes = plan
    ahead = [
        one | {"starts_on": max(one["starts_on"], day(1)), "landed_on": day(-5), "replaced_on": None, "cap": None}
        for one in changes
        if one["ends_on"] >= day(1) and one["status"] == "approved"
    ]
    far = forecasts.filter(pl.col("cutoff_on") == CUTOFF)
    far = pl.concat(
        far.with_columns(pl.col("target_on") + timedelta(weeks=4 * turn), pl.col("lag") + 4 * turn) for turn in range(4)
    )
    rows = consensus(far, adjustments_of(*ahead)).rows
    for step in STEPS:
        units = sum(one["quantity"] for one in ahead if one["step"] == step)
        assert rows[step].sum() == pytest.approx(units, abs=0.01)


@settings(deadline=None)
@given(plans())
def test_the_order_of_rows_changes_nothing(plan: tuple[pl.DataFrame, list[Row]]) -> None:
    forecasts, changes = plan
    first = consensus(forecasts, adjustments_of(*changes))
    second = consensus(forecasts.reverse(), adjustments_of(*reversed(changes)))
    assert_frame_equal(first.rows, second.rows, check_exact=True)


def test_adjustments_that_cancel_out_leave_the_engines_mean() -> None:
    changes = [change(3, 9, "sales", 30), change(3, 9, "finance", -30), change(15, 21, "planner", 0)]
    rows = consensus(forecasts_of({"A": [10.1, 20.2, 30.3, 40.4]}), adjustments_of(*changes)).rows
    assert rows["lag"].to_list() == [1, 2, 3]
    assert rows["consensus"].to_list() == rows["baseline"].to_list() == [10.1, 20.2, 30.3]


def test_a_week_takes_the_share_of_its_days() -> None:
    rows = consensus(forecasts_of({"A": [7, 7, 7]}), adjustments_of(change(-3, 16, "marketing", 200))).rows
    assert rows["marketing"].to_list() == [70, 70, 20]
    assert rows["consensus"].to_list() == [77, 77, 27]


def test_a_cap_leaves_the_days_outside_its_period_alone() -> None:
    changes = [change(13, 14, "sales", 40, cap=10)]
    (row,) = consensus(forecasts_of({"A": [70, 70, 70]}), adjustments_of(*changes)).rows.to_dicts()
    # Five days at 10, and two that may be 10 together instead of 10 + 20 each.
    assert (row["lag"], row["sales"], row["cap"], row["consensus"]) == (2, 40, 60, 60)


def test_of_several_caps_the_tightest_holds_in_each_week() -> None:
    changes = [change(1, 14, "sales", cap=100), change(1, 7, "finance", cap=70), change(8, 14, "planner", cap=40)]
    rows = consensus(forecasts_of({"A": [80, 80, 80]}), adjustments_of(*changes)).rows
    assert rows.select("lag", "cap", "consensus").rows() == [(1, 50, 50), (2, 40, 40)]


def test_more_than_the_forecast_taken_away_leaves_zero() -> None:
    rows = consensus(forecasts_of({"A": [5.0]}), adjustments_of(change(1, 7, "planner", -9, cap=3))).rows
    assert rows.select("planner", "consensus").rows() == [(-9, 0)]


def test_a_version_counts_from_the_day_it_landed_until_the_next_one_does() -> None:
    forecasts = pl.concat(forecasts_of({"A": [10.0, 10.0]}, day(back)) for back in range(-3, 1))
    changes = [
        change(1, 7, "sales", 7, landed_on=day(-2), replaced_on=day(0)),
        change(1, 7, "sales", 70, landed_on=day(0)),
    ]
    rows = consensus(forecasts, adjustments_of(*changes)).rows
    units = rows.group_by("cutoff_on").agg(pl.col("sales").sum()).sort("cutoff_on").rows()
    assert units == [(day(-2), 7), (day(-1), 7), (day(0), 70)]
    later = consensus(forecasts.filter(pl.col("cutoff_on") < CUTOFF), adjustments_of(*changes)).rows
    assert_frame_equal(later, rows.filter(pl.col("cutoff_on") < CUTOFF))


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        pytest.param({"item_id": "NEW"}, "the item has no forecast at this location", id="no-item"),
        pytest.param({"location_id": "web"}, "the item has no forecast at this location", id="no-location"),
        pytest.param({"step": "hr"}, "the step is none of sales, marketing, finance, planner", id="step"),
        pytest.param({"status": "ok"}, "the status is none of proposed, approved, rejected", id="status"),
        pytest.param({"ends_on": day(2)}, "the period ends before it begins", id="period"),
    ],
)
def test_what_cannot_be_placed_is_told_and_not_lost(one: Row, problem: str) -> None:
    made = consensus(forecasts_of({"A": [10, 10]}), adjustments_of(change(5, 9, quantity=4, cap=6) | one))
    assert made.rows.is_empty()
    assert made.unplaced.schema == UNPLACED
    (told,) = made.unplaced.to_dicts()
    assert (told["problem"], told["quantity"], told["cap"], told["cutoff_on"]) == (problem, 4, 6, CUTOFF)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(change(15, 30, quantity=5), id="beyond-the-horizon"),
        pytest.param(change(-9, 0, quantity=5), id="over"),
        pytest.param(change(1, 7, quantity=5, status="proposed", step="hr"), id="proposed"),
        pytest.param(change(1, 7, quantity=5, status="rejected"), id="rejected"),
        pytest.param(change(1, 7, quantity=5, landed_on=day(1), item_id="NEW"), id="not-landed"),
        pytest.param(change(1, 7, quantity=5, tenant_id="other"), id="of-another-tenant"),
    ],
)
def test_what_is_not_meant_to_count_is_neither_placed_nor_told(one: Row) -> None:
    made = consensus(forecasts_of({"A": [10, 10]}), adjustments_of(one))
    assert made.rows.is_empty() and made.unplaced.is_empty()


def test_a_vintage_without_any_forecast_tells_of_its_adjustments() -> None:
    none = forecasts_of({})
    changes = adjustments_of(change(1, 7, quantity=5), change(900, 907, quantity=5))
    assert consensus(none, changes).unplaced.is_empty()
    assert consensus(none, changes, [("shop", CUTOFF), ("other", CUTOFF)]).unplaced.height == 2


def test_no_adjustments_make_no_rows() -> None:
    made = consensus(forecasts_of({"A": [1, 2]}), adjustments_of())
    assert (made.rows.schema, made.rows.height, made.unplaced.height) == (CONSENSUS, 0, 0)
