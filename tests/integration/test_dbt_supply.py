"""Masters, stock and supply of the dbt project, on small tenants that are held against plain loops."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from psycopg import sql

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.db.reads.planning import planning_inputs
from inventra_pipelines.db.reads.stock import stock_differences
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.settings import Settings
from tests.integration.dbt_data import add_tenant
from tests.integration.test_dbt_models import Warehouse

Row = dict[str, Any]

MONDAY = date(2024, 3, 4)
MASTER_COLUMNS = [column.name for column in CONTRACTS["items"].columns if column.name != "item_code"]


def day(number: int) -> date:
    return MONDAY + timedelta(number)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    settings = Settings(home=tmp_path_factory.mktemp("supply") / "home", DATABASE_URL=None)
    with database(settings) as url:
        migrate(url, settings.dagster_database, is_embedded=True)
        dbt = Dbt(settings)
        dbt.ensure_views(url)
        yield Warehouse(url, dbt)


def add(warehouse: Warehouse, tenant_id: str, dataset: str, *rows: Row) -> None:
    """Append rows to a raw table; batch, sheet, row number and day landed have defaults."""
    with connect(warehouse.url) as connection:
        for number, row in enumerate(rows):
            full = {"tenant_id": tenant_id, "landed_on": MONDAY, "batch_id": "b", "sheet": "", "row_number": number}
            full |= row | {"batch_id": f"{tenant_id}/{dataset}/{row.get('batch_id', 'b')}"}
            if dataset == "sales":
                full |= {"sold_at": f"{row['sold_on']} 10:00+00"}
                full.setdefault("unit_price", 2)
            connection.execute(
                sql.SQL("insert into raw.{} ({}) values ({})").format(
                    sql.Identifier(dataset),
                    sql.SQL(", ").join(map(sql.Identifier, full)),
                    sql.SQL(", ").join(map(sql.Placeholder, full)),
                ),
                full,
            )


def tenant(warehouse: Warehouse, tenant_id: str, **rules: Any) -> str:
    with connect(warehouse.url) as connection:
        add_tenant(connection, tenant_id, **{"service": [], **rules})
    return tenant_id


def build(warehouse: Warehouse, tenant_id: str, first: int = 0, last: int = 60) -> None:
    """Rebuild the business and landing days of a range."""
    warehouse.build([Window(tenant_id, day(first), day(last))], ["intermediate"])


def table(warehouse: Warehouse, name: str, tenant_id: str, columns: str = "*") -> list[Row]:
    frame = warehouse.rows(f"select {columns} from {name} where tenant_id = '{tenant_id}'")
    return frame.drop("tenant_id", strict=False).to_dicts()


def keyed(rows: list[Row], *key: str) -> dict[Any, Row]:
    found = {tuple(row.pop(name) for name in key): row for row in rows}
    assert len(found) == len(rows)
    return found


# Masters


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
    shop = tenant(warehouse, "masters")
    rows = random_master(chance)
    add(warehouse, shop, "items", *rows)
    build(warehouse, shop)
    batches = sorted({(row["landed_on"], row["batch_id"]) for row in rows})
    for landed_on, batch_id in [(MONDAY, "none"), *chance.sample(batches, 4)]:
        # A batch is withdrawn: what it said is no longer known, and what it changed is no change.
        rows = [row for row in rows if row["batch_id"] != batch_id]
        with connect(warehouse.url) as connection:
            connection.execute("delete from raw.items where batch_id = %s", (f"{shop}/items/{batch_id}",))
        warehouse.dbt.run(warehouse.url, ["intermediate", "dim_items"], [], [Window(shop, landed_on, landed_on)])
        versions, changes = replay_master(rows)
        found = table(warehouse, "intermediate.int_item_versions", shop)
        for row in found:
            row["batch_id"] = row["batch_id"].rsplit("/", 1)[1]
        assert keyed(found, "item_id", "landed_on", "batch_id") == versions
        found = table(warehouse, "intermediate.int_master_changes", shop)
        for row in found:
            row["batch_id"] = row["batch_id"].rsplit("/", 1)[1]
        assert keyed(found, "dataset", "code", "column_name", "landed_on", "batch_id") == changes
        latest = {key[0]: version for key, version in sorted(versions.items())}
        items = keyed(table(warehouse, "marts.dim_items", shop), "item_id")
        assert {item: row["name"] for (item,), row in items.items()} == {i: v["name"] for i, v in latest.items()}
        costs = table(warehouse, "intermediate.int_item_costs", shop)
        last_costs = {row["item_id"]: row["unit_cost"] for row in costs if row["valid_to_on"] is None}
        assert last_costs == {i: v["unit_cost"] for i, v in latest.items() if v["unit_cost"] is not None}


def test_a_file_that_lacks_a_column_erases_nothing_for_planning_either(warehouse: Warehouse) -> None:
    shop = tenant(warehouse, "asof")
    item = {"item_code": "A", "supplier_code": "S", "unit_cost": 5, "pack_quantity": 6}
    add(warehouse, shop, "items", item | {"batch_id": "1"})
    add(warehouse, shop, "items", {"item_code": "A", "unit_cost": 7, "landed_on": day(2), "batch_id": "2"})
    add(warehouse, shop, "suppliers", {"supplier_code": "S", "name": "Sid", "lead_time_days": 12, "batch_id": "1"})
    add(warehouse, shop, "suppliers", {"supplier_code": "S", "name": "Sam", "landed_on": day(3), "batch_id": "2"})
    warehouse.build([Window(shop, day(0), day(9))])
    with connect(warehouse.url, read_only=True) as connection:
        known = [planning_inputs(connection, shop, day(number)).items.to_dicts()[0] for number in (1, 4)]
    assert [(row["unit_cost"], row["pack_quantity"], row["lead_time_days"]) for row in known] == [
        (5, 6, 12),
        (7, 6, 12),
    ]
    assert table(warehouse, "intermediate.int_suppliers", shop, "name, lead_time_days") == [
        {"name": "Sam", "lead_time_days": 12}
    ]
    changes = table(warehouse, "intermediate.int_master_changes", shop, "dataset, column_name, old_value, new_value")
    assert {"dataset": "suppliers", "column_name": "name", "old_value": "Sid", "new_value": "Sam"} in changes
    assert {"dataset": "items", "column_name": "unit_cost", "old_value": "5", "new_value": "7"} in changes
    assert len(changes) == 7


# Items


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
    shop, twin = tenant(warehouse, "grown"), tenant(warehouse, "scratch")
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
                add(warehouse, shop, dataset, *rows)
            touched |= {row["landed_on"] for row in rows}
        warehouse.build([Window(shop, on, on) for on in sorted(touched)], ["intermediate", "dim_items"])
        days = defaultdict(list)
        for (dataset, _), rows in files.items():
            for row in rows:
                if dataset == "sales" and row["quantity"] > 0 and row["unit_price"] > 0:
                    days[row["item_code"]].append(row["sold_on"])
        found = table(warehouse, "intermediate.int_items", shop, "item_id, first_sold_on, last_sold_on")
        sold = {row["item_id"]: (row["first_sold_on"], row["last_sold_on"]) for row in found if row["first_sold_on"]}
        assert sold == {item: (min(own), max(own)) for item, own in days.items()}
    for (dataset, _), rows in files.items():
        add(warehouse, twin, dataset, *rows)
    warehouse.build([Window(twin, day(0), day(60))], ["intermediate", "dim_items"])
    for relation, key in STORED.items():
        query = f"select * from {relation} where tenant_id = '{{}}' order by {key}"
        grown, scratch = (warehouse.rows(query.format(each)).drop("tenant_id") for each in (shop, twin))
        if "batch_id" in grown.columns:
            grown = grown.with_columns(pl.col("batch_id").str.replace(shop, twin, literal=True))
        assert grown.equals(scratch), relation
    kept = {row["item_code"] for rows in files.values() for row in rows}
    assert {row["item_id"] for row in table(warehouse, "intermediate.int_items", shop)} <= kept


# Stock


def test_counts_in_cases_and_single_units_are_one_count_and_an_unknown_unit_is_no_zero(warehouse: Warehouse) -> None:
    shop = tenant(warehouse, "units", unit_factors={"case": "12"})
    add(warehouse, shop, "item_aliases", {"alias_code": "A-BOX", "item_code": "A", "quantity_factor": 6})
    add(
        warehouse,
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
    found = table(warehouse, "intermediate.int_stock_daily", shop, names)
    assert sorted(tuple(row.values()) for row in found) == [
        ("A", 17, 6, 11, 2, False),
        ("B", 36, None, 36, 2, False),
        ("C", None, None, None, None, None),
        ("D", 0, None, 0, None, True),
    ]
    kpis = table(warehouse, "marts.rpt_daily_kpis", shop, "as_of_on, stock_units, items_in_stock, items_out_of_stock")
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
    shop = tenant(warehouse, "moved")
    files = random_movements(random.Random(5))
    for dataset, rows in files.items():
        add(warehouse, shop, dataset, *rows)
    build(warehouse, shop, 0, 60)
    return shop, files


def test_a_count_is_held_against_all_that_moved_since_the_one_before(
    warehouse: Warehouse, moved: tuple[str, dict[str, list[Row]]]
) -> None:
    shop, files = moved
    found = keyed(
        table(warehouse, "intermediate.int_stock_reconciliation", shop), "item_id", "location_id", "counted_on"
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


# Demand day by day


def test_every_day_of_a_series_has_a_row_with_explicit_zeros(warehouse: Warehouse) -> None:
    chance = random.Random(3)
    shop = tenant(warehouse, "calendar")
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
    add(warehouse, shop, "sales", *[row | {"row_number": number} for number, row in enumerate(rows)])
    add(warehouse, shop, "items", *[{"item_code": i, "discontinued_on": on} for i, on in discontinued.items()])
    stock = [
        {"item_code": i, "location_code": place, "counted_on": on, "quantity_on_hand": q}
        for (i, place, on), q in counts.items()
    ]
    add(warehouse, shop, "stock", *stock)
    build(warehouse, shop, 0, 240)
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
    found = keyed(table(warehouse, "intermediate.int_demand_calendar", shop), "item_id", "location_id", "sold_on")
    assert {key: (row["units_sold"], row["is_out_of_stock"]) for key, row in found.items()} == expected
    assert {row["units_returned"] for row in found.values()} == {Decimal(0)}


def test_codes_without_a_master_row_are_listed_with_where_they_stand(warehouse: Warehouse) -> None:
    shop, without = tenant(warehouse, "unmapped", service=["^POST"]), tenant(warehouse, "nomaster")
    for each in (shop, without):
        add(
            warehouse,
            each,
            "sales",
            {"item_code": "x1", "sold_on": day(1), "quantity": 1},
            {"item_code": "X1 ", "sold_on": day(3), "quantity": 1},
            {"item_code": "A", "sold_on": day(3), "quantity": 1},
            {"item_code": "POST", "sold_on": day(3), "quantity": 1},
            {"item_code": "A-OLD", "sold_on": day(3), "quantity": 1},
        )
        add(warehouse, each, "stock", {"item_code": "X1", "counted_on": day(2), "quantity_on_hand": 1})
        add(warehouse, each, "item_aliases", {"alias_code": "a-old", "item_code": "A"})
    order = {"order_id": "1", "line_number": 1, "item_code": "Z", "ordered_on": day(2), "quantity_ordered": 1}
    add(warehouse, shop, "purchase_orders", order)
    add(warehouse, shop, "items", {"item_code": "a"})
    build(warehouse, shop)
    build(warehouse, without)
    found = table(warehouse, "intermediate.int_unmapped_items", shop)
    assert sorted(
        (r["item_id"], r["dataset"], r["item_codes"], r["lines"], r["first_on"], r["last_on"]) for r in found
    ) == [
        ("X1", "sales", '{"X1 ",x1}', 2, day(1), day(3)),
        ("X1", "stock", "{X1}", 1, day(2), day(2)),
        ("Z", "purchase_orders", "{Z}", 1, day(2), day(2)),
    ]
    assert table(warehouse, "intermediate.int_unmapped_items", without) == []


def test_a_successor_is_offered_the_history_of_all_that_it_replaces(warehouse: Warehouse) -> None:
    shop = tenant(warehouse, "heirs")
    add(
        warehouse,
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
    add(warehouse, shop, "sales", *rows)
    build(warehouse, shop)
    found = table(warehouse, "intermediate.int_item_successions", shop)
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
    history = table(warehouse, "intermediate.int_demand_with_predecessors", shop)
    of = defaultdict(set)
    for row in history:
        of[row["item_id"]].add((row["sold_as_item_id"], int(row["units_sold"])))
    assert of["NEW"] == {("NEW", 20), ("NEW", 30), ("MID", 10), ("MID", 15), ("OLD", 1), ("OLD", 9)}
    assert of["NEXT"] == of["NEW"]
    assert of["OLD"] == {("OLD", 1), ("OLD", 9), ("OLD", 12)}
    assert of["SELF"] == {("SELF", 1)}
    assert of["Q"] == {("Q", 5), ("P", 2)}


# Supply


def test_work_orders_are_supply_in_their_latest_version(warehouse: Warehouse) -> None:
    shop = tenant(warehouse, "makers", unit_factors={"box": "10"})
    order = {"order_id": "1", "item_code": "A", "quantity_ordered": 20, "released_on": day(1), "due_on": day(9)}
    add(warehouse, shop, "work_orders", order | {"batch_id": "1"})
    started = {"landed_on": day(3), "batch_id": "2", "quantity_completed": 5, "quantity_scrapped": 2}
    add(warehouse, shop, "work_orders", order | started)
    done = {
        "landed_on": day(8),
        "batch_id": "3",
        "quantity_completed": 17,
        "quantity_scrapped": 3,
        "completed_on": day(8),
    }
    add(warehouse, shop, "work_orders", order | done)
    line = {"order_id": "1", "line_number": 1, "item_code": "A", "ordered_on": day(1), "quantity_ordered": 2}
    add(warehouse, shop, "purchase_orders", line | {"unit_of_measure": "box"})
    build(warehouse, shop)
    names = "source, quantity_ordered, quantity_received, quantity_open, is_open"
    assert sorted(tuple(row.values()) for row in table(warehouse, "intermediate.int_supply", shop, names)) == [
        ("purchase_order", 20, None, 20, True),
        ("work_order", 20, 17, 0, False),
    ]
    with connect(warehouse.url, read_only=True) as connection:
        known = [
            sorted(planning_inputs(connection, shop, day(number)).open_supply["quantity_open"].to_list())
            for number in (2, 5, 8)
        ]
    assert known == [[20, 20], [13, 20], [20]]
    warehouse.execute(f"delete from raw.work_orders where batch_id = '{shop}/work_orders/3'")
    warehouse.dbt.run(warehouse.url, ["int_work_orders"], [], [Window(shop, day(8), day(8))])
    assert table(warehouse, "intermediate.int_work_orders", shop, "quantity_open, is_open") == [
        {"quantity_open": 13, "is_open": True}
    ]


def test_a_bill_of_materials_holds_until_a_later_one_begins(warehouse: Warehouse) -> None:
    shop = tenant(warehouse, "kitchen", unit_factors={"kg": "1000"})
    add(warehouse, shop, "item_aliases", {"alias_code": "CAKE-BOX", "item_code": "CAKE", "quantity_factor": 4})
    part = {"parent_item_code": "cake", "component_item_code": "flour"}
    add(
        warehouse,
        shop,
        "boms",
        part | {"quantity_per": 500},
        part | {"quantity_per": 400, "valid_from": day(10), "valid_to": day(30)},
        part | {"quantity_per": 2, "unit_of_measure": "kg", "valid_from": day(20), "parent_item_code": "CAKE-BOX"},
        part | {"quantity_per": 9, "component_item_code": "egg", "unit_of_measure": "tray", "scrap_rate": "0.05"},
    )
    add(warehouse, shop, "boms", part | {"quantity_per": 450, "landed_on": day(1), "batch_id": "2"})
    build(warehouse, shop)
    found = table(warehouse, "intermediate.int_boms", shop)
    assert sorted(
        (r["component_item_id"], str(r["valid_from_on"]), r["valid_to_on"], r["quantity_per"], r["scrap_rate"])
        for r in found
    ) == [
        ("EGG", "None", None, None, Decimal("0.05")),
        ("FLOUR", str(day(10)), day(19), 400, None),
        ("FLOUR", str(day(20)), None, 500, None),
        ("FLOUR", "None", day(9), 450, None),
    ]


def test_plans_and_adjustments_hold_in_their_latest_version_with_defaults(warehouse: Warehouse) -> None:
    shop = tenant(warehouse, "planners")
    plan = {"item_code": "a", "planned_on": day(3)}
    add(
        warehouse,
        shop,
        "supply_plans",
        plan | {"quantity_planned": 5},
        plan | {"quantity_planned": 1, "supplier_code": "S"},
    )
    add(warehouse, shop, "supply_plans", plan | {"quantity_planned": 7, "landed_on": day(1), "batch_id": "2"})
    change = {"item_code": "A", "starts_on": day(2), "step": "Sales", "quantity": -3}
    add(warehouse, shop, "demand_adjustments", change)
    later = {"landed_on": day(1), "batch_id": "2", "step": "sales", "quantity": 4, "cap": 9}
    add(
        warehouse,
        shop,
        "demand_adjustments",
        change | later,
        change | {"step": "finance", "status": "Rejected", "ends_on": day(2)},
    )
    build(warehouse, shop)
    plans = table(
        warehouse, "intermediate.int_supply_plans", shop, "item_id, location_id, supplier_code, quantity_planned"
    )
    assert sorted(map(str, (tuple(row.values()) for row in plans))) == [
        "('A', 'main', 'S', Decimal('1.0000'))",
        "('A', 'main', None, Decimal('7.0000'))",
    ]
    changes = keyed(table(warehouse, "intermediate.int_demand_adjustments", shop), "step")
    assert {key[0]: (r["ends_on"], r["quantity"], r["cap"], r["status"]) for key, r in changes.items()} == {
        "sales": (day(6), 4, 9, "approved"),
        "finance": (day(2), -3, None, "rejected"),
    }
