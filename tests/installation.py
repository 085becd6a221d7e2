"""A whole installation for tests: a home folder, tenants, landed files, and the command line as a person runs it."""

import csv
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from inventra_pipelines.db.embedded import current_url, database
from inventra_pipelines.settings import Settings

FIRST_DAY = date(2026, 3, 2)
LAST_DAY = date(2026, 3, 31)

_TENANT = """\
tenant_id: {tenant_id}
name: {tenant_id} shop
time_zone: Europe/Berlin
feeds:
  sales: {{}}
service_item_patterns: ["^FEE"]
cancellation_document_patterns: ["^C"]
"""

SALES_HEADER = ["sold_at", "item_code", "quantity", "unit_price", "document_id", "customer_code"]

# What names a run or a moment, and so differs between two runs of one partition.
_BOOKKEEPING = {"ops.load_manifest": {"run_id", "loaded_at"}}

_TABLES = """
    select table_schema || '.' || table_name as name
    from information_schema.tables
    where
        table_type = 'BASE TABLE'
        and table_schema in ('ops', 'raw', 'intermediate', 'marts', 'forecast', 'planning', 'alerts', 'reports')
        and table_name not in ('batch_log', 'run_log')
    order by 1
"""


@dataclass(frozen=True)
class Installation:
    """One home folder; every command is a process of its own."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its processes get, and no others of the project's."""
        own = {
            "INVENTRA_HOME": str(self.home),
            "INVENTRA_FIRST_DAY": str(FIRST_DAY),
            "INVENTRA_LAST_DAY": str(LAST_DAY),
            "COLUMNS": "200",
        }
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("INVENTRA_", "DAGSTER_")) and name != "DATABASE_URL"
        }
        return kept | own

    @property
    def settings(self) -> Settings:
        """Its settings, as this process sees them."""
        return Settings(home=self.home)

    def add_tenant(self, tenant_id: str, extra: str = "") -> None:
        """Write the tenant's file."""
        folder = self.home / "tenants"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{tenant_id}.yaml").write_text(_TENANT.format(tenant_id=tenant_id) + extra)

    def folder(self, tenant_id: str, day: date) -> Path:
        """The landing folder of a tenant's day."""
        return self.home / "landing" / tenant_id / day.isoformat()

    def land(self, tenant_id: str, day: date, name: str, content: str | bytes) -> Path:
        """Put a file in the landing zone."""
        path = self.folder(tenant_id, day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start `inventra` with these arguments and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "inventra_pipelines.cli", *arguments],
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def inventra(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run `inventra` to its end, within two minutes."""
        with self.start(*arguments, **variables) as process:
            try:
                stdout, stderr = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def run(self, tenant_id: str, day: date) -> None:
        """Run a day and insist that it succeeds."""
        done = self.inventra("run", "--tenant", tenant_id, "--date", str(day))
        assert done.returncode == 0, done.stdout + done.stderr

    def rows(self, query: str) -> list[dict[str, object]]:
        """A query's rows."""
        with database(self.settings) as url, psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def value(self, query: str) -> object:
        """A query's only value."""
        (row,) = self.rows(query)
        (value,) = row.values()
        return value

    def checksums(self) -> dict[str, str]:
        """A hash per table over its rows in order, bookkeeping left out, and one per report file."""
        sums: dict[str, str] = {}
        with database(self.settings) as url, psycopg.connect(url) as connection:
            for (name,) in connection.execute(_TABLES).fetchall():
                schema, table = name.split(".")
                columns = [
                    column
                    for (column,) in connection.execute(
                        "select column_name from information_schema.columns "
                        "where table_schema = %s and table_name = %s order by 1",
                        (schema, table),
                    )
                    if column not in _BOOKKEEPING.get(name, set())
                ]
                listed = ", ".join(columns)
                digest = connection.execute(
                    f"select md5(coalesce(string_agg(r, E'\\n' order by r), '')) "
                    f"from (select ({listed})::text as r from {name}) as rows".encode()
                ).fetchone()
                sums[name] = digest[0] if digest else ""
        for file in sorted((self.home / "artifacts").rglob("*.*")):
            sums[file.relative_to(self.home).as_posix()] = hashlib.sha256(file.read_bytes()).hexdigest()
        return sums

    def server_runs(self) -> bool:
        """Whether its embedded Postgres is up."""
        try:
            current_url(self.settings)
        except Exception:
            return False
        return True

    def wait_until(self, query: str, seconds: float = 60) -> None:
        """Wait until a query gives a row whose only value is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.server_runs() and self.value(query):
                return
            time.sleep(0.05)
        raise AssertionError(f"did not come true within {seconds} s: {query}")


def sales_csv(rows: Sequence[Sequence[object]], header: Sequence[str] = SALES_HEADER) -> str:
    """Rows as a CSV file with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def day_of_sales(day: date, *, items: int = 6, lines: int = 12, document_prefix: str = "D") -> list[list[object]]:
    """A day's lines of a small shop: deterministic, different from day to day."""
    number = (day - FIRST_DAY).days
    return [
        [
            f"{day} {9 + line % 8:02d}:{(7 * line) % 60:02d}:00",
            f"{100 + (line + number) % items}",
            1 + (line * 3 + number) % 5,
            f"{2 + (line + number) % items}.50",
            f"{document_prefix}{number:03d}{line // 3:02d}",
            f"K{line % 4}",
        ]
        for line in range(lines)
    ]


def stock_csv(day: date, *, items: int = 6, prefix: str = "D") -> str:
    """A count of every item of the small shop; shops of different prefixes count differently."""
    rows = [[day, 100 + item, (item * 7 + day.day + ord(prefix)) % 20, f"{1 + item}.25"] for item in range(items)]
    return sales_csv(rows, ["counted_on", "item_code", "quantity_on_hand", "unit_cost"])


def land_days(installation: Installation, tenant_id: str, days: int, prefix: str = "D") -> None:
    """Land sales and stock of the first days of the calendar."""
    for offset in range(days):
        day = FIRST_DAY + timedelta(offset)
        rows = day_of_sales(day, document_prefix=prefix)
        installation.land(tenant_id, day, "sales.csv", sales_csv(rows))
        installation.land(tenant_id, day, "stock.csv", stock_csv(day, prefix=prefix))
