"""Brings a database to the schema this version of the project needs.

Belongs here: running the Alembic migrations, making Dagster's own database, and the check that the schema is current.
The migrations themselves are `migrations/versions/`.
"""

from contextlib import suppress
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from inventra_pipelines.db.engine import connect, parse_url, with_driver
from inventra_pipelines.errors import PermanentError

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOWEST_SERVER_VERSION = 150000


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _ensure_database(url: str, name: str) -> None:
    with psycopg.connect(with_driver(url, database="postgres"), autocommit=True) as server:
        if server.execute("select 1 from pg_database where datname = %s", (name,)).fetchone() is None:
            # Another command that starts now may be first.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def migrate(url: str, dagster_database: str, *, is_embedded: bool) -> None:
    """Create or upgrade the schema; runs as often as one likes.

    Args:
        url: The installation's database.
        dagster_database: Name of Dagster's own database on the same server; made if it is absent.
        is_embedded: Whether to create the installation's database too, which an administrator does elsewhere.

    Raises:
        PermanentError: The server is older than Postgres 15, or the role may not create Dagster's database.
        TransientError: The server does not answer.
    """
    if is_embedded:
        _ensure_database(url, parse_url(url).database or "")
    with connect(url) as connection:
        if connection.info.server_version < _LOWEST_SERVER_VERSION:
            raise PermanentError(
                f"Postgres {connection.info.server_version // 10000} is too old", "use Postgres 15 or newer"
            )
    try:
        _ensure_database(url, dagster_database)
    except psycopg.errors.InsufficientPrivilege:
        raise PermanentError(
            f"database {dagster_database} does not exist and the role may not create it",
            f"run: create database {dagster_database}",
        ) from None
    engine = create_engine(with_driver(url, "psycopg"), poolclass=NullPool)
    with engine.begin() as connection_for_alembic:
        # Two commands started at once would both create the schema.
        connection_for_alembic.exec_driver_sql("select pg_advisory_xact_lock(hashtextextended('migrate', 0))")
        config = _config()
        config.attributes["connection"] = connection_for_alembic
        command.upgrade(config, "head")


def is_current(url: str) -> bool:
    """Whether the database has every migration of this version.

    Raises:
        TransientError: The server does not answer.
    """
    with connect(url):
        pass
    engine = create_engine(with_driver(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory.from_config(_config()).get_current_head()
