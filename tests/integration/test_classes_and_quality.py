"""Classes, data quality and the monthly balance on a year of real sales: against plain loops, replayed, and as of."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from psycopg.types.json import Jsonb

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import AnalyticsConfig
from tests.integration.dbt_data import (
    LAST_DAY,
    batches_of,
    copy_into,
)
from tests.integration.reference_classes import (
    balance_of,
    coverage_of,
    margins_and_lives,
    sales_quality_of,
    seasons_of,
)
from tests.integration.warehouse import Warehouse
from tests.integration.year import REJECTED, YEAR, Year, intermediate_without

FACTS = ["dim_items", "fct_sales_daily", "fct_stock_daily"]
OWN = {
    "fct_item_weeks": "week_ends_on, item_id",
    "fct_item_months": "month_begins_on, item_id",
    "fct_stock_months": "month_begins_on, item_id",
    "fct_item_seasons": "as_of_on, item_id",
    "fct_item_classes": "as_of_on, item_id",
    "fct_sales_quality_daily": "sold_on",
    "fct_stock_quality_daily": "counted_on",
    "fct_feed_arrivals": "as_of_on, dataset",
    "fct_item_coverage": "as_of_on",
    "fct_stock_explained": "as_of_on",
    "fct_master_completeness": "as_of_on",
    "rpt_data_quality": "as_of_on, dataset",
}
SELECT = ["intermediate", *FACTS, *OWN]
# What a master of items and the batches of stock leave as it is.
UNCHANGED = ("int_sales_lines", "int_demand_daily", "int_stock_daily")
MASTER_ON = date(2011, 3, 1)
# A Saturday, on which the wholesaler never sells, and days at either end.
DAYS = [date(2010, 12, 3), date(2011, 6, 18), LAST_DAY]


def raw_items(sales: pl.DataFrame) -> pl.DataFrame:
    """A master of the items whose codes do not end in 4: without a cost in 7, discontinued in summer in 9."""
    codes = sales.select(pl.col("item_code").str.to_uppercase().unique().sort()).filter(
        pl.col("item_code").str.contains(r"^\d{5}") & ~pl.col("item_code").str.ends_with("4")
    )
    last = pl.col("item_code").str.slice(4, 1)
    return codes.with_row_index("row_number").select(
        pl.lit("gifts").alias("tenant_id"),
        pl.lit(MASTER_ON).alias("landed_on"),
        pl.lit("items").alias("batch_id"),
        pl.lit("").alias("sheet"),
        pl.col("row_number").cast(pl.Int32),
        "item_code",
        pl.when(last != "7").then(pl.col("item_code").str.slice(1, 2).cast(pl.Decimal(18, 4)) / 10).alias("unit_cost"),
        pl.when(last == "9").then(date(2011, 7, 1)).alias("discontinued_on"),
        pl.when(last < "5").then(pl.lit("low")).alias("category"),
    )


@pytest.fixture(scope="module")
def master(year: Year) -> pl.DataFrame:
    return raw_items(year.sales).with_columns(pl.col("unit_cost").cast(pl.Decimal(18, 4)))


@pytest.fixture(scope="module")
def warehouse(year_warehouse: Warehouse) -> Warehouse:
    return year_warehouse


@pytest.fixture(scope="module")
def gifts(warehouse: Warehouse, year: Year, master: pl.DataFrame) -> Warehouse:
    feeds = {"sales": {"weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "sunday"]}}
    with connect(warehouse.url) as connection:
        connection.execute(
            "insert into ops.config_versions values ('gifts', 'test', %s)",
            (Jsonb({"feeds": feeds, "alerts": {"thin_feed_share": 0.3}}),),
        )
        copy_into(connection, "raw.items", master)
        for rows, dataset in ((year.stock, "stock"), (master, "items")):
            copy_into(connection, "raw.batches", batches_of(rows, dataset))
    warehouse.build(YEAR, [*intermediate_without(*UNCHANGED), *FACTS, *OWN])
    return warehouse


@pytest.fixture(scope="module")
def lines(year: Year) -> pl.DataFrame:
    return year.lines


def quality(gifts: Warehouse, dataset: str, day: date) -> dict[str, Any]:
    query = "select * from marts.rpt_data_quality where tenant_id = 'gifts' and dataset = '{}' and as_of_on = '{}'"
    return gifts.rows(query.format(dataset, day)).row(0, named=True)


def snapshot(gifts: Warehouse) -> dict[str, pl.DataFrame]:
    return {
        table: gifts.rows(f"select * from marts.{table} where tenant_id = 'gifts' order by {key}")
        for table, key in OWN.items()
    }


@pytest.mark.parametrize("sunday", [date(2010, 12, 5), date(2011, 3, 6), date(2011, 8, 7), date(2011, 12, 4)], ids=str)
def test_margins_and_lives_are_those_of_a_loop(
    gifts: Warehouse, lines: pl.DataFrame, master: pl.DataFrame, sunday: date
) -> None:
    found = gifts.rows(
        "select item_id, gross_margin_52w, abc_margin_class, life_cycle from marts.fct_item_classes"
        f" where tenant_id = 'gifts' and as_of_on = '{sunday}'"
    )
    costs = dict(master.select("item_code", "unit_cost").drop_nulls().iter_rows())
    discontinued = dict(master.select("item_code", "discontinued_on").drop_nulls().iter_rows())
    expected = margins_and_lives(lines, costs, discontinued, sunday)
    assert {row.pop("item_id"): row for row in found.to_dicts()} == expected
    assert {each["abc_margin_class"] for each in expected.values()} == {"A", "B", "C", None}


def test_the_changes_up_to_a_sunday_are_its_classes(gifts: Warehouse) -> None:
    kinds = {"abc": "abc_class", "abc_margin": "abc_margin_class", "xyz": "xyz_class"}
    kinds |= {"demand": "demand_class", "life_cycle": "life_cycle"}
    sunday = date(2011, 9, 4)
    last = gifts.rows(
        "select distinct on (item_id, kind) item_id, kind, to_class from marts.fct_class_changes"
        f" where tenant_id = 'gifts' and changed_on <= '{sunday}' order by item_id, kind, changed_on desc"
    )
    classes = gifts.rows(
        f"select * from marts.fct_item_classes where tenant_id = 'gifts' and as_of_on = '{sunday}' order by item_id"
    )
    changed = {(item_id, kind): to_class for item_id, kind, to_class in last.iter_rows()}
    for row in classes.to_dicts():
        assert {kind: changed.get((row["item_id"], kind)) for kind in kinds} == {
            kind: row[column] for kind, column in kinds.items()
        }
    again = gifts.rows("select count(*) from marts.fct_class_changes where from_class is not distinct from to_class")
    assert again.item() == 0 and len({kind for _, kind in changed}) == len(kinds)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_quality_of_sales_is_that_of_a_plain_count(
    gifts: Warehouse, year: Year, lines: pl.DataFrame, day: date
) -> None:
    found = quality(gifts, "sales", day)
    landed = year.sales.group_by("landed_on").agg(pl.len()).filter(pl.col("landed_on") <= day)
    recent = landed.filter(pl.col("landed_on") > day - timedelta(days=28))
    read = recent["len"].sum() + REJECTED * recent.height
    for part, share in sales_quality_of(lines, day).items():
        assert found[part] == pytest.approx(share, abs=1e-12), part
    assert found["validity"] == pytest.approx(1 - REJECTED * recent.height / read, abs=1e-12)
    assert (found["last_on"], found["coverage"]) == (landed["landed_on"].max(), None)
    parts = [found[name] for name in ("completeness", "freshness", "consistency", "validity")]
    assert found["score"] == pytest.approx(sum(parts) / 4, abs=1e-12)
    rows = dict(landed.iter_rows())
    eight = sorted(rows.get(day - timedelta(days=7 * week), -REJECTED) + REJECTED for week in range(1, 9))
    expected = None if day == DAYS[0] else (eight[3] + eight[4]) / 2
    assert found["rows_expected"] == expected
    assert found["is_low"] is (None if expected is None else found["rows_read_day"] < 0.3 * expected)


def test_a_christmas_without_files_is_stale_and_low(gifts: Warehouse) -> None:
    found = quality(gifts, "sales", date(2011, 1, 3))
    # Nothing from 24 December to 2 January, on which 8 files were due; 24 in the 28 days before.
    assert (found["last_on"], found["days_since_last"]) == (date(2010, 12, 23), 11)
    assert found["freshness"] == pytest.approx(1 - 8 / 24)
    assert (found["rows_read_day"], found["is_low"]) == (0, True)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_coverage_is_the_share_of_the_items_sold(
    gifts: Warehouse, year: Year, lines: pl.DataFrame, master: pl.DataFrame, day: date
) -> None:
    counted = year.stock.filter(pl.col("counted_on") <= day)["item_code"].str.to_uppercase()
    assert quality(gifts, "stock", day)["coverage"] == pytest.approx(coverage_of(lines, set(counted), day), abs=1e-12)
    if day >= MASTER_ON:
        known = coverage_of(lines, set(master["item_code"]), day)
        costed = coverage_of(lines, set(master.drop_nulls("unit_cost")["item_code"]), day)
        assert quality(gifts, "items", day)["coverage"] == pytest.approx((known + costed) / 2, abs=1e-12)


def test_a_master_is_as_complete_as_its_items_that_go_on(gifts: Warehouse, master: pl.DataFrame) -> None:
    for day, items in ((MASTER_ON, master), (LAST_DAY, master.filter(pl.col("discontinued_on").is_null()))):
        costed = items.drop_nulls("unit_cost").height
        assert quality(gifts, "items", day)["completeness"] == pytest.approx(costed / items.height / 3, abs=1e-12)
    before = gifts.rows(
        f"select count(*) from marts.rpt_data_quality where dataset = 'items' and as_of_on < '{MASTER_ON}'"
    )
    assert before.item() == 0


@pytest.mark.parametrize("day", [date(2010, 12, 6), LAST_DAY], ids=str)
def test_explained_counts_are_those_that_the_reconciliation_explains(gifts: Warehouse, day: date) -> None:
    expected = gifts.rows(
        "select count(*) as compared, count(*) filter (where difference = 0) as explained"
        " from intermediate.int_stock_reconciliation where tenant_id = 'gifts'"
        f" and counted_on between date '{day}' - 27 and '{day}' and opening_on >= counted_on - 35"
    ).row(0, named=True)
    assert quality(gifts, "stock", day)["consistency"] == pytest.approx(
        expected["explained"] / expected["compared"], abs=1e-12
    )
    assert 0 < expected["explained"] < expected["compared"]


def test_the_balance_is_the_lines_and_the_counts_by_category(
    gifts: Warehouse, year: Year, lines: pl.DataFrame, master: pl.DataFrame
) -> None:
    categories = dict(master.select("item_code", "category").drop_nulls().iter_rows())
    found = gifts.rows(
        "select category, month_begins_on, demand_units, demand_revenue, stock_units, receipt_units"
        " from marts.fct_balance_monthly where tenant_id = 'gifts'"
    ).to_dicts()
    assert {row.pop("receipt_units") for row in found} == {None}, "there are no orders"
    keyed = {(row.pop("category"), row.pop("month_begins_on")): row for row in found}
    assert keyed == balance_of(lines, year.stock, categories)


def test_days_replayed_in_any_order_give_the_same_rows(gifts: Warehouse) -> None:
    before = snapshot(gifts)
    for day in (LAST_DAY, date(2011, 5, 15), date(2010, 12, 5)):
        gifts.build([Window("gifts", day, day)], SELECT)
    gifts.build([Window("gifts", date(2011, 9, 28), date(2011, 10, 20))], SELECT)
    after = snapshot(gifts)
    assert [table for table in OWN if not after[table].equals(before[table])] == []


def test_quality_of_a_day_does_not_see_later_days(gifts: Warehouse) -> None:
    day = date(2011, 11, 20)
    later = Window("gifts", day + timedelta(days=1), LAST_DAY)
    names = ("rpt_data_quality", "fct_item_classes")
    query = f"select * from marts.{{}} where tenant_id = 'gifts' and as_of_on = '{day}' order by {{}}"
    full = {name: gifts.rows(query.format(name, OWN[name])) for name in names}
    with connect(gifts.url) as connection:
        for table, column in (("sales", "sold_on"), ("stock", "counted_on"), ("batches", "landed_on")):
            connection.execute(
                f"create table public.later_{table} as select * from raw.{table} where {column} > '{day}'"
            )
            connection.execute(f"delete from raw.{table} where {column} > '{day}'")
    try:
        gifts.dbt.run(gifts.url, SELECT, [later], [Window("gifts", day, day)])
        for name in names:
            assert gifts.rows(query.format(name, OWN[name])).equals(full[name]), name
    finally:
        for table in ("sales", "stock", "batches"):
            gifts.execute(
                f"insert into raw.{table} select * from public.later_{table}; drop table public.later_{table}"
            )
        gifts.dbt.run(gifts.url, SELECT, [later], [])


def test_seasons_are_those_of_a_loop(warehouse: Warehouse) -> None:
    sunday, tenant = date(2024, 12, 29), warehouse.tenant("seasonal")
    units: dict[str, dict[int, float]] = defaultdict(dict)
    for number, item in enumerate(("A", "B", "C", "D")):
        # D is young, C sells every third week, and a summer pause of all leaves weeks without an index.
        for week in range(104 if item != "D" else 60):
            if week % 52 not in range(20, 23) and (item != "C" or week % 3 == 1):
                units[item][week] = (number + 1) * (8 + week % 52 % 13) + (week * 7 + number) % 5
    warehouse.add(
        tenant,
        "sales",
        *(
            {"sold_on": sunday - timedelta(days=7 * week), "item_code": item, "quantity": quantity}
            for item, of_item in units.items()
            for week, quantity in of_item.items()
        ),
    )
    warehouse.build([Window(tenant, sunday - timedelta(days=728), sunday)], ["intermediate", *FACTS, *OWN])
    found = {row.pop("item_id"): row for row in warehouse.table("marts.fct_item_seasons", tenant)}
    expected = seasons_of(units, {item: max(of_item) + 1 for item, of_item in units.items()})
    assert {row.pop("as_of_on") for row in found.values()} == {sunday}, "no Sunday before has two years"
    assert found.keys() == expected.keys()
    for item, figures in expected.items():
        for figure, value in figures.items():
            assert found[item][figure] == (None if value is None else pytest.approx(value, rel=1e-5)), (item, figure)
    assert found["D"]["seasonal_strength"] is None and found["A"]["seasonal_strength"] > 0.5
    classes = {
        row["item_id"]: row for row in warehouse.table("marts.fct_item_classes", tenant) if row["as_of_on"] == sunday
    }
    assert classes["A"]["deseasonalised_variation"] < classes["A"]["weekly_variation"]


def test_a_day_of_odd_rows_is_measured_without_an_error(warehouse: Warehouse) -> None:
    tenant, day = warehouse.tenant("odd"), date(2024, 3, 4)
    warehouse.add(
        tenant,
        "sales",
        {"sold_on": day, "item_code": "A", "quantity": 2},
        {"sold_on": day, "item_code": "FREE", "quantity": 1, "unit_price": 0},
    )
    warehouse.add(tenant, "stock", {"counted_on": day, "item_code": "UNSOLD", "quantity_on_hand": -5})
    for dataset in ("sales", "stock"):
        warehouse.execute(
            "insert into raw.batches (batch_id, tenant_id, dataset, landed_on, file_name, sha256, state, rows_read,"
            " rows_accepted, rows_rejected, rows_passed_over, bytes, config_version, reader_version)"
            f" values ('{tenant}-{dataset}', '{tenant}', '{dataset}', '{day}', '', '', 'loaded', 1, 1, 0, 0, 1, '', '')"
        )
    warehouse.build([Window(tenant, day, day + timedelta(days=6))])
    rows = [row for row in warehouse.table("marts.rpt_data_quality", tenant) if row["as_of_on"] == day]
    parts = {
        row["dataset"]: [row[name] for name in ("completeness", "freshness", "consistency", "coverage")] for row in rows
    }
    # No customer or document ever, no feed, nothing to compare with, and no count of what is sold.
    assert parts == {"sales": [None, None, 1.0, None], "stock": [0.0, None, None, 0.0]}
    (item,) = warehouse.table("marts.fct_item_classes", tenant)
    assert (item["item_id"], item["abc_class"], item["abc_margin_class"], item["life_cycle"]) == ("A", "A", None, "new")
    (balance,) = warehouse.table("marts.fct_balance_monthly", tenant)
    assert (balance["category"], balance["demand_units"], balance["stock_units"]) == ("uncategorised", 2, -5)
    assert warehouse.table("marts.dim_locations", tenant, "location_id, first_seen_on, last_seen_on") == [
        {"location_id": "main", "first_seen_on": day, "last_seen_on": day}
    ]


def test_a_calendar_has_iso_weeks_fiscal_years_and_holidays(warehouse: Warehouse) -> None:
    first = date(2020, 12, 31)
    settings = AnalyticsConfig(fiscal_year_begins_in=4, holidays={date(2021, 4, 5): "Easter Monday"})
    tenant = warehouse.tenant("dated", analytics=settings)
    warehouse.add(tenant, "sales", {"sold_on": first, "item_code": "A", "quantity": 1})
    warehouse.build([Window(tenant, first, first)])
    rows = {row.pop("day_on"): row for row in warehouse.table("marts.dim_dates", tenant)}
    assert sorted(rows) == [first + timedelta(days=number) for number in range(366)]
    for day, row in rows.items():
        iso = day.isocalendar()
        assert (row["iso_year"], row["iso_week"], row["iso_weekday"]) == tuple(iso)
        assert (row["calendar_year"], row["month_number"], row["quarter_number"]) == (
            day.year,
            day.month,
            (day.month + 2) // 3,
        )
        assert row["week_ends_on"] == day + timedelta(days=7 - iso.weekday)
        assert row["month_begins_on"] == day.replace(day=1)
        assert (row["fiscal_year"], row["fiscal_period"]) == (day.year + (day.month > 3), (day.month + 8) % 12 + 1)
        assert (row["is_holiday"], row["holiday"]) == (
            (True, "Easter Monday") if day == date(2021, 4, 5) else (False, None)
        )
    assert rows[date(2021, 3, 31)]["fiscal_period"] == 12 and rows[date(2021, 4, 1)]["fiscal_year"] == 2022


def test_a_supplier_is_named_by_its_master_an_item_or_an_order(warehouse: Warehouse) -> None:
    tenant, day = warehouse.tenant("bought"), date(2024, 3, 4)
    warehouse.add(tenant, "suppliers", {"supplier_code": "S", "name": "Sea Ltd", "lead_time_days": 9})
    warehouse.add(tenant, "items", {"item_code": "A", "supplier_code": "S"}, {"item_code": "B", "supplier_code": "T"})
    order = {"order_id": "1", "ordered_on": day, "quantity_ordered": 5, "supplier_code": "S"}
    warehouse.add(
        tenant,
        "purchase_orders",
        {**order, "line_number": 1, "item_code": "A", "received_on": day},
        {**order, "line_number": 2, "item_code": "A", "received_on": day},
        {**order, "line_number": 3, "item_code": "B"},
        {**order, "line_number": 4, "item_code": "B", "supplier_code": "U"},
    )
    warehouse.build([Window(tenant, day, day)])
    columns = "supplier_code, name, lead_time_days, items_assigned, items_delivered, last_received_on, is_in_master"
    found = {
        row.pop("supplier_code"): tuple(row.values()) for row in warehouse.table("marts.dim_suppliers", tenant, columns)
    }
    assert found == {
        "S": ("Sea Ltd", 9, 1, 1, day, True),
        "T": (None, None, 1, 0, None, False),
        "U": (None, None, 0, 0, None, False),
    }
    (balance,) = warehouse.table("marts.fct_balance_monthly", tenant, "receipt_units, demand_units")
    assert balance == {"receipt_units": Decimal(10), "demand_units": None}
