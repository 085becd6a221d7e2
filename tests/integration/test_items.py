"""Items of all sources on small tenants: as files come and go, without a master row, and as heirs of other items."""

import random
from collections import defaultdict
from datetime import date

import polars as pl
from psycopg import sql

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from tests.integration.warehouse import Row, Warehouse, day

STORED = {
    "intermediate.int_items": "item_id",
    "intermediate.int_item_versions": "item_id, landed_on, batch_id",
    "intermediate.int_item_costs": "item_id, version_number",
    "intermediate.int_supply_lines": "order_id, line_number",
    "intermediate.int_work_orders": "order_id",
    "intermediate.int_stock_adjustments_daily": "item_id, sold_on",
    "marts.dim_items": "item_id",
}


def random_rows(chance: random.Random, dataset: str, batch: int) -> list[Row]:
    """A file of a dataset with few rows of few items, all on one business day, which is the day it landed."""
    on = day(batch % 20)
    rows: list[Row] = []
    for number in range(chance.randrange(1, 4)):
        code = chance.choice("ABCDEFGH")
        row: Row = {"landed_on": on, "batch_id": f"{batch:03}", "row_number": number, "item_code": code}
        if dataset == "sales":
            row |= {"sold_on": on, "quantity": chance.choice([-1, 1, 4]), "unit_price": chance.choice([0, 2, 2])}
            row |= {"description": chance.choice([None, "red", "blue"])}
        elif dataset == "stock":
            row |= {"counted_on": on, "quantity_on_hand": chance.randrange(9)}
        elif dataset == "purchase_orders":
            row |= {"order_id": f"P{chance.randrange(6)}", "line_number": 1, "ordered_on": on, "quantity_ordered": 5}
        elif dataset == "work_orders":
            row |= {"order_id": f"W{chance.randrange(6)}", "released_on": on, "quantity_ordered": 5}
        else:
            row |= {"name": chance.choice([None, None, "tea"]), "unit_cost": chance.choice([None, 1, 2])}
        rows.append(row)
    return rows


def test_items_after_random_additions_and_removals_are_those_of_a_build_from_scratch(warehouse: Warehouse) -> None:
    chance = random.Random(11)
    shop, twin = warehouse.tenant("grown"), warehouse.tenant("scratch")
    datasets = ["sales", "stock", "purchase_orders", "work_orders", "items"]
    files: dict[tuple[str, int], list[Row]] = {}
    for step in range(16):
        touched: set[date] = set()
        for _ in range(chance.randrange(2, 6)):
            if files and chance.random() < (0.3 if step < 8 else 0.75):
                dataset, batch = chance.choice(sorted(files))
                rows = files.pop((dataset, batch))
                with connect(warehouse.url) as connection:
                    name = sql.Identifier("raw", dataset)
                    connection.execute(
                        sql.SQL("delete from {} where batch_id = %s").format(name), (f"{shop}/{dataset}/{batch:03}",)
                    )
            else:
                dataset, batch = chance.choice(datasets), chance.randrange(60)
                if (dataset, batch) in files:
                    continue
                rows = files[dataset, batch] = random_rows(chance, dataset, batch)
                warehouse.add(shop, dataset, *rows)
            touched |= {row["landed_on"] for row in rows}
        warehouse.build([Window(shop, on, on) for on in sorted(touched)], ["intermediate", "dim_items"])
        days = defaultdict(list)
        for (dataset, _), rows in files.items():
            for row in rows:
                if dataset == "sales" and row["quantity"] > 0 and row["unit_price"] > 0:
                    days[row["item_code"]].append(row["sold_on"])
        found = warehouse.table("intermediate.int_items", shop, "item_id, first_sold_on, last_sold_on")
        sold = {row["item_id"]: (row["first_sold_on"], row["last_sold_on"]) for row in found if row["first_sold_on"]}
        assert sold == {item: (min(own), max(own)) for item, own in days.items()}
    for (dataset, _), rows in files.items():
        warehouse.add(twin, dataset, *rows)
    warehouse.build([Window(twin, day(0), day(60))], ["intermediate", "dim_items"])
    for relation, key in STORED.items():
        query = f"select * from {relation} where tenant_id = '{{}}' order by {key}"
        grown, scratch = (warehouse.rows(query.format(each)).drop("tenant_id") for each in (shop, twin))
        if "batch_id" in grown.columns:
            grown = grown.with_columns(pl.col("batch_id").str.replace(shop, twin, literal=True))
        assert grown.equals(scratch), relation
    kept = {row["item_code"] for rows in files.values() for row in rows}
    assert {row["item_id"] for row in warehouse.table("intermediate.int_items", shop)} <= kept


