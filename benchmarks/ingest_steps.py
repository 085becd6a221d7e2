"""One measured step of the ingest benchmark in a process of its own: `python -m benchmarks.ingest_steps NAME JSON`.

Belongs here: what runs between two looks at the clock, and the proof that it did its work. Imports, the empty database
and the landed files are there before the first look. Prints one JSON object.
"""

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import psycopg
from psycopg import sql

from benchmarks.ingest_files import Content, plus
from benchmarks.report import PROJECT
from inventra_pipelines.db.batches import analyze_changed, index_new_blocks
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.reopened import reopen
from inventra_pipelines.db.tenants import record_tenants
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import Feed, TenantConfig
from inventra_pipelines.settings import Settings
from inventra_pipelines.sources.ingest import ingest_windows
from inventra_pipelines.sources.landing import Landing
from inventra_pipelines.sources.reader.process import FileDone, FileToRead, Job, Reader
from inventra_pipelines.tenants import get_tenant

GIFTS = "gifts"


@dataclass(frozen=True)
class Installation:
    """One database and what belongs to it.

    Attributes:
        url: The database, migrated.
        folder: Its own: `landing` and `kept` lie below it.
    """

    url: str
    folder: Path

    @property
    def tenant(self) -> TenantConfig:
        """The demo's, but for the share of a usual day below which a file is held: the real days are uneven."""
        tenant = get_tenant(PROJECT / "demo" / "tenants", GIFTS)
        feeds = tenant.feeds | {"sales": Feed(weekdays=tenant.feeds["sales"].weekdays, least_share=0)}
        return tenant.model_copy(update={"feeds": feeds})

    def ingest(self, first: date, last: date) -> float:
        """Seconds from landed files to committed rows."""
        landing = Landing(str(self.folder / "landing"), self.folder / "kept")
        with connect(self.url) as connection:
            record_tenants(connection, [self.tenant])
        started = time.perf_counter()
        outcome = ingest_windows(
            self.url, landing, {GIFTS: self.tenant}, [Window(GIFTS, first, last)], run_id=f"benchmark-{first}"
        )
        seconds = time.perf_counter() - started
        _expect("refused files", [file.message for file in outcome.refused], [])
        return seconds

    def normalize(self, first: date, last: date) -> float:
        """Seconds of what the asset `normalize` does for landing days."""
        # Two seconds, which the steps that only ingest do not need.
        from inventra_pipelines.resources.dbt import Dbt

        windows = [Window(GIFTS, first, last)]
        # One for all databases: what is parsed for the first serves the others.
        dbt = Dbt(Settings(home=self.folder.parent, DATABASE_URL=None))
        started = time.perf_counter()
        with connect(self.url) as connection:
            index_new_blocks(connection)
            analyze_changed(connection)
            touched = reopen(connection, windows)
        dbt.ensure_views(self.url)
        dbt.run(self.url, select=["intermediate"], touched=touched, as_of=windows)
        return time.perf_counter() - started


