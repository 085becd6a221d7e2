"""Sales in pounds and dollars, with and without an exchange rate: the figures against plain loops over the raw rows."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from inventra_pipelines.checks.analytics import revenue_reconciles
from inventra_pipelines.checks.normalize import prices_are_known
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.reports import daily_report
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.reports.series import daily_series
from inventra_pipelines.domain.tenant import TenantConfig
from tests.installation import FIRST_DAY, Installation
from tests.integration.reference_currencies import (
    Lines,
    abc_classes,
    known_sum,
    lines_of,
    lost_revenue,
    margin_of,
    of_kind,
    revenue_by,
    sales_figures,
    top_items,
)
from tests.integration.reference_sales_kpis import PERIODS, compared_ends, first_day
from tests.integration.warehouse import Row, Warehouse, day

DAYS = 120
KINDS = ("sale", "return")
# By a rate of five decimals, prices of four are rounded.
RATE = Decimal("0.78513")
RATES = {"rated": {"USD": RATE}, "unrated": {}}
COSTS = {"A": Decimal("1.25"), "B": Decimal("2")}
CATEGORIES = {"A": "toys", "B": "toys", "C": "books"}
STOCKOUTS = [("B", day(34), day(41))]
WINDOWS = [Window(tenant, day(0), day(DAYS - 1)) for tenant in RATES]
# The first; before, at and after the days of the dollars and of their returns; the first that none of four weeks has.
AS_OF = [day(number) for number in (0, 12, 30, 33, 41, 60, 72, 87, 110, 119)]


def raw_rows() -> list[Row]:
    """Few lines a day; item D in dollars always, B and C on some days, a return in dollars, prices of zero and less."""
    chance = random.Random(5)
    rows: list[Row] = [
        {"sold_on": day(0), "item_code": "A", "quantity": 3, "unit_price": Decimal("9.5"), "promotion": "spring"},
        {"sold_on": day(60), "item_code": "C", "quantity": -1, "unit_price": Decimal(4), "currency": "USD"},
        {"sold_on": day(61), "item_code": "A", "quantity": 7, "unit_price": Decimal(0), "currency": "USD"},
        {"sold_on": day(62), "item_code": "A", "quantity": 2, "unit_price": Decimal("-3")},
        *({"sold_on": day(20), "item_code": item, "quantity": 1, "unit_price": Decimal(2)} for item in "BC"),
        {"sold_on": day(33), "item_code": "D", "quantity": 2, "unit_price": Decimal("0.3333"), "currency": "usd "},
        {"sold_on": day(33), "item_code": "B", "quantity": 11, "unit_price": Decimal("1.0011"), "currency": " USD"},
    ]
    for number in range(DAYS):
        for _ in range(chance.randrange(4) if number != 70 else 0):
            item = chance.choice("AAABBC")
            dollars = item in "BC" and number in (31, 32, 40, 41)
            rows.append(
                {
                    "sold_on": day(number),
                    "item_code": item,
                    "quantity": chance.choice([1, 2, 5, 12, -1]),
                    "unit_price": Decimal(chance.randrange(1, 200_000)) / 10_000,
                    "currency": "USD" if dollars else chance.choice([None, "", "GBP", " gbp "]),
                    "promotion": chance.choice([None, None, "spring"]),
                }
            )
    for number, row in enumerate(rows):
        row |= {"row_number": number, "document_id": f"D{row['sold_on']}{number % 2}", "line_number": number}
        row |= {"customer_code": chance.choice("xyz"), "location_code": chance.choice(["main", "north"])}
        row.setdefault("currency", None)
        row.setdefault("promotion", None)
    return rows


def stock() -> list[Row]:
    """Fifty of item A all the time, and of B a week without."""
    counts = [("A", 0, 50), ("B", 0, 20), ("B", 34, 0), ("B", 41, 10)]
    return [
        {"item_code": item, "counted_on": day(number), "landed_on": day(number), "quantity_on_hand": units}
        for item, number, units in counts
    ]


@pytest.fixture(scope="module")
def shops(warehouse: Warehouse) -> Warehouse:
    """Two shops with the same files; the items' master came with the first, and names a launch after the first sale."""
    for tenant, rates in RATES.items():
        warehouse.tenant(tenant, cancellation=[], exchange_rates={code: str(rate) for code, rate in rates.items()})
        warehouse.add(tenant, "sales", *raw_rows())
        warehouse.add(tenant, "stock", *stock())
        master = [{"item_code": item, "category": of, "unit_cost": COSTS.get(item)} for item, of in CATEGORIES.items()]
        warehouse.add(tenant, "items", *({**item, "launched_on": day(50)} for item in master))
    warehouse.build(WINDOWS)
    return warehouse


