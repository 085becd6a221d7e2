"""Rebuilding windows on small tenants: ghosts, lines that move, who waits for whom, failures, and the views."""

import threading
from datetime import date

import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.writes import Window
from inventra_pipelines.errors import PermanentError
from tests.integration.warehouse import MONDAY, Row, Warehouse, day

TUESDAY = day(1)


def sale(sold_on: date, quantity: int) -> Row:
    return {"sold_on": sold_on, "item_code": "10001", "quantity": quantity, "unit_price": 2}


def test_rows_that_vanish_from_the_files_vanish_from_the_tables(warehouse: Warehouse) -> None:
    tenant = warehouse.tenant("ghost's")
    warehouse.add(tenant, "sales", sale(MONDAY, 3), sale(TUESDAY, 4))
    count = {"item_code": "10001", "counted_on": MONDAY, "quantity_on_hand": 5, "expires_on": TUESDAY}
    order = {"order_id": "1", "line_number": 1, "item_code": "10001", "ordered_on": MONDAY}
    warehouse.add(tenant, "stock", count)
    warehouse.add(tenant, "purchase_orders", {**order, "quantity_ordered": 5})
    windows = [Window(tenant, MONDAY, TUESDAY)]
    warehouse.build(windows)
    with connect(warehouse.url) as connection:
        connection.execute("delete from raw.sales where tenant_id = %s and sold_on = %s", (tenant, MONDAY))
        connection.execute("delete from raw.stock where tenant_id = %s", (tenant,))
        connection.execute("delete from raw.purchase_orders where tenant_id = %s", (tenant,))
    warehouse.build([Window(tenant, MONDAY, MONDAY)])
    for table, left in {
        "intermediate.int_sales_lines": 1,
        "intermediate.int_demand_daily": 1,
        "intermediate.int_stock_daily": 0,
        "intermediate.int_stock_lots": 0,
        "intermediate.int_supply_lines": 0,
        "marts.fct_sales_daily": 1,
        "marts.fct_stock_daily": 0,
        "marts.fct_orders_daily": 1,
    }.items():
        found = warehouse.rows(f"select * from {table} where tenant_id = 'ghost''s'")
        assert (table, found.height) == (table, left)


def test_an_order_line_moves_with_its_day_and_moves_back(warehouse: Warehouse) -> None:
    warehouse.tenant("mover")
    line = {"order_id": "1", "line_number": 1, "item_code": "10001", "quantity_ordered": 5}
    query = (
        "select ordered_on, item_id, is_open, lead_time_days_actual from intermediate.int_supply_lines"
        " where tenant_id = 'mover'"
    )
    warehouse.add("mover", "purchase_orders", {**line, "ordered_on": MONDAY, "batch_id": "b1"})
    warehouse.build([Window("mover", MONDAY, MONDAY)])
    moved = {"landed_on": TUESDAY, "batch_id": "b2", "ordered_on": TUESDAY, "received_on": date(2024, 3, 9)}
    warehouse.add("mover", "purchase_orders", {**line, **moved})
    warehouse.build([Window("mover", TUESDAY, TUESDAY)])
    assert warehouse.rows(query).rows() == [(TUESDAY, "10001", False, 4)]
    warehouse.build([Window("mover", MONDAY, MONDAY)])
    assert warehouse.rows(query).rows() == [(TUESDAY, "10001", False, 4)]
    warehouse.execute("delete from raw.purchase_orders where batch_id = 'mover/purchase_orders/b2'")
    warehouse.build([Window("mover", TUESDAY, TUESDAY)])
    assert warehouse.rows(query).rows() == [(MONDAY, "10001", True, None)]


def test_what_comes_late_changes_the_days_after_it(warehouse: Warehouse) -> None:
    warehouse.tenant("late")
    thursday = day(3)
    bought = {**sale(MONDAY, 1), "customer_code": "c"}
    count = {"counted_on": MONDAY, "item_code": "10001", "quantity_on_hand": 5, "unit_cost": 2}
    warehouse.add("late", "sales", {**bought, "document_id": "1"}, {**bought, "sold_on": thursday, "document_id": "2"})
    warehouse.add("late", "stock", count, {**count, "counted_on": thursday, "item_code": "10002"})
    active = (
        "select active_on, member_kind, days_since, members from marts.fct_activity_daily"
        " where tenant_id = 'late' order by active_on, member_kind"
    )
    valued = (
        "select counted_on, places_valued, stock_value::int as stock_value from marts.fct_stock_totals_daily"
        " where tenant_id = 'late' order by counted_on"
    )
    warehouse.build([Window("late", MONDAY, thursday)])
    new = [(MONDAY, "customer", 0, 1), (MONDAY, "order", 0, 1)]
    assert warehouse.rows(active).rows() == [*new, (thursday, "customer", 3, 1), (thursday, "order", 0, 1)]
    assert warehouse.rows(valued).rows() == [(MONDAY, 1, 10), (thursday, 2, 20)]

    late = {"batch_id": "late", "landed_on": thursday}
    warehouse.add("late", "sales", {**bought, **late, "sold_on": TUESDAY, "document_id": "2"})
    warehouse.add("late", "stock", {**count, **late, "counted_on": TUESDAY, "quantity_on_hand": 9})
    warehouse.build([Window("late", TUESDAY, TUESDAY)])
    after = [(TUESDAY, "customer", 1, 1), (TUESDAY, "order", 0, 1), (thursday, "customer", 2, 1)]
    assert warehouse.rows(active).rows() == [*new, *after, (thursday, "order", 2, 1)]
    assert warehouse.rows(valued).rows() == [(MONDAY, 1, 10), (TUESDAY, 1, 18), (thursday, 2, 28)]


