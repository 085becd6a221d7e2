"""What a mart's asset shows of it: the last days of the windows, tenants apart, and nothing of a later day."""

from datetime import timedelta
from decimal import Decimal

import pytest

from inventra_pipelines.assets.dbt_models import table_metadata, trend_metadata
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reads.previews import preview, watched_figures
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


def test_the_figures_watched_are_those_of_28_days_with_a_gap_where_one_is_not_available(two_shops: Warehouse):
    windows = [Window("preview-a", day(3), day(13)), Window("preview-b", day(0), day(11))]
    with connect(two_shops.url, read_only=True) as connection:
        rows = watched_figures(connection, windows)
    of_a = rows.filter(rows["tenant_id"] == "preview-a")
    assert of_a["as_of_on"].to_list() == [day(13) - timedelta(number) for number in reversed(range(28))]
    assert of_a["revenue"].to_list() == [None] * 14 + [Decimal(6)] * 14
    assert of_a["items_out_of_stock"].to_list() == [None] * 26 + [1, 1]
    text = trend_metadata(rows).value.splitlines()
    assert text[0] == "| tenant_id | figure | trend | last | days |"
    assert f"| preview-a | revenue | {'·' * 14 + '█' * 14} | 6.00 | 28 days to {day(13)} |" in text
    assert f"| preview-a | items_out_of_stock | {'·' * 26 + '██'} | 1 | 28 days to {day(13)} |" in text
    # On its last day nothing of it is counted yet, so that no figure of stock is there.
    assert [line.split(" | ")[1] for line in text if line.startswith("| preview-b")] == ["revenue", "units_sold"]


def test_a_run_of_many_tenants_shows_the_first_five(two_shops: Warehouse):
    windows = [Window(f"nobody-{number}", day(0), day(1)) for number in range(5)]
    with connect(two_shops.url, read_only=True) as connection:
        assert preview(connection, "rpt_daily_kpis", [*windows, Window("preview-a", day(0), day(1))]).is_empty()
        assert set(watched_figures(connection, [*windows, Window("preview-a", day(0), day(1))])["tenant_id"]) == {
            window.tenant_id for window in windows
        }