@pytest.fixture(params=list(RATES))
def tenant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lines(tenant: str) -> Lines:
    return lines_of(raw_rows(), RATES[tenant])


def item_of(line: Row) -> str:
    return str(line["item_code"])


def approximate(row: Row) -> Row:
    return {name: pytest.approx(value) if isinstance(value, float) else value for name, value in row.items()}


def test_a_line_has_its_price_in_the_tenants_currency_or_none(shops: Warehouse, tenant: str, lines: Lines) -> None:
    columns = "row_number, currency, quantity, unit_price, revenue, line_kind"
    found = {row["row_number"]: row for row in shops.table("intermediate.int_sales_lines", tenant, columns)}
    for line in lines:
        expected = {name: line[name] for name in ("row_number", "currency", "quantity", "revenue", "line_kind")}
        assert found[line["row_number"]] == {**expected, "unit_price": line["price"]}
    assert len(found) == len(lines)
    assert any(line["revenue"] is None for line in lines) == (tenant == "unrated")


def test_daily_facts_count_the_lines_of_unknown_price(shops: Warehouse, tenant: str, lines: Lines) -> None:
    sold = {kind: {(r["item_code"], r["location_code"], r["sold_on"]) for r in of_kind(lines, kind)} for kind in KINDS}
    rows = shops.table("marts.fct_sales_daily", tenant)
    assert {(row["item_id"], row["location_id"], row["sold_on"]) for row in rows} == sold["sale"] | sold["return"]
    for row in rows:
        own = [
            line
            for line in lines
            if (line["item_code"], line["location_code"], line["sold_on"])
            == (row["item_id"], row["location_id"], row["sold_on"])
        ]
        sales, returns = of_kind(own, "sale"), of_kind(own, "return")
        revenue, returned = (known_sum(line["revenue"] for line in part) for part in (sales, returns))
        assert row["units_sold"] == sum(line["quantity"] for line in sales)
        assert row["revenue"] == revenue
        assert row["returns_value"] == (None if returned is None else -returned)
        assert row["net_revenue"] == (None if revenue is None or returned is None else revenue + returned)
        assert row["unpriced_sale_lines"] == sum(line["revenue"] is None for line in sales)
        assert row["unpriced_return_lines"] == sum(line["revenue"] is None for line in returns)
        margin = None if row["item_id"] not in COSTS or revenue is None else margin_of(sales, COSTS) or Decimal(0)
        assert row["gross_margin"] == margin


@pytest.mark.parametrize("on", AS_OF, ids=str)
def test_periods_say_what_is_known_and_how_many_lines_are_not(
    shops: Warehouse, tenant: str, lines: Lines, on: date
) -> None:
    rows = {row["period"]: row for row in shops.table("marts.rpt_sales_kpis", tenant) if row["as_of_on"] == on}
    known = [line for line in lines if line["sold_on"] <= on]
    for period in PERIODS:
        expected = sales_figures(known, COSTS, first_day(period, on), on)
        assert {name: rows[period][name] for name in expected} == approximate(expected), period
        end = compared_ends(period, on).get("_previous")
        if end and first_day(period, end) >= day(0):
            before = sales_figures(known, COSTS, first_day(period, end), end)
            assert {name: rows[period][f"{name}_previous"] for name in before} == approximate(before), period
        assert (rows[period]["trend"] is None) >= (rows[period]["revenue"] is None)
    (kpis,) = (row for row in shops.table("marts.rpt_daily_kpis", tenant) if row["as_of_on"] == on)
    for period in ("day", "7d", "28d", "mtd"):
        assert kpis[f"revenue_{period}"] == rows[period]["revenue"]
    sold = {line["item_code"] for line in of_kind(known, "sale", on - timedelta(27))}
    assert kpis["items_sold_28d"] == len(sold)


