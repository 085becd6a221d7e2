"""Vintages and demand for the tests of what is measured of past forecasts, and plain loops over them.

Belongs here: what the tests of accuracy, item accuracy and drift share.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.accuracy.vintages import VINTAGES
from inventra_pipelines.domain.forecast.frames import QUANTILES

DAY = date(2024, 6, 28)
CLASSES = ("smooth", "lumpy", None)
DEMAND = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "sold_on": pl.Date,
    "units_sold": pl.Float64,
}
Row = dict[str, Any]


def demand_of(seed: int, days: int = 240) -> pl.DataFrame:
    """Three items in two places and two tenants, sold on three days in ten, ten days past `DAY`."""
    rng = np.random.default_rng(seed)
    rows = [
        (tenant, item, place, DAY - timedelta(days=back), float(rng.integers(1, 2000)) / 100)
        for tenant in ("north", "south")
        for item in ("A", "B", "C")
        for place in ("main", "west")
        for back in range(-10, days)
        if rng.random() < 0.3
    ]
    return pl.DataFrame(rows, schema=DEMAND, orient="row")


def vintages_of(seed: int, horizon: int = 4, cutoffs: int = 24, step: int = 5) -> pl.DataFrame:
    """Vintages every `step` days up to `DAY`; one in ten without ranges, one in ten without a baseline."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for tenant in ("north", "south"):
        for item in ("A", "B", "C", "NEVER SOLD"):
            for place in ("main", "west"):
                for back in range(cutoffs):
                    cutoff_on = DAY - timedelta(days=step * back)
                    for lag in range(1, horizon + 1):
                        levels = np.sort(rng.uniform(0, 80, len(QUANTILES)))
                        ranges = (
                            dict.fromkeys(QUANTILES)
                            if rng.random() < 0.1
                            else dict(zip(QUANTILES, levels, strict=True))
                        )
                        rows.append(
                            {
                                "tenant_id": tenant,
                                "item_id": item,
                                "location_id": place,
                                "cutoff_on": cutoff_on,
                                "target_on": cutoff_on + timedelta(weeks=lag),
                                "lag": lag,
                                "demand_class": CLASSES[(len(item) + ord(item[0]) + back // 8) % 3],
                                "mean": rng.uniform(0, 80),
                                **ranges,
                                "baseline": None if rng.random() < 0.1 else rng.uniform(0, 80),
                            }
                        )
    return pl.DataFrame(rows, schema=VINTAGES)


def looped_rows(forecasts: pl.DataFrame, demand: pl.DataFrame, as_of_on: date, history_weeks: int) -> list[Row]:
    """Each forecast of the last quarter that is due, with its actual, week and naive errors, one by one."""
    sold: dict[tuple[str, str, str, date], float] = defaultdict(float)
    oldest_on = as_of_on - timedelta(weeks=history_weeks)
    for row in demand.filter((pl.col("sold_on") <= as_of_on) & (pl.col("sold_on") > oldest_on)).rows(named=True):
        sold[row["tenant_id"], row["item_id"], row["location_id"], row["sold_on"]] += row["units_sold"]

    def week(row: Row, last_on: date) -> float:
        key = row["tenant_id"], row["item_id"], row["location_id"]
        return sum(sold.get((*key, last_on - timedelta(days=back)), 0.0) for back in range(7))

    due = []
    for row in forecasts.rows(named=True):
        age = (as_of_on - row["target_on"]).days
        if age < 0 or age >= 13 * 7 or row["target_on"] - timedelta(weeks=1) < oldest_on:
            continue
        series = []
        last_on = row["cutoff_on"]
        while last_on - timedelta(weeks=1) >= oldest_on:
            series.append(week(row, last_on))
            last_on -= timedelta(weeks=1)
        while series and series[-1] == 0:
            series.pop()
        steps = [abs(newer - older) for newer, older in pairwise(series)]
        due.append(
            row
            | {
                "actual": week(row, row["target_on"]),
                "week": age // 7,
                "naive_mae": sum(steps) / len(steps) if steps else None,
                "naive_rmse": (sum(step**2 for step in steps) / len(steps)) ** 0.5 if steps else None,
            }
        )
    return due


def share(numerator: float, denominator: float) -> float | None:
    """The quotient, none without a denominator."""
    return numerator / denominator if denominator else None


def mean(values: list[float]) -> float | None:
    """The mean, none of nothing."""
    return sum(values) / len(values) if values else None


def looped_figures(rows: list[Row], scaled: Callable[[list[Row], str], float | None]) -> Row:
    """Every figure over some judged forecasts, by its textbook formula; `scaled` gives mase and rmsse."""
    total = sum(row["actual"] for row in rows)
    ranged = [row for row in rows if row["q10"] is not None]
    beside = [row for row in rows if row["baseline"] is not None]
    losses = [
        mean(
            [
                2 * max(level * (row["actual"] - row[name]), (level - 1) * (row["actual"] - row[name]))
                for name, level in QUANTILES.items()
            ]
        )
        for row in ranged
    ]
    weeks = defaultdict(list)
    for row in rows:
        weeks[row["week"]].append(row["mean"] - row["actual"])
    weekly = [sum(errors) / len(errors) for errors in weeks.values()]
    baseline = share(sum(abs(row["baseline"] - row["actual"]) for row in beside), sum(row["actual"] for row in beside))
    wape_beside = share(sum(abs(row["mean"] - row["actual"]) for row in beside), sum(row["actual"] for row in beside))
    return {
        "forecasts": len(rows),
        "actual_units": total,
        "wape": share(sum(abs(row["mean"] - row["actual"]) for row in rows), total),
        "bias": share(sum(row["mean"] - row["actual"] for row in rows), total),
        "mase": scaled(rows, "mase"),
        "rmsse": scaled(rows, "rmsse"),
        "scaled_crps": share(sum(losses), sum(row["actual"] for row in ranged)),
        "coverage_80": mean([row["q10"] <= row["actual"] <= row["q90"] for row in ranged]),
        "coverage_95": mean([row["actual"] <= row["q95"] for row in ranged]),
        "tracking_signal": share(sum(weekly), sum(abs(error) for error in weekly) / len(weekly)),
        "baseline_wape": baseline,
        "forecast_value_added": None if baseline is None or wape_beside is None else baseline - wape_beside,
    }


def looped_scaled(rows: list[Row], figure: str) -> float | None:
    """mase or rmsse of one series."""
    usable = [row for row in rows if row["naive_mae"]]
    if figure == "mase":
        return mean([abs(row["mean"] - row["actual"]) / row["naive_mae"] for row in usable])
    squared = mean([((row["mean"] - row["actual"]) / row["naive_rmse"]) ** 2 for row in usable])
    return None if squared is None else squared**0.5


def looped_mean_scaled(rows: list[Row], figure: str) -> float | None:
    """The mean of mase or rmsse over series."""
    series = defaultdict(list)
    for row in rows:
        series[row["item_id"], row["location_id"]].append(row)
    figures = [looped_scaled(own, figure) for own in series.values()]
    return mean([value for value in figures if value is not None])
