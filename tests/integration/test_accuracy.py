"""What is measured of past forecasts, from the vintages on record to the tables, the alert and the report."""

from datetime import date, timedelta
from random import Random

import polars as pl
import pytest

from inventra_pipelines.db import tables
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads import forecast as reads
from inventra_pipelines.db.reads.alerts import alert_inputs
from inventra_pipelines.db.reads.reports import daily_report
from inventra_pipelines.db.writes import Window, replace_window
from inventra_pipelines.domain.alerts.anomalies import ANOMALIES
from inventra_pipelines.domain.alerts.conditions import conditions
from inventra_pipelines.domain.forecast.accuracy.by_lag import Measured, measure
from inventra_pipelines.domain.tenant import AlertConfig, TenantConfig
from tests.integration.dbt_data import copy_into
from tests.integration.warehouse import Warehouse

DAY = date(2024, 6, 30)
TENANT = TenantConfig(tenant_id="measured", name="Shop", currency="GBP")
ITEMS = [f"I{number:02}" for number in range(12)]
LAGS = 3


def forecasts(random: Random) -> pl.DataFrame:
    """Weekly vintages of ten units a week per item: sixteen cutoffs before the day, and one after it."""
    rows = [
        {
            **{"tenant_id": TENANT.tenant_id, "item_id": item, "location_id": "main", "lag": lag},
            **{"cutoff_on": cutoff_on, "target_on": cutoff_on + timedelta(weeks=lag)},
            **{"mean": 10 + random.uniform(-1, 1), "q10": 4.0, "q50": 9.0, "q80": 12.0, "q90": 14.0, "q95": 16.0},
            **{"q98": 18.0, "baseline": 11.0, "demand_class": "smooth", "model_used": "naive", "run_id": "r"},
            "config_version": "v",
        }
        for item in ITEMS
        for cutoff_on in (DAY + timedelta(weeks=1 - back) for back in range(18))
        for lag in range(1, LAGS + 1)
    ]
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def measured(warehouse: Warehouse) -> Measured:
    """A shop that sold ten a week and sells thirty since three weeks, measured and written."""
    random, tenant = Random(3), warehouse.tenant(TENANT.tenant_id)
    warehouse.add(
        tenant,
        "items",
        *(
            {"item_code": item, "name": f"Name of {item}", "category": "toys" if item < "I06" else None}
            for item in ITEMS
        ),
    )
    warehouse.add(
        tenant,
        "sales",
        *(
            {
                "item_code": item,
                "sold_on": DAY - timedelta(weeks=back),
                "quantity": random.randint(8, 12) * (3 if back < 3 else 1),
            }
            for item in ITEMS
            for back in range(26)
        ),
    )
    window = Window(tenant, DAY - timedelta(weeks=30), DAY)
    warehouse.build([window], ["intermediate", "dim_items", "fct_sales_daily"])
    today = [Window(tenant, DAY, DAY)]
    with connect(warehouse.url) as connection:
        copy_into(connection, "forecast.forecasts", forecasts(random))
        vintages = reads.vintages(connection, tenant, DAY)
        demand = reads.demand(connection, today, {tenant: TENANT})
        made = measure(vintages, demand, reads.categories(connection, tenant), DAY)
        for table, frame in (
            (tables.accuracy, made.accuracy),
            (tables.item_accuracy, made.item_accuracy),
            (tables.drift, made.drift),
        ):
            replace_window(connection, table, frame, windows=today, window_column="as_of_on", run_id="r")
    return made


def test_the_vintages_that_are_read_are_those_of_the_last_quarters_targets(
    warehouse: Warehouse, measured: Measured
) -> None:
    with connect(warehouse.url, read_only=True) as connection:
        vintages = reads.vintages(connection, TENANT.tenant_id, DAY)
    assert vintages["target_on"].min() == DAY - timedelta(weeks=12)
    assert vintages["target_on"].max() == DAY
    assert vintages["demand_class"].unique().to_list() == ["smooth"]
    tenant = measured.accuracy.filter(pl.col("level") == "tenant")
    assert tenant["forecasts"].to_list() == [13 * len(ITEMS)] * LAGS
    assert vintages.height == tenant["forecasts"].sum()


def test_categories_are_those_of_the_item_master(measured: Measured) -> None:
    nodes = measured.accuracy.filter(pl.col("level") == "category")["node"].unique().sort().to_list()
    assert nodes == ["toys", "uncategorised"]


def test_the_report_shows_what_was_measured_last_and_names_the_items(warehouse: Warehouse, measured: Measured) -> None:
    with connect(warehouse.url, read_only=True) as connection:
        later = daily_report(connection, TENANT, DAY + timedelta(days=1))
        before = daily_report(connection, TENANT, DAY - timedelta(days=1))
    key = ["level", "node", "lag"]
    for name in ("forecasts", "wape", "mase", "scaled_crps", "coverage_95", "tracking_signal"):
        assert later.accuracy[name].to_list() == measured.accuracy.sort(key)[name].to_list()
    ranked = measured.item_accuracy.sort("worst_rank")
    assert later.item_accuracy["item_id"].to_list() == ranked["item_id"].to_list()
    assert later.item_accuracy["error_units"].to_list() == ranked["error_units"].to_list()
    assert later.item_accuracy["name"].to_list() == [f"Name of {item}" for item in ranked["item_id"]]
    assert before.accuracy.is_empty()
    assert before.item_accuracy.is_empty()


def test_sales_that_tripled_are_an_alert_of_that_day_alone(warehouse: Warehouse, measured: Measured) -> None:
    assert measured.drift["is_drifting"].to_list() == [True]
    with connect(warehouse.url, read_only=True) as connection:
        today, next_day = (alert_inputs(connection, TENANT, DAY + timedelta(days=later)) for later in (0, 1))
    found = conditions(
        today.proposals,
        pl.DataFrame(schema=ANOMALIES),
        today.feeds.clear(),
        today.drift,
        tenant_id=TENANT.tenant_id,
        as_of_on=DAY,
        config=AlertConfig(),
    )
    assert found.select("kind", "item_id", "severity", "message").rows() == [
        ("forecast_drift", "", "high", measured.drift.item(0, "reason"))
    ]
    assert next_day.drift.is_empty()
