"""Planners' adjustments from their files to what is planned with, on a small tenant."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from inventra_pipelines.db import tables
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.alerts import alert_inputs
from inventra_pipelines.db.reads.forecast import adjustments, consensus_due
from inventra_pipelines.db.reads.planning import planning_inputs
from inventra_pipelines.db.writes import Window, days_of, replace_window
from inventra_pipelines.domain.forecast.accuracy.step_accuracy import step_accuracy
from inventra_pipelines.domain.forecast.consensus import Consensus, consensus
from inventra_pipelines.domain.planning.proposals import plan_orders
from inventra_pipelines.domain.tenant import PlanningConfig, TenantConfig
from tests.integration.dbt_data import copy_into
from tests.integration.warehouse import MONDAY, Row, Warehouse, day

LAGS = range(1, 5)
MEANS = {"A": 10.0, "B": 20.0}
PERIOD = {"starts_on": day(8), "ends_on": day(14)}
# Version by version as they land: the day of landing, the batch, and what the file says.
LANDED: list[tuple[int, str, Row]] = [
    (0, "1", {**PERIOD, "item_code": "a", "step": "Sales", "quantity": 70}),
    (0, "2", {**PERIOD, "item_code": "BOX", "step": "planner", "quantity": -3}),
    (2, "3", {**PERIOD, "item_code": "A", "step": "sales", "quantity": 7}),
    (2, "4", {**PERIOD, "item_code": "A", "step": "sales", "quantity": 14, "cap": 12}),
    (3, "5", {**PERIOD, "item_code": "A", "step": "sales", "quantity": 1, "status": "Rejected"}),
    (4, "6", {"item_code": "C", "starts_on": day(8), "step": "finance", "quantity": 5}),
]


@pytest.fixture(scope="module")
def shop(warehouse: Warehouse) -> str:
    tenant = warehouse.tenant("consensus")
    warehouse.add(tenant, "item_aliases", {"alias_code": "BOX", "item_code": "B", "quantity_factor": 10})
    for landed, batch, row in LANDED:
        warehouse.add(tenant, "demand_adjustments", row | {"landed_on": day(landed), "batch_id": batch})
    warehouse.add(tenant, "items", *({"item_code": item} for item in "AB"))
    count = {"counted_on": day(0), "quantity_on_hand": 30, "unit_cost": 1}
    warehouse.add(tenant, "stock", *({"item_code": item} | count for item in "AB"))
    warehouse.add(tenant, "sales", *({"item_code": item, "sold_on": day(0), "quantity": 1} for item in "AB"))
    window = Window(tenant, day(0), day(6))
    warehouse.build([window], ["intermediate", "dim_items", "fct_stock_daily", "fct_sales_daily"])
    rows = pl.DataFrame(
        [vintage_row(tenant, day(number), item, lag) for number in range(7) for item in MEANS for lag in LAGS]
    )
    runs = rows.select("tenant_id", "cutoff_on", "run_id", "config_version").unique()
    runs = runs.with_columns(
        *(pl.lit(0).alias(name) for name in ("items", "fallbacks", "corrections")),
        state=pl.lit("completed"),
        horizon_weeks=pl.lit(4),
        data_fingerprint=pl.lit(""),
    )
    with connect(warehouse.url) as connection:
        copy_into(connection, "forecast.forecasts", rows)
        copy_into(connection, "forecast.runs", runs)
    return tenant


def vintage_row(tenant: str, cutoff_on: date, item: str, lag: int) -> Row:
    return {
        **{"tenant_id": tenant, "item_id": item, "location_id": "main", "cutoff_on": cutoff_on, "lag": lag},
        **{"target_on": cutoff_on + (day(7 * lag) - MONDAY), "mean": MEANS[item], "baseline": MEANS[item]},
        **{"cumulative_mean": MEANS[item] * lag, "cumulative_std": 3.0 * lag**0.5},
        **{"model_used": "naive", "run_id": "r", "config_version": "v"},
    }


def consensus_of(warehouse: Warehouse, *windows: Window) -> Consensus:
    """The consensus of the windows' vintages, read and made as a night does."""
    with connect(warehouse.url, read_only=True) as connection:
        found = adjustments(connection, windows)
    forecasts = warehouse.rows(f"select * from forecast.forecasts where tenant_id = '{windows[0].tenant_id}'")
    return consensus(forecasts, found, days_of(windows))


