"""Counts, what moved between them, and demand day by day, on small tenants that are held against plain loops."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.stock import stock_differences
from inventra_pipelines.db.writes import Window
from tests.integration.warehouse import Row, Warehouse, day, keyed


def test_counts_in_cases_and_single_units_are_one_count_and_an_unknown_unit_is_no_zero(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("units", unit_factors={"case": "12"})
    warehouse.add(shop, "item_aliases", {"alias_code": "A-BOX", "item_code": "A", "quantity_factor": 6})
    warehouse.add(
        shop,
        "stock",
        {"counted_on": day(1), "item_code": "a", "quantity_on_hand": 5, "unit_cost": 2},
        {"counted_on": day(1), "item_code": "A-BOX", "quantity_on_hand": 2, "unit_cost": 12, "quantity_reserved": 1},
        {"counted_on": day(1), "item_code": "B", "quantity_on_hand": 3, "unit_of_measure": "CASE", "unit_cost": 24},
        {"counted_on": day(1), "item_code": "C", "quantity_on_hand": 3, "unit_of_measure": "pallet"},
        {"counted_on": day(1), "item_code": "D", "quantity_on_hand": 0},
    )
    warehouse.build([Window(shop, day(0), day(3))])
    names = "item_id, quantity_on_hand, quantity_reserved, quantity_available, unit_cost, is_out_of_stock"
    found = warehouse.table("intermediate.int_stock_daily", shop, names)
    assert sorted(tuple(row.values()) for row in found) == [
        ("A", 17, 6, 11, 2, False),
        ("B", 36, None, 36, 2, False),
        ("C", None, None, None, None, None),
        ("D", 0, None, 0, None, True),
    ]
    kpis = warehouse.table("marts.rpt_daily_kpis", shop, "as_of_on, stock_units, items_in_stock, items_out_of_stock")
    assert tuple(kpis[-1].values()) == (day(3), 53, 2, 1)


def random_movements(chance: random.Random) -> dict[str, list[Row]]:
    """Sales, counts and orders of three items at two locations over six weeks, with days that have none."""
    files: dict[str, list[Row]] = defaultdict(list)
    for number in range(260):
        place = {"item_code": chance.choice("ABC"), "location_code": chance.choice(["N", "S"]), "row_number": number}
        on = day(chance.randrange(42))
        match chance.randrange(4):
            case 0:
                files["stock"].append(place | {"counted_on": on, "quantity_on_hand": chance.randrange(30)})
            case 1:
                received = on + timedelta(chance.randrange(9)) if chance.random() < 0.8 else None
                order = {"order_id": str(number), "quantity_ordered": chance.randrange(1, 20)}
                if chance.random() < 0.5:
                    done = {"quantity_received": chance.choice([None, 3])}
                    files["purchase_orders"].append(
                        place | order | done | {"line_number": 1, "ordered_on": on, "received_on": received}
                    )
                else:
                    done = {
                        "quantity_completed": chance.choice([None, 2]),
                        "quantity_scrapped": chance.choice([None, 1]),
                    }
                    files["work_orders"].append(place | order | done | {"released_on": on, "completed_on": received})
            case _:
                sale = {"quantity": chance.choice([-2, 1, 3, 5]), "unit_price": chance.choice([0, 2, 2, 2])}
                files["sales"].append(place | sale | {"sold_on": on})
    return files


def reconcile(files: dict[str, list[Row]]) -> dict[Any, tuple[Any, ...]]:
    """Opening, receipts, sold, returned, adjusted, expected, closing and difference of each count, by a plain loop."""
    counts: dict[Any, Decimal] = {}
    for row in files["stock"]:
        counts[row["item_code"], row["location_code"], row["counted_on"]] = Decimal(row["quantity_on_hand"])
    found: dict[Any, tuple[Any, ...]] = {}
    for (item, location, on), closing in counts.items():
        earlier = [key[2] for key in counts if key[:2] == (item, location) and key[2] < on]
        if not earlier:
            found[item, location, on] = (None, None, None, None, None, None, None, closing, None)
            continue
        before = max(earlier)

        def within(rows: list[Row], column: str) -> list[Row]:
            return [
                row
                for row in rows
                if (row["item_code"], row["location_code"]) == (item, location)  # noqa: B023
                and row[column] is not None
                and before < row[column] <= on  # noqa: B023
            ]

        receipts = Decimal(0)
        for row in within(files["purchase_orders"], "received_on"):
            receipts += row["quantity_ordered"] if row["quantity_received"] is None else row["quantity_received"]
        for row in within(files["work_orders"], "completed_on"):
            made = row["quantity_ordered"] - (row["quantity_scrapped"] or 0)
            receipts += made if row["quantity_completed"] is None else row["quantity_completed"]
        moves = within(files["sales"], "sold_on")
        priced = [row["quantity"] for row in moves if row["unit_price"] > 0]
        sold = sum(quantity for quantity in priced if quantity > 0)
        returned = -sum(quantity for quantity in priced if quantity < 0)
        adjusted = sum(row["quantity"] for row in moves if row["unit_price"] == 0)
        opening = counts[item, location, before]
        expected = opening + receipts - sold + returned + adjusted
        found[item, location, on] = (
            *(before, opening, receipts, sold, returned, adjusted),
            *(expected, closing, closing - expected),
        )
    return found


@pytest.fixture(scope="module")
def moved(warehouse: Warehouse) -> tuple[str, dict[str, list[Row]]]:
    shop = warehouse.tenant("moved")
    files = random_movements(random.Random(5))
    for dataset, rows in files.items():
        warehouse.add(shop, dataset, *rows)
    warehouse.build_intermediate(shop, 0, 60)
    return shop, files


def test_a_count_is_held_against_all_that_moved_since_the_one_before(
    warehouse: Warehouse, moved: tuple[str, dict[str, list[Row]]]
) -> None:
    shop, files = moved
    found = keyed(
        warehouse.table("intermediate.int_stock_reconciliation", shop), "item_id", "location_id", "counted_on"
    )
    expected = reconcile(files)
    assert {key: tuple(row.values()) for key, row in found.items()} == expected
    assert sum(1 for row in expected.values() if row[0] is not None) > 30


def test_stock_differences_are_counted_and_the_largest_named(
    warehouse: Warehouse, moved: tuple[str, dict[str, list[Row]]]
) -> None:
    shop, files = moved
    window = Window(shop, day(10), day(30))
    rows = {key: row for key, row in reconcile(files).items() if day(10) <= key[2] <= day(30)}
    differing = {key: row[-1] for key, row in rows.items() if row[-1]}
    with connect(warehouse.url, read_only=True) as connection:
        found = stock_differences(connection, [window], most=3)
        halves = stock_differences(connection, [Window(shop, day(10), day(19)), Window(shop, day(20), day(30))], most=3)
        assert stock_differences(connection, [Window("nobody", day(0), day(60))]).counts == 0
    assert found == halves
    assert found.counts == len(rows)
    assert found.compared == sum(1 for row in rows.values() if row[0] is not None)
    assert found.differing == len(differing) > 3
    assert found.units == sum(abs(difference) for difference in differing.values())
    largest = sorted(map(abs, differing.values()), reverse=True)[:3]
    assert [abs(each.difference) for each in found.largest] == largest


def test_every_day_of_a_series_has_a_row_with_explicit_zeros(warehouse: Warehouse) -> None:
    chance = random.Random(3)
    shop = warehouse.tenant("calendar")
    sales: dict[Any, Decimal] = defaultdict(Decimal)
    counts: dict[Any, Decimal] = {}
    discontinued = {"A": None, "B": day(90), "C": day(9), "D": None}
    rows = []
    # D is sold for ten days, half a year before the others' last sale; C is sold after it is discontinued too.
    for item, last in (("A", 230), ("B", 80), ("C", 40), ("D", 10)):
        for number in sorted(chance.sample(range(last), 8)):
            location = chance.choice(["N", "S"])
            sales[item, location, day(number)] += Decimal(2)
            rows.append({"item_code": item, "location_code": location, "sold_on": day(number), "quantity": 2})
    for number in range(0, 60, 7):
        counts["A", "N", day(number)] = Decimal(number % 3)
    warehouse.add(shop, "sales", *[row | {"row_number": number} for number, row in enumerate(rows)])
    warehouse.add(shop, "items", *[{"item_code": i, "discontinued_on": on} for i, on in discontinued.items()])
    stock = [
        {"item_code": i, "location_code": place, "counted_on": on, "quantity_on_hand": q}
        for (i, place, on), q in counts.items()
    ]
    warehouse.add(shop, "stock", *stock)
    warehouse.build_intermediate(shop, 0, 240)
    expected: dict[Any, tuple[Decimal, bool | None]] = {}
    latest = max(key[2] for key in sales)
    for item, location in {key[:2] for key in sales}:
        own = [key[2] for key in sales if key[:2] == (item, location)]
        end = max(own) + timedelta(weeks=26)
        if discontinued[item]:
            end = min(end, discontinued[item])
        end = min(latest, max(end, *own))
        on = min(own)
        while on <= end:
            held = [key[2] for key in counts if key[:2] == (item, location) and key[2] <= on]
            is_out = counts[item, location, max(held)] <= 0 if held else None
            expected[item, location, on] = (sales.get((item, location, on), Decimal(0)), is_out)
            on += timedelta(1)
    found = keyed(warehouse.table("intermediate.int_demand_calendar", shop), "item_id", "location_id", "sold_on")
    assert {key: (row["units_sold"], row["is_out_of_stock"]) for key, row in found.items()} == expected
    assert {row["units_returned"] for row in found.values()} == {Decimal(0)}


def test_averages_leave_out_items_of_unknown_stock_as_the_value_of_a_day_does(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("partly")
    count = {"item_code": "A", "unit_cost": 2}
    warehouse.add(
        shop,
        "stock",
        {"item_code": "B", "counted_on": day(0), "quantity_on_hand": 10, "unit_cost": 1},
        {**count, "counted_on": day(0), "location_code": "N", "quantity_on_hand": -3},
        {**count, "counted_on": day(1), "location_code": "S", "quantity_on_hand": 5, "unit_of_measure": "pallet"},
        {**count, "counted_on": day(3), "location_code": "S", "quantity_on_hand": 3},
    )
    names = "as_of_on, stock_value::int as value, average_stock_value_365d::float as average"
    expected = [(day(0), 4, 4.0), (day(1), 10, 7.0), (day(2), 10, 8.0), (day(3), 10, 8.5)]
    for windows in ([(0, 3)], [(2, 3), (1, 1), (0, 0)]):
        for first, last in windows:
            warehouse.build([Window(shop, day(first), day(last))])
        warehouse.dbt.run(warehouse.url, ["marts"], [], [Window(shop, day(0), day(3))])
        kpis = warehouse.table("marts.rpt_stock_kpis", shop, names)
        assert sorted(tuple(row.values()) for row in kpis) == expected


def test_what_is_on_order_is_of_the_orders_from_the_first_one_on(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("first-order")
    counts = [{"item_code": item, "counted_on": day(0), "quantity_on_hand": 9} for item in "AB"]
    warehouse.add(shop, "stock", counts[0] | {"quantity_on_order": 4}, counts[1])
    order = {"order_id": "1", "line_number": 1, "ordered_on": day(2), "received_on": day(4), "quantity_ordered": 7}
    warehouse.add(shop, "purchase_orders", order | {"item_code": "B"})
    said = {("A", 0): 4, ("A", 1): 4, ("B", 0): None, ("B", 1): None}
    ordered = {("A", number): 0 for number in (2, 3, 4)} | {("B", 2): 7, ("B", 3): 7, ("B", 4): 0}
    for windows in ([(0, 4)], [(3, 4), (1, 2)]):
        for first, last in windows:
            warehouse.build([Window(shop, day(first), day(last))])
        states = warehouse.table("marts.fct_item_stock_states", shop, "item_id, as_of_on, on_order")
        found = {(row["item_id"], (row["as_of_on"] - day(0)).days): row["on_order"] for row in states}
        assert found == said | ordered
