"""Masters on a small tenant: the latest value of each column, what changed it, and what was known when."""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.planning import planning_inputs
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.contracts import CONTRACTS
from tests.integration.warehouse import MONDAY, Row, Warehouse, day, keyed

MASTER_COLUMNS = [column.name for column in CONTRACTS["items"].columns if column.name != "item_code"]


def random_master(chance: random.Random, most_days: int = 12) -> list[Row]:
    """Items files: several a day, with columns that are left out, emptied, repeated and spelled differently."""
    rows = []
    for number in range(70):
        landed = chance.randrange(most_days)
        row: Row = {
            "landed_on": day(landed),
            "batch_id": f"{landed}-{chance.randrange(2)}",
            "row_number": number,
            "item_code": chance.choice(["a", "A", "b", "C"]),
        }
        values: dict[str, list[Any]] = {
            "name": ["one", "two"],
            "category": ["x"],
            "unit_cost": [Decimal("1.5"), Decimal("2.25")],
            "lead_time_days": [3, 7],
            "launched_on": [day(1), day(2)],
        }
        row |= {name: chance.choice(options) for name, options in values.items() if chance.random() < 0.4}
        rows.append(row)
    return rows


def position(row: Row) -> tuple[date, str, str, int]:
    return row["landed_on"], row["batch_id"], row.get("sheet", ""), row["row_number"]


def replay_master(rows: list[Row]) -> tuple[dict[Any, Row], dict[Any, Row]]:
    """Versions and changes as a plain loop finds them: what is known after each batch, and what it changed."""
    known: dict[str, Row] = {}
    versions: dict[Any, Row] = {}
    changes: dict[Any, Row] = {}
    batches = defaultdict(list)
    for row in sorted(rows, key=position):
        batches[row["landed_on"], row["batch_id"]].append(row)
    for (landed_on, batch_id), batch in batches.items():
        before = {item: dict(values) for item, values in known.items()}
        for row in batch:
            state = known.setdefault(row["item_code"].upper(), dict.fromkeys(MASTER_COLUMNS))
            state |= {name: row[name] for name in MASTER_COLUMNS if row.get(name) is not None}
        for item in {row["item_code"].upper() for row in batch}:
            if before.get(item) != known[item]:
                versions[item, landed_on, batch_id] = dict(known[item])
            for name in MASTER_COLUMNS:
                old, new = before.get(item, {}).get(name), known[item][name]
                if old != new:
                    texts = {"old_value": None if old is None else str(old), "new_value": str(new)}
                    changes["items", item, name, landed_on, batch_id] = texts
    return versions, changes


def test_each_column_of_a_master_keeps_its_latest_value_and_every_change_is_on_record(warehouse: Warehouse) -> None:
    chance = random.Random(7)
    shop = warehouse.tenant("masters")
    rows = random_master(chance)
    warehouse.add(shop, "items", *rows)
    warehouse.build_intermediate(shop)
    batches = sorted({(row["landed_on"], row["batch_id"]) for row in rows})
    for landed_on, batch_id in [(MONDAY, "none"), *chance.sample(batches, 4)]:
        # A batch is withdrawn: what it said is no longer known, and what it changed is no change.
        rows = [row for row in rows if row["batch_id"] != batch_id]
        with connect(warehouse.url) as connection:
            connection.execute("delete from raw.items where batch_id = %s", (f"{shop}/items/{batch_id}",))
        warehouse.dbt.run(warehouse.url, ["intermediate", "dim_items"], [], [Window(shop, landed_on, landed_on)])
        versions, changes = replay_master(rows)
        found = warehouse.table("intermediate.int_item_versions", shop)
        for row in found:
            row["batch_id"] = row["batch_id"].rsplit("/", 1)[1]
        assert keyed(found, "item_id", "landed_on", "batch_id") == versions
        found = warehouse.table("intermediate.int_master_changes", shop)
        for row in found:
            row["batch_id"] = row["batch_id"].rsplit("/", 1)[1]
        assert keyed(found, "dataset", "code", "column_name", "landed_on", "batch_id") == changes
        latest = {key[0]: version for key, version in sorted(versions.items())}
        items = keyed(warehouse.table("marts.dim_items", shop), "item_id")
        assert {item: row["name"] for (item,), row in items.items()} == {i: v["name"] for i, v in latest.items()}
        costs = warehouse.table("intermediate.int_item_costs", shop)
        last_costs = {row["item_id"]: row["unit_cost"] for row in costs if row["valid_to_on"] is None}
        assert last_costs == {i: v["unit_cost"] for i, v in latest.items() if v["unit_cost"] is not None}


def test_a_file_that_lacks_a_column_erases_nothing_for_planning_either(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("asof")
    item = {"item_code": "A", "supplier_code": "S", "unit_cost": 5, "pack_quantity": 6}
    warehouse.add(shop, "items", item | {"batch_id": "1"})
    warehouse.add(shop, "items", {"item_code": "A", "unit_cost": 7, "landed_on": day(2), "batch_id": "2"})
    warehouse.add(shop, "suppliers", {"supplier_code": "S", "name": "Sid", "lead_time_days": 12, "batch_id": "1"})
    warehouse.add(shop, "suppliers", {"supplier_code": "S", "name": "Sam", "landed_on": day(3), "batch_id": "2"})
    warehouse.build([Window(shop, day(0), day(9))])
    with connect(warehouse.url, read_only=True) as connection:
        known = [planning_inputs(connection, shop, day(number)).items.to_dicts()[0] for number in (1, 4)]
    assert [(row["unit_cost"], row["pack_quantity"], row["lead_time_days"]) for row in known] == [
        (5, 6, 12),
        (7, 6, 12),
    ]
    assert warehouse.table("intermediate.int_suppliers", shop, "name, lead_time_days") == [
        {"name": "Sam", "lead_time_days": 12}
    ]
    changes = warehouse.table("intermediate.int_master_changes", shop, "dataset, column_name, old_value, new_value")
    assert {"dataset": "suppliers", "column_name": "name", "old_value": "Sid", "new_value": "Sam"} in changes
    assert {"dataset": "items", "column_name": "unit_cost", "old_value": "5", "new_value": "7"} in changes
    assert len(changes) == 7