def write(warehouse: Warehouse, window: Window, rows: pl.DataFrame) -> None:
    with connect(warehouse.url) as connection:
        replace_window(
            connection, tables.consensus, rows, windows=[window], window_column="cutoff_on", run_id="consensus"
        )


def in_week(made: Consensus, cutoff: int, item: str) -> list[tuple[Any, ...]]:
    rows = made.rows.filter(cutoff_on=day(cutoff), item_id=item)
    return rows.select("lag", "sales", "planner", "cap", "consensus").rows()


def test_each_vintage_has_the_version_that_had_landed_by_its_cutoff(warehouse: Warehouse, shop: str) -> None:
    made = consensus_of(warehouse, Window(shop, day(0), day(6)))
    # Of the vintage of Monday the period is the second week; of those after it parts of the first and the second.
    assert in_week(made, 0, "A") == [(2, 70, 0, None, 80)]
    assert in_week(made, 1, "A") == [(1, 10, 0, None, 20), (2, 60, 0, None, 70)]
    # A box is ten.
    assert in_week(made, 1, "B") == [(1, 0, -4.2857, None, 15.7143), (2, 0, -25.7143, None, 0)]
    # Two files of one day: the last one that came. Its cap leaves the five days before the period alone.
    assert in_week(made, 2, "A")[0] == (1, 4, 0, 10.5714, 10.5714)
    # Rejected since.
    assert made.rows.filter(pl.col("item_id") == "A", pl.col("cutoff_on") >= day(3)).is_empty()
    told = made.unplaced.select("cutoff_on", "item_id", "ends_on", "problem").rows()
    assert told == [(day(number), "C", day(13), "the item has no forecast at this location") for number in (4, 5, 6)]


def test_a_night_alone_makes_what_a_backfill_makes(warehouse: Warehouse, shop: str) -> None:
    whole = consensus_of(warehouse, Window(shop, day(0), day(6)))
    nights = [consensus_of(warehouse, Window(shop, day(number), day(number))) for number in range(7)]
    assert_frame_equal(pl.concat(night.rows for night in nights), whole.rows, check_exact=True)
    assert_frame_equal(pl.concat(night.unplaced for night in nights), whole.unplaced, check_exact=True)


def test_a_version_that_lands_later_changes_no_earlier_vintage(warehouse: Warehouse, shop: str) -> None:
    window = Window(shop, day(0), day(6))
    before = consensus_of(warehouse, window)
    later = {"item_code": "A", "starts_on": day(8), "ends_on": day(14), "step": "sales", "quantity": 900}
    warehouse.add(shop, "demand_adjustments", later | {"landed_on": day(7), "batch_id": "9"})
    assert_frame_equal(consensus_of(warehouse, window).rows, before.rows, check_exact=True)
    latest = warehouse.table("intermediate.int_demand_adjustments", shop, "item_id, quantity")
    assert {"item_id": "A", "quantity": 900} in latest
    warehouse.execute(f"delete from raw.demand_adjustments where batch_id = '{shop}/demand_adjustments/9'")


def test_replaying_a_day_writes_the_same_rows(warehouse: Warehouse, shop: str) -> None:
    window, kept = Window(shop, day(0), day(2)), []
    for _ in range(2):
        write(warehouse, window, consensus_of(warehouse, window).rows)
        kept.append(warehouse.rows("select * from forecast.consensus order by cutoff_on, item_id, lag"))
    assert_frame_equal(kept[0], kept[1], check_exact=True)
    assert kept[0].height == consensus_of(warehouse, window).rows.height > 0


