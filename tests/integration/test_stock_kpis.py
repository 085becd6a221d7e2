"""Stock and supply figures on a year of real sales with the demo's stock and orders, against plain loops."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.sources.demo_files import simulate_demo_supply
from tests.integration.dbt_data import FIRST_DAY, LAST_DAY, copy_into
from tests.integration.reference_stock_kpis import StockYear, item_states, lead_times, stock_kpis, supply_kpis
from tests.integration.warehouse import Warehouse, day
from tests.integration.year import YEAR, Year, intermediate_without

DEMO = Path(__file__).parents[2] / "demo"
MODELS = ["+rpt_stock_kpis", "+rpt_supply_kpis", "fct_lead_times"]
# What a stock leaves as it is.
UNCHANGED = ("int_sales_lines", "int_demand_daily")
AS_OF_TABLES = [
    "fct_item_stock_states",
    "fct_stock_availability",
    "fct_lead_times",
    "rpt_stock_kpis",
    "rpt_supply_kpis",
]
# The first day, one of the first weeks, a Saturday without a sale, and the last day.
DAYS = [FIRST_DAY, date(2010, 12, 23), date(2011, 6, 18), LAST_DAY]


def in_raw(rows: pl.DataFrame, dataset: str) -> pl.DataFrame:
    """Simulated rows as the raw table has them: a batch per landing day."""
    return rows.with_columns(
        pl.lit("gifts").alias("tenant_id"),
        pl.format("{}-{}", pl.lit(dataset), pl.col("landed_on")).alias("batch_id"),
        pl.lit("").alias("sheet"),
        pl.int_range(pl.len(), dtype=pl.Int32).over("landed_on").alias("row_number"),
    )


@pytest.fixture(scope="module")
def warehouse(year_warehouse: Warehouse) -> Warehouse:
    return year_warehouse


@pytest.fixture(scope="module")
def stocked(year: Year) -> StockYear:
    supply = simulate_demo_supply(DEMO)
    units = pl.Decimal(38, 4)
    orders = supply.purchase_orders.sort("landed_on").group_by("order_id", "line_number").last()
    return StockYear(
        year.lines.filter(pl.col("line_kind") == "sale"),
        supply.stock.rename({"item_code": "item_id"}).with_columns(pl.col("quantity_on_hand").cast(units)),
        orders.rename({"item_code": "item_id"}).with_columns(
            pl.col("quantity_ordered", "quantity_received").cast(units)
        ),
        supply.items.rename({"item_code": "item_id"}),
    )


@pytest.fixture(scope="module")
def gifts(warehouse: Warehouse) -> Warehouse:
    supply = simulate_demo_supply(DEMO)
    with connect(warehouse.url) as connection:
        connection.execute("truncate raw.stock")
        for dataset in ("items", "suppliers", "purchase_orders", "stock"):
            copy_into(connection, f"raw.{dataset}", in_raw(getattr(supply, dataset), dataset))
    warehouse.build(YEAR, [*intermediate_without(*UNCHANGED), *(f"{model},marts" for model in MODELS)])
    return warehouse


def as_of(gifts: Warehouse, table: str, on: date) -> pl.DataFrame:
    return gifts.rows(f"select * from marts.{table} where tenant_id = 'gifts' and as_of_on = '{on}'")


@pytest.mark.parametrize("on", DAYS, ids=str)
def test_item_states_are_those_of_a_loop(gifts: Warehouse, stocked: StockYear, on: date) -> None:
    found = {row["item_id"]: row for row in as_of(gifts, "fct_item_stock_states", on).to_dicts()}
    expected = item_states(stocked, on)
    assert found.keys() == expected.keys()
    for item_id, state in expected.items():
        assert {name: found[item_id][name] for name in state} == state, item_id


@pytest.mark.parametrize("on", DAYS, ids=str)
def test_stock_figures_are_those_of_a_loop(gifts: Warehouse, stocked: StockYear, on: date) -> None:
    found = as_of(gifts, "rpt_stock_kpis", on).row(0, named=True)
    for name, value in stock_kpis(stocked, on).items():
        if isinstance(value, Decimal) and isinstance(found[name], Decimal):
            assert abs(found[name] - value) <= Decimal("0.0001"), name
        elif isinstance(found[name], float):
            assert found[name] == pytest.approx(float(value), rel=1e-12), name
        else:
            assert found[name] == value, name


@pytest.mark.parametrize("on", DAYS, ids=str)
def test_supply_figures_are_those_of_a_loop(gifts: Warehouse, stocked: StockYear, on: date) -> None:
    found = as_of(gifts, "rpt_supply_kpis", on).row(0, named=True)
    expected = supply_kpis(stocked, on)
    assert {name: found[name] for name in expected} == {
        name: float(value) if isinstance(value, Decimal) and "rate" in name else value
        for name, value in expected.items()
    }


@pytest.mark.parametrize("sunday", [date(2010, 12, 26), date(2011, 12, 4)], ids=str)
def test_lead_times_are_those_of_a_loop(gifts: Warehouse, stocked: StockYear, sunday: date) -> None:
    found = {(row["supplier_code"], row["item_id"]): row for row in as_of(gifts, "fct_lead_times", sunday).to_dicts()}
    expected = lead_times(stocked, sunday)
    assert found.keys() == expected.keys() != set()
    for key, row in expected.items():
        assert {name: float(found[key][name]) for name in row} == pytest.approx(
            {name: float(value) for name, value in row.items()}
        ), key


def test_receipts_are_the_lines_that_came(gifts: Warehouse, stocked: StockYear) -> None:
    expected = (
        stocked.orders.filter(pl.col("received_on").is_not_null())
        .group_by("item_id", "received_on")
        .agg(pl.col("quantity_received").sum().alias("units"), pl.len().cast(pl.Int64).alias("lines"))
        .sort("item_id", "received_on")
    )
    found = gifts.rows(
        "select item_id, received_on, units_received as units, lines from marts.fct_receipts_daily"
        " where tenant_id = 'gifts' order by item_id collate \"C\", received_on"
    )
    assert found.equals(expected)


def test_days_built_alone_and_in_any_order_are_those_of_the_range(gifts: Warehouse) -> None:
    days = [LAST_DAY, FIRST_DAY, date(2011, 6, 19)]
    query = "select as_of_on, sum(hashtextextended(t::text, 0)) as sum from marts.{} as t group by 1 order by 1"
    before = {table: gifts.rows(query.format(table)) for table in AS_OF_TABLES}
    for on in days:
        gifts.dbt.run(gifts.url, ["marts"], [], [Window("gifts", on, on)])
    for table, rows in before.items():
        assert gifts.rows(query.format(table)).equals(rows), table


def test_a_day_does_not_see_later_ones(gifts: Warehouse) -> None:
    on = date(2011, 11, 20)
    before = {table: as_of(gifts, table, on) for table in AS_OF_TABLES}
    later = {"marts.fct_stock_daily": "counted_on", "marts.fct_sales_daily": "sold_on"}
    with connect(gifts.url) as connection:
        for table, column in later.items():
            copy = f"public.{table.split('.')[1]}"
            connection.execute(f"create table {copy} as select * from {table} where {column} > '{on}'")
            connection.execute(f"delete from {table} where {column} > '{on}'")
    try:
        gifts.dbt.run(gifts.url, AS_OF_TABLES, [], [Window("gifts", on, on)])
        for table, rows in before.items():
            assert as_of(gifts, table, on).sort(pl.all()).equals(rows.sort(pl.all())), table
    finally:
        for table in later:
            copy = f"public.{table.split('.')[1]}"
            gifts.execute(f"insert into {table} select * from {copy}; drop table {copy}")


def test_the_projects_own_tests_of_stock_pass(gifts: Warehouse) -> None:
    runs = gifts.dbt.test(gifts.url, [*AS_OF_TABLES, "fct_receipts_daily"], YEAR, YEAR)
    assert [run for run in runs if run.failures or run.message] == []
    assert {"stock_statuses_partition_the_items", "stock_layers_add_up"} <= {run.test for run in runs}


def test_negative_stock_unknown_items_and_free_goods_have_figures(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("odd")
    warehouse.add(
        shop,
        "sales",
        {"item_code": "A", "sold_on": day(1), "quantity": 28, "unit_price": 0},
        {"item_code": "A", "sold_on": day(1), "quantity": 28, "unit_price": 3},
    )
    warehouse.add(
        shop,
        "stock",
        {"item_code": "A", "counted_on": day(1), "quantity_on_hand": -4, "unit_cost": 2},
        {"item_code": "NEVER-SOLD", "counted_on": day(2), "quantity_on_hand": 5},
        {"item_code": "PALLETS", "counted_on": day(2), "quantity_on_hand": 5, "unit_of_measure": "pallet"},
    )
    warehouse.build([Window(shop, day(0), day(3))])
    states = {
        (row["item_id"], row["as_of_on"]): (row["status"], row["on_hand"])
        for row in warehouse.table("marts.fct_item_stock_states", shop)
    }
    assert states == {
        **{("A", day(number)): ("out_of_stock", -4) for number in (1, 2, 3)},
        **{("NEVER-SOLD", day(number)): ("dead", 5) for number in (2, 3)},
        **{("PALLETS", day(number)): ("unknown", None) for number in (2, 3)},
    }
    names = "as_of_on, stock_units, stock_value, items_counted, items_out_of_stock, value_unknown_age, availability_28d"
    kpis = warehouse.table("marts.rpt_stock_kpis", shop, names)
    assert [tuple(row.values()) for row in sorted(kpis, key=lambda row: row["as_of_on"])] == [
        (day(0), None, None, None, None, None, None),
        (day(1), -4, -8, 1, 1, -8, 0.0),
        (day(2), 1, -8, 3, 1, -8, 0.0),
        (day(3), 1, -8, 3, 1, -8, 0.0),
    ]


def test_a_tenant_of_one_day_of_sales_has_no_stock_figures(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("sales-only")
    warehouse.add(shop, "sales", {"item_code": "A", "sold_on": day(1), "quantity": 2})
    warehouse.build([Window(shop, day(1), day(1))])
    for table in ("rpt_stock_kpis", "rpt_supply_kpis"):
        (row,) = warehouse.table(f"marts.{table}", shop)
        known = {name for name, value in row.items() if value is not None}
        assert known - {"as_of_on", "stock_days_365d", "due_order_lines_90d"} == set()
    assert warehouse.table("marts.fct_item_stock_states", shop) == []
