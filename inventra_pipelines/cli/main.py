"""The `inventra` command: its groups, and how an error ends it.

Belongs here: putting the command groups together, one file each, and turning errors into one clear line.
"""

import signal
import sys
from typing import Annotated

import typer

from inventra_pipelines.cli import batches, db, demo, docs, doctor, evaluate, ingest, mapping, reports, runs, sql, ui
from inventra_pipelines.cli.console import fail
from inventra_pipelines.errors import InventraError

app = typer.Typer(
    name="inventra",
    help="Demand and inventory pipelines: files in, forecasts, order proposals, alerts and reports out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("ui")(ui.ui)
app.command("run")(runs.run)
app.command("backfill")(runs.backfill)
app.command("ingest")(ingest.ingest)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(reports.app, name="reports", help="List reports and copy them out.")
app.add_typer(batches.app, name="batches", help="Landed files: list, correct, release, withdraw.")
app.add_typer(mapping.app, name="mapping", help="Suggest the settings that a file needs.")
app.command("sql")(sql.sql)
app.add_typer(db.app, name="db", help="The database: address, migrations, start and stop.")
app.command("docs")(docs.docs)
app.command("doctor")(doctor.doctor)


class _Debug:
    is_on = False


@app.callback()
def _options(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False) -> None:
    _Debug.is_on = debug


def _stop_on_sigterm(_signal: int, _frame: object) -> None:
    # What a `with` block holds, the embedded Postgres above all, is let go on the way out.
    raise SystemExit(143)


def main() -> None:
    """Run the command line; exit code 0 only on success."""
    signal.signal(signal.SIGTERM, _stop_on_sigterm)
    try:
        app()
    except InventraError as error:
        if _Debug.is_on:
            raise
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