def test_codes_without_a_master_row_are_listed_with_where_they_stand(warehouse: Warehouse) -> None:
    shop, without = warehouse.tenant("unmapped", service=["^POST"]), warehouse.tenant("nomaster")
    for each in (shop, without):
        warehouse.add(
            each,
            "sales",
            {"item_code": "x1", "sold_on": day(1), "quantity": 1},
            {"item_code": "X1 ", "sold_on": day(3), "quantity": 1},
            {"item_code": "A", "sold_on": day(3), "quantity": 1},
            {"item_code": "POST", "sold_on": day(3), "quantity": 1},
            {"item_code": "A-OLD", "sold_on": day(3), "quantity": 1},
        )
        warehouse.add(each, "stock", {"item_code": "X1", "counted_on": day(2), "quantity_on_hand": 1})
        warehouse.add(each, "item_aliases", {"alias_code": "a-old", "item_code": "A"})
    order = {"order_id": "1", "line_number": 1, "item_code": "Z", "ordered_on": day(2), "quantity_ordered": 1}
    warehouse.add(shop, "purchase_orders", order)
    warehouse.add(shop, "items", {"item_code": "a"})
    warehouse.build([Window(each, day(0), day(60)) for each in (shop, without)], ["intermediate"])
    found = warehouse.table("intermediate.int_unmapped_items", shop)
    assert sorted(
        (r["item_id"], r["dataset"], r["item_codes"], r["lines"], r["first_on"], r["last_on"]) for r in found
    ) == [
        ("X1", "sales", '{"X1 ",x1}', 2, day(1), day(3)),
        ("X1", "stock", "{X1}", 1, day(2), day(2)),
        ("Z", "purchase_orders", "{Z}", 1, day(2), day(2)),
    ]
    assert warehouse.table("intermediate.int_unmapped_items", without) == []


def test_a_successor_is_offered_the_history_of_all_that_it_replaces(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("heirs")
    warehouse.add(
        shop,
        "items",
        {"item_code": "NEW", "replaces_item_code": "mid", "launched_on": day(20)},
        {"item_code": "MID", "replaces_item_code": "OLD"},
        {"item_code": "OLD"},
        {"item_code": "NEXT", "replaces_item_code": "NEW"},
        {"item_code": "P", "replaces_item_code": "Q"},
        {"item_code": "Q", "replaces_item_code": "P"},
        {"item_code": "SELF", "replaces_item_code": "SELF"},
    )
    sold = {"OLD": (1, 9, 12), "MID": (10, 15, 25), "NEW": (20, 30), "P": (2,), "Q": (5,), "SELF": (1,)}
    rows = [{"item_code": i, "sold_on": day(n), "quantity": n} for i, numbers in sold.items() for n in numbers]
    warehouse.add(shop, "sales", *rows)
    warehouse.build_intermediate(shop)
    found = warehouse.table("intermediate.int_item_successions", shop)
    assert sorted((r["item_id"], r["depth"], r["predecessor_id"], r["effective_on"], r["is_cycle"]) for r in found) == [
        ("MID", 1, "OLD", day(10), False),
        ("NEW", 1, "MID", day(20), False),
        ("NEW", 2, "OLD", day(10), False),
        ("NEXT", 1, "NEW", None, False),
        ("NEXT", 2, "MID", day(20), False),
        ("NEXT", 3, "OLD", day(10), False),
        ("P", 1, "Q", day(2), False),
        ("P", 2, "P", day(2), True),
        ("Q", 1, "P", day(5), False),
        ("Q", 2, "Q", day(2), True),
        ("SELF", 1, "SELF", day(1), True),
    ]
    history = warehouse.table("intermediate.int_demand_with_predecessors", shop)
    of = defaultdict(set)
    for row in history:
        of[row["item_id"]].add((row["sold_as_item_id"], int(row["units_sold"])))
    assert of["NEW"] == {("NEW", 20), ("NEW", 30), ("MID", 10), ("MID", 15), ("OLD", 1), ("OLD", 9)}
    assert of["NEXT"] == of["NEW"]
    assert of["OLD"] == {("OLD", 1), ("OLD", 9), ("OLD", 12)}
    assert of["SELF"] == {("SELF", 1)}
    assert of["Q"] == {("Q", 5), ("P", 2)}
