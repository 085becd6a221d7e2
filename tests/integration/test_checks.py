"""Every asset check fails on what it is there to find, and passes without it."""

from datetime import date

import polars as pl
import psycopg
import pytest
from dagster import AssetCheckSeverity

from inventra_pipelines.checks.analytics import data_quality
from inventra_pipelines.checks.forecast import adjustments_count, every_active_item_forecast, ranges_are_sound
from inventra_pipelines.checks.ingest import no_file_rejected, rows_reconcile
from inventra_pipelines.checks.normalize import items_are_known, stock_reconciles, units_are_known
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.forecast.frames import UNPLACED
from inventra_pipelines.domain.tenant import AnalyticsConfig, ForecastConfig, TenantConfig
from inventra_pipelines.sources.outcome import RefusedFile

DAY = date(2026, 3, 2)
WINDOW = [Window("shop", DAY, DAY)]
SHOP = TenantConfig(tenant_id="shop", name="Shop")

BATCH = """
    insert into raw.batches (
        batch_id, tenant_id, dataset, landed_on, file_name, sha256, state, rows_read, rows_accepted, rows_rejected,
        rows_passed_over, bytes, config_version, reader_version
    )
    values (
        'b1', 'shop', 'stock', '2026-03-02', 'stock.csv', 'hash', 'partially_loaded', 3, 2, 1, 0, 10, 'v1', 'r1'
    )
"""
ROW = """
    insert into raw.stock (tenant_id, landed_on, batch_id, sheet, row_number, counted_on, item_code, quantity_on_hand)
    values ('shop', '2026-03-02', 'b1', '', %s, '2026-03-02', 'A', 1)
"""
REJECT = """
    insert into raw.rejects (
        tenant_id, landed_on, batch_id, file_name, sheet, row_number, column_name, raw_value, reason_code, message, hint
    )
    values ('shop', '2026-03-02', 'b1', 'stock.csv', '', 4, %s, 'x', 'not_a_number', 'no number', '')
"""
# The dbt project makes the real one; the check reads these columns of it.
SALES_TABLE = """
    create table if not exists marts.fct_sales_daily
        (tenant_id text, item_id text, location_id text, sold_on date, units_sold numeric)
"""
FORECAST = """
    insert into forecast.forecasts
    values (
        'shop', 'A', 'main', '2026-03-02', '2026-03-09', 1, %s, 0, 1, %s, 3, 4, 5, 1, 1, 1, 'SES', null, 'r', 'v1'
    )
"""


def test_rows_reconcile_when_each_row_read_is_loaded_or_rejected(connection: psycopg.Connection):
    connection.execute(BATCH)
    connection.execute(ROW, (2,))
    connection.execute(REJECT, ("quantity_on_hand",))
    # One row may be rejected for two columns; it is one row.
    connection.execute(REJECT, ("unit_cost",))
    assert not rows_reconcile(connection, WINDOW).passed, "a row is missing"
    connection.execute(ROW, (3,))
    assert rows_reconcile(connection, WINDOW).passed
    connection.execute("delete from raw.rejects where tenant_id = 'shop'")
    assert not rows_reconcile(connection, WINDOW).passed, "a reject is missing"


def test_a_refused_file_fails_its_check_and_is_named():
    assert no_file_rejected([]).passed
    refused = RefusedFile("shop", "sales", DAY, "sales.csv", "empty_file", "shop/2026-03-02/sales.csv: is empty")
    result = no_file_rejected([refused])
    assert not result.passed and "sales.csv" in str(result.metadata["files"].value)


@pytest.mark.parametrize(
    ("mean", "q80", "is_sound"),
    [
        (1.0, 2.0, True),
        (-1.0, 2.0, False),
        (1.0, 0.5, False),
        ("nan", 2.0, False),
        ("inf", 2.0, False),
        (1.0, None, False),
    ],
    ids=["sound", "negative", "falling", "nan", "infinite", "null"],
)
def test_an_unsound_forecast_fails_its_check(connection: psycopg.Connection, mean, q80, is_sound):
    connection.execute(FORECAST, (mean, q80))
    assert ranges_are_sound(connection, WINDOW).passed is is_sound


