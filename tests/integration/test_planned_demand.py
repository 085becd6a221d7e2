"""Planned demand of the monthly balance: the forecast made last before each month, against a loop over its days."""

from collections import defaultdict
from datetime import date, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest

from inventra_pipelines.db.engine import connect, parse_url
from inventra_pipelines.db.writes import Window
from tests.integration.dbt_data import copy_into
from tests.integration.warehouse import Row, Warehouse

FIRST, LAST = date(2024, 1, 9), date(2024, 8, 20)
MODELS = ["intermediate", "dim_items", "fct_sales_daily", "fct_item_months"]
CATEGORIES = {"A": "toys", "B": "toys", "C": "games", "D": None}
COLUMNS = (
    "category, month_begins_on, demand_units, forecast_cutoff_on, forecast_units, planned_demand_units,"
    " demand_attainment, forecast_bias, planned_demand_bias"
)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(number) for number in range((last - first).days + 1)]


def month_of(month: date) -> list[date]:
    return [day for day in days(month, month + timedelta(30)) if day.month == month.month]


def random_forecasts(random: Random) -> list[Row]:
    """Forecasts of nights and of weeks, with some nights lost and horizons that differ; each leaves out an item."""
    rows = []
    for cutoff in days(FIRST, LAST):
        horizon = random.choice([4, 5, 6, 8, 13])
        if cutoff.month == 4 or random.random() < 0.6:
            continue
        for item in random.sample("ABCD", 3):
            for location in ("main", "shop"):
                rows += [
                    {
                        **{"item_id": item, "location_id": location, "cutoff_on": cutoff, "lag": lag},
                        "target_on": cutoff + timedelta(weeks=lag),
                        "mean": round(random.uniform(0, 50), 4),
                        "horizon_weeks": horizon,
                    }
                    for lag in range(1, horizon + 1)
                ]
    return rows


def random_changes(random: Random) -> list[Row]:
    """Planners' changes of the forecast, over up to eight weeks."""
    rows = []
    for step in range(40):
        starts_on = FIRST + timedelta(random.randint(0, 220))
        rows.append(
            {
                **{"item_code": random.choice("ABCD"), "starts_on": starts_on, "step": str(step)},
                "ends_on": starts_on + timedelta(random.randint(0, 56)),
                "quantity": random.randint(-30, 60),
                "status": random.choice(["approved", "Approved", "proposed", None]),
            }
        )
    return rows


