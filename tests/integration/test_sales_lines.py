"""Kinds of sales lines on small random tenants: against plain loops, rebuilt in any order and as files come and go."""

import random
import re
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg
import pytest

from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reopened import reopened_days
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.contracts import POLARS_TYPES, SALES
from tests.integration.dbt_data import add_tenant, batches_of, copy_into
from tests.integration.dbt_reference import Rules, line_kinds
from tests.integration.warehouse import Warehouse

FIRST = date(2024, 3, 4)
DAYS = 40
LAST = FIRST + timedelta(DAYS)
MODELS = ["int_item_aliases", "int_item_units", "int_sales_lines", "int_demand_daily"]
RULES = Rules(
    patterns=((r"^shop-(\w+)$", r"\1"), (r"_", "-")),
    pad_to=3,
    service="^POST$",
    cancellation="^C",
    window_days=6,
    repeated_lines="sale",
    unit_factors={"box": "6", "half": "0.5"},
    aliases={"case a": ("a", "12"), "b2": ("shop-b", None), "b": ("c-1", None)},
    units={"a": "Each"},
)
CODES = ["a", "A ", "00a", "shop-a", "case a", "b2", "b", "c_1", "post"]
SPELLINGS = {"a": ["A ", "00a", "shop-a"], "00a": ["a"], "c_1": ["b"]}
KINDS = {"sale", "return", "cancelled", "adjustment", "service", "superseded", "duplicate", "unconverted"}
RAW_SALES = {
    "tenant_id": pl.String,
    "landed_on": pl.Date,
    "batch_id": pl.String,
    "sheet": pl.String,
    "row_number": pl.Int32,
    **{column.name: POLARS_TYPES[column.type] for column in SALES.table_columns},
}
FOUND = "item_id, quantity, revenue, line_kind, counterpart_on"


def test_days_reopen_none_where_no_view_is_built(connection: psycopg.Connection) -> None:
    as_they_are = [Window("nobody", FIRST, LAST)]
    assert reopened_days(connection, as_they_are) == as_they_are


def _tenant(warehouse: Warehouse, tenant_id: str, rules: Rules) -> None:
    """A tenant with these rules, and its aliases and items landed."""
    with connect(warehouse.url) as connection:
        add_tenant(
            connection,
            tenant_id,
            service=[rules.service],
            cancellation=[rules.cancellation],
            pad_to=rules.pad_to,
            patterns=dict(rules.patterns),
            window_days=rules.window_days,
            repeated_lines=rules.repeated_lines,
            document_numbers=rules.document_numbers,
            unit_factors=rules.unit_factors,
        )
        key = {"tenant_id": tenant_id, "landed_on": FIRST, "batch_id": f"{tenant_id}/master", "sheet": ""}
        # An earlier version of each alias means something else.
        aliases = [
            {**key, "row_number": number, "alias_code": code, "item_code": item, "quantity_factor": factor}
            for number, (code, (item, factor)) in enumerate(
                [*((code, ("z", "7")) for code in rules.aliases), *rules.aliases.items()]
            )
        ]
        items = [
            {**key, "row_number": number, "item_code": code, "unit_of_measure": unit}
            for number, (code, unit) in enumerate(rules.units.items())
        ]
        for table, rows in (("item_aliases", aliases), ("items", items)):
            _insert(connection, table, rows)


