"""Runs the dbt project in this process: the stages normalize and analytics.

Belongs here: one dbt invocation at a time, on a manifest that is parsed once, with errors a person can act on. What the
models make of the rows is `dbt_project/`; which windows are rebuilt is the caller's.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from dbt.artifacts.schemas.results import NodeResult, NodeStatus
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from psycopg import Connection, sql

from inventra_pipelines.db.engine import connect, parse_url
from inventra_pipelines.db.writes import Window
from inventra_pipelines.errors import InventraError, PermanentError, TransientError
from inventra_pipelines.settings import PROJECT_FOLDER, Settings

DBT_PROJECT = PROJECT_FOLDER / "dbt_project"

# dbt keeps its flags, events and adapters in globals: one invocation per process at a time.
_one_in_process = threading.Lock()
_manifests: dict[tuple[Path, str], Manifest] = {}

_TRANSIENT_SIGNS = (
    "could not connect",
    "connection to server",
    "connection refused",
    "server closed the connection",
    "terminating connection",
    "the database system is",
    "deadlock detected",
    "could not serialize",
    "lock timeout",
    "too many clients",
    "remaining connection slots",
    "no space left",
)


Touched = Mapping[str, Sequence[Window]] | Sequence[Window]


class ModelRun(NamedTuple):
    """What one model did: rows inserted (None for a view) and seconds."""

    model: str
    rows: int | None
    seconds: float


class TestRun(NamedTuple):
    """What one dbt test found: failing rows, and what went wrong where it did."""

    test: str
    failures: int
    message: str


@dataclass(frozen=True)
class Dbt:
    """The dbt project, run against one database.

    Args:
        settings: Names the home folder; dbt's artifacts and logs lie in `<home>/dbt`, never in the project.
        threads: Models built at the same time, each on a connection of its own.
    """

    settings: Settings
    threads: int = 2

    @property
    def folder(self) -> Path:
        """Where dbt writes: parsed project, compiled SQL, logs."""
        return self.settings.home / "dbt"

    def run(self, url: str, select: Sequence[str], touched: Touched, as_of: Sequence[Window]) -> list[ModelRun]:
        """Build models for the windows; all else stands as it is.

        Args:
            url: The installation's database.
            select: dbt selectors, such as `intermediate` or `rpt_daily_kpis`; views are left out of folder selectors.
            touched: Business days that normalize and the fact tables rebuild: by the date column that they speak of
                (`sold_on`, `counted_on`, `ordered_on`), or one list for all.
            as_of: Partition days that the KPIs and item classes rebuild.

        Returns:
            One row per model, in the order they finished.

        Raises:
            PermanentError: A model, or the data it reads, is wrong; names the model, with the database's message.
            TransientError: The database went away or was busy; trying again may help.
        """
        arguments = ["run", "--select", *select, "--exclude", "config.materialized:view"]
        with self._session(url) as connection:
            _refresh_statistics(connection)
            return self._models(self._invoke(connection, arguments, touched, as_of))

    def test(self, url: str, select: Sequence[str], touched: Touched, as_of: Sequence[Window]) -> list[TestRun]:
        """Run dbt tests, such as `tag:nightly`; those of the windows read no other rows.

        Raises:
            PermanentError: A test could not be run.
            TransientError: The database went away or was busy.
        """
        with self._session(url) as connection:
            result = self._invoke(connection, ["test", "--select", *select], touched, as_of)
            runs = _results(result)
        broken = [run for run in runs if run.status in (NodeStatus.Error, NodeStatus.RuntimeErr)]
        if broken or not runs:
            raise _failure(result, broken)
        return [TestRun(run.node.name, run.failures or 0, _one_line(run.message or "")) for run in runs]

    def ensure_views(self, url: str) -> bool:
        """Build the views, and empty tables, where one is absent or a view's SQL has changed; true if it did.

        Raises:
            PermanentError: A model does not fit the database.
            TransientError: The database went away or was busy.
        """
        with self._session(url) as connection:
            wanted = _fingerprints(self._manifest(connection.info.dbname))
            if _built(connection) == wanted:
                return False
            self._models(self._invoke(connection, ["run"], [], []))
            with connection.transaction():
                for (schema, name), fingerprint in wanted.items():
                    kind = "view" if fingerprint.startswith("view") else "table"
                    statement = sql.SQL(f"comment on {kind} {{}} is {{}}")
                    connection.execute(statement.format(sql.Identifier(schema, name), sql.Literal(fingerprint)))
            return True

    def docs(self, url: str) -> Path:
        """Write the project's documentation with the tables' columns as they are; gives the page, one file.

        Raises:
            PermanentError: dbt cannot write it.
            TransientError: The database went away or was busy.
        """
        with self._session(url) as connection:
            result = self._invoke(connection, ["docs", "generate", "--static"], [], [])
        if not result.success:
            raise _failure(result, [])
        page = self.settings.home / "docs" / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(self.folder / "target" / "static_index.html", page))

    @contextmanager
    def _session(self, url: str) -> Iterator[Connection]:
        """Hold dbt for this process and, in the database, for all others; both are free again when the holder dies."""
        with _one_in_process, connect(url) as connection, _environment(_variables(url, self.threads)):
            connection.autocommit = True
            connection.execute("select pg_advisory_lock(hashtextextended('dbt', 0))")
            yield connection

    def _manifest(self, database: str) -> Manifest:
        # SQL, descriptions and tests do not change while a process runs; parsing costs 1 to 8 s. A profile that is
        # always the same, but for the database, whose name is in every relation, lets dbt reuse its last parse.
        key = (self.folder, database)
        if key not in _manifests:
            with _environment(_variables(f"postgresql://localhost/{database}", 1)):
                result = self._dbt(["parse"], None)
            if not isinstance(result.result, Manifest):
                raise _failure(result, [])
            _manifests[key] = result.result
        return _manifests[key]

    def _invoke(
        self, connection: Connection, arguments: Sequence[str], touched: Touched, as_of: Sequence[Window]
    ) -> dbtRunnerResult:
        variables = {"touched": _touched_variable(touched), "as_of": _as_variable(as_of)}
        return self._dbt([*arguments, "--vars", json.dumps(variables)], self._manifest(connection.info.dbname))

    def _dbt(self, arguments: Sequence[str], manifest: Manifest | None) -> dbtRunnerResult:
        # Options stand behind the command, which may have two words.
        command = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
        # A third of a small build's time, and only the documentation is made from it.
        is_documented = command == ["docs", "generate"]
        target, logs = self.folder / "target", self.folder / "logs"
        for folder in (target, logs):
            folder.mkdir(parents=True, exist_ok=True)
        return dbtRunner(manifest=manifest).invoke(
            [
                *("--quiet", "--no-use-colors", "--no-version-check", "--log-level", "none"),
                *("--log-level-file", "info", "--log-path", str(logs)),
                "--write-json" if is_documented else "--no-write-json",
                *(*command, "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
                *("--target-path", str(target)),
                *arguments[len(command) :],
            ]
        )

    @staticmethod
    def _models(result: dbtRunnerResult) -> list[ModelRun]:
        runs = _results(result)
        failed = [run for run in runs if run.status in (NodeStatus.Error, NodeStatus.RuntimeErr)]
        if not result.success or failed:
            raise _failure(result, failed)
        return [ModelRun(run.node.name, _rows(run), run.execution_time) for run in runs]


def _results(result: dbtRunnerResult) -> list[NodeResult]:
    return list(result.result.results) if isinstance(result.result, RunExecutionResult) else []


def _rows(run: NodeResult) -> int | None:
    rows = run.adapter_response.get("rows_affected")
    return None if rows is None or rows < 0 else int(rows)


def _touched_variable(touched: Touched) -> list[dict[str, str]]:
    if not isinstance(touched, Mapping):
        return _as_variable(touched)
    return [{**window, "column": column} for column in sorted(touched) for window in _as_variable(touched[column])]


def _as_variable(windows: Sequence[Window]) -> list[dict[str, str]]:
    """Windows as the project's macros read them; those of a tenant that meet or overlap become one."""
    merged: list[Window] = []
    for window in sorted(windows, key=lambda each: (each.tenant_id, each.first, each.last)):
        last = merged[-1] if merged else None
        if last and last.tenant_id == window.tenant_id and window.first.toordinal() <= last.last.toordinal() + 1:
            merged[-1] = Window(last.tenant_id, last.first, max(last.last, window.last))
        else:
            merged.append(window)
    return [{"tenant_id": each.tenant_id, "first": _day(each.first), "last": _day(each.last)} for each in merged]


