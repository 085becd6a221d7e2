"""One step of the marts' benchmark in a process of its own: `python -m benchmarks.analytics_steps NAME ARGUMENTS`.

Belongs here: what runs in the measured process, and the proof that it did its work. Prints one JSON object.
"""

import json
import sys
from contextlib import suppress
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from inventra_pipelines.db.batches import analyze_changed, index_new_blocks, touched_windows
from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.db.reopened import reopen
from inventra_pipelines.db.tenants import record_tenants
from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.settings import get_settings
from inventra_pipelines.sources.ingest import ingest_windows
from inventra_pipelines.sources.landing import Landing
from inventra_pipelines.tenants import load_tenants

_GIFTS = "gifts"

# By table of `raw`: codes that tell a copy of a row apart by its item, or by its document.
_BY_ITEM = {
    "items": ("item_code", "batch_id"),
    "stock": ("item_code", "batch_id"),
    "purchase_orders": ("item_code", "order_id", "batch_id"),
}
_BY_DOCUMENT = {
    "sales": ("document_id", "batch_id", "customer_code"),
    "batches": ("batch_id",),
    "batch_days": ("batch_id",),
}


def _windows(first: str, last: str) -> list[Window]:
    tenants = load_tenants(get_settings().tenants_folder)
    return [Window(tenant_id, date.fromisoformat(first), date.fromisoformat(last)) for tenant_id in tenants]


def _normalize(url: str, windows: list[Window]) -> dict[str, Any]:
    dbt = Dbt(get_settings())
    with connect(url) as connection:
        index_new_blocks(connection)
        analyze_changed(connection)
        touched = reopen(connection, windows)
    dbt.ensure_views(url)
    dbt.run(url, select=["intermediate"], touched=touched, as_of=windows)
    with connect(url, read_only=True) as connection:
        (rows,) = connection.execute("select count(*) from intermediate.int_sales_lines").fetchone() or (0,)
    return {"sales_rows": rows}


def normalize(url: str, first: str, last: str) -> dict[str, Any]:
    """Everything that landed, up to the intermediate tables."""
    settings = get_settings()
    tenants = load_tenants(settings.tenants_folder)
    windows = _windows(first, last)
    with connect(url) as connection:
        record_tenants(connection, tenants.values())
    landing = Landing(settings.landing_root, settings.home / "kept")
    outcome = ingest_windows(url, landing, tenants, windows, run_id="benchmark")
    if outcome.refused:
        raise SystemExit(f"refused: {outcome.refused[0].message}")
    return _normalize(url, windows)


def empty(url: str) -> dict[str, Any]:
    """The marts without a row, as a new installation has them."""
    with connect(url) as connection:
        tables = connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'marts'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            connection.execute(sql.SQL("truncate {}").format(sql.Identifier("marts", table)))
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier("marts", table)))
    return {"tables": len(tables)}


def build(url: str, first: str, last: str) -> dict[str, Any]:
    """The marts of landing days: of all tenants, or of one where it is a single day."""
    windows = [window for window in _windows(first, last) if first != last or window.tenant_id == _GIFTS]
    with connect(url, read_only=True) as connection:
        touched = touched_windows(connection, windows)
    models = Dbt(get_settings()).run(url, select=["marts"], touched=touched, as_of=windows)
    return {"seconds": {model.model: model.seconds for model in models}}


def check(url: str) -> dict[str, Any]:
    """The facts hold all revenue and units of the sale lines."""
    with connect(url, read_only=True) as connection:
        found = connection.execute(
            "select sum(revenue), sum(units_sold) from marts.fct_sales_daily union all"
            " select sum(revenue), sum(quantity) from intermediate.int_sales_lines where line_kind = 'sale'"
        ).fetchall()
    if found[0] != found[1]:
        raise SystemExit(f"revenue and units of the marts are {found[0]}, those of the lines {found[1]}")
    return {"revenue": str(found[0][0])}


def _copy_rows(connection: psycopg.Connection, table: str, assigned: dict[str, str], copies: int) -> None:
    """Append copies 1 to `copies` - 1 of a tenant's rows; `assigned` says what a column becomes in copy `number`."""
    names = [
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns where table_schema = 'raw' and table_name = %s",
            (table,),
        ).fetchall()
    ]
    connection.execute(
        sql.SQL("insert into {} ({}) select {} from {}, generate_series(1, {}) as number where tenant_id = {}").format(
            sql.Identifier("raw", table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(sql.SQL(assigned[name]) if name in assigned else sql.Identifier(name) for name in names),
            sql.Identifier("raw", table),
            sql.Literal(copies - 1),
            sql.Literal(_GIFTS),
        )
    )


def repeat(url: str, item_copies: str, sales_copies: str, first: str, last: str) -> dict[str, Any]:
    """The rows of `gifts` many times, of other items, documents and batches; normalized anew."""
    items, sales = int(item_copies), int(sales_copies)
    with connect(url) as connection:
        for table, codes in _BY_ITEM.items():
            _copy_rows(connection, table, {code: f"{code} || '-' || number" for code in codes}, items)
        for table, codes in _BY_DOCUMENT.items():
            assigned = {code: f"{code} || '-' || number" for code in codes}
            if table == "sales":
                assigned["item_code"] = f"concat_ws('-', item_code, nullif(number % {items}, 0))"
            _copy_rows(connection, table, assigned, sales)
    return _normalize(url, _windows(first, last))


STEPS = {step.__name__: step for step in (normalize, empty, build, check, repeat)}


def main() -> None:
    """Run one step on the installation of the environment."""
    name, *arguments = sys.argv[1:]
    settings = get_settings()
    with database(settings) as url:
        migrate(url, settings.dagster_database, is_embedded=True)
        result = STEPS[name](url, *arguments)
    with suppress(BrokenPipeError):
        sys.stdout.write(f"\n{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
