"""Accuracy of past forecasts against a plain loop over their rows."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.accuracy import accuracy
from inventra_pipelines.domain.forecast.frames import ACCURACY, FORECASTS

DAY = date(2024, 6, 28)
DEMAND = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "sold_on": pl.Date,
    "units_sold": pl.Float64,
}


def demand_of(seed: int, days: int = 120) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        (tenant, item, "main", DAY - timedelta(days=back), float(rng.integers(1, 20)))
        for tenant in ("north", "south")
        for item in ("A", "B", "C")
        for back in range(-10, days)
        if rng.random() < 0.3
    ]
    return pl.DataFrame(rows, schema=DEMAND, orient="row")


def forecasts_of(seed: int, horizon: int = 4, cutoffs: int = 6) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for tenant in ("north", "south"):
        for item in ("A", "B", "C", "NEVER SOLD"):
            for back in range(cutoffs):
                cutoff_on = DAY - timedelta(days=5 * back)
                for lag in range(1, horizon + 1):
                    low, mean, high, baseline = np.sort(rng.uniform(0, 80, 4))
                    rows.append(
                        {
                            "tenant_id": tenant,
                            "item_id": item,
                            "location_id": "main",
                            "cutoff_on": cutoff_on,
                            "target_on": cutoff_on + timedelta(weeks=lag),
                            "lag": lag,
                            "mean": mean,
                            "q10": low,
                            "q90": high,
                            "baseline": baseline,
                        }
                    )
    return pl.DataFrame(rows, schema_overrides={"lag": pl.Int32})


def looped(forecasts: pl.DataFrame, demand: pl.DataFrame, as_of_on: date, tenant: str, lag: int) -> dict[str, float]:
    sold: dict[tuple[str, date], float] = {}
    for row in demand.filter((pl.col("tenant_id") == tenant) & (pl.col("sold_on") <= as_of_on)).rows(named=True):
        sold[row["item_id"], row["sold_on"]] = sold.get((row["item_id"], row["sold_on"]), 0.0) + row["units_sold"]

    def week(item: str, last_on: date) -> float:
        return sum(sold.get((item, last_on - timedelta(days=back)), 0.0) for back in range(7))

    due = [
        row
        for row in forecasts.rows(named=True)
        if row["tenant_id"] == tenant and row["lag"] == lag and row["target_on"] <= as_of_on
    ]
    actual = [week(row["item_id"], row["target_on"]) for row in due]
    ratios: dict[str, list[float]] = {}
    for row, units in zip(due, actual, strict=True):
        first = min((day for item, day in sold if item == row["item_id"] and day <= row["cutoff_on"]), default=None)
        weeks = (row["cutoff_on"] - first).days // 7 + 1 if first else 0
        series = [week(row["item_id"], row["cutoff_on"] - timedelta(weeks=back)) for back in range(weeks)]
        if len(series) > 1 and np.ptp(series) > 0:
            ratios.setdefault(row["item_id"], []).append((row["mean"] - units) ** 2 / np.mean(np.diff(series) ** 2))
    wape = sum(abs(row["mean"] - units) for row, units in zip(due, actual, strict=True)) / sum(actual)
    baseline = sum(abs(row["baseline"] - units) for row, units in zip(due, actual, strict=True)) / sum(actual)
    return {
        "forecasts": len(due),
        "actual_units": sum(actual),
        "wape": wape,
        "bias": sum(row["mean"] - units for row, units in zip(due, actual, strict=True)) / sum(actual),
        "rmsse": float(np.mean([np.sqrt(np.mean(values)) for values in ratios.values()])),
        "coverage_80": float(
            np.mean([row["q10"] <= units <= row["q90"] for row, units in zip(due, actual, strict=True)])
        ),
        "baseline_wape": baseline,
        "forecast_value_added": baseline - wape,
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_accuracy_equals_a_loop_over_forecasts(seed: int) -> None:
    forecasts, demand = forecasts_of(seed), demand_of(seed)
    made = accuracy(forecasts, demand, DAY)
    assert dict(made.schema) == ACCURACY
    assert made.select("tenant_id", "lag").rows() == [
        (tenant, lag) for tenant in ("north", "south") for lag in range(1, 4)
    ]
    for row in made.rows(named=True):
        expected = looped(forecasts, demand, DAY, row["tenant_id"], row["lag"])
        assert {name: row[name] for name in expected} == pytest.approx(expected)
        assert row["as_of_on"] == DAY


def test_an_unfinished_week_is_not_judged() -> None:
    forecasts = forecasts_of(1, horizon=1, cutoffs=1)
    assert accuracy(forecasts, demand_of(1), DAY + timedelta(days=6)).is_empty()
    assert accuracy(forecasts, demand_of(1), DAY + timedelta(days=7))["forecasts"].to_list() == [4, 4]


def test_days_after_the_as_of_day_change_nothing() -> None:
    forecasts, demand = forecasts_of(2), demand_of(2)
    past = demand.filter(pl.col("sold_on") <= DAY)
    assert past.height < demand.height
    assert accuracy(forecasts, demand, DAY).equals(accuracy(forecasts, past, DAY))


def test_an_item_without_sales_has_an_actual_of_zero_and_no_share_of_it() -> None:
    forecasts = forecasts_of(1).filter(pl.col("item_id") == "NEVER SOLD")
    made = accuracy(forecasts, demand_of(1), DAY)
    assert made["actual_units"].to_list() == [0.0] * 6
    for name in ("wape", "bias", "rmsse", "baseline_wape", "forecast_value_added"):
        assert made[name].null_count() == 6
    assert made["coverage_80"].null_count() == 0


def test_no_forecasts_is_an_empty_frame_with_its_columns() -> None:
    made = accuracy(pl.DataFrame(schema=FORECASTS), demand_of(1), DAY)
    assert made.is_empty()
    assert dict(made.schema) == ACCURACY