def test_a_later_cost_leaves_earlier_days_alone(warehouse: Warehouse) -> None:
    warehouse.tenant("costs")
    warehouse.add("costs", "sales", sale(MONDAY, 3), sale(TUESDAY, 4))
    for landed_on, cost in ((MONDAY, 1), (TUESDAY, 5)):
        item = {"landed_on": landed_on, "batch_id": str(landed_on), "item_code": "10001", "unit_cost": cost}
        warehouse.add("costs", "items", {**item, "supplier_code": "S"})
    warehouse.add("costs", "suppliers", {"supplier_code": "S", "lead_time_days": 12})
    warehouse.build([Window("costs", MONDAY, TUESDAY)])
    facts = "select cost_of_goods::int as cost from marts.fct_sales_daily where tenant_id = 'costs' order by sold_on"
    assert warehouse.rows(facts)["cost"].to_list() == [3, 20]
    item = warehouse.rows(
        "select unit_cost::int as cost, lead_time_days from marts.dim_items where tenant_id = 'costs'"
    )
    assert item.rows() == [(5, 12)]


def test_days_of_several_tenants_are_joined_with_their_own_figures_alone(warehouse: Warehouse) -> None:
    tenants = [warehouse.tenant(f"one-of-{number}") for number in range(3)]
    for tenant in tenants:
        bought = [
            {**sale(day(number % 110), 1), "document_id": str(number * 7 % 90), "customer_code": str(number * 5 % 9)}
            for number in range(300)
        ]
        warehouse.add(tenant, "sales", *bought)
    windows = [Window(tenant, MONDAY, day(110)) for tenant in tenants]
    warehouse.build(windows)
    # A tenth of a second on a quiet machine; with all days of the tenant it is 8 seconds and more.
    (orders,) = (run for run in warehouse.build(windows) if run.model == "fct_orders_by_period")
    assert orders.seconds < 5


def test_a_build_waits_for_who_holds_the_table_of_its_tenant(warehouse: Warehouse) -> None:
    warehouse.tenant("waiter")
    window = [Window("waiter", MONDAY, MONDAY)]
    build = threading.Thread(target=warehouse.build, args=(window, ["int_sales_lines"]))
    with connect(warehouse.url) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtextextended('intermediate.int_sales_lines|waiter', 0))")
        build.start()
        build.join(timeout=3)
        assert build.is_alive()
        waiting = connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        ).fetchone()
        assert waiting == (1,)
    build.join(timeout=60)
    assert not build.is_alive()


def test_a_model_that_fails_is_one_line_with_its_name(warehouse: Warehouse) -> None:
    warehouse.tenant("broken", service=["("])
    warehouse.add("broken", "sales", sale(MONDAY, 3))
    with pytest.raises(PermanentError, match=r"dbt model int_sales_lines: .*invalid regular expression") as failure:
        warehouse.build([Window("broken", MONDAY, MONDAY)])
    assert "\n" not in str(failure.value)
    warehouse.execute("delete from ops.tenants where tenant_id = 'broken'")


def test_views_answer_with_the_rights_of_who_asks(warehouse: Warehouse) -> None:
    views = warehouse.rows(
        "select relname, coalesce(array_to_string(reloptions, ','), '') as options from pg_class"
        " where relkind = 'v' and relnamespace in (select oid from pg_namespace where nspname in"
        " ('staging', 'intermediate', 'marts'))"
    )
    assert {"stg_sales", "int_sales_identified", "int_tenants"} <= set(views["relname"])
    assert set(views["options"]) == {"security_invoker=true"}


def test_a_view_that_is_gone_is_built_again(warehouse: Warehouse) -> None:
    warehouse.execute("drop view staging.stg_suppliers cascade")
    assert warehouse.dbt.ensure_views(warehouse.url)
    assert not warehouse.dbt.ensure_views(warehouse.url)
