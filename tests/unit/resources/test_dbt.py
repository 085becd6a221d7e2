"""What the dbt resource makes of windows, URLs and failures, without a database."""

import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inventra_pipelines.db.writes import Window
from inventra_pipelines.errors import PermanentError, TransientError
from inventra_pipelines.resources import dbt
from inventra_pipelines.settings import Settings


def _days(first: int, last: int, tenant_id: str = "a") -> Window:
    return Window(tenant_id, date(2024, 3, first), date(2024, 3, last))


def test_windows_of_a_tenant_that_meet_become_one() -> None:
    merged = dbt._as_variable([_days(5, 6), _days(8, 9), _days(1, 4), _days(2, 3), _days(7, 7, "b")])
    assert merged == [
        {"tenant_id": "a", "first": "2024-03-01", "last": "2024-03-06"},
        {"tenant_id": "a", "first": "2024-03-08", "last": "2024-03-09"},
        {"tenant_id": "b", "first": "2024-03-07", "last": "2024-03-07"},
    ]


@pytest.mark.parametrize(
    ("url", "host", "port", "password"),
    [
        ("postgresql://u:p%40ss@db:6000/shop?sslmode=require", "db", "6000", "p@ss"),
        ("postgresql+psycopg://u@/shop?host=/run/pg", "/run/pg", "5432", ""),
    ],
    ids=["network", "socket"],
)
def test_the_profile_gets_what_the_url_says(url: str, host: str, port: str, password: str) -> None:
    variables = dbt._variables(url, 2)
    assert variables["INVENTRA_DBT_HOST"] == host
    assert variables["INVENTRA_DBT_PORT"] == port
    assert variables["INVENTRA_DBT_PASSWORD"] == password
    assert variables["INVENTRA_DBT_DATABASE"] == "shop"
    assert variables["INVENTRA_DBT_SSLMODE"] == ("require" if host == "db" else "prefer")


def test_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTRA_DBT_HOST", "mine")
    before = dict(os.environ)
    with pytest.raises(ValueError), dbt._environment(dbt._variables("postgresql://u:p@db/shop", 2)):
        assert os.environ["INVENTRA_DBT_PASSWORD"] == "p"
        raise ValueError
    assert dict(os.environ) == before


def _failed(message: str) -> list[Any]:
    return [
        SimpleNamespace(
            node=SimpleNamespace(name="int_items", resource_type=SimpleNamespace(value="model")), message=message
        )
    ]


@pytest.mark.parametrize(
    ("message", "kind", "expected"),
    [
        (
            'Database Error in model int_items (m.sql)\n  column "x" does not exist\n  LINE 7\n ^\n  compiled code at',
            PermanentError,
            'dbt model int_items: Database Error in model int_items (m.sql) column "x" does not exist',
        ),
        ("server closed the connection unexpectedly", TransientError, "see that the database is up"),
        ("deadlock detected\nDETAIL: Process 1 waits", TransientError, "deadlock detected DETAIL: Process 1 waits"),
        ("The source and target schemas on this incremental model are out of sync!", PermanentError, "drop the table"),
    ],
    ids=["wrong column", "connection lost", "deadlock", "older table"],
)
def test_a_failure_is_one_line_of_the_right_kind(message: str, kind: type[Exception], expected: str) -> None:
    failure = dbt._failure(SimpleNamespace(exception=None), _failed(message))
    assert isinstance(failure, kind)
    assert expected in str(failure)
    assert "\n" not in str(failure)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    project = dbt.Dbt(Settings(home=tmp_path, DATABASE_URL=None))
    with pytest.raises(TransientError, match=r"127\.0\.0\.1") as failure:
        project.run("postgresql://u:s3cret@127.0.0.1:1/shop", ["int_items"], [], [])
    assert "s3cret" not in str(failure.value)
    assert not [name for name in os.environ if name.startswith("INVENTRA_DBT_")]
