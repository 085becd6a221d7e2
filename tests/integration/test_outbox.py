"""Notifications: rows first, sent once, tried again after a failure, and silent in a backfill of old days."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from inventra_pipelines.db import outbox
from inventra_pipelines.domain.tenant import Notifications, TenantConfig
from inventra_pipelines.resources import mailer as mailer_module
from inventra_pipelines.resources.mailer import Mailer
from inventra_pipelines.settings import Settings

DAY = date(2026, 3, 2)


class _Inbox:
    def __init__(self) -> None:
        self.answer = "250 OK"
        self.bodies: list[bytes] = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name that the server calls
        if self.answer.startswith("250"):
            self.bodies.append(envelope.content)
        return self.answer


class _Database:
    """The part of the Postgres resource that the mailer needs, on a tenant of the test's own."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self._url) as connection:
            yield connection


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[_Inbox]:
    handler = _Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings = Settings(home=tmp_path, smtp_host="127.0.0.1", smtp_port=port, DATABASE_URL=SecretStr("postgresql://x"))
    monkeypatch.setattr(mailer_module, "get_settings", lambda: settings)
    yield handler
    controller.stop()


def _queue(database: _Database, tenant: str, day: date, body: str = "sold out") -> None:
    with database.connect() as connection:
        outbox.queue(connection, outbox.Message(tenant, day, "email", "planner@example.com", f"alerts of {day}", body))


def _states(database: _Database, tenant: str) -> list[tuple[date, str, int]]:
    with database.connect() as connection:
        return connection.execute(
            "select as_of_on, state, attempts from alerts.deliveries where tenant_id = %s order by 1", (tenant,)
        ).fetchall()


def test_a_message_is_sent_once_however_often_its_day_is_replayed(migrated_url: str, inbox: _Inbox):
    database = _Database(migrated_url)
    for _ in range(3):
        _queue(database, "once", DAY)
        assert Mailer().send_waiting(database, "once") == 0  # type: ignore[arg-type]
    assert len(inbox.bodies) == 1
    assert _states(database, "once") == [(DAY, "sent", 1)]


def test_a_message_that_failed_is_kept_with_its_reason_and_goes_out_with_the_next_run(migrated_url: str, inbox: _Inbox):
    database = _Database(migrated_url)
    inbox.answer = "451 try again later"
    _queue(database, "later", DAY)
    assert Mailer().send_waiting(database, "later") == 1  # type: ignore[arg-type]
    assert _states(database, "later") == [(DAY, "failed", 1)]
    inbox.answer = "250 OK"
    assert Mailer().send_waiting(database, "later") == 0  # type: ignore[arg-type]
    assert _states(database, "later") == [(DAY, "sent", 2)]
    assert len(inbox.bodies) == 1


def test_days_behind_one_that_has_gone_out_are_kept_and_not_sent(migrated_url: str, inbox: _Inbox):
    database = _Database(migrated_url)
    _queue(database, "backfill", DAY)
    Mailer().send_waiting(database, "backfill")  # type: ignore[arg-type]
    _queue(database, "backfill", DAY - timedelta(3))
    Mailer().send_waiting(database, "backfill")  # type: ignore[arg-type]
    assert _states(database, "backfill") == [(DAY - timedelta(3), "skipped", 0), (DAY, "sent", 1)]
    assert len(inbox.bodies) == 1


def test_without_a_mail_server_or_an_address_messages_are_files(monkeypatch: pytest.MonkeyPatch, inbox: _Inbox):
    told = TenantConfig(tenant_id="shop", name="A shop", notifications=Notifications(emails=["a@example.com"]))
    assert Mailer().recipients(told) == [("email", "a@example.com")]
    nobody = TenantConfig(tenant_id="shop", name="A shop")
    assert Mailer().recipients(nobody) == [("file", "planner@shop.invalid")]
