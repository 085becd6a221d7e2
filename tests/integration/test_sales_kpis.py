"""The sales key figures: a year of real sales against plain filters, and small tenants to check in the head."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.recosted import with_recosted
from inventra_pipelines.db.writes import Window
from tests.integration.dbt_data import FIRST_DAY, LAST_DAY, batches_of, copy_into
from tests.integration.reference_sales_kpis import PERIODS, customers_of, sales_kpis_of, top_items_of
from tests.integration.warehouse import MONDAY, Row, Warehouse, day, keyed
from tests.integration.year import YEAR, Year, intermediate_without

MODELS = ["+rpt_sales_kpis", "+rpt_top_items", "+dim_items", "+dim_customers"]
# What a cost leaves as it is.
UNCHANGED = ("int_sales_lines", "int_demand_daily", "int_stock_daily")
TABLES = {
    "fct_sales_totals_daily": "sold_on",
    "fct_customers_monthly": "customer_code, month_on",
    "dim_customers": "customer_code",
    "fct_sales_by_period": "as_of_on, period, comparison",
    "fct_orders_by_period": "as_of_on, period, comparison",
    "rpt_sales_kpis": "as_of_on, period",
    "rpt_top_items": "as_of_on, revenue_rank",
}
AS_OF_TABLES = [table for table, key in TABLES.items() if key.startswith("as_of_on")]
RECOSTED_ON = date(2011, 6, 1)


@pytest.fixture(scope="module")
def costs(year: Year) -> pl.DataFrame:
    """A made-up cost of most items, and for half of these another one from June on: item_code, first, second."""
    priced = year.sales.filter(pl.col("item_code").str.contains(r"^\d{5}") & (pl.col("unit_price") > 0))
    number = pl.col("item_code").str.slice(0, 5).cast(pl.Int64)
    return (
        priced.group_by(pl.col("item_code").str.to_uppercase())
        .agg(pl.col("unit_price").min().alias("price"))
        .filter(number % 5 > 0)
        .with_columns(
            (pl.col("price") * Decimal("0.5")).cast(pl.Decimal(18, 4)).alias("first"),
            pl.when(number % 2 == 0).then((pl.col("price") * Decimal("0.25")).cast(pl.Decimal(18, 4))).alias("second"),
        )
        .sort("item_code")
    )


def items_of(costs: pl.DataFrame, column: str, landed_on: date) -> pl.DataFrame:
    return costs.filter(pl.col(column).is_not_null()).select(
        pl.lit("gifts").alias("tenant_id"),
        pl.lit(landed_on).alias("landed_on"),
        pl.lit(f"items-{landed_on}").alias("batch_id"),
        pl.lit("").alias("sheet"),
        pl.int_range(pl.len(), dtype=pl.Int32).alias("row_number"),
        pl.col("item_code"),
        pl.col(column).alias("unit_cost"),
    )


@pytest.fixture(scope="module")
def warehouse(year_warehouse: Warehouse) -> Warehouse:
    return year_warehouse


@pytest.fixture(scope="module")
def gifts(warehouse: Warehouse, costs: pl.DataFrame) -> Warehouse:
    with connect(warehouse.url) as connection:
        copy_into(connection, "raw.items", items_of(costs, "first", FIRST_DAY))
        copy_into(connection, "raw.items", items_of(costs, "second", RECOSTED_ON))
    warehouse.build(YEAR, [*intermediate_without(*UNCHANGED), *(f"{model},marts" for model in MODELS)])
    return warehouse


@pytest.fixture(scope="module")
def lines(year: Year, costs: pl.DataFrame) -> pl.DataFrame:
    is_later = (pl.col("sold_on") >= RECOSTED_ON) & pl.col("second").is_not_null()
    known = costs.select(pl.col("item_code").alias("item_id"), "first", "second")
    return year.lines.join(known, on="item_id", how="left").with_columns(
        pl.when(is_later).then(pl.col("second")).otherwise(pl.col("first")).alias("unit_cost")
    )


def stored(warehouse: Warehouse, tables: list[str], condition: str = "true") -> dict[str, pl.DataFrame]:
    query = "select * from marts.{} where tenant_id = 'gifts' and {} order by {}"
    return {table: warehouse.rows(query.format(table, condition, TABLES[table])) for table in tables}


def approximate(row: Row) -> Row:
    return {name: pytest.approx(value) if isinstance(value, float) else value for name, value in row.items()}


# The first day; one without sales; ends of months of 31 days after shorter ones; a year later; the last day.
DAYS = [FIRST_DAY, date(2010, 12, 25), date(2011, 1, 31), date(2011, 3, 31), date(2011, 12, 2), LAST_DAY]


@pytest.mark.parametrize("on", DAYS, ids=str)
def test_sales_key_figures_are_those_of_plain_filters(gifts: Warehouse, lines: pl.DataFrame, on: date) -> None:
    rows = gifts.rows(f"select * from marts.rpt_sales_kpis where tenant_id = 'gifts' and as_of_on = '{on}'")
    found = {row["period"]: row for row in rows.to_dicts()}
    expected = sales_kpis_of(lines, on)
    assert set(found) == set(expected) == set(PERIODS)
    for period, figures in expected.items():
        assert {name: found[period][name] for name in figures} == approximate(figures), period
        assert set(found[period]) == {"tenant_id", "as_of_on", "period", *figures}


@pytest.mark.parametrize("on", DAYS, ids=str)
def test_top_items_are_those_of_a_plain_sort(gifts: Warehouse, lines: pl.DataFrame, on: date) -> None:
    found = stored(gifts, ["rpt_top_items"], f"as_of_on = '{on}'")["rpt_top_items"].drop("tenant_id", "as_of_on")
    assert found.to_dicts() == [approximate(row) for row in top_items_of(lines, on)]


def test_customers_are_their_lines_summed(gifts: Warehouse, lines: pl.DataFrame) -> None:
    expected = customers_of(lines)
    found = stored(gifts, ["dim_customers"])["dim_customers"]
    assert found.select(expected.columns).to_dicts() == expected.to_dicts()


def test_single_days_in_any_order_give_what_the_range_gave(gifts: Warehouse) -> None:
    before = stored(gifts, list(TABLES))
    for on in (date(2011, 12, 4), LAST_DAY, date(2011, 3, 31), FIRST_DAY):
        gifts.build([Window("gifts", on, on)], MODELS)
    gifts.build(
        [Window("gifts", date(2011, 2, 3), date(2011, 2, 5)), Window("gifts", date(2011, 2, 9), date(2011, 2, 20))],
        MODELS,
    )
    after = stored(gifts, list(TABLES))
    assert [table for table in TABLES if not after[table].equals(before[table])] == []


def test_a_day_as_of_does_not_see_later_days(gifts: Warehouse) -> None:
    on = date(2011, 11, 20)
    full = stored(gifts, AS_OF_TABLES, f"as_of_on = '{on}'")
    with connect(gifts.url) as connection:
        connection.execute("create table public.later as select * from raw.sales where sold_on > %s", (on,))
        connection.execute("delete from raw.sales where sold_on > %s", (on,))
    later = Window("gifts", on + timedelta(1), LAST_DAY)
    try:
        gifts.dbt.run(gifts.url, MODELS, [later], [Window("gifts", on, on)])
        found = stored(gifts, AS_OF_TABLES, f"as_of_on = '{on}'")
        assert [table for table in AS_OF_TABLES if not found[table].equals(full[table])] == []
    finally:
        gifts.execute("insert into raw.sales select * from public.later; drop table public.later")
        gifts.dbt.run(gifts.url, MODELS, [later], [])


def test_the_identities_hold(gifts: Warehouse) -> None:
    models = [*TABLES]
    tests = gifts.dbt.test(gifts.url, models, YEAR, YEAR)
    assert {"sales_kpis_are_sums_of_days", "customers_add_up"} < {test.test for test in tests}
    assert [test for test in tests if test.failures or test.message] == []


def sale(number: int, quantity: int = 1, **more: object) -> Row:
    return {"sold_on": day(number), "item_code": "A", "quantity": quantity, "unit_price": 2, **more}


@pytest.fixture
def kpis(warehouse: Warehouse) -> Callable[..., dict[str, Row]]:
    """Gives a function that adds a tenant with these sales, builds all and gives one day's figures by period."""

    def _kpis(tenant_id: str, on: int, *rows: Row, first: int | None = None) -> dict[str, Row]:
        warehouse.tenant(tenant_id)
        warehouse.add(tenant_id, "sales", *rows)
        days = [row["sold_on"] for row in rows]
        touched = [Window(tenant_id, min(days), max(days))] if days else []
        as_of = [Window(tenant_id, day(on if first is None else first), day(on))]
        warehouse.dbt.run(warehouse.url, MODELS, touched, as_of)
        found = keyed(warehouse.table("marts.rpt_sales_kpis", tenant_id), "as_of_on", "period")
        return {period: found[day(on), period] for period in PERIODS}

    return _kpis