def _expect(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: {found}, not {wanted}")


def _content(given: dict[str, Any]) -> Content:
    return Content(given["rows"], given["faulty_rows"], Decimal(given["quantity"]), Decimal(given["price"]))


def _check_raw(url: str, content: Content) -> None:
    """The rows and sums of the files stand in `raw.sales`, and each faulty row, and no other, in `raw.rejects`."""
    with connect(url, read_only=True) as connection:
        loaded = connection.execute("select count(*), sum(quantity), sum(unit_price) from raw.sales").fetchone()
        rejected = connection.execute("select distinct batch_id, sheet, row_number from raw.rejects").fetchall()
        states = connection.execute("select distinct state from raw.batches").fetchall()
    _expect("rows, units and prices in raw.sales", loaded, (content.rows, content.quantity, content.price))
    _expect("rejected rows", len(rejected), content.faulty_rows)
    _expect("state of the batches", states, [("partially_loaded" if content.faulty_rows else "loaded",)])
    if content.faulty_rows:
        # Every twentieth row below the header is faulty.
        _expect("places of rejected rows", {(number - 2) % 20 for _, _, number in rejected}, {19})


def _check_normalized(url: str, content: Content, first: date) -> None:
    """Every line sold since a day stands in `intermediate.int_sales_lines`, and their units in the days' sums."""
    parameters = {"first": first}
    with connect(url, read_only=True) as connection:
        lines = connection.execute(
            "select count(*), sum(quantity), sum(quantity) filter (where line_kind in ('sale', 'return'))"
            " from intermediate.int_sales_lines where sold_on >= %(first)s",
            parameters,
        ).fetchone()
        daily = connection.execute(
            "select sum(units_net) from intermediate.int_demand_daily where sold_on >= %(first)s", parameters
        ).fetchone()
    _expect("lines and units in int_sales_lines", lines and lines[:2], (content.rows, content.quantity))
    _expect("units in int_demand_daily", daily, lines and lines[2:])


def ingest(url: str, folder: str, day: str, content: dict[str, Any]) -> dict[str, Any]:
    """A landed file, or a few, of one day."""
    landed_on = date.fromisoformat(day)
    seconds = Installation(url, Path(folder)).ingest(landed_on, landed_on)
    _check_raw(url, _content(content))
    return {"seconds": seconds}


def peer(url: str, folder: str, name: str, path: str, content: dict[str, Any]) -> dict[str, Any]:
    """The same file, another way."""
    from benchmarks.ingest_peers import PEERS

    started = time.perf_counter()
    PEERS[name](url, Path(path), Path(folder))
    seconds = time.perf_counter() - started
    with psycopg.connect(url) as connection:
        columns = [column.name for column in connection.execute("select * from sales limit 0").description or ()]
        quantity = sql.Identifier(next(column for column in columns if column.lower() == "quantity"))
        query = sql.SQL("select count(*), sum({}::numeric) from sales").format(quantity)
        found = connection.execute(query).fetchone()
    _expect(f"rows and units loaded by {name}", found, (content["rows"], Decimal(content["quantity"])))
    return {"seconds": seconds}


def read_workbook(path: str, rows: int) -> dict[str, Any]:
    """A workbook's cells as strings, by fastexcel alone."""
    started = time.perf_counter()
    found = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars().height
    seconds = time.perf_counter() - started
    _expect("rows read", found, rows)
    return {"seconds": seconds}


def validate_workbook(path: str, rows: int, warm_up: str) -> dict[str, Any]:
    """The same workbook read and validated, up to the bytes of a COPY, in a reader process that is warm."""
    tenant = get_tenant(PROJECT / "demo" / "tenants", GIFTS)
    batch = {"batch_id": "0" * 32, "tenant_id": GIFTS, "landed_on": "2011-12-09", "file_name": Path(path).name}
    before, job = (
        Job("sales", tenant.mapping("sales"), (FileToRead(Path(each), Path(each).name, batch),))
        for each in (warm_up, path)
    )
    with Reader() as reader:
        _expect("files read before", sum(isinstance(result, FileDone) for result in reader.read([before])), 1)
        started = time.perf_counter()
        found = sum(result.accepted for result in reader.read([job]) if isinstance(result, FileDone))
        seconds = time.perf_counter() - started
    _expect("rows validated", found, rows)
    return {"seconds": seconds}


def year(url: str, folder: str, first: str, last: str, content: dict[str, Any]) -> dict[str, Any]:
    """Landed days in one backfill, and their normalize; dbt parses its project within the second."""
    installation = Installation(url, Path(folder))
    window = date.fromisoformat(first), date.fromisoformat(last)
    ingest_seconds = installation.ingest(*window)
    normalize_seconds = installation.normalize(*window)
    _check_raw(url, _content(content))
    _check_normalized(url, _content(content), window[0])
    return {"ingest_seconds": ingest_seconds, "normalize_seconds": normalize_seconds}


def nights(
    installations: Sequence[dict[str, Any]], last: str, new_days: int, content: dict[str, Any]
) -> dict[str, Any]:
    """Histories of different lengths, then the same new days on each in turn: ingest, and normalize by the clock."""
    last_of_history, of_nights = date.fromisoformat(last), _content(content)
    all_of: list[tuple[Installation, Content, list[float]]] = []
    for given in installations:
        installation = Installation(given["url"], Path(given["folder"]))
        window = date.fromisoformat(given["first"]), last_of_history
        installation.ingest(*window)
        installation.normalize(*window)
        all_of.append((installation, _content(given["content"]), []))
    for number in range(1, new_days + 1):
        night = last_of_history + timedelta(days=number)
        for installation, _, seconds in all_of[:: 1 if number % 2 else -1]:
            installation.ingest(night, night)
            seconds.append(installation.normalize(night, night))
    for installation, of_history, _ in all_of:
        _check_raw(installation.url, plus(of_history, of_nights))
        _check_normalized(installation.url, of_nights, last_of_history + timedelta(days=1))
    return {"normalize_seconds": [seconds for _, _, seconds in all_of]}


STEPS = {step.__name__: step for step in (ingest, peer, read_workbook, validate_workbook, year, nights)}


def main() -> None:
    """Run one step; its arguments are the JSON object's."""
    name, arguments = sys.argv[1:]
    result = STEPS[name](**json.loads(arguments))
    with suppress(BrokenPipeError):
        sys.stdout.write(f"\n{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