def test_months_weeks_customers_and_orders_are_as_far_known_as_their_lines(
    shops: Warehouse, tenant: str, lines: Lines
) -> None:
    def found(model: str, *key: str, revenue: str = "revenue", units: str = "units_sold") -> dict[Any, Decimal | None]:
        rows = shops.table(f"marts.{model}", tenant)
        return {tuple(row[name] for name in key): row[revenue] for row in rows if row[units]}

    def month(line: Row) -> date:
        return line["sold_on"].replace(day=1)  # type: ignore[no-any-return]

    def week(line: Row) -> date:
        return line["sold_on"] + timedelta(6 - line["sold_on"].weekday())  # type: ignore[no-any-return]

    expected: dict[tuple[str, ...], Callable[[Row], tuple[Any, ...]]] = {
        ("fct_item_months", "item_id", "month_begins_on"): lambda line: (item_of(line), month(line)),
        ("fct_item_weeks", "item_id", "week_ends_on"): lambda line: (item_of(line), week(line)),
        ("fct_customers_monthly", "customer_code", "month_on"): lambda line: (line["customer_code"], month(line)),
        ("dim_customers", "customer_code"): lambda line: (line["customer_code"],),
        ("fct_sales_totals_daily", "sold_on"): lambda line: (line["sold_on"],),
        ("fct_orders_daily", "sold_on", "document_id", "customer_code"): lambda line: (
            line["sold_on"],
            line["document_id"],
            line["customer_code"],
        ),
    }
    for (model, *key), of in expected.items():
        assert found(model, *key) == revenue_by(lines, of), model
    categories = revenue_by(lines, lambda line: (CATEGORIES.get(item_of(line), "uncategorised"), month(line)))
    balance = found(
        "fct_balance_monthly", "category", "month_begins_on", revenue="demand_revenue", units="demand_units"
    )
    assert balance == categories


@pytest.mark.parametrize("sunday", [day(6), day(27), day(34), day(118)], ids=str)
def test_an_item_of_unknown_revenue_has_no_class_and_takes_no_share(
    shops: Warehouse, tenant: str, lines: Lines, sunday: date
) -> None:
    rows = [row for row in shops.table("marts.fct_item_classes", tenant) if row["as_of_on"] == sunday]
    classes = {row["item_id"]: (row["abc_class"], row["revenue_52w"]) for row in rows}
    assert classes == abc_classes(lines, sunday)
    if tenant == "unrated" and sunday == day(118):
        assert {item for item, (of, _) in classes.items() if of is None} == {"B", "D"}


@pytest.mark.parametrize("on", AS_OF, ids=str)
def test_an_item_of_unknown_revenue_has_no_rank(shops: Warehouse, tenant: str, lines: Lines, on: date) -> None:
    rows = [row for row in shops.table("marts.rpt_top_items", tenant) if row["as_of_on"] == on]
    expected, before = top_items(lines, on), top_items(lines, on - timedelta(28))
    assert {row["item_id"]: (row["revenue_rank"], row["revenue"], row["revenue_share"]) for row in rows} == {
        item: (rank, revenue, None if share is None else pytest.approx(share))
        for item, (rank, revenue, share) in expected.items()
    }
    for row in rows:
        assert row["revenue_rank_previous"] == before.get(row["item_id"], (None,))[0]


