"""The dbt models on a year of real sales: published counts, plain loops, replays, and the project's own tests."""

from datetime import date, timedelta

import polars as pl
import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from tests.integration.dbt_data import (
    FIRST_DAY,
    LAST_DAY,
    add_tenant,
    batches_of,
    copy_into,
    raw_sales,
    raw_stock,
    sales_files,
)
from tests.integration.dbt_reference import classes_of, kpis_of, line_kinds
from tests.integration.warehouse import STAGES, Warehouse

YEAR = [Window("gifts", FIRST_DAY, LAST_DAY)]
DAILY_TABLES = {
    "intermediate.int_sales_lines": "sold_on",
    "intermediate.int_demand_daily": "sold_on",
    "intermediate.int_stock_daily": "counted_on",
    "marts.fct_sales_daily": "sold_on",
    "marts.fct_stock_daily": "counted_on",
    "marts.fct_orders_daily": "sold_on",
    "marts.fct_item_classes": "as_of_on",
    "marts.rpt_daily_kpis": "as_of_on",
    "marts.dim_items": "coalesce(first_sold_on, '2010-12-01')",
}


def checksums(warehouse: Warehouse, tenant_id: str) -> dict[str, str]:
    query = "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) as sum from {} as t where tenant_id = '{}'"
    return {table: warehouse.rows(query.format(table, tenant_id))["sum"].item() for table in DAILY_TABLES}


@pytest.fixture(scope="module")
def raw_year() -> tuple[pl.DataFrame, pl.DataFrame]:
    files = sales_files()
    if not files:
        pytest.skip("neither demo/sales/gifts nor the shared Online Retail files are there")
    sales = raw_sales(files, "gifts")
    return sales, raw_stock(sales)


@pytest.fixture(scope="module")
def gifts(warehouse: Warehouse, raw_year: tuple[pl.DataFrame, pl.DataFrame]) -> Warehouse:
    sales, stock = raw_year
    with connect(warehouse.url) as connection:
        add_tenant(connection, "gifts", repeated_lines="duplicate")
        copy_into(connection, "raw.sales", sales)
        copy_into(connection, "raw.stock", stock)
        copy_into(connection, "raw.batches", batches_of(sales, "sales", rejected=2))
    warehouse.build(YEAR)
    return warehouse