def test_a_week_is_compared_with_the_one_before(kpis: Callable[..., dict[str, Row]]) -> None:
    week = kpis(
        "weeks",
        13,
        sale(0, 10, document_id="1", customer_code="ann"),
        sale(6, 5, document_id="2", customer_code="bob"),
        sale(7, 6, document_id="3", customer_code="ann", promotion="sale"),
        sale(7, 2, document_id="3", customer_code="ann"),
        sale(13, 8, document_id="4", customer_code="cid"),
        sale(13, -4, document_id="5", customer_code="cid"),
        sale(14, 99, document_id="6", customer_code="dan"),
    )["7d"]
    assert (week["from_on"], week["to_on"]) == (day(7), day(13))
    assert (week["units_sold"], week["units_sold_previous"]) == (16, 15)
    assert (week["revenue"], week["revenue_previous"], week["revenue_year_before"]) == (32, 30, None)
    assert (week["orders"], week["average_order_value"], week["units_per_order"]) == (2, 16, 8)
    assert (week["active_customers"], week["new_customers"], week["returning_customers"]) == (2, 1, 1)
    assert (week["new_customers_previous"], week["returning_customers_previous"]) == (2, 0)
    assert (week["returns_value"], week["returns_rate"]) == (8, 0.25)
    assert week["price_realised"] == 2
    # In the week before nobody knows whether any sale was under a promotion.
    assert (week["promotion_share"], week["promotion_share_previous"]) == (12 / 32, None)
    assert (week["gross_margin"], week["margin_share"], week["costed_share"]) == (None, None, 0)
    # 16 in the first three days, 16 in the last three.
    assert week["trend"] == "steady"


