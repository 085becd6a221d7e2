"""Corrected rows: each takes the place of the one that was rejected, and no day that this changes is forgotten."""

from datetime import timedelta

import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reopened import corrected_days, reopened_days
from inventra_pipelines.db.writes import Window
from tests.integration.warehouse import Row, Warehouse, day

FILE = "file"


def _sale(sold_on: int, row_number: int, batch_id: str = FILE, **more: object) -> Row:
    return {
        "sold_on": day(sold_on),
        "row_number": row_number,
        "batch_id": batch_id,
        "item_code": "A",
        "quantity": 1,
    } | {
        "document_id": "D1",
        **more,
    }


def _correction(tenant_id: str, of_row: int, sold_on: int, batch_id: str = "fix", **more: object) -> Row:
    corrects = f"{tenant_id}/sales/{FILE}:{of_row}:"
    return _sale(sold_on, 2, batch_id, landed_on=day(0), corrects_row=corrects, **more)


def _touch(warehouse: Warehouse, tenant_id: str, *numbers: int) -> list[Window]:
    """Rebuild the days that files touched, and those that they reopen; gives all of them."""
    with connect(warehouse.url, read_only=True) as connection:
        windows = reopened_days(connection, [Window(tenant_id, day(number), day(number)) for number in numbers])
    warehouse.build(windows, ["intermediate"])
    return windows


def _kinds(warehouse: Warehouse, tenant_id: str) -> dict[tuple[str, int, str], str]:
    rows = warehouse.table(
        "intermediate.int_sales_lines", tenant_id, "batch_id, row_number, sold_on::text as sold_on, line_kind"
    )
    return {(row["batch_id"].rsplit("/", 1)[-1], row["row_number"], row["sold_on"]): row["line_kind"] for row in rows}


def _in_force(warehouse: Warehouse, tenant_id: str, state: str = "loaded") -> None:
    warehouse.execute(
        f"""
        delete from raw.batches where tenant_id = '{tenant_id}';
        insert into raw.batches (
            batch_id, tenant_id, dataset, landed_on, file_name, sha256, state, rows_read, rows_accepted, rows_rejected,
            rows_passed_over, bytes, config_version, reader_version
        )
        values ('{tenant_id}/sales/{FILE}', '{tenant_id}', 'sales', '{day(0)}', 'sales.csv', '', '{state}',
            0, 0, 0, 0, 0, '', '')
        """
    )


def test_a_day_is_rebuilt_whose_row_a_correction_takes_the_place_of_and_once_more_when_it_goes(warehouse: Warehouse):
    tenant_id = warehouse.tenant("corrected-elsewhere")
    _in_force(warehouse, tenant_id)
    warehouse.add(tenant_id, "sales", _sale(3, 5))
    _touch(warehouse, tenant_id, 3)
    warehouse.add(tenant_id, "sales", _correction(tenant_id, 5, sold_on=20))
    windows = _touch(warehouse, tenant_id, 20)
    assert [window.first for window in windows] == [day(3), day(20)]
    both = {(FILE, 5, str(day(3))): "superseded", ("fix", 2, str(day(20))): "sale"}
    assert _kinds(warehouse, tenant_id) == both
    warehouse.add(tenant_id, "sales", _correction(tenant_id, 5, sold_on=30, batch_id="fix-2"))
    assert [window.first for window in _touch(warehouse, tenant_id, 30)] == [day(3), day(20), day(30)]
    last = {("fix-2", 2, str(day(30))): "sale"}
    assert _kinds(warehouse, tenant_id) == {**both, ("fix", 2, str(day(20))): "superseded", **last}
    warehouse.execute(f"delete from raw.sales where tenant_id = '{tenant_id}' and batch_id like '%/fix%'")
    assert [window.first for window in _touch(warehouse, tenant_id, 30)] == [day(3), day(30)]
    assert _kinds(warehouse, tenant_id)[FILE, 5, str(day(3))] == "sale"


def test_one_row_may_be_corrected_as_several(warehouse: Warehouse):
    tenant_id = warehouse.tenant("corrected-as-several")
    _in_force(warehouse, tenant_id)
    row = _correction(tenant_id, 5, sold_on=3)
    warehouse.add(tenant_id, "sales", row, {**row, "row_number": 3, "quantity": 2})
    _touch(warehouse, tenant_id, 3)
    assert set(_kinds(warehouse, tenant_id).values()) == {"sale"}