def _day(day: date) -> str:
    return day.isoformat()


def _variables(url: str, threads: int) -> dict[str, str]:
    """The profile's variables; dbt reads nothing else of the connection."""
    parsed = parse_url(url)

    def option(name: str, default: str) -> str:
        value = parsed.query.get(name, default)
        return value if isinstance(value, str) else value[0]

    return {
        "INVENTRA_DBT_HOST": parsed.host or option("host", "localhost"),
        "INVENTRA_DBT_PORT": str(parsed.port or option("port", "5432")),
        "INVENTRA_DBT_USER": parsed.username or option("user", "postgres"),
        "INVENTRA_DBT_PASSWORD": parsed.password or option("password", ""),
        "INVENTRA_DBT_DATABASE": parsed.database or "postgres",
        "INVENTRA_DBT_SSLMODE": option("sslmode", "prefer"),
        "INVENTRA_DBT_SSLROOTCERT": option("sslrootcert", ""),
        "INVENTRA_DBT_THREADS": str(threads),
    }


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for the block, and leave the environment as it was found.

    dbt copies the environment when an invocation starts and has no other way in for a profile.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _fingerprints(manifest: Manifest) -> dict[tuple[str, str], str]:
    """What each relation is built from, by schema and name: kind, and for views a hash of SQL and macros."""
    found: dict[tuple[str, str], str] = {}
    for node in manifest.nodes.values():
        if node.resource_type != "model":
            continue
        own_macros = sorted(name for name in node.depends_on.macros if name.startswith("macro.inventra."))
        parts = [node.raw_code, *(manifest.macros[name].macro_sql for name in own_macros)]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
        is_view = node.config.materialized == "view"
        found[(node.schema, node.name)] = f"view of dbt, {digest}" if is_view else "table of dbt"
    return found


