"""What the commands print, and how a command holds the installation open.

Belongs here: the two consoles, the error line, arguments that several commands take, and the session and the look into
tables that a command with a database needs.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console

from inventra_pipelines.automation.instance import prepare_instance
from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.migrate import is_current, migrate
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import Settings, get_settings

# Plain lines where nobody looks at a terminal: no wrapping at 80 columns, no markup in a log.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

BatchArgument = Annotated[str, typer.Argument(help="Batch id, as `inventra batches list` shows it.")]


def fail(message: str, code: int = 1) -> NoReturn:
    """Print one error line and end with a non-zero code."""
    err.print(f"error: {message}", style="red" if err.is_terminal else None, markup=False)
    sys.exit(code)


@contextmanager
def installation() -> Iterator[tuple[Settings, str]]:
    """Hold the database open, its schema current and Dagster's environment set, for the duration of a command.

    Yields:
        The settings and the database's URL.

    Raises:
        PermanentError: A Postgres of the user's own has not been migrated; that is never done behind their back.
        TransientError: The database does not answer.
    """
    settings = get_settings()
    with database(settings) as url:
        is_embedded = settings.database_url is None
        if is_embedded:
            migrate(url, settings.dagster_database, is_embedded=True)
        elif not is_current(url):
            raise PermanentError("the database has not been migrated to this version", "run `inventra db migrate`")
        os.environ.update(
            {name: value for name, value in prepare_instance(settings, url).items() if name != "DATABASE_URL"}
        )
        if settings.landing_dir is None:
            Path(settings.landing_root).mkdir(parents=True, exist_ok=True)
        yield settings, url


def read_rows(connection: psycopg.Connection, query: str, parameters: Any) -> list[dict[str, Any]]:
    """A query's rows, each by column name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()
