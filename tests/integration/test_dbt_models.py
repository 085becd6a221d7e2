"""The dbt models on a year of real sales: published counts, plain loops, replays, and the project's own tests."""

from datetime import date, timedelta

import polars as pl
import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from tests.integration.dbt_data import LAST_DAY
from tests.integration.dbt_reference import classes_of, kpis_of
from tests.integration.warehouse import STAGES, Warehouse
from tests.integration.year import REJECTED, YEAR, Year

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
def gifts(year_warehouse: Warehouse) -> Warehouse:
    return year_warehouse


@pytest.fixture(scope="module")
def lines(year: Year) -> pl.DataFrame:
    return year.lines


def test_the_published_counts_come_out(gifts: Warehouse) -> None:
    found = gifts.rows(
        """
        select
            sum(lines)::bigint as rows,
            sum(negative_lines)::bigint as negative,
            sum(cancelling_lines)::bigint as of_cancelling_documents,
            sum(lines_at_no_price)::bigint as without_price,
            sum(lines_without_description)::bigint as without_description,
            sum(lines_without_customer)::bigint as without_customer,
            sum(duplicate_lines)::bigint as duplicates,
            sum(service_lines)::bigint as services
        from marts.fct_sales_quality_daily
        where tenant_id = 'gifts'
        """
    ).row(0, named=True)
    # Six of the 5,268 exact duplicates are service lines.
    assert found == {
        "rows": 541_909,
        "negative": 10_624,
        "of_cancelling_documents": 9_288,
        "without_price": 2_517,
        "without_description": 1_454,
        "without_customer": 135_080,
        "duplicates": 5_268 - 6,
        "services": 2_995,
    }


def test_every_row_of_the_files_is_counted_on_the_day_that_it_landed(gifts: Warehouse, year: Year) -> None:
    files = year.sales["batch_id"].n_unique()
    read = gifts.rows(
        "select sum(rows_read_day)::bigint as rows from marts.rpt_data_quality"
        " where tenant_id = 'gifts' and dataset = 'sales'"
    )
    assert (files, read.item()) == (305, 541_909 + REJECTED * 305)


def test_codes_of_any_case_and_description_are_one_item_and_services_are_none(gifts: Warehouse, year: Year) -> None:
    descriptions = (
        year.sales.with_columns(pl.col("item_code").str.to_uppercase().alias("item_id"))
        .group_by("item_id")
        .agg(pl.col("description").drop_nulls().unique(), pl.col("item_code").n_unique().alias("codes"))
    )
    # What no mart can say: it has one code and one name for an item.
    by_code = year.sales.drop_nulls("description").group_by("item_code").agg(pl.col("description").n_unique())
    assert by_code.filter(pl.col("description") > 1).height == 650
    assert descriptions.filter(pl.col("codes") > 1).height == 112
    items = gifts.rows("select item_id, name, first_sold_on from marts.dim_items where tenant_id = 'gifts'")
    # Of the 4,070 codes 112 are another's in lower case, one of them (`m`) that of a service, of which there are 33.
    assert items.height == 4_070 - 112 - (33 - 1)
    assert items.filter(~pl.col("item_id").str.contains(r"^\d{5}")).is_empty()
    known = {item_id: set(of_item) for item_id, of_item in descriptions.select("item_id", "description").iter_rows()}
    named = items.filter(pl.col("first_sold_on").is_not_null())
    assert [item_id for item_id, name, _ in named.iter_rows() if name not in known[item_id]] == []


@pytest.mark.parametrize(
    ("item_id", "day", "units"),
    [("23166", date(2011, 1, 18), 74_215), ("23843", LAST_DAY, 80_995)],
    ids=["january", "last-day"],
)
def test_the_two_great_orders_are_cancelled(gifts: Warehouse, item_id: str, day: date, units: int) -> None:
    ordered = gifts.rows(
        f"select line_kind, count(*) as lines from intermediate.int_sales_lines where tenant_id = 'gifts'"
        f" and item_id = '{item_id}' and sold_on = '{day}' and abs(quantity) = {units} group by line_kind"
    )
    assert ordered.rows() == [("cancelled", 2)]
    sold = gifts.rows(
        "select coalesce(sum(units_sold), 0) as units, coalesce(sum(units_returned), 0) as returned"
        f" from marts.fct_sales_daily where tenant_id = 'gifts' and item_id = '{item_id}' and sold_on = '{day}'"
    )
    assert max(sold.row(0)) < 1_000
    assert gifts.rows(
        f"select units_sold - (select sum(units_sold) from marts.fct_sales_daily where sold_on = '{day}') as difference"
        f" from marts.rpt_sales_kpis where as_of_on = '{day}' and period = 'day' and units_sold < {units}"
    ).rows() == [(0,)]


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
def test_kpis_are_those_of_a_plain_count(gifts: Warehouse, year: Year, lines: pl.DataFrame, day: date) -> None:
    kpis = gifts.rows(f"select * from marts.rpt_daily_kpis where tenant_id = 'gifts' and as_of_on = '{day}'")
    expected = kpis_of(lines, year.stock, day)
    assert kpis.select(expected.keys()).row(0, named=True) == expected
    assert kpis["open_order_lines"].item() is None
    assert kpis["rows_rejected_day"].item() == (REJECTED if day in set(year.sales["landed_on"]) else 0)


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
