"""What each step of the adjustments added, against a plain loop over the forecasts."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.accuracy.step_accuracy import step_accuracy
from inventra_pipelines.domain.forecast.frames import CONSENSUS, STEP_ACCURACY

DAY = date(2024, 6, 28)
ORDER = ["sales", "marketing", "finance", "planner", "cap", "consensus"]
ACTUALS = {name: CONSENSUS[name] for name in ("tenant_id", "item_id", "location_id", "target_on")} | {
    "actual": pl.Float64
}


def row(baseline: float, consensus: float, target_on: date = DAY, lag: int = 1, **more: Any) -> dict[str, Any]:
    keys = {"tenant_id": "shop", "item_id": "A", "location_id": "main"}
    steps = {"sales": 0.0, "marketing": 0.0, "finance": 0.0, "planner": 0.0, "cap": None}
    weeks = {"cutoff_on": target_on - timedelta(weeks=lag), "target_on": target_on, "lag": lag}
    return {**keys, **weeks, "baseline": baseline, "consensus": consensus, **steps, **more}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=CONSENSUS)


def sold(**units: float) -> pl.DataFrame:
    rows = [("shop", item, "main", DAY, actual) for item, actual in units.items()]
    return pl.DataFrame(rows, schema=ACTUALS, orient="row")


def random_rows(rng: np.random.Generator, tenant_id: str) -> list[dict[str, Any]]:
    rows = []
    for item in "ABC":
        for back in range(-7, 110):
            for lag in (1, 2, 5):
                if rng.random() < 0.7:
                    continue
                baseline = float(rng.uniform(0, 50))
                steps = {name: float(rng.uniform(-30, 30)) * (rng.random() < 0.5) for name in ORDER[:4]}
                cap = float(rng.uniform(0, 60)) if rng.random() < 0.4 else None
                total = max(0.0, baseline + sum(steps.values()))
                planned = total if cap is None else min(total, cap)
                target_on = DAY - timedelta(back)
                rows.append(row(baseline, planned, target_on, lag, item_id=item, tenant_id=tenant_id, cap=cap, **steps))
    return rows


def looped(rows: list[dict[str, Any]], actuals: dict[tuple[str, str, date], float], tenant_id: str) -> list[list[Any]]:
    """For each step, sums of errors before and after it, row by row."""
    due = [one for one in rows if one["tenant_id"] == tenant_id and DAY - timedelta(days=90) <= one["target_on"] <= DAY]
    sums = {step: [0.0, 0.0] for step in ORDER}
    units = 0.0
    for one in due:
        actual = actuals.get((tenant_id, one["item_id"], one["target_on"]), 0.0)
        units += actual
        level, before = one["baseline"], one["baseline"]
        for step in ORDER[:4]:
            level += one[step]
            after = max(0.0, level)
            sums[step][0] += abs(before - actual)
            sums[step][1] += abs(after - actual)
            before = after
        sums["cap"][0] += abs(before - actual)
        sums["cap"][1] += abs(one["consensus"] - actual)
        sums["consensus"][0] += abs(one["baseline"] - actual)
        sums["consensus"][1] += abs(one["consensus"] - actual)
    return [
        [step, len(due), units, first / units, last / units, (first - last) / units]
        for step, (first, last) in sums.items()
    ]


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [*random_rows(rng, "south"), *random_rows(rng, "north")]
    actuals = {
        (tenant, item, DAY - timedelta(back)): float(rng.integers(0, 40))
        for tenant in ("north", "south")
        for item in "ABC"
        for back in range(-7, 110)
        if rng.random() < 0.6
    }
    sales = pl.DataFrame(
        [(tenant, item, "main", on, units) for (tenant, item, on), units in actuals.items()], ACTUALS, orient="row"
    )
    found = step_accuracy(frame(*rows), sales, DAY)
    assert found.schema == STEP_ACCURACY and set(found["as_of_on"]) == {DAY}
    assert found["tenant_id"].to_list() == ["north"] * 6 + ["south"] * 6
    for tenant in ("north", "south"):
        own = found.filter(pl.col("tenant_id") == tenant).drop("tenant_id", "as_of_on").rows()
        for measured, expected in zip(own, looped(rows, actuals, tenant), strict=True):
            assert list(measured) == pytest.approx(expected)
        *steps, whole = [value_added for *_, value_added in own]
        assert sum(steps) == pytest.approx(whole)


def test_a_step_that_comes_nearer_adds_value_and_one_that_goes_away_takes_it() -> None:
    rows = frame(row(10, 13, sales=5.0, finance=-2.0))
    found = {step: value for _, _, step, *_, value in step_accuracy(rows, sold(A=20), DAY).rows()}
    assert found == pytest.approx(
        {"sales": 0.25, "marketing": 0, "finance": -0.1, "planner": 0, "cap": 0, "consensus": 0.15}
    )


def test_a_cap_is_measured_upon_all_steps() -> None:
    found = step_accuracy(frame(row(10, 12, sales=10.0, cap=12.0)), sold(A=10), DAY)
    assert found.filter(pl.col("step") == "cap").select("wape_before", "wape_after", "value_added").rows() == [
        (1.0, 0.2, 0.8)
    ]


def test_only_weeks_of_the_last_quarter_that_are_over_are_measured() -> None:
    targets = [DAY + timedelta(1), DAY, DAY - timedelta(90), DAY - timedelta(91)]
    found = step_accuracy(frame(*(row(1, 1, target_on) for target_on in targets)), sold(A=1), DAY)
    assert set(found["forecasts"]) == {2}


def test_without_sales_there_is_no_figure_and_without_forecasts_no_row() -> None:
    found = step_accuracy(frame(row(10, 12, planner=2.0)), sold(), DAY)
    assert found.select("step", "forecasts", "actual_units", "wape_before", "wape_after", "value_added").rows() == [
        (step, 1, 0, None, None, None) for step in ORDER
    ]
    nothing = step_accuracy(frame(), sold(A=3), DAY)
    assert (nothing.schema, nothing.height) == (STEP_ACCURACY, 0)
