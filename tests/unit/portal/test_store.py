"""The store and the served site against a real Postgres, embedded."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import connect
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.errors import PermanentError, TransientError
from inventra_pipelines.portal.artifacts import Artifact
from inventra_pipelines.portal.serve import token_book
from inventra_pipelines.portal.store import PostgresArtifactStore
from inventra_pipelines.resources.processes import ProcessGroup, answers_http
from inventra_pipelines.settings import Settings
from tests.unit.portal.memory_site import DAY

SECRET = "a secret of the tests alone"

INSERT = (
    "insert into reports.artifacts (tenant_id, day, report, file_name, path, sha256, bytes)"
    " values (%s, %s, %s, %s, %s, %s, %s)"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # A socket's path may have 107 characters.
    home = tmp_path_factory.mktemp("portal")
    return Settings(home=home, portal_port=port, portal_secret=SecretStr(SECRET), DATABASE_URL=None)


@pytest.fixture(scope="module")
def empty_url(settings: Settings) -> Iterator[str]:
    with database(settings) as url:
        with pytest.raises((PermanentError, TransientError)):
            PostgresArtifactStore(url).list_days("gifts")
        migrate(url, settings.dagster_database, is_embedded=True)
        yield url


@pytest.fixture(scope="module")
def url(empty_url: str) -> str:
    rows = [
        (tenant, day, report, f"{report}.pdf", f"{tenant}/{day}/{report}.pdf", "ab" * 32, 5_000_000_000)
        for tenant in ("gifts", "gifts-export")
        for day in (date(2011, 11, 30), DAY)
        for report in ("daily_workbook", "daily_pdf")
        if (tenant, day) != ("gifts-export", DAY)
    ]
    with connect(empty_url) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)
    return empty_url


def test_days_come_newest_first_and_of_one_tenant_only(url: str) -> None:
    store = PostgresArtifactStore(url)
    assert list(store.list_days("gifts")) == [DAY, date(2011, 11, 30)]
    assert list(store.list_days("gifts-export")) == [date(2011, 11, 30)]
    assert list(store.list_days("' or true --")) == []


def test_the_reports_of_a_day_come_by_kind(url: str) -> None:
    store = PostgresArtifactStore(url)
    assert [artifact.report for artifact in store.list_artifacts("gifts", DAY)] == ["daily_pdf", "daily_workbook"]
    assert list(store.list_artifacts("gifts-export", DAY)) == []


def test_one_report_is_found_whole_or_not_at_all(url: str) -> None:
    store = PostgresArtifactStore(url)
    expected = Artifact("daily_pdf", DAY, "daily_pdf.pdf", f"gifts/{DAY}/daily_pdf.pdf", "ab" * 32, 5_000_000_000)
    assert store.find("gifts", DAY, "daily_pdf") == expected
    assert store.find("gifts-export", DAY, "daily_pdf") is None
    assert store.find("gifts", DAY, "weekly") is None


def test_a_database_without_the_table_says_migrate(url: str) -> None:
    with connect(url) as connection:
        connection.execute("alter table reports.artifacts rename to artifacts_aside")
    try:
        with pytest.raises(PermanentError, match="inventra db migrate"):
            PostgresArtifactStore(url).list_days("gifts")
    finally:
        with connect(url) as connection:
            connection.execute("alter table reports.artifacts_aside rename to artifacts")


def test_a_server_that_is_down_is_a_transient_error(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        PostgresArtifactStore(f"postgresql://postgres@/x?host={tmp_path}").list_days("gifts")


def _environment(settings: Settings, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVENTRA_")}
    return kept | {
        "DATABASE_URL": url,
        "INVENTRA_HOME": str(settings.home),
        "INVENTRA_PORTAL_PORT": str(settings.portal_port),
        "INVENTRA_PORTAL_SECRET": SECRET,
    }


def test_the_site_is_served_from_its_settings_and_logs_no_token(url: str, settings: Settings, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "inventra_pipelines.portal.serve"]
    port, log = settings.portal_port, tmp_path / "log"
    token = token_book(settings).token_of("gifts")
    with ProcessGroup() as group:
        environment = _environment(settings, url)
        child = group.start("site", argv, log_file=log, env=environment, ready=lambda: answers_http(port, "/healthz"))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            login = client.post("/login", data={"tenant": "gifts", "token": token})
            assert (login.status_code, login.headers["location"]) == (303, "/gifts/")
            answer = client.get("/gifts/?token=in-the-query")
            assert "Friday 9 December 2011" in answer.text and "server" not in answer.headers
            assert client.get(f"/gifts/{DAY}/daily_pdf/daily_pdf.pdf").status_code == 404
            assert client.head("/gifts/").content == b""
        second = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1 and "INVENTRA_PORTAL_PORT" in second.stderr
        assert "Traceback" not in second.stderr and f"process {child.pid}" in second.stderr
        os.kill(child.pid, signal.SIGINT)
        assert child.process.wait(timeout=20) == 0
    text = log.read_text()
    assert f"reports at http://localhost:{port}" in text and "is missing" in text
    assert token not in text and "in-the-query" not in text and "Traceback" not in text