def _insert(connection: psycopg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        values = ", ".join(f"%({name})s" for name in row)
        connection.execute(f"insert into raw.{table} ({', '.join(row)}) values ({values})".encode(), row)


def _random_sales(tenant_id: str, seed: int, rows: int = 700) -> pl.DataFrame:
    """Rows of many files, few values and many repetitions, some of which landed in another file too."""
    chance = random.Random(seed)
    lines: list[dict[str, Any]] = []
    for _ in range(rows):
        if lines and chance.random() < 0.25:
            line = {**chance.choice(lines)}
            if chance.random() < 0.3:
                line["quantity"] = Decimal(chance.choice([1, 2, -1, -2]))
            if chance.random() < 0.3:
                # Another system, or another year, has other words for the same.
                line["item_code"] = chance.choice(SPELLINGS.get(line["item_code"], [line["item_code"]]))
                line["description"] = chance.choice(["cup", "a cup"])
            if chance.random() < 0.2:
                line["sold_on"] = FIRST + timedelta(chance.randrange(DAYS))
        else:
            is_cancelling = chance.random() < 0.3
            document = f"{'C' if is_cancelling else 'D'}{chance.randrange(60)}"
            line = {
                "sold_on": FIRST + timedelta(chance.randrange(DAYS)),
                "hour": chance.choice([9, 9, 12]),
                "item_code": chance.choice(CODES),
                "quantity": Decimal(chance.choice([1, 2]) * (-1 if is_cancelling else chance.choice([1, 1, 1, -1]))),
                "unit_price": Decimal(chance.choice([3, 3, 3, 0])),
                "document_id": chance.choice([document, document, None]),
                "line_number": chance.choice([None, None, 1, 2]),
                "customer_code": chance.choice(["x", None]),
                "unit_of_measure": chance.choice([None, None, None, "EACH", "Box", "half", "pallet"]),
                "location_code": chance.choice([None, "main", "north"]),
                "description": chance.choice(["cup", "a cup"]),
            }
        file = chance.randrange(12)
        landed_on = max(FIRST + timedelta(3 * (file // 2)), line["sold_on"] - timedelta(25))
        place = {"batch_id": f"{tenant_id}/{landed_on}/{file % 2}", "sheet": chance.choice(["", "s"])}
        lines.append({**line, **place, "landed_on": landed_on})
    line_places = {"tenant_id", "row_number", "landed_on", "batch_id", "sheet"}
    for number, line in enumerate(lines):
        line |= {"tenant_id": tenant_id, "row_number": number}
        other = lines[chance.randrange(number + 1)]
        if chance.random() < 0.2 and (other["landed_on"], other["batch_id"]) < (line["landed_on"], line["batch_id"]):
            # Most rows that are corrected did not load, and a few are corrected twice.
            row = chance.choice([other["row_number"], 10_000 + number, 10_000 + number // 7])
            if chance.random() < 0.5:
                # As another row of the file that it was rejected from.
                line |= {name: value for name, value in other.items() if name not in line_places}
            line["corrects_row"] = f"{other['batch_id']}:{row}:{other['sheet']}"
        line["sold_at"] = datetime.combine(line["sold_on"], datetime.min.time(), UTC) + timedelta(hours=line["hour"])
    return pl.DataFrame([{name: line.get(name) for name in RAW_SALES} for line in lines], schema=RAW_SALES)


def _in_force(sales: pl.DataFrame) -> dict[str, date | None]:
    """Landing days of batches on record: of two folders in three; those of one of these are superseded."""
    batches = sales.select("batch_id", "landed_on").unique().rows()
    return {batch: landed_on if landed_on.day % 3 == 1 else None for batch, landed_on in batches if landed_on.day % 3}


def _put_in_force(warehouse: Warehouse, sales: pl.DataFrame) -> None:
    in_force = _in_force(sales)
    batches = batches_of(sales, "sales").with_columns(batch_id=pl.col("file_name"))
    states = {batch: "superseded" if landed_on is None else "loaded" for batch, landed_on in in_force.items()}
    known = batches.filter(pl.col("batch_id").is_in([*states]))
    with connect(warehouse.url) as connection:
        copy_into(connection, "raw.batches", known.with_columns(state=pl.col("batch_id").replace_strict(states)))


def _land(warehouse: Warehouse, sales: pl.DataFrame) -> None:
    with connect(warehouse.url) as connection:
        copy_into(connection, "raw.sales", sales)


def _found(warehouse: Warehouse, tenant_id: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        f"select row_number, {FOUND} from intermediate.int_sales_lines"
        f" where tenant_id = '{tenant_id}' order by row_number"
    ).rows()


def _expected(
    sales: pl.DataFrame, rules: Rules = RULES, in_force: dict[str, date | None] | None = None
) -> list[tuple[Any, ...]]:
    columns = ["row_number", *re.split(r", ", FOUND)]
    return line_kinds(sales, rules, in_force or _in_force(sales)).sort("row_number").select(columns).rows()


@pytest.mark.parametrize("repeated_lines", ["sale", "duplicate"])
@pytest.mark.parametrize("window_days", [0, 6])
def test_lines_have_the_kinds_that_loops_give_them(warehouse: Warehouse, repeated_lines: str, window_days: int) -> None:
    numbers = "daily" if window_days else "lasting"
    changed = {"repeated_lines": repeated_lines, "window_days": window_days, "document_numbers": numbers}
    rules = Rules(**{**vars(RULES), **changed})
    tenant_id = f"loops-{repeated_lines}-{window_days}"
    _tenant(warehouse, tenant_id, rules)
    sales = _random_sales(tenant_id, seed=window_days)
    _land(warehouse, sales)
    _put_in_force(warehouse, sales)
    warehouse.build([Window(tenant_id, FIRST, LAST)], MODELS)
    found = _found(warehouse, tenant_id)
    assert found == _expected(sales, rules)
    kinds = {row[4] for row in found}
    assert kinds == KINDS


def test_days_rebuilt_in_any_order_are_those_of_one_build(warehouse: Warehouse) -> None:
    tenant_id = "any-order"
    _tenant(warehouse, tenant_id, RULES)
    sales = _random_sales(tenant_id, seed=3)
    _land(warehouse, sales)
    _put_in_force(warehouse, sales)
    days = [FIRST + timedelta(number) for number in range(DAYS)]
    random.Random(1).shuffle(days)
    while days:
        some, days = days[:4], days[4:]
        warehouse.build([Window(tenant_id, day, day) for day in some], MODELS)
    assert _found(warehouse, tenant_id) == _expected(sales)


def test_files_that_come_and_go_reopen_the_days_that_they_change(warehouse: Warehouse) -> None:
    tenant_id = "come-and-go"
    _tenant(warehouse, tenant_id, RULES)
    sales = _random_sales(tenant_id, seed=4)
    _put_in_force(warehouse, sales)
    files = sales.partition_by("batch_id", maintain_order=True)
    chance = random.Random(2)
    chance.shuffle(files)
    folders = [pl.concat(files[number::7]) for number in range(7)]
    there: list[pl.DataFrame] = []
    outside = 0
    for folder in [*folders, *chance.sample(folders, 3)]:
        if any(folder is other for other in there):
            there = [other for other in there if other is not folder]
            with connect(warehouse.url) as connection:
                connection.execute("delete from raw.sales where batch_id = any(%s)", (folder["batch_id"].to_list(),))
        else:
            there.append(folder)
            _land(warehouse, folder)
        touched = [Window(tenant_id, day, day) for day in sorted(set(folder["sold_on"]))]
        with connect(warehouse.url, read_only=True) as connection:
            reopened = reopened_days(connection, touched)
        outside += sum((window.last - window.first).days + 1 for window in reopened) - len(touched)
        warehouse.build(reopened, MODELS)
        assert _found(warehouse, tenant_id) == _expected(pl.concat(there), in_force=_in_force(sales))
        with connect(warehouse.url, read_only=True) as connection:
            again = reopened_days(connection, reopened)
        # What was rebuilt once reopens nothing: a replay does not spread.
        assert again == reopened
    assert outside > 0


def test_a_day_in_three_years_reopens_few_days_fast(warehouse: Warehouse) -> None:
    tenant_id = "long"
    _tenant(warehouse, tenant_id, RULES)
    last = FIRST + timedelta(3 * 365)
    warehouse.execute(
        f"""
        insert into raw.sales (
            tenant_id, landed_on, batch_id, sheet, row_number, sold_on, sold_at, item_code, quantity, unit_price,
            document_id, line_number, customer_code
        )
        select
            '{tenant_id}', day, 'long/' || day, '', line, day, day + interval '9 hours', 'i' || line % 97,
            case when line % 50 = 0 then -1 else 1 + line % 3 end, 2,
            case when line % 50 = 0 then 'C' else 'D' end || to_char(day, 'YYYYMMDD') || line / 10, line % 10,
            'c' || (line + extract(doy from day)::integer) % 31
        from generate_series(date '{FIRST}', date '{last}', interval '1 day') as days (day)
        cross join generate_series(1, 300) as lines (line)
        """
    )
    warehouse.execute("analyze raw.sales")
    day = FIRST + timedelta(3 * 365 - 20)
    warehouse.build([Window(tenant_id, day - timedelta(60), last)], MODELS)
    with connect(warehouse.url, read_only=True) as connection:
        started = time.perf_counter()
        reopened = reopened_days(connection, [Window(tenant_id, day, day)])
        seconds = time.perf_counter() - started
    assert reopened[0].first >= day - timedelta(RULES.window_days)
    assert reopened[-1].last <= day + timedelta(RULES.window_days)
    assert any(window.first <= day <= window.last for window in reopened)
    assert seconds < 2
