"""Work orders, bills of materials, plans and adjustments: the version that holds, on small tenants."""

from decimal import Decimal

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.planning import planning_inputs
from inventra_pipelines.db.writes import Window
from tests.integration.warehouse import Warehouse, day, keyed


def test_work_orders_are_supply_in_their_latest_version(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("makers", unit_factors={"box": "10"})
    order = {"order_id": "1", "item_code": "A", "quantity_ordered": 20, "released_on": day(1), "due_on": day(9)}
    warehouse.add(shop, "work_orders", order | {"batch_id": "1"})
    started = {"landed_on": day(3), "batch_id": "2", "quantity_completed": 5, "quantity_scrapped": 2}
    warehouse.add(shop, "work_orders", order | started)
    done = {
        "landed_on": day(8),
        "batch_id": "3",
        "quantity_completed": 17,
        "quantity_scrapped": 3,
        "completed_on": day(8),
    }
    warehouse.add(shop, "work_orders", order | done)
    line = {"order_id": "1", "line_number": 1, "item_code": "A", "ordered_on": day(1), "quantity_ordered": 2}
    warehouse.add(shop, "purchase_orders", line | {"unit_of_measure": "box"})
    warehouse.build_intermediate(shop)
    names = "source, quantity_ordered, quantity_received, quantity_open, is_open"
    assert sorted(tuple(row.values()) for row in warehouse.table("intermediate.int_supply", shop, names)) == [
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
    assert warehouse.table("intermediate.int_work_orders", shop, "quantity_open, is_open") == [
        {"quantity_open": 13, "is_open": True}
    ]


def test_a_bill_of_materials_holds_until_a_later_one_begins(warehouse: Warehouse) -> None:
    shop = warehouse.tenant("kitchen", unit_factors={"kg": "1000"})
    warehouse.add(shop, "item_aliases", {"alias_code": "CAKE-BOX", "item_code": "CAKE", "quantity_factor": 4})
    part = {"parent_item_code": "cake", "component_item_code": "flour"}
    warehouse.add(
        shop,
        "boms",
        part | {"quantity_per": 500},
        part | {"quantity_per": 400, "valid_from": day(10), "valid_to": day(30)},
        part | {"quantity_per": 2, "unit_of_measure": "kg", "valid_from": day(20), "parent_item_code": "CAKE-BOX"},
        part | {"quantity_per": 9, "component_item_code": "egg", "unit_of_measure": "tray", "scrap_rate": "0.05"},
    )
    warehouse.add(shop, "boms", part | {"quantity_per": 450, "landed_on": day(1), "batch_id": "2"})
    warehouse.build_intermediate(shop)
    found = warehouse.table("intermediate.int_boms", shop)
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
    shop = warehouse.tenant("planners")
    plan = {"item_code": "a", "planned_on": day(3)}
    warehouse.add(
        shop,
        "supply_plans",
        plan | {"quantity_planned": 5},
        plan | {"quantity_planned": 1, "supplier_code": "S"},
    )
    warehouse.add(shop, "supply_plans", plan | {"quantity_planned": 7, "landed_on": day(1), "batch_id": "2"})
    change = {"item_code": "A", "starts_on": day(2), "step": "Sales", "quantity": -3}
    warehouse.add(shop, "demand_adjustments", change)
    later = {"landed_on": day(1), "batch_id": "2", "step": "sales", "quantity": 4, "cap": 9}
    warehouse.add(
        shop,
        "demand_adjustments",
        change | later,
        change | {"step": "finance", "status": "Rejected", "ends_on": day(2)},
    )
    warehouse.build_intermediate(shop)
    plans = warehouse.table(
        "intermediate.int_supply_plans", shop, "item_id, location_id, supplier_code, quantity_planned"
    )
    assert sorted(map(str, (tuple(row.values()) for row in plans))) == [
        "('A', 'main', 'S', Decimal('1.0000'))",
        "('A', 'main', None, Decimal('7.0000'))",
    ]
    changes = keyed(warehouse.table("intermediate.int_demand_adjustments", shop), "step")
    assert {key[0]: (r["ends_on"], r["quantity"], r["cap"], r["status"]) for key, r in changes.items()} == {
        "sales": (day(6), 4, 9, "approved"),
        "finance": (day(2), -3, None, "rejected"),
    }
