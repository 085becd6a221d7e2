"""An installation of the version before keeps what is loaded, and its batches sort before those that land later."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import with_driver
from inventra_pipelines.db.migrate import _config, _ensure_database, migrate
from inventra_pipelines.settings import Settings

# Columns of the first schema that have no default, by table.
ROWS: dict[str, dict[str, object]] = {
    "raw.batches": {
        **{"tenant_id": "shop", "dataset": "sales", "landed_on": "2024-03-04", "file_name": "sales.csv", "sha256": "s"},
        **{"state": "partially_loaded", "rows_read": 2, "rows_accepted": 1, "rows_rejected": 1, "bytes": 9},
        "config_version": "v1",
    },
    "raw.sales": {
        **{"tenant_id": "shop", "landed_on": "2024-03-04", "sheet": "", "row_number": 2, "item_code": "A"},
        **{"sold_on": "2024-03-04", "sold_at": "2024-03-04", "quantity": 2, "unit_price": "1.5"},
    },
    "raw.rejects": {
        **{"tenant_id": "shop", "landed_on": "2024-03-04", "file_name": "sales.csv", "sheet": "", "row_number": 3},
        **{"column_name": "quantity", "raw_value": "x", "reason_code": "not_a_number", "message": "no number"},
    },
}


@pytest.fixture
def before(tmp_path: Path) -> Iterator[tuple[str, Settings]]:
    """A database with the first schema, and a batch in it."""
    settings = Settings(home=tmp_path / "home", DATABASE_URL=None)
    with database(settings) as url:
        _ensure_database(url, "inventra")
        engine = create_engine(with_driver(url, "psycopg"))
        with engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
        engine.dispose()
        with psycopg.connect(url) as connection:
            for table, row in ROWS.items():
                names = ", ".join(["batch_id", *row])
                values = ", ".join(["%s"] * (len(row) + 1))
                connection.execute(f"insert into {table} ({names}) values ({values})".encode(), ("75af", *row.values()))
        yield url, settings


def test_what_is_loaded_stays_and_its_batch_sorts_before_new_ones(before: tuple[str, Settings]):
    url, settings = before
    migrate(url, settings.dagster_database, is_embedded=True)
    with psycopg.connect(url) as connection:
        for table in ROWS:
            found = connection.execute(f"select batch_id from {table}".encode()).fetchall()
            assert found == [("0000-75af",)], table
        assert connection.execute("select quantity * unit_price from raw.sales").fetchone() == (3,)