@pytest.mark.parametrize("on", AS_OF, ids=str)
def test_stock_earns_and_loses_what_is_known(shops: Warehouse, tenant: str, lines: Lines, on: date) -> None:
    (row,) = (row for row in shops.table("marts.rpt_stock_kpis", tenant) if row["as_of_on"] == on)
    assert row["lost_revenue_28d"] == lost_revenue(lines, STOCKOUTS, on)
    days = (on - day(0)).days + 1
    in_force = {"A": {0: 50}, "B": {0: 20, 34: 0, 41: 10}}
    value = sum(
        units[max(number for number in units if number <= each)] * COSTS[item]
        for item, units in in_force.items()
        for each in range(days)
    )
    margin = margin_of(of_kind(lines, "sale", last=on), COSTS)
    is_known = days >= 90 and margin is not None
    expected = float(margin / (value / days) * 365 / days) if is_known and margin is not None else None
    assert row["gmroi_365d"] == (None if expected is None else pytest.approx(expected))
    assert (row["turns_365d"] is None) == (days < 90)


def test_prices_of_zero_and_less_are_no_sales_and_nothing_divides_by_them(warehouse: Warehouse) -> None:
    warehouse.tenant("free", cancellation=[])
    prices = {0: [("2.5", None)], 1: [("0", None), ("-3", None), ("0", "USD")], 2: [("0.0001", "gbp")]}
    rows = [
        {"sold_on": day(number), "item_code": "A", "quantity": 2, "unit_price": Decimal(price), "currency": currency}
        for number, of_day in prices.items()
        for price, currency in of_day
    ]
    warehouse.add("free", "sales", *rows)
    warehouse.add("free", "items", {"item_code": "A", "launched_on": day(30)})
    warehouse.build([Window("free", day(0), day(2))])
    lines = warehouse.table("intermediate.int_sales_lines", "free", "quantity, revenue, line_kind")
    found = [(line["line_kind"], line["quantity"], line["revenue"]) for line in lines]
    assert found.count(("adjustment", 2, Decimal(0))) == found.count(("adjustment", 2, Decimal(-6))) == 1
    assert found.count(("adjustment", 2, None)) == 1
    kpis = {row["as_of_on"]: row for row in warehouse.table("marts.rpt_sales_kpis", "free") if row["period"] == "day"}
    shown = ("units_sold", "revenue", "price_realised", "returns_rate", "unpriced_lines")
    assert [tuple(kpis[day(number)][name] for name in shown) for number in prices] == [
        (2, 5, Decimal("2.5"), 0, 0),
        (0, 0, None, None, 0),
        (2, Decimal("0.0002"), Decimal("0.0001"), 0, 0),
    ]


def test_data_quality_counts_lines_of_unknown_price_as_faulty(shops: Warehouse, tenant: str, lines: Lines) -> None:
    unknown = sum(line["revenue"] is None for kind in KINDS for line in of_kind(lines, kind))
    rows = shops.table("marts.fct_sales_quality_daily", tenant)
    assert sum(row["unpriced_lines"] for row in rows) == unknown
    assert (unknown > 0) == (tenant == "unrated")


def test_the_identities_hold(shops: Warehouse) -> None:
    tests = shops.dbt.test(shops.url, ["*"], WINDOWS, WINDOWS)
    assert len(tests) > 50
    assert [test for test in tests if test.failures or test.message] == []


def test_a_report_has_a_gap_where_revenue_is_not_known(shops: Warehouse, tenant: str, lines: Lines) -> None:
    with connect(shops.url, read_only=True) as connection:
        report = daily_report(connection, TenantConfig(tenant_id=tenant, name="Shop", currency="GBP"), day(45))
    found = dict(daily_series(report).select("day_on", "revenue").iter_rows())
    sold = {line["sold_on"] for kind in KINDS for line in of_kind(lines, kind)}
    expected = revenue_by(lines, lambda line: line["sold_on"])
    for on, revenue in found.items():
        exact = expected.get(on, Decimal(0)) if on in sold else None
        assert revenue == (None if exact is None else pytest.approx(float(exact))), on


def check_words(connection: psycopg.Connection, tenant: str) -> tuple[bool, str]:
    result = prices_are_known(connection, [window for window in WINDOWS if window.tenant_id == tenant])
    return result.passed, str(result.metadata["first"].value)