def test_planning_plans_with_the_consensus(warehouse: Warehouse, shop: str) -> None:
    window = Window(shop, day(0), day(0))
    write(warehouse, window, consensus_of(warehouse, window).rows)
    with connect(warehouse.url, read_only=True) as connection:
        changed = planning_inputs(connection, shop, day(0))
    write(warehouse, window, consensus_of(warehouse, window).rows.clear())
    with connect(warehouse.url, read_only=True) as connection:
        plain = planning_inputs(connection, shop, day(0))
    figures = ["lag", "mean", "cumulative_mean", "cumulative_std"]

    def curve(item: str) -> list[tuple[Any, ...]]:
        return changed.forecasts.filter(item_id=item).sort("lag").select(figures).rows()

    assert curve("A") == [(1, 10, 10, 3), (2, 80, 90, 3 * 2**0.5), (3, 10, 100, 3 * 3**0.5), (4, 10, 110, 6)]
    # Thirty less than twenty is none.
    assert [row[1:3] for row in curve("B")] == [(20, 20), (0, 20), (20, 40), (20, 60)]
    planned, before = (
        plan_orders(
            inputs.items,
            inputs.stock,
            inputs.open_supply,
            inputs.forecasts,
            inputs.classes,
            tenant_id=shop,
            as_of_on=day(0),
            config=PlanningConfig(default_lead_time_days=13, review_days=1),
            config_version="v",
            is_stock_simulated=False,
        ).filter(item_id="A")
        for inputs in (changed, plain)
    )
    assert before.item(0, "demand_over_protection") == 20 and planned.item(0, "demand_over_protection") == 90
    assert planned.item(0, "quantity_proposed") >= before.item(0, "quantity_proposed") + 70
    assert "demand 90 over 14 days" in planned.item(0, "reason")


def test_a_week_that_was_planned_high_was_expected_high(warehouse: Warehouse, shop: str) -> None:
    window = Window(shop, day(0), day(0))
    write(warehouse, window, consensus_of(warehouse, window).rows)
    tenant = TenantConfig.model_validate(
        {"tenant_id": shop, "name": shop, "time_zone": "Europe/London", "currency": "GBP"}
    )
    with connect(warehouse.url, read_only=True) as connection:
        expected = alert_inputs(connection, tenant, day(14)).earlier_forecasts
    found = {(row["cutoff_on"], row["item_id"]): row["mean"] for row in expected.iter_rows(named=True)}
    assert found[day(0), "A"] == 80 and found[day(0), "B"] == 0


def test_the_steps_are_measured_once_the_weeks_are_over(warehouse: Warehouse, shop: str) -> None:
    window = Window(shop, day(0), day(2))
    write(warehouse, window, consensus_of(warehouse, window).rows)
    with connect(warehouse.url, read_only=True) as connection:
        assert consensus_due(connection, shop, day(7)).is_empty()
        due = consensus_due(connection, shop, day(14))
        assert consensus_due(connection, shop, day(14 + 90)).height > 0
        assert consensus_due(connection, shop, day(16 + 91)).is_empty()
    key = ["tenant_id", "item_id", "location_id", "target_on"]
    actuals = due.select(key).unique().with_columns(actual=pl.when(pl.col("item_id") == "A").then(50.0).otherwise(5.0))
    figures = step_accuracy(due, actuals, day(14))
    with connect(warehouse.url) as connection:
        for _ in range(2):
            replace_window(
                connection,
                tables.step_accuracy,
                figures,
                windows=[Window(shop, day(14), day(14))],
                window_column="as_of_on",
                run_id="steps",
            )
    kept = warehouse.rows(f"select * from forecast.step_accuracy where tenant_id = '{shop}'")
    assert_frame_equal(kept.select(figures.columns), figures, check_row_order=False, check_dtypes=False)
    assert kept.filter(step="consensus").item(0, "value_added") > 0


def test_the_models_own_tests_of_adjustments_pass(warehouse: Warehouse, shop: str) -> None:
    models = ["int_demand_adjustment_versions", "int_demand_adjustments"]
    runs = warehouse.dbt.test(warehouse.url, models, [], [])
    assert len(runs) >= 2 and [run.test for run in runs if run.failures or run.message] == []
