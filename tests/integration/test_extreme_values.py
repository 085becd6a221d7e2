"""The largest values that a file may hold, in every column at once: a night goes through all its stages with them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from inventra_pipelines.domain.contracts import CONTRACTS, Contract
from tests.installation import FIRST_DAY, Installation

LARGEST = "999999999999.9999"
DAYS = 14
LAST = FIRST_DAY + timedelta(DAYS - 1)


def _largest(contract: Contract, **given: str) -> str:
    """A file of one row, with the largest value in each number that is not given."""
    cells = {
        column.name: given.get(column.name, str(column.maximum) if column.maximum else LARGEST)
        for column in contract.columns
        if column.name in given or column.type in ("quantity", "money", "ratio") or column.name == "lead_time_days"
    }
    return f"{','.join(cells)}\n{','.join(cells.values())}\n"


@pytest.fixture(scope="module")
def shop(install: Callable[[str], Installation]) -> Installation:
    installation = install("extreme")
    installation.add_tenant("shop", "unit_factors: {ton: 1000000}\nexchange_rates: {USD: 100000000}\n")
    ordinary = "".join(f"{FIRST_DAY + timedelta(day)},A,5,2.5,D{day},,\n" for day in range(DAYS))
    extreme = "".join(f"{LAST},{item},{LARGEST},{LARGEST},X{item},ton,\n" for item in "ABC")
    dollars = f"{LAST},D,{LARGEST},{LARGEST},XD,,USD\n"
    header = "sold_at,item_code,quantity,unit_price,document_id,unit_of_measure,currency\n"
    installation.land(
        "shop", LAST, "sales.csv", f"{header}{ordinary}{extreme}{dollars}{LAST},A,-{LARGEST},{LARGEST},X,ton,\n"
    )
    keys = {
        "stock": {"counted_on": str(LAST), "item_code": "A", "unit_of_measure": "ton"},
        "items": {"item_code": "A", "name": "a"},
        "suppliers": {"supplier_code": "S", "name": "s"},
        "purchase_orders": {
            "ordered_on": str(LAST),
            "order_id": "P1",
            "line_number": "1",
            "supplier_code": "S",
            "item_code": "A",
            "unit_of_measure": "ton",
        },
        "item_aliases": {"alias_code": "CASE", "item_code": "A"},
        "boms": {"parent_item_code": "A", "component_item_code": "B"},
    }
    for dataset, given in keys.items():
        installation.land("shop", LAST, f"{dataset}.csv", _largest(CONTRACTS[dataset], **given))  # type: ignore[index]
    return installation


def test_a_night_goes_through_with_them(shop: Installation):
    shop.run("shop", LAST)
    states = shop.rows("select file_name, state, message from raw.batches where state <> 'loaded'")
    assert states == []
    units = shop.value("select sum(quantity) from intermediate.int_sales_lines where item_id = 'B'")
    assert f"{units:f}" == "999999999999999900.0000"
    revenue = shop.value("select revenue from marts.fct_sales_daily where item_id = 'B'")
    assert f"{revenue:f}" == "999999999999999800000000.0000"
    dollars = shop.value("select revenue from marts.fct_sales_daily where item_id = 'D'")
    assert f"{dollars:f}" == "99999999999999980000000000000001.0000"
    assert shop.value("select count(*) from reports.artifacts") == 2