@pytest.fixture(scope="module")
def lines(raw_year: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    return line_kinds(raw_year[0])


def test_the_published_counts_come_out(gifts: Warehouse) -> None:
    counts = gifts.rows(
        """
        select
            count(*) as rows,
            count(*) filter (where quantity < 0) as negative,
            count(*) filter (where document_id like 'C%%') as cancelling_documents,
            count(*) filter (where line_kind = 'service') as services,
            count(distinct item_id) filter (where line_kind = 'service') as service_items,
            count(*) filter (where line_kind = 'duplicate') as duplicates,
            count(*) filter (where unit_price <= 0) as without_price,
            count(*) filter (where description is null) as without_description,
            count(*) filter (where customer_code is null) as without_customer
        from intermediate.int_sales_lines
        where tenant_id = 'gifts'
        """
    ).row(0, named=True)
    # Of the 5,268 exact duplicates 6 are service lines, and `m` and `M` of the 33 service codes are one item.
    assert counts == {
        "rows": 541_909,
        "negative": 10_624,
        "cancelling_documents": 9_288,
        "services": 2_995,
        "service_items": 32,
        "duplicates": 5_268 - 6,
        "without_price": 2_517,
        "without_description": 1_454,
        "without_customer": 135_080,
    }


def test_the_two_great_orders_are_cancelled(gifts: Warehouse) -> None:
    pairs = gifts.rows(
        "select abs(quantity)::bigint as units, line_kind, count(*) as lines from intermediate.int_sales_lines"
        " where tenant_id = 'gifts' and abs(quantity) > 50000 group by 1, 2 order by 1"
    )
    assert pairs.rows() == [(74_215, "cancelled", 2), (80_995, "cancelled", 2)]


def test_every_line_has_the_kind_that_a_loop_gives_it(gifts: Warehouse, lines: pl.DataFrame) -> None:
    found = gifts.rows(
        "select batch_id, row_number, item_id, line_kind, revenue, counterpart_on"
        " from intermediate.int_sales_lines where tenant_id = 'gifts'"
    )
    both = lines.with_columns(pl.col("row_number").cast(pl.Int64)).join(
        found, on=["batch_id", "row_number"], how="full", suffix="_found"
    )
    assert both.height == lines.height
    for column in ("item_id", "line_kind", "revenue", "counterpart_on"):
        differ = both.filter(pl.col(column).ne_missing(pl.col(f"{column}_found")))
        assert differ.is_empty(), differ.head()


def test_facts_are_the_lines_summed(gifts: Warehouse, lines: pl.DataFrame) -> None:
    is_sale, is_return = pl.col("line_kind") == "sale", pl.col("line_kind") == "return"
    expected = (
        lines.filter(is_sale | is_return)
        .group_by("item_id", "sold_on")
        .agg(
            pl.col("quantity").filter(is_sale).sum().cast(pl.Decimal(38, 4)).alias("units_sold"),
            pl.col("quantity").filter(is_return).sum().cast(pl.Decimal(38, 4)).neg().alias("units_returned"),
            pl.col("revenue").filter(is_sale).sum(),
            pl.col("revenue").filter(is_return).sum().neg().alias("returns_value"),
            pl.col("document_id").filter(is_sale).n_unique().cast(pl.Int64).alias("orders"),
        )
        .sort("item_id", "sold_on")
    )
    found = gifts.rows(
        "select item_id, sold_on, units_sold, units_returned, revenue, returns_value, orders"
        " from marts.fct_sales_daily where tenant_id = 'gifts' order by item_id, sold_on"
    )
    assert found.equals(expected.select(found.columns))


@pytest.mark.parametrize("day", [date(2010, 12, 3), date(2011, 1, 26), date(2011, 6, 19), LAST_DAY], ids=str)
def test_kpis_are_those_of_a_plain_count(
    gifts: Warehouse, raw_year: tuple[pl.DataFrame, pl.DataFrame], lines: pl.DataFrame, day: date
) -> None:
    kpis = gifts.rows(f"select * from marts.rpt_daily_kpis where tenant_id = 'gifts' and as_of_on = '{day}'")
    expected = kpis_of(lines, raw_year[1], day)
    assert kpis.select(expected.keys()).row(0, named=True) == expected
    assert kpis["open_order_lines"].item() is None
    assert kpis["rows_rejected_day"].item() == (2 if day in set(raw_year[0]["landed_on"]) else 0)


@pytest.mark.parametrize("sunday", [date(2010, 12, 5), date(2011, 3, 6), date(2011, 12, 4)], ids=str)
def test_classes_are_those_of_a_loop(gifts: Warehouse, lines: pl.DataFrame, sunday: date) -> None:
    found = gifts.rows(
        "select item_id, abc_class, xyz_class, demand_class, revenue_52w as revenue from marts.fct_item_classes"
        f" where tenant_id = 'gifts' and as_of_on = '{sunday}'"
    )
    assert {row.pop("item_id"): row for row in found.to_dicts()} == classes_of(lines, sunday)


def test_single_days_in_any_order_give_what_the_range_gave(gifts: Warehouse) -> None:
    before = checksums(gifts, "gifts")
    for day in (date(2011, 12, 4), LAST_DAY, date(2010, 12, 1)):
        gifts.build([Window("gifts", day, day)])
    assert checksums(gifts, "gifts") == before


def test_a_range_replayed_gives_the_same_rows(gifts: Warehouse) -> None:
    before = checksums(gifts, "gifts")
    gifts.build(
        [Window("gifts", date(2011, 10, 3), date(2011, 10, 23)), Window("gifts", date(2011, 2, 1), date(2011, 2, 3))]
    )
    assert checksums(gifts, "gifts") == before


def test_a_day_as_of_does_not_see_later_days(gifts: Warehouse) -> None:
    day = date(2011, 11, 20)
    query = f"select * from marts.{{}} where tenant_id = 'gifts' and as_of_on = '{day}'"
    tables = {"rpt_daily_kpis": "1", "fct_item_classes": "item_id"}
    full = {table: gifts.rows(query.format(table) + f" order by {key}") for table, key in tables.items()}
    with connect(gifts.url) as connection:
        connection.execute(
            "create table public.later as select * from raw.sales where tenant_id = 'gifts' and sold_on > %s", (day,)
        )
        connection.execute("delete from raw.sales where tenant_id = 'gifts' and sold_on > %s", (day,))
    later = Window("gifts", day + timedelta(days=1), LAST_DAY)
    try:
        gifts.dbt.run(gifts.url, STAGES, [later], [Window("gifts", day, day)])
        for table, key in tables.items():
            assert gifts.rows(query.format(table) + f" order by {key}").equals(full[table])
    finally:
        gifts.execute("insert into raw.sales select * from public.later; drop table public.later")
        gifts.dbt.run(gifts.url, STAGES, [later], [])


def test_the_projects_own_tests_pass(gifts: Warehouse) -> None:
    nightly = gifts.dbt.test(gifts.url, ["tag:nightly"], [Window("gifts", LAST_DAY, LAST_DAY)], [])
    everything = gifts.dbt.test(gifts.url, ["*"], YEAR, YEAR)
    assert {test.test for test in nightly} < {test.test for test in everything}
    assert [test for test in everything if test.failures or test.message] == []


def test_no_windows_change_nothing(gifts: Warehouse) -> None:
    assert {run.rows for run in gifts.build([])} == {0}
