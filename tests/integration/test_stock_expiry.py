"""Lots of stock, and what of them expires before it is sold, against a simulation day by day and lot by lot."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from inventra_pipelines.db.writes import Window
from tests.integration.reference_stock_expiry import expiry_of
from tests.integration.warehouse import Row, Warehouse, day

LAST = 45
KPIS = "as_of_on, expiring_value, expiring_items, expired_value"


def rounded(units: Fraction) -> Decimal:
    return (Decimal(units.numerator) / units.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def random_rows(seed: int) -> tuple[list[Row], list[Row]]:
    """Counts and sales of a random shop: lots that are none, below zero, expired when counted, or without an expiry."""
    random = Random(seed)
    stock, sales = [], []
    for item in "ABCDE"[: random.randint(1, 5)]:
        for location in ("main", "shop")[: random.randint(1, 2)]:
            for counted in sorted(random.sample(range(LAST), random.randint(1, 6))):
                # Sometimes counted once more: the count that lands last holds, with all its lots or without any.
                for landed in range(random.choice([1, 1, 2])):
                    expiries: list[int | None] = random.sample(range(counted - 5, counted + 60), random.randint(0, 4))
                    if not expiries or random.random() < 0.4:
                        expiries.append(None)
                    for expires in expiries:
                        row: Row = {
                            "item_code": item,
                            "location_code": location,
                            "counted_on": day(counted),
                            "landed_on": day(counted + landed),
                            "batch_id": f"{counted}-{landed}",
                            "quantity_on_hand": random.choice([0, -3, Decimal("2.5"), 7, 20, 60]),
                            "unit_cost": 2,
                        }
                        stock.append(row if expires is None else {**row, "expires_on": day(expires)})
        for _ in range(random.choice([0, 3, 25])):
            sold = {"item_code": item, "sold_on": day(random.randint(-5, LAST)), "quantity": random.randint(1, 20)}
            sales.append({**sold, "document_id": f"{item}{len(sales)}"})
    return stock, sales


@pytest.fixture(scope="module")
def shops(warehouse: Warehouse) -> dict[str, tuple[list[Row], list[Row]]]:
    shops = {warehouse.tenant(f"shop-{seed}"): random_rows(seed) for seed in range(12)}
    for shop, (stock, sales) in shops.items():
        warehouse.add(shop, "stock", *stock)
        warehouse.add(shop, "sales", *sales)
    warehouse.build([Window(shop, day(-5), day(LAST + 5)) for shop in shops])
    return shops


def test_what_expires_is_what_a_simulation_throws_away(
    warehouse: Warehouse, shops: dict[str, tuple[list[Row], list[Row]]]
) -> None:
    expiring = expired = rows = 0
    for shop, (stock, sales) in shops.items():
        found: dict[date, dict[str, Any]] = {}
        for row in warehouse.table("marts.fct_stock_expiry", shop):
            found.setdefault(row["as_of_on"], {})[row["item_id"]] = row
        totals = {row["as_of_on"]: row for row in warehouse.table("marts.rpt_stock_kpis", shop, KPIS)}
        for number in range(-5, LAST + 6):
            on = day(number)
            expected = expiry_of(stock, sales, on)
            assert found.get(on, {}).keys() == expected.keys(), (shop, on)
            for item, units in expected.items():
                row = found[on][item]
                assert (row["dated_units"], row["expired_units"], row["expiring_units"]) == (
                    rounded(units.dated),
                    rounded(units.expired),
                    rounded(units.expiring),
                ), (shop, on, item)
            of_day = expected.values()
            assert totals[on] == {
                "as_of_on": on,
                "expiring_value": sum(rounded(2 * units.expiring) for units in of_day) if of_day else None,
                "expiring_items": sum(units.expiring > 0 for units in of_day) if of_day else None,
                "expired_value": sum(rounded(2 * units.expired) for units in of_day) if of_day else None,
            }
            rows += len(expected)
            expiring += sum(units.expiring > 0 for units in of_day)
            expired += sum(units.expired > 0 for units in of_day)
    assert min(expiring, rows - expiring, expired, rows - expired) > rows / 20, "the shops are too much alike"


def test_the_projects_own_tests_of_lots_pass(
    warehouse: Warehouse, shops: dict[str, tuple[list[Row], list[Row]]]
) -> None:
    windows = [Window(shop, day(-5), day(LAST + 5)) for shop in shops]
    runs = warehouse.dbt.test(warehouse.url, ["int_stock_lots", "fct_stock_expiry"], windows, windows)
    assert [run for run in runs if run.failures or run.message] == []
    assert {"expired_and_expiring_units_are_of_lots", "what_expires_first_is_sold_first"} <= {run.test for run in runs}


def test_days_built_alone_in_any_order_are_those_of_the_range(
    warehouse: Warehouse, shops: dict[str, tuple[list[Row], list[Row]]]
) -> None:
    query = (
        "select tenant_id, as_of_on, sum(hashtextextended(t::text, 0)) from marts.{} as t group by 1, 2 order by 1, 2"
    )
    tables = ("fct_stock_expiry", "rpt_stock_kpis")
    before = {table: warehouse.rows(query.format(table)) for table in tables}
    for number in (LAST + 5, 3, 20, -5):
        windows = [Window(shop, day(number), day(number)) for shop in shops]
        warehouse.dbt.run(warehouse.url, ["marts"], [], windows)
    for table in tables:
        assert warehouse.rows(query.format(table)).equals(before[table]), table


def test_lots_of_a_count_are_its_parts_in_the_items_unit(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("parts", unit_factors={"case": "12"})
    count = {"counted_on": day(1), "landed_on": day(1), "item_code": "A"}
    first, second = {"expires_on": day(30)}, {"expires_on": day(60)}
    warehouse.add(shop, "item_aliases", {"alias_code": "A-BOX", "item_code": "A", "quantity_factor": 6})
    warehouse.add(
        shop,
        "stock",
        {**count, **first, "quantity_on_hand": 5},
        {**count, **first, "quantity_on_hand": 1, "item_code": "A-BOX"},
        {**count, **second, "quantity_on_hand": 2, "unit_of_measure": "case"},
        {**count, "quantity_on_hand": 4},
        {**count, **first, "quantity_on_hand": 3, "location_code": "shop"},
        {**count, **second, "quantity_on_hand": 3, "location_code": "shop", "unit_of_measure": "pallet"},
        {**count, **first, "quantity_on_hand": 0, "item_code": "B"},
    )
    # The next day's count of the shop has no lots; the day after, that of main has one and lands again without.
    warehouse.add(
        shop,
        "stock",
        {**count, "counted_on": day(2), "quantity_on_hand": 8, "location_code": "shop", "batch_id": "c"},
        {**count, **first, "counted_on": day(3), "quantity_on_hand": 8, "batch_id": "d"},
        {**count, "counted_on": day(3), "quantity_on_hand": 9, "batch_id": "e"},
    )
    warehouse.build([Window(shop, day(1), day(3))])
    lots = {
        (row["item_id"], row["location_id"], row["counted_on"], row["expires_on"]): row["units"]
        for row in warehouse.table("intermediate.int_stock_lots", shop)
    }
    assert lots == {
        ("A", "main", day(1), day(30)): 11,
        ("A", "main", day(1), day(60)): 24,
        ("A", "shop", day(1), day(30)): 3,
        ("A", "shop", day(1), day(60)): None,
        ("B", "main", day(1), day(30)): 0,
    }
    expiry = {
        (row["item_id"], row["as_of_on"]): (row["dated_units"], row["undated_units"])
        for row in warehouse.table("marts.fct_stock_expiry", shop)
    }
    # Of the shop nothing is known on the first day, and its units have no expiry on the second.
    assert expiry == {
        ("A", day(1)): (35, 4),
        ("A", day(2)): (35, 12),
        **{("B", day(number)): (0, 0) for number in (1, 2, 3)},
    }


def test_without_an_expiry_or_a_cost_nothing_is_known(warehouse: Warehouse) -> None:
    plain, free = warehouse.tenant("plain"), warehouse.tenant("without-cost")
    count = {"item_code": "A", "counted_on": day(1), "quantity_on_hand": 5}
    warehouse.add(plain, "stock", {**count, "unit_cost": 3})
    warehouse.add(free, "stock", {**count, "expires_on": day(9)})
    warehouse.build([Window(shop, day(1), day(2)) for shop in (plain, free)])
    assert warehouse.table("intermediate.int_stock_lots", plain) == []
    assert warehouse.table("marts.fct_stock_expiry", plain) == []
    for shop, items in ((plain, None), (free, 1)):
        kpis = warehouse.table("marts.rpt_stock_kpis", shop, KPIS)
        assert sorted(tuple(row.values()) for row in kpis) == [(day(number), None, items, None) for number in (1, 2)]