@pytest.mark.parametrize(
    ("units", "trend"), [(11, "steady"), (12, "rising"), (9, "steady"), (8, "falling"), (0, "falling")]
)
def test_a_trend_needs_more_than_the_tenants_share(kpis: Callable[..., dict[str, Row]], units: int, trend: str) -> None:
    # The middle day of seven is in neither half.
    later = [sale(6, units)] if units else []
    found = kpis(f"trend-{units}", 6, sale(0, 10), sale(3, 1000), *later)
    assert (found["7d"]["trend"], found["day"]["trend"], found["28d"]["trend"]) == (trend, None, None)


def test_months_and_years_to_date_are_compared_to_the_same_day(kpis: Callable[..., dict[str, Row]]) -> None:
    leap_day = date(2024, 2, 29)
    sold = {
        date(2022, 12, 31): 1,
        date(2023, 1, 31): 2,
        date(2023, 2, 27): 4,
        date(2023, 2, 28): 8,
        date(2023, 3, 1): 16,
        date(2024, 1, 1): 32,
        date(2024, 1, 29): 64,
        date(2024, 1, 30): 128,
        leap_day: 256,
    }
    rows = [{**sale(0, units), "sold_on": on} for on, units in sold.items()]
    found = kpis("leap", (leap_day - MONDAY).days, *rows)

    def units(period: str) -> list[Decimal | None]:
        return [found[period][f"units_sold{ending}"] for ending in ("", "_previous", "_year_before")]

    assert units("mtd") == [256, 32 + 64, 4 + 8]
    assert units("ytd") == [32 + 64 + 128 + 256, None, 2 + 4 + 8]
    assert units("day") == [256, 0, 8]
    assert units("28d") == [256, 128 + 64, 4 + 8]
    assert found["90d"]["units_sold_year_before"] is None