def test_an_active_item_without_a_forecast_of_every_week_fails_its_check(connection: psycopg.Connection):
    connection.execute(SALES_TABLE)
    connection.execute("insert into marts.fct_sales_daily values ('shop', 'A', 'main', '2026-03-01', 5)")
    tenants = {
        weeks: {"shop": TenantConfig(tenant_id="shop", name="x", forecast=ForecastConfig(horizon_weeks=weeks))}
        for weeks in (1, 2)
    }
    missing = every_active_item_forecast(connection, WINDOW, tenants[1])
    assert not missing.passed
    assert missing.metadata["first_of_them"].value == "A at main, tenant shop, 2026-03-02"
    connection.execute(FORECAST, (1.0, 2.0))
    assert every_active_item_forecast(connection, WINDOW, tenants[1]).passed
    assert not every_active_item_forecast(connection, WINDOW, tenants[2]).passed


def test_an_adjustment_without_effect_is_a_warning_that_names_it():
    assert adjustments_count([]).passed
    row = ("shop", DAY, "I2", "main", DAY, DAY, "sales", "approved", 5.0, None, "it ends before it begins")
    one = pl.DataFrame([row], schema=UNPLACED, orient="row")
    others = one.with_columns(item_id=pl.lit("I3")), one.with_columns(tenant_id=pl.lit("north"))
    again = one.with_columns(cutoff_on=pl.lit(date(2026, 3, 3)))
    result = adjustments_count([one, *others])
    assert result.metadata["without_effect"].value == 3
    assert str(result.metadata["first_of_them"].value).startswith("I2 at main from 2026-03-02 by sales, tenant north: ")
    assert "; I2 at main from 2026-03-02 by sales, tenant shop: " in str(result.metadata["first_of_them"].value)
    result = adjustments_count([one, again])
    assert (result.passed, result.severity) == (False, AssetCheckSeverity.WARN)
    assert result.metadata["without_effect"].value == 1
    assert result.metadata["first_of_them"].value == (
        "I2 at main from 2026-03-02 by sales, tenant shop: it ends before it begins; correct it in demand_adjustments"
    )


def test_a_count_that_its_movements_do_not_explain_is_named(connection: psycopg.Connection):
    connection.execute(
        """
        create table intermediate.int_stock_reconciliation (
            tenant_id text, item_id text, location_id text, counted_on date, opening_on date,
            expected_closing numeric, closing numeric, difference numeric
        )
        """
    )
    row = "insert into intermediate.int_stock_reconciliation values ('shop', %s, 'main', %s, '2026-03-01', 5, %s, %s)"
    connection.execute(row, ("A", DAY, 5, 0))
    connection.execute(row, ("B", date(2026, 2, 28), 1, -4))
    assert stock_reconciles(connection, [Window("shop", date(2026, 2, 1), DAY)]).passed, (
        "only the last day is looked at"
    )
    connection.execute(row, ("C", DAY, 3, -2))
    result = stock_reconciles(connection, WINDOW)
    assert not result.passed
    assert result.metadata["largest"].value == "shop C at main on 2026-03-02: counted 3, 5 expected since 2026-03-01"


def test_an_item_without_a_master_row_is_named_where_there_is_a_master(connection: psycopg.Connection):
    connection.execute("create table intermediate.int_items (tenant_id text, item_id text, is_in_master boolean)")
    connection.execute("insert into intermediate.int_items values ('shop', 'A', true), ('shop', 'B', false)")
    assert items_are_known(connection, ["shop"]).passed, "there is no master"
    connection.execute(BATCH.replace("'stock'", "'items'"))
    result = items_are_known(connection, ["shop"])
    assert not result.passed and result.metadata["first"].value == "shop B"