def plans_of(forecasts: list[Row], changes: list[Row], sales: list[Row]) -> dict[tuple[str, date], dict[str, Any]]:
    """Planned demand by category and month, day by day."""
    category = {item: name or "uncategorised" for item, name in CATEGORIES.items()}
    weeks: dict[date, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in forecasts:
        for day in days(row["target_on"] - timedelta(6), row["target_on"]):
            weeks[row["cutoff_on"]][day].append(row)
    found = {}
    for month in (date(2024, number, 1) for number in range(1, 13)):
        within = month_of(month)
        covering = [cutoff for cutoff in weeks if cutoff < month and all(day in weeks[cutoff] for day in within)]
        cutoff = max(covering, default=None)
        for name in set(category.values()):
            plan = None
            if cutoff is not None:
                means = [
                    row["mean"] / 7 for day in within for row in weeks[cutoff][day] if category[row["item_id"]] == name
                ]
                plan = sum(means)
            change = sum(
                row["quantity"] / ((row["ends_on"] - row["starts_on"]).days + 1)
                for row in changes
                for day in within
                if row["status"] in ("approved", "Approved", None)
                and category[row["item_code"]] == name
                and row["starts_on"] <= day <= row["ends_on"]
            )
            sold = sum(
                row["quantity"] for row in sales if row["sold_on"] in within and category[row["item_code"]] == name
            )
            found[name, month] = {"cutoff": cutoff, "forecast": plan, "change": change, "sold": sold}
    return found


@pytest.fixture(scope="module")
def planned(warehouse: Warehouse) -> tuple[str, dict[tuple[str, date], dict[str, Any]]]:
    random, tenant = Random(7), warehouse.tenant("planned")
    forecasts, changes = random_forecasts(random), random_changes(random)
    sales: list[Row] = [
        {"item_code": item, "sold_on": day, "quantity": random.randint(1, 9)}
        for day in days(FIRST, LAST)
        for item in "ABCD"
        if random.random() < 0.3
    ]
    # Closed on the last two days of June: what is sold in July says that June is over.
    sales = [row for row in sales if row["sold_on"] not in (date(2024, 6, 29), date(2024, 6, 30))]
    warehouse.add(tenant, "items", *({"item_code": item, "category": name} for item, name in CATEGORIES.items()))
    warehouse.add(tenant, "sales", *sales)
    warehouse.add(tenant, "demand_adjustments", *changes)
    write_forecasts(warehouse, tenant, pl.DataFrame(forecasts))
    warehouse.build([Window(tenant, FIRST, LAST)], MODELS)
    return tenant, plans_of(forecasts, changes, sales)


def write_forecasts(warehouse: Warehouse, tenant: str, forecasts: pl.DataFrame) -> None:
    rows = forecasts.with_columns(
        *(pl.lit(text).alias(name) for name, text in (("tenant_id", tenant), ("run_id", "r"), ("config_version", "v"))),
    )
    runs = (
        rows.select("tenant_id", "cutoff_on", "horizon_weeks", "run_id", "config_version")
        .unique()
        .with_columns(
            pl.lit("completed").alias("state"),
            pl.lit("").alias("data_fingerprint"),
            items=pl.lit(3),
            fallbacks=pl.lit(0),
            corrections=pl.lit(0),
        )
    )
    with connect(warehouse.url) as connection:
        copy_into(
            connection,
            "forecast.forecasts",
            rows.drop("horizon_weeks").with_columns(pl.lit("naive").alias("model_used")),
        )
        copy_into(connection, "forecast.runs", runs)


def test_planned_demand_is_that_of_a_loop_over_days(
    warehouse: Warehouse, planned: tuple[str, dict[tuple[str, date], dict[str, Any]]]
) -> None:
    tenant, expected = planned
    rows = warehouse.table("marts.fct_balance_monthly", tenant, COLUMNS)
    found = {(row["category"], row["month_begins_on"]): row for row in rows}
    assert len(found) == len(rows)
    assert {key for key, plan in expected.items() if plan["forecast"] or plan["sold"]} <= found.keys()
    cutoffs, compared = set(), 0
    for key, row in found.items():
        plan = expected[key]
        cutoffs.add(plan["cutoff"])
        assert row["forecast_cutoff_on"] == plan["cutoff"], key
        if plan["cutoff"] is None:
            known = [name for name in row if row[name] is not None and ("forecast" in name or "planned" in name)]
            assert (known, row["demand_attainment"]) == ([], None), key
            continue
        total = plan["forecast"] + plan["change"]
        assert float(row["forecast_units"]) == pytest.approx(plan["forecast"], abs=0.001), key
        assert float(row["planned_demand_units"]) == pytest.approx(total, abs=0.001), key
        figures = [row[name] for name in ("demand_attainment", "forecast_bias", "planned_demand_bias")]
        if key[1] >= LAST.replace(day=1):
            assert figures == [None] * 3, "the month is not over"
            continue
        compared += 1
        sold = plan["sold"]
        assert float(row["demand_units"]) == sold
        assert figures[0] == (pytest.approx(sold / total, rel=1e-4) if total > 0 else None), key
        assert figures[1:] == pytest.approx([plan["forecast"] / sold - 1, total / sold - 1], rel=1e-4, abs=1e-4), key
    # January has no forecast before it, and May only what was made in March.
    assert None in cutoffs and len(cutoffs) >= 6 and compared >= 12
    assert expected["toys", date(2024, 5, 1)]["cutoff"].month == 3


def test_a_night_without_anything_to_forecast_plans_nothing(warehouse: Warehouse) -> None:
    tenant = warehouse.tenant("asleep")
    warehouse.add(tenant, "sales", {"item_code": "A", "sold_on": date(2024, 2, 3), "quantity": 2})
    warehouse.execute(
        "insert into forecast.runs (run_id, tenant_id, cutoff_on, state, items, fallbacks, corrections, horizon_weeks,"
        f" data_fingerprint, config_version) values ('r', '{tenant}', '2024-01-31', 'completed', 0, 0, 0, 8, '', '')"
    )
    window = [Window(tenant, date(2024, 2, 3), date(2024, 2, 3))]
    warehouse.build(window, MODELS)
    (row,) = warehouse.table("marts.fct_balance_monthly", tenant, COLUMNS)
    assert (row["demand_units"], row["forecast_units"], row["planned_demand_units"]) == (2, None, None)


def test_the_projects_own_tests_of_planned_demand_pass(
    warehouse: Warehouse, planned: tuple[str, dict[tuple[str, date], dict[str, Any]]]
) -> None:
    runs = warehouse.dbt.test(warehouse.url, ["int_forecasts_monthly", "fct_balance_monthly"], [], [])
    wrong = [run for run in runs if run.failures or run.message]
    # The facts of the sales are not built here.
    assert [run.test for run in wrong] == []
    assert {"a_month_has_the_last_forecast_made_before_it"} <= {run.test for run in runs}


def test_no_table_of_the_project_waits_for_forecasts(warehouse: Warehouse) -> None:
    nodes = warehouse.dbt._manifest(parse_url(warehouse.url).database or "").nodes
    behind = {"source.inventra.forecast.forecasts", "source.inventra.forecast.runs"}
    found: list[str] = []
    while more := [name for name, node in nodes.items() if name not in behind and behind & set(node.depends_on.nodes)]:
        behind.update(more)
        found += [name for name in more if nodes[name].resource_type == "model"]
    assert "model.inventra.fct_balance_monthly" in found
    assert [name for name in found if nodes[name].config.materialized != "view"] == []