def test_the_check_names_the_currency_its_lines_and_the_remedy(shops: Warehouse) -> None:
    lines = lines_of(raw_rows(), {})
    unknown = [line for kind in KINDS for line in of_kind(lines, kind) if line["revenue"] is None]
    with connect(shops.url, read_only=True) as connection:
        assert check_words(connection, "rated") == (True, "none")
        words = f"unrated: {len(unknown)} lines in USD; declare exchange_rates: USD in unrated.yaml"
        assert check_words(connection, "unrated") == (False, words)
        assert revenue_reconciles(connection, WINDOWS).passed


def test_a_rate_holds_for_days_that_are_run_again_in_whatever_order(shops: Warehouse) -> None:
    shops.tenant("changing", cancellation=[])
    shops.add("changing", "sales", *raw_rows())
    shops.build([Window("changing", day(0), day(DAYS - 1))])
    before, after = (
        revenue_by(lines_of(raw_rows(), RATES[tenant]), lambda line: line["sold_on"]) for tenant in ("unrated", "rated")
    )
    shops.execute(f"""update ops.tenants set exchange_rates = '{{"USD": "{RATE}"}}' where tenant_id = 'changing'""")

    def found() -> dict[date, Decimal | None]:
        rows = shops.table("marts.fct_sales_totals_daily", "changing")
        return {row["sold_on"]: row["revenue"] for row in rows if row["sale_lines"]}

    assert found() == before
    shops.build([Window("changing", day(40), day(DAYS - 1))])
    assert found() == {on: (after if on >= day(40) else before)[on] for on in before}
    shops.build([Window("changing", day(0), day(39))])
    assert found() == after
    kpis = [
        {row["as_of_on"]: row for row in shops.table("marts.rpt_sales_kpis", tenant) if row["period"] == "28d"}
        for tenant in ("changing", "rated")
    ]
    # The last days' figures were made while the first had no price; running these again mends them.
    assert kpis[0][day(45)]["unpriced_lines"] > 0
    shops.build([Window("changing", day(40), day(DAYS - 1))])
    rows = {row["as_of_on"]: row for row in shops.table("marts.rpt_sales_kpis", "changing") if row["period"] == "28d"}
    assert {on: row["revenue"] for on, row in rows.items()} == {on: row["revenue"] for on, row in kpis[1].items()}


def test_a_declared_rate_takes_effect_when_the_day_is_run_again(install: Callable[[str], Installation]) -> None:
    shop = install("currencies")
    shop.add_tenant("shop")
    content = "sold_at,item_code,quantity,unit_price,currency\n{0},A,2,2.5,EUR\n{0},A,3,10,usd\n{0},B,1,4,\n"
    file = shop.land("shop", FIRST_DAY, "sales.csv", content.format(FIRST_DAY))
    asked = ("ingest", str(file), "--tenant", "shop", "--dataset", "sales", "--date", str(FIRST_DAY), "--dry-run")
    warning = "declare exchange_rates: USD in the tenant's file"
    assert warning in " ".join(shop.inventra(*asked).stdout.split())
    revenue = "select revenue, units_sold, unpriced_lines from marts.rpt_sales_kpis where period = '28d'"
    done = shop.inventra("run", "--tenant", "shop", "--date", str(FIRST_DAY))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shop: 1 line in USD; declare exchange_rates: USD in shop.yaml" in done.stderr
    assert shop.rows(revenue) == [{"revenue": None, "units_sold": 6, "unpriced_lines": 1}]
    assert shop.value("select count(*) from reports.artifacts") == 2
    shop.add_tenant("shop", "exchange_rates: {USD: 0.9}\n")
    assert warning not in " ".join(shop.inventra(*asked).stdout.split())
    done = shop.inventra("run", "--tenant", "shop", "--date", str(FIRST_DAY))
    assert done.returncode == 0 and "USD" not in done.stderr, done.stdout + done.stderr
    assert shop.rows(revenue) == [{"revenue": 36, "units_sold": 6, "unpriced_lines": 0}]