def test_a_quantity_in_a_unit_that_nobody_defined_is_counted(connection: psycopg.Connection):
    for table, columns in {
        "int_sales_lines": "sold_on date, line_kind text",
        "int_stock_daily": "counted_on date, quantity_on_hand numeric",
        "int_supply_lines": "ordered_on date, quantity_ordered numeric",
    }.items():
        connection.execute(f"create table intermediate.{table} (tenant_id text, {columns})".encode())
    connection.execute("insert into intermediate.int_sales_lines values ('shop', '2026-03-02', 'sale')")
    touched = dict.fromkeys(("sold_on", "counted_on", "ordered_on"), WINDOW)
    assert units_are_known(connection, touched).passed
    connection.execute("insert into intermediate.int_sales_lines values ('shop', '2026-03-02', 'unconverted')")
    connection.execute("insert into intermediate.int_stock_daily values ('shop', '2026-03-02', null)")
    result = units_are_known(connection, touched)
    assert not result.passed
    assert {name: result.metadata[name].value for name in ("sales_lines", "stock_counts", "order_lines")} == {
        "sales_lines": 1,
        "stock_counts": 1,
        "order_lines": 0,
    }


def test_a_dataset_of_a_low_score_or_of_few_rows_is_named_with_the_remedy(connection: psycopg.Connection):
    connection.execute(
        """
        create table marts.rpt_data_quality (
            tenant_id text, as_of_on date, dataset text, completeness double precision, freshness double precision,
            consistency double precision, validity double precision, coverage double precision,
            score double precision, rows_read_day bigint, rows_expected double precision, is_low boolean
        )
        """
    )
    row = "insert into marts.rpt_data_quality values ('shop', %s, %s, 1, %s, null, 1, null, %s, %s, 2000, %s)"
    connection.execute(row, (DAY, "sales", 1.0, 1.0, 1900, False))
    connection.execute(row, (DAY, "items", 0.4, 0.8, 0, None))
    connection.execute(row, (date(2026, 3, 1), "boms", 0.0, 0.1, 0, True))
    assert data_quality(connection, WINDOW, {"shop": SHOP}).passed, "0.8 is enough, and other days are not looked at"
    connection.execute(row, (DAY, "stock", 0.25, 0.75, 0, None))
    result = data_quality(connection, WINDOW, {"shop": SHOP})
    assert not result.passed
    assert result.metadata["worst"].value == (
        "shop stock on 2026-03-02: score 0.75, freshness 0.25;"
        " see why files are missing, or correct the feed's weekdays and the holidays"
    )
    assert result.severity is AssetCheckSeverity.WARN
    connection.execute("delete from marts.rpt_data_quality where dataset = 'stock'")
    connection.execute("update marts.rpt_data_quality set is_low = true, rows_read_day = 90 where dataset = 'sales'")
    assert data_quality(connection, WINDOW, {"shop": SHOP}).metadata["worst"].value == (
        "shop sales on 2026-03-02: 90 rows where 2,000 are usual on the weekday; see that the file is whole"
    )


@pytest.mark.parametrize(("least", "severity"), [(0.79, AssetCheckSeverity.WARN), (0.9, AssetCheckSeverity.ERROR)])
def test_a_score_below_what_the_tenant_accepts_ends_the_run(
    connection: psycopg.Connection, least: float, severity: AssetCheckSeverity
):
    connection.execute(
        """
        create table marts.rpt_data_quality as
        select 'shop' as tenant_id, '2026-03-02'::date as as_of_on, 'stock' as dataset, 1.0 as completeness,
            0.58 as freshness, null::numeric as consistency, null::numeric as validity, null::numeric as coverage,
            0.79::double precision as score, 9 as rows_read_day, null::numeric as rows_expected, null::boolean as is_low
        """
    )
    strict = SHOP.model_copy(update={"analytics": AnalyticsConfig(least_quality_score=least)})
    result = data_quality(connection, WINDOW, {"shop": strict})
    assert (result.passed, result.severity) == (False, severity)
    assert result.metadata["unusable"].value == (severity is AssetCheckSeverity.ERROR)
