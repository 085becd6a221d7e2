"""One embedded Postgres with the schema, shared by the tests that only need tables."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.settings import Settings


@pytest.fixture(scope="session")
def migrated_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a fresh, migrated database that lives as long as the test session."""
    settings = Settings(home=tmp_path_factory.mktemp("tables") / "home", DATABASE_URL=None)
    with database(settings) as url:
        migrate(url, settings.dagster_database, is_embedded=True)
        yield url


@pytest.fixture
def connection(migrated_url: str) -> Iterator[psycopg.Connection]:
    """A connection whose changes are undone after the test."""
    with psycopg.connect(migrated_url) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder of the test's own."""
    return tmp_path / "home"
