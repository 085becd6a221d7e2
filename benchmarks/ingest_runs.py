"""How the steps of the ingest benchmark are run: an embedded server, a database and a process for each.

Belongs here: making and dropping the databases, landing a file, starting a step, taking turns. What a step does is
`ingest_steps.py`.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from benchmarks.ingest_files import Content
from benchmarks.report import Measured, measure
from inventra_pipelines.db.engine import parse_url, with_driver

LANDED_ON = date(2011, 12, 9)


class Ingested(NamedTuple):
    """Seconds by the step's own clock, and the peak of all its processes' memory."""

    seconds: float
    peak_mb: float


class Bench:
    """One embedded server, and a folder for everything that is measured on it."""

    def __init__(self, scratch: Path, url: str) -> None:
        self.scratch = scratch
        self.url = url
        self._made = 0

    @contextmanager
    def installation(self, *, migrated: bool = True) -> Iterator[tuple[str, Path]]:
        """A new database, with the schema or empty, and a folder; both are gone after the block."""
        self._made += 1
        name, folder = f"bench_{self._made}", self.scratch / f"bench_{self._made}"
        folder.mkdir()
        template = parse_url(self.url).database if migrated else "template1"
        create = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template or ""))
        # What was written before is on the disk before the next clock starts.
        self._administer(create, sql.SQL("checkpoint"))
        try:
            yield with_driver(self.url, database=name), folder
        finally:
            self._administer(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            shutil.rmtree(folder, ignore_errors=True)

    def _administer(self, *statements: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(with_driver(self.url, database="postgres"), autocommit=True) as server:
            for statement in statements:
                server.execute(statement)

    def step(self, step: str, **arguments: Any) -> tuple[dict[str, Any], Measured]:
        """Run one step of `ingest_steps.py`."""
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.ingest_steps", step]
        environment = {"INVENTRA_HOME": str(self.scratch / "home"), "DLT_DATA_DIR": str(self.scratch / "dlt")}
        went = measure([*command, json.dumps(arguments, default=str)], environment, sample_seconds=0.05)
        result = next(line for line in reversed(went.output.splitlines()) if line.startswith("{"))
        return json.loads(result), went

    def ingest(self, path: Path, content: Content) -> Ingested:
        """From one landed file to its committed rows."""
        with self.installation() as (url, folder):
            landed = folder / "landing" / "gifts" / f"{LANDED_ON}" / f"sales{path.suffix}"
            landed.parent.mkdir(parents=True)
            landed.hardlink_to(path)
            result, went = self.step("ingest", url=url, folder=folder, day=LANDED_ON, content=asdict(content))
        return Ingested(result["seconds"], went.peak_command_mb)

    def peer(self, name: str, path: Path, content: Content) -> float:
        """Seconds that another way takes for the same file."""
        with self.installation(migrated=False) as (url, folder):
            result, _ = self.step("peer", url=url, folder=folder, name=name, path=path, content=asdict(content))
        return float(result["seconds"])


def best_of(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Each contender's least seconds; they take turns, and every second round is in reverse."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            seconds[name].append(contenders[name]())
    return {name: min(taken) for name, taken in seconds.items()}
