"""`inventra db`: the database's address, its migrations, and the embedded server.

Belongs here: the commands of the group.
"""

import time

import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.db import embedded
from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import parse_url
from inventra_pipelines.db.migrate import migrate as migrate_database
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import get_settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def url() -> None:
    """Print the database's address, without its password."""
    settings = get_settings()
    out.print(parse_url(embedded.current_url(settings)).render_as_string(hide_password=True), markup=False)


@app.command()
def migrate() -> None:
    """Create or upgrade the schema."""
    settings = get_settings()
    with database(settings) as address:
        migrate_database(address, settings.dagster_database, is_embedded=settings.database_url is None)
    out.print("the schema is current", markup=False)


@app.command()
def start() -> None:
    """Run the embedded Postgres until Ctrl-C, for a session of other commands."""
    with installation() as (settings, address):
        if settings.database_url is not None:
            raise PermanentError("DATABASE_URL names a Postgres of your own", "start it where it lives, or unset it")
        out.print(f"{parse_url(address).render_as_string(hide_password=True)} until Ctrl-C", markup=False)
        while True:
            time.sleep(3600)


@app.command()
def stop() -> None:
    """Stop the embedded Postgres, whoever started it."""
    was_running = embedded.stop(get_settings().home)
    out.print("stopped" if was_running else "it was not running", markup=False)
