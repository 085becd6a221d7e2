"""The dbt models on a year of real sales and on small tenants, in a Postgres of their own."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import connect, read_frame
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.db.writes import Window
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.resources.dbt import Dbt, ModelRun
from inventra_pipelines.settings import Settings
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

STAGES = ["intermediate", "marts"]
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


@dataclass(frozen=True)
class Warehouse:
    url: str
    dbt: Dbt

    def build(self, windows: list[Window], select: list[str] = STAGES) -> list[ModelRun]:
        return self.dbt.run(self.url, select, windows, windows)

    def rows(self, query: str) -> pl.DataFrame:
        with connect(self.url, read_only=True) as connection:
            return read_frame(connection, query)

    def execute(self, statement: str) -> None:
        with connect(self.url) as connection:
            connection.execute(statement)

    def checksums(self, tenant_id: str) -> dict[str, str]:
        query = "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) as sum from {} as t where tenant_id = '{}'"
        return {table: self.rows(query.format(table, tenant_id))["sum"].item() for table in DAILY_TABLES}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    settings = Settings(home=tmp_path_factory.mktemp("dbt") / "home", DATABASE_URL=None)
    with database(settings) as url:
        migrate(url, settings.dagster_database, is_embedded=True)
        dbt = Dbt(settings)
        assert dbt.ensure_views(url)
        assert not dbt.ensure_views(url)
        yield Warehouse(url, dbt)


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
    before = gifts.checksums("gifts")
    for day in (date(2011, 12, 4), LAST_DAY, date(2010, 12, 1)):
        gifts.build([Window("gifts", day, day)])
    assert gifts.checksums("gifts") == before


def test_a_range_replayed_gives_the_same_rows(gifts: Warehouse) -> None:
    before = gifts.checksums("gifts")
    gifts.build(
        [Window("gifts", date(2011, 10, 3), date(2011, 10, 23)), Window("gifts", date(2011, 2, 1), date(2011, 2, 3))]
    )
    assert gifts.checksums("gifts") == before


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


MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)


def _add(warehouse: Warehouse, table: str, *rows: dict[str, object]) -> None:
    """Append rows to a raw table; batch, sheet, row number and day landed have defaults."""
    with connect(warehouse.url) as connection:
        for number, row in enumerate(rows):
            batch = f"{row['tenant_id']}/{row.get('batch_id', 'b')}"
            full = {"landed_on": MONDAY, "sheet": "", "row_number": number, **row, "batch_id": batch}
            names = ", ".join(full)
            values = ", ".join(f"%({name})s" for name in full)
            connection.execute(f"insert into raw.{table} ({names}) values ({values})", full)


def _small_tenant(warehouse: Warehouse, tenant_id: str) -> None:
    with connect(warehouse.url) as connection:
        add_tenant(connection, tenant_id)


def _sale(tenant_id: str, day: date, quantity: int, **more: object) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "sold_on": day,
        "sold_at": f"{day} 10:00+00",
        "item_code": "10001",
        "quantity": quantity,
        "unit_price": 2,
        **more,
    }


def test_rows_that_vanish_from_the_files_vanish_from_the_tables(warehouse: Warehouse) -> None:
    tenant = "ghost's"
    _small_tenant(warehouse, tenant)
    _add(warehouse, "sales", _sale(tenant, MONDAY, 3), _sale(tenant, TUESDAY, 4))
    count = {"tenant_id": tenant, "item_code": "10001", "counted_on": MONDAY, "quantity_on_hand": 5}
    order = {"tenant_id": tenant, "order_id": "1", "line_number": 1, "item_code": "10001", "ordered_on": MONDAY}
    _add(warehouse, "stock", count)
    _add(warehouse, "purchase_orders", {**order, "quantity_ordered": 5})
    windows = [Window(tenant, MONDAY, TUESDAY)]
    warehouse.build(windows)
    with connect(warehouse.url) as connection:
        connection.execute("delete from raw.sales where tenant_id = %s and sold_on = %s", (tenant, MONDAY))
        connection.execute("delete from raw.stock where tenant_id = %s", (tenant,))
        connection.execute("delete from raw.purchase_orders where tenant_id = %s", (tenant,))
    warehouse.build([Window(tenant, MONDAY, MONDAY)])
    for table, left in {
        "intermediate.int_sales_lines": 1,
        "intermediate.int_demand_daily": 1,
        "intermediate.int_stock_daily": 0,
        "intermediate.int_supply_lines": 0,
        "marts.fct_sales_daily": 1,
        "marts.fct_stock_daily": 0,
        "marts.fct_orders_daily": 1,
    }.items():
        found = warehouse.rows(f"select * from {table} where tenant_id = 'ghost''s'")
        assert (table, found.height) == (table, left)


def test_an_order_line_moves_with_its_day_and_moves_back(warehouse: Warehouse) -> None:
    _small_tenant(warehouse, "mover")
    line = {"tenant_id": "mover", "order_id": "1", "line_number": 1, "item_code": "10001", "quantity_ordered": 5}
    query = (
        "select ordered_on, item_id, is_open, lead_time_days_actual from intermediate.int_supply_lines"
        " where tenant_id = 'mover'"
    )
    _add(warehouse, "purchase_orders", {**line, "ordered_on": MONDAY, "batch_id": "b1"})
    warehouse.build([Window("mover", MONDAY, MONDAY)])
    moved = {"landed_on": TUESDAY, "batch_id": "b2", "ordered_on": TUESDAY, "received_on": date(2024, 3, 9)}
    _add(warehouse, "purchase_orders", {**line, **moved})
    warehouse.build([Window("mover", TUESDAY, TUESDAY)])
    assert warehouse.rows(query).rows() == [(TUESDAY, "10001", False, 4)]
    warehouse.build([Window("mover", MONDAY, MONDAY)])
    assert warehouse.rows(query).rows() == [(TUESDAY, "10001", False, 4)]
    warehouse.execute("delete from raw.purchase_orders where batch_id = 'mover/b2'")
    warehouse.build([Window("mover", TUESDAY, TUESDAY)])
    assert warehouse.rows(query).rows() == [(MONDAY, "10001", True, None)]


def test_a_later_cost_leaves_earlier_days_alone(warehouse: Warehouse) -> None:
    _small_tenant(warehouse, "costs")
    _add(warehouse, "sales", _sale("costs", MONDAY, 3), _sale("costs", TUESDAY, 4))
    for day, cost in ((MONDAY, 1), (TUESDAY, 5)):
        item = {"tenant_id": "costs", "landed_on": day, "batch_id": str(day), "item_code": "10001", "unit_cost": cost}
        _add(warehouse, "items", {**item, "supplier_code": "S"})
    _add(warehouse, "suppliers", {"tenant_id": "costs", "supplier_code": "S", "lead_time_days": 12})
    warehouse.build([Window("costs", MONDAY, TUESDAY)])
    facts = "select cost_of_goods::int as cost from marts.fct_sales_daily where tenant_id = 'costs' order by sold_on"
    assert warehouse.rows(facts)["cost"].to_list() == [3, 20]
    item = warehouse.rows(
        "select unit_cost::int as cost, lead_time_days from marts.dim_items where tenant_id = 'costs'"
    )
    assert item.rows() == [(5, 12)]


def test_a_build_waits_for_who_holds_the_table_of_its_tenant(warehouse: Warehouse) -> None:
    _small_tenant(warehouse, "waiter")
    window = [Window("waiter", MONDAY, MONDAY)]
    build = threading.Thread(target=warehouse.build, args=(window, ["int_sales_lines"]))
    with connect(warehouse.url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtextextended('intermediate.int_sales_lines|waiter', 0))")
        build.start()
        build.join(timeout=3)
        assert build.is_alive()
        waiting = connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        ).fetchone()
        assert waiting == (1,)
    build.join(timeout=60)
    assert not build.is_alive()


def test_no_windows_change_nothing(warehouse: Warehouse) -> None:
    assert {run.rows for run in warehouse.build([])} == {0}


def test_a_model_that_fails_is_one_line_with_its_name(warehouse: Warehouse) -> None:
    with connect(warehouse.url) as connection:
        add_tenant(connection, "broken", service=["("])
    _add(warehouse, "sales", _sale("broken", MONDAY, 3))
    with pytest.raises(PermanentError, match=r"dbt model int_sales_lines: .*invalid regular expression") as failure:
        warehouse.build([Window("broken", MONDAY, MONDAY)])
    assert "\n" not in str(failure.value)
    warehouse.execute("delete from ops.tenants where tenant_id = 'broken'")


def test_views_answer_with_the_rights_of_who_asks(warehouse: Warehouse) -> None:
    views = warehouse.rows(
        "select relname, coalesce(array_to_string(reloptions, ','), '') as options from pg_class"
        " where relkind = 'v' and relnamespace in (select oid from pg_namespace where nspname in"
        " ('staging', 'intermediate', 'marts'))"
    )
    assert {"stg_sales", "int_sales_identified", "int_tenants"} <= set(views["relname"])
    assert set(views["options"]) == {"security_invoker=true"}


def test_a_view_that_is_gone_is_built_again(warehouse: Warehouse) -> None:
    warehouse.execute("drop view staging.stg_suppliers cascade")
    assert warehouse.dbt.ensure_views(warehouse.url)
    assert not warehouse.dbt.ensure_views(warehouse.url)