def _built(connection: Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "select nspname, relname, obj_description(pg_class.oid, 'pg_class') from pg_class"
        " inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind in ('r', 'v') and nspname in ('staging', 'intermediate', 'marts')"
        " and obj_description(pg_class.oid, 'pg_class') is not null"
    ).fetchall()
    return {(schema, name): comment for schema, name, comment in rows}


def _refresh_statistics(connection: Connection) -> None:
    """Analyze tables that grew by half since the last time; without, a first year's joins take minutes, not seconds."""
    grown = connection.execute(
        "select nspname, relname from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind = 'r' and nspname in ('ops', 'raw', 'intermediate', 'marts')"
        " and pg_relation_size(pg_class.oid) / current_setting('block_size')::integer > 1.5 * relpages"
    ).fetchall()
    for schema, name in grown:
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier(schema, name)))


def _one_line(text: str) -> str:
    """A dbt or Postgres message without its position markers, paths and repetitions."""
    kept = []
    for line in (line.strip() for line in text.splitlines()):
        noise = not line or line == "^" or line.startswith(("LINE ", "compiled code at", "> in macro", "> called by"))
        if not noise and line not in kept:
            kept.append(line)
    return " ".join(kept)[:600].rstrip()


def _failure(result: dbtRunnerResult, failed: Sequence[NodeResult]) -> InventraError:
    """One clear line for a failed invocation: the model's name and the database's message."""
    if failed:
        first = failed[0]
        message: Any = first.message or "no message"
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        where = f"dbt {first.node.resource_type.value} {first.node.name}{more}"
    else:
        message = result.exception or "nothing was selected, or dbt gave no reason"
        where = "dbt"
    line = _one_line(str(message))
    if any(sign in line.lower() for sign in _TRANSIENT_SIGNS):
        return TransientError(f"{where}: {line}", "see that the database is up, and run it again")
    if "out of sync" in line:
        return PermanentError(
            f"{where}: its table was made by another version of the project",
            "drop the table and replay its partitions",
        )
    return PermanentError(f"{where}: {line}", "correct the data or the model, and run it again")