def test_a_month_of_31_days_is_compared_with_the_whole_shorter_one(kpis: Callable[..., dict[str, Row]]) -> None:
    rows = [{**sale(0, units), "sold_on": on} for on, units in ((date(2024, 1, 1), 1), (date(2024, 2, 29), 2))]
    assert kpis("short", (date(2024, 3, 31) - MONDAY).days, *rows)["mtd"]["units_sold_previous"] == 2


def test_an_order_or_customer_of_many_days_counts_once(kpis: Callable[..., dict[str, Row]]) -> None:
    rows = [sale(number, document_id="1", customer_code="ann") for number in (0, 1, 6, 7, 8)]
    found = kpis("once", 8, *rows)
    for period in ("day", "7d", "28d", "mtd"):
        assert (found[period]["orders"], found[period]["active_customers"]) == (1, 1), period
    assert [found[period]["new_customers"] for period in ("7d", "28d")] == [0, 1]
    assert found["7d"]["orders_previous"] is None


def test_what_the_files_do_not_tell_is_null(kpis: Callable[..., dict[str, Row]]) -> None:
    found = kpis("plain", 1, sale(0, 3), sale(1, -1))["7d"]
    unknown = {"orders", "average_order_value", "units_per_order", "promotion_share", "gross_margin", "margin_share"}
    unknown |= {"active_customers", "new_customers", "returning_customers"}
    assert {name for name in unknown if found[name] is not None} == set()
    assert (found["revenue"], found["returns_rate"], found["costed_share"]) == (6, pytest.approx(1 / 3), 0)
    assert {name for name, value in found.items() if value is not None and "_previous" in name} == set()


def test_before_the_first_sale_nothing_is_known(kpis: Callable[..., dict[str, Row]]) -> None:
    for found in kpis("early", 0, sale(1, 3), first=0).values():
        assert {name for name, value in found.items() if value is not None} == {"from_on", "to_on"}


def test_a_tenant_without_sales_has_rows_and_no_figures(kpis: Callable[..., dict[str, Row]]) -> None:
    for found in kpis("idle", 0).values():
        assert {name for name, value in found.items() if value is not None} == {"from_on", "to_on"}