@pytest.mark.parametrize("document", ["D1", None])
@pytest.mark.parametrize("landed", [0, 2])
def test_a_row_that_equals_another_of_its_file_is_one_more(warehouse: Warehouse, document: str | None, landed: int):
    tenant_id = warehouse.tenant(f"corrected-twin-{document}-{landed}")
    _in_force(warehouse, tenant_id)
    fix = _correction(tenant_id, 5, sold_on=3, document_id=document) | {"landed_on": day(landed)}
    warehouse.add(tenant_id, "sales", _sale(3, 4, document_id=document), fix)
    _touch(warehouse, tenant_id, 3)
    assert set(_kinds(warehouse, tenant_id).values()) == {"sale"}


@pytest.mark.parametrize("state", ["superseded", "withdrawn"])
@pytest.mark.parametrize("units", [1, 3])
def test_a_correction_of_a_file_that_is_not_in_force_any_more_does_not_count(
    warehouse: Warehouse, state: str, units: int
):
    tenant_id = warehouse.tenant(f"corrected-both-ways-{state}-{units}")
    _in_force(warehouse, tenant_id, state)
    correction = _correction(tenant_id, 5, sold_on=3, document_id=None, quantity=units)
    warehouse.add(tenant_id, "sales", *[_sale(3, number, "whole", document_id=None) for number in (4, 5)], correction)
    _touch(warehouse, tenant_id, 3)
    kinds = _kinds(warehouse, tenant_id)
    assert kinds.pop(("fix", 2, str(day(3)))) == "superseded"
    assert [*kinds.values()] == ["sale", "sale"]


@pytest.mark.parametrize("sold_on", [3, 20])
def test_a_correction_that_does_not_hold_takes_no_lines_place(warehouse: Warehouse, sold_on: int):
    tenant_id = warehouse.tenant(f"corrected-line-{sold_on}")
    _in_force(warehouse, tenant_id)
    warehouse.add(tenant_id, "sales", _sale(3, 2, line_number=1))
    # By mistake the number of another line, mended a day later.
    warehouse.add(tenant_id, "sales", _correction(tenant_id, 3, sold_on, quantity=2, line_number=1))
    _touch(warehouse, tenant_id, 3, sold_on)
    assert _kinds(warehouse, tenant_id)[FILE, 2, str(day(3))] == "superseded"
    warehouse.add(tenant_id, "sales", _correction(tenant_id, 3, 30, "fix-2", quantity=2, line_number=2))
    _touch(warehouse, tenant_id, 30)
    assert sorted(_kinds(warehouse, tenant_id).items()) == [
        ((FILE, 2, str(day(3))), "sale"),
        (("fix", 2, str(day(sold_on))), "superseded"),
        (("fix-2", 2, str(day(30))), "sale"),
    ]


def test_no_tenant_corrects_the_rows_of_another(warehouse: Warehouse):
    mine, other = warehouse.tenant("corrected-mine"), warehouse.tenant("corrected-other")
    for tenant_id in (mine, other):
        _in_force(warehouse, tenant_id)
    warehouse.add(mine, "sales", _sale(3, 5))
    warehouse.add(other, "sales", _correction(mine, 5, sold_on=3))
    _touch(warehouse, mine, 3)
    _touch(warehouse, other, 3)
    assert [*_kinds(warehouse, mine).values(), *_kinds(warehouse, other).values()] == ["sale", "sale"]


def test_days_of_corrections_follow_from_the_landing_day_of_what_they_correct(warehouse: Warehouse):
    tenant_id = warehouse.tenant("corrected-days")
    _in_force(warehouse, tenant_id)
    fix = _correction(tenant_id, 6, sold_on=20, line_number=1) | {"landed_on": day(9)}
    warehouse.add(tenant_id, "sales", _sale(3, 5), _sale(7, 8, "other", line_number=1), fix)
    with connect(warehouse.url, read_only=True) as connection:
        assert corrected_days(connection, Window(tenant_id, day(0), day(0))) == {day(7), day(20)}
        assert corrected_days(connection, Window(tenant_id, day(1), day(0) + timedelta(30))) == set()


def test_a_text_that_names_no_row_is_a_row_of_its_own(warehouse: Warehouse):
    tenant_id = warehouse.tenant("corrected-nothing")
    _in_force(warehouse, tenant_id)
    texts = ["", "x", "a:b:c", f"{tenant_id}/sales/{FILE}", f"{tenant_id}/sales/{FILE}:99999999999:"]
    rows = [_correction(tenant_id, 5, sold_on=3) | {"row_number": n, "corrects_row": t} for n, t in enumerate(texts)]
    warehouse.add(tenant_id, "sales", *rows)
    _touch(warehouse, tenant_id, 3)
    assert len(_kinds(warehouse, tenant_id)) == len(texts)
