"""What a mart's asset shows of it: the last days of the windows, tenants apart, and nothing of a later day."""

from decimal import Decimal

import pytest

from inventra_pipelines.assets.dbt_models import table_metadata
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.previews import preview
from inventra_pipelines.db.writes import Window
from tests.integration.warehouse import Warehouse, day


@pytest.fixture(scope="module")
def two_shops(warehouse: Warehouse) -> Warehouse:
    for tenant_id, units in (("preview-a", 3), ("preview-b", 5)):
        warehouse.tenant(tenant_id)
        warehouse.add(
            tenant_id,
            "sales",
            *({"sold_on": day(number), "item_code": "A", "quantity": units, "unit_price": 2} for number in range(14)),
        )
        warehouse.add(tenant_id, "stock", {"counted_on": day(12), "item_code": "A", "quantity_on_hand": 0})
    warehouse.build([Window("preview-a", day(0), day(13)), Window("preview-b", day(0), day(13))])
    return warehouse


@pytest.mark.parametrize(
    ("mart", "column", "expected"),
    [
        ("fct_sales_daily", "revenue", [6, 6, 6, 6, 6, 6, 6, 10]),
        ("fct_stock_daily", "out_of_stock", [1]),
        ("fct_item_classes", "z", [1]),
        ("rpt_daily_kpis", "revenue_day", [6, 6, 6, 6, 6, 6, 6, 10]),
    ],
)
def test_a_preview_ends_with_the_last_day_of_each_tenant(two_shops: Warehouse, mart: str, column: str, expected: list):
    windows = [
        Window("preview-a", day(0), day(5)),
        Window("preview-a", day(9), day(12)),
        Window("preview-b", *[day(0)] * 2),
    ]
    with connect(two_shops.url, read_only=True) as connection:
        rows = preview(connection, mart, windows)
    assert rows[column].to_list() == expected
    assert "preview-a" in rows["tenant_id"].to_list()
    text = table_metadata(rows).value
    assert text.splitlines()[0].startswith("| tenant_id |") and len(text.splitlines()) == len(expected) + 2


def test_no_rows_are_said_in_words_and_money_has_two_decimals(two_shops: Warehouse):
    with connect(two_shops.url, read_only=True) as connection:
        assert table_metadata(preview(connection, "rpt_daily_kpis", [])).value == "no rows for these days"
        rows = preview(connection, "rpt_daily_kpis", [Window("preview-b", day(2), day(2))])
    assert rows["revenue_28d"].to_list()[-1] == Decimal(30)
    assert table_metadata(rows).value.splitlines()[-1].startswith(f"| preview-b | {day(2)} | 10.00 | 30.00 |  |")