def test_top_items_have_a_rank_of_the_28_days_before(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("ranks")
    warehouse.add(
        shop,
        "sales",
        *(sale(0, units, item_code=item) for item, units in (("A", 5), ("B", 9), ("C", 1))),
        *(sale(28, units, item_code=item) for item, units in (("D", 4), ("A", 4), ("B", 2))),
    )
    warehouse.build([Window(shop, day(0), day(28))], MODELS)
    found = warehouse.table("marts.rpt_top_items", shop)
    last = {row["revenue_rank"]: row for row in found if row["as_of_on"] == day(28)}
    # Of equal revenue, the lower code comes first.
    assert [last[rank]["item_id"] for rank in (1, 2, 3)] == ["A", "D", "B"]
    assert [last[rank]["revenue_rank_previous"] for rank in (1, 2, 3)] == [2, None, 1]
    assert [last[rank]["revenue_share"] for rank in (1, 2, 3)] == [0.4, 0.4, 0.2]
    on_the_day_before = sorted(row["item_id"] for row in found if row["as_of_on"] == day(27))
    assert on_the_day_before == ["A", "B", "C"]


def test_customers_follow_their_sales_out_of_the_tables(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("leaving")
    for number, customers in ((0, "ann bob cid"), (40, "ann bob"), (80, "ann")):
        rows = [sale(number, customer_code=each, document_id=each) for each in customers.split()]
        warehouse.add(shop, "sales", *[{**row, "batch_id": str(number)} for row in rows])
    warehouse.add(shop, "sales", sale(41, -1, customer_code="dan", batch_id="41"))
    warehouse.build([Window(shop, day(0), day(80))], MODELS)
    found = keyed(warehouse.table("marts.dim_customers", shop), "customer_code")
    assert {name: row["orders"] for (name,), row in found.items()} == {"ann": 3, "bob": 2, "cid": 1, "dan": 0}
    warehouse.execute("delete from raw.sales where batch_id in ('leaving/sales/40', 'leaving/sales/41')")
    warehouse.build([Window(shop, day(40), day(41))], MODELS)
    found = keyed(warehouse.table("marts.dim_customers", shop), "customer_code")
    assert {name: (row["orders"], row["last_bought_on"]) for (name,), row in found.items()} == {
        "ann": (2, day(80)),
        "bob": (1, day(0)),
        "cid": (1, day(0)),
    }
    warehouse.execute("delete from raw.sales where batch_id = 'leaving/sales/0'")
    warehouse.build([Window(shop, day(0), day(0))], MODELS)
    found = keyed(warehouse.table("marts.dim_customers", shop), "customer_code")
    assert {name: (row["orders"], row["first_bought_on"]) for (name,), row in found.items()} == {"ann": (1, day(80))}


def test_a_cost_that_lands_after_the_sale_reopens_its_day(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("late-cost")
    warehouse.add(shop, "sales", sale(0, 3), sale(20, 5), sale(40, 1, item_code="B"))
    warehouse.add(shop, "stock", {"item_code": "A", "counted_on": day(3), "quantity_on_hand": 4})
    own_cost = {"item_code": "A", "counted_on": day(30), "quantity_on_hand": 4, "unit_cost": 9}
    warehouse.add(shop, "stock", {**own_cost, "batch_id": "s2"})
    models = ["intermediate", "fct_sales_daily", "fct_sales_totals_daily", "fct_stock_daily"]
    warehouse.build([Window(shop, day(0), day(40))], models)
    landing = [Window(shop, day(50), day(50))]

    def land(cost: int | None) -> dict[str, list[Window]]:
        warehouse.execute(f"delete from raw.items where tenant_id = '{shop}'")
        if cost is not None:
            item = {"landed_on": day(50), "item_code": "a", "unit_cost": cost}
            warehouse.add(shop, "items", item)
        warehouse.dbt.run(warehouse.url, ["intermediate"], [], landing)
        with connect(warehouse.url) as connection:
            touched = with_recosted(connection, landing, {"sold_on": [], "counted_on": [], "ordered_on": []})
        warehouse.dbt.run(warehouse.url, models[1:], touched, landing)
        return touched

    def margins() -> dict[date, Decimal | None]:
        rows = warehouse.table("marts.fct_sales_totals_daily", shop, "sold_on, gross_margin")
        return {row["sold_on"]: row["gross_margin"] for row in rows}

    assert set(margins().values()) == {None}
    touched = land(1)
    assert touched["sold_on"] == [Window(shop, day(0), day(0)), Window(shop, day(20), day(20))]
    assert touched["counted_on"] == [Window(shop, day(3), day(3))]
    assert margins() == {day(0): 3, day(20): 5, day(40): None}
    assert land(1) == {"sold_on": [], "counted_on": [], "ordered_on": []}
    file = {"tenant_id": shop, "landed_on": day(50), "batch_id": "i"}
    with connect(warehouse.url) as connection:
        withdrawn = batches_of(pl.DataFrame([file]), "items").with_columns(pl.lit("rejected").alias("state"))
        copy_into(connection, "raw.batches", withdrawn)
    assert land(None)["sold_on"] == touched["sold_on"]
    assert set(margins().values()) == {None}
