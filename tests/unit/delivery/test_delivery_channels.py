"""Both channels, e-mail against a real SMTP server on loopback."""

import socket
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.delivery.email import SmtpEmail
from inventra_pipelines.delivery.messages import Channel, build_message
from inventra_pipelines.delivery.outbox_file import OutboxFile
from inventra_pipelines.errors import PermanentError, TransientError

TO = "planner@example.com"


class Inbox:
    """Keeps what arrives, or answers as it is told to."""

    def __init__(self, rcpt: str = "250 OK", data: str = "250 OK") -> None:
        self.answers = {"rcpt": rcpt, "data": data}
        self.envelopes: list[Envelope] = []

    async def _recipient(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers["rcpt"].startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answers["rcpt"]

    async def _data(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers["data"].startswith("250"):
            self.envelopes.append(envelope)
        return self.answers["data"]

    handle_RCPT = _recipient  # noqa: N815 - the name that the server calls
    handle_DATA = _data  # noqa: N815 - the name that the server calls


Serve = Callable[..., SmtpEmail]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server for a handler; gives the channel that talks to it."""
    started: list[Controller] = []

    def start(handler: Inbox, channel: dict[str, Any] | None = None, **server: Any) -> SmtpEmail:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        controller = Controller(handler, hostname="127.0.0.1", port=port, **server)
        controller.start()
        started.append(controller)
        return SmtpEmail(host="127.0.0.1", port=port, timeout_seconds=5, **(channel or {}))

    yield start
    for controller in started:
        controller.stop()


def test_a_message_arrives_whole(serve: Serve) -> None:
    inbox = Inbox()
    serve(inbox).deliver(TO, "3 new alerts – 1 critical", "first line\n.\nfrom £5\n")
    (envelope,) = inbox.envelopes
    got = message_from_bytes(bytes(envelope.content or b""), policy=default)
    assert (envelope.rcpt_tos, got["To"], got["Subject"]) == ([TO], TO, "3 new alerts – 1 critical")
    assert got.get_content().replace("\r\n", "\n") == "first line\n.\nfrom £5\n"


def test_the_same_message_carries_the_same_message_id(serve: Serve) -> None:
    inbox = Inbox()
    channel = serve(inbox)
    for body in ("one", "one", "two"):
        channel.deliver(TO, "alerts", body)
    ids = [message_from_bytes(bytes(envelope.content or b""))["Message-ID"] for envelope in inbox.envelopes]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("alerts\r\nBcc: spy@example.com", id="crlf"),
        pytest.param("alerts\nBcc: spy@example.com", id="lf"),
        pytest.param("alerts\r\n\r\nBcc: spy@example.com\x00\x85\u2028", id="control characters"),
    ],
)
def test_a_subject_cannot_add_a_header_or_a_recipient(serve: Serve, subject: str) -> None:
    inbox = Inbox()
    serve(inbox).deliver(TO, subject, "body")
    (envelope,) = inbox.envelopes
    got = message_from_bytes(bytes(envelope.content or b""), policy=default)
    assert got["Bcc"] is None
    assert got["Subject"] == "alerts Bcc: spy@example.com"
    assert envelope.rcpt_tos == [TO]


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "nobody",
        "a@b.c, d@e.f",
        "a@b.c\r\nBcc: d@e.f",
        "A <a@b.c>",
        "a b@c.d",
        "a@b.c\x00",
        "ü@b.c",
        "a@bü.c",
        "a..b@c",
        "a@b..c",
    ],
)
def test_a_recipient_must_be_one_address(recipient: str, tmp_path: Path) -> None:
    channels: list[Channel] = [SmtpEmail(host="127.0.0.1", port=1), OutboxFile(tmp_path)]
    for channel in channels:
        with pytest.raises(PermanentError, match="is not an e-mail address"):
            channel.deliver(recipient, "alerts", "body")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        pytest.param({"rcpt": "550 no such user"}, PermanentError, id="recipient refused"),
        pytest.param({"rcpt": "451 greylisted"}, TransientError, id="recipient later"),
        pytest.param({"data": "554 spam"}, PermanentError, id="message refused"),
        pytest.param({"data": "452 disk full"}, TransientError, id="message later"),
    ],
)
def test_refused_for_good_and_not_now_are_told_apart(
    serve: Serve, answers: dict[str, str], kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=next(iter(answers.values()))):
        serve(Inbox(**answers)).deliver(TO, "alerts", "body")


def test_a_server_that_is_down_is_worth_another_try() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match=f"127.0.0.1:{port}"):
        SmtpEmail(host="127.0.0.1", port=port, timeout_seconds=2).deliver(TO, "alerts", "body")


def test_a_server_that_never_answers_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = SmtpEmail(host="127.0.0.1", port=silent.getsockname()[1], timeout_seconds=0.2)
        with pytest.raises(TransientError):
            channel.deliver(TO, "alerts", "body")


def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data.login == b"inventra" and data.password == b"right", handled=False)


def test_a_login_is_used_and_a_wrong_password_is_permanent(serve: Serve) -> None:
    inbox = Inbox()
    server = {"authenticator": login, "auth_required": True, "auth_require_tls": False}
    serve(inbox, {"user": "inventra", "password": "right"}, **server).deliver(TO, "alerts", "body")
    assert len(inbox.envelopes) == 1
    wrong = serve(inbox, {"user": "inventra", "password": "wrong"}, **server)
    with pytest.raises(PermanentError, match="refused the login of inventra") as caught:
        wrong.deliver(TO, "alerts", "body")
    assert "wrong" not in str(caught.value)
    assert "wrong" not in repr(wrong)


def test_a_server_without_starttls_gets_nothing_in_the_clear(serve: Serve) -> None:
    inbox = Inbox()
    with pytest.raises(PermanentError, match="STARTTLS"):
        serve(inbox, {"starttls": True}).deliver(TO, "alerts", "body")
    assert inbox.envelopes == []


def test_starttls_encrypts_and_a_certificate_nobody_vouches_for_is_permanent(
    serve: Serve,
) -> None:
    authority = trustme.CA()
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(offered)
    inbox = Inbox()
    server = {"tls_context": offered, "require_starttls": True}
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    serve(inbox, {"starttls": True, "tls": trusted}, **server).deliver(TO, "alerts", "body")
    assert len(inbox.envelopes) == 1
    with pytest.raises(PermanentError, match="certificate"):
        serve(inbox, {"starttls": True}, **server).deliver(TO, "alerts", "body")
    with pytest.raises(PermanentError):
        serve(inbox, **server).deliver(TO, "alerts", "body")


def test_the_outbox_holds_one_readable_file_per_message(tmp_path: Path) -> None:
    outbox = OutboxFile(tmp_path / "outbox")
    outbox.deliver(TO, "Gifts, 2011-12-09: 3 new alerts", "sold out – £5\n")
    outbox.deliver("other@example.com", "Gifts, 2011-12-09: 3 new alerts", "sold out – £5\n")
    files = sorted((tmp_path / "outbox").iterdir())
    assert len(files) == 2
    assert all(file.name.startswith("gifts-2011-12-09-3-new-alerts.") for file in files)
    mine = outbox.path_of(TO, "Gifts, 2011-12-09: 3 new alerts", "sold out – £5\n")
    got = message_from_bytes(mine.read_bytes(), policy=default)
    assert got["To"] == TO
    assert got.get_content().strip() == "sold out – £5"


def test_delivering_again_leaves_the_same_bytes(tmp_path: Path) -> None:
    outbox = OutboxFile(tmp_path)
    outbox.deliver(TO, "alerts", "body")
    path = outbox.path_of(TO, "alerts", "body")
    before = path.read_bytes()
    outbox.deliver(TO, "alerts", "body")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


@pytest.mark.parametrize("subject", ["../../etc/passwd", "", "/", "\x00", "ünïcode", "a" * 500])
def test_no_subject_leads_out_of_the_folder(tmp_path: Path, subject: str) -> None:
    outbox = OutboxFile(tmp_path / "outbox")
    outbox.deliver(TO, subject, "body")
    assert [file.parent for file in tmp_path.rglob("*.eml")] == [tmp_path / "outbox"]


def test_an_outbox_that_cannot_be_written_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file, not a folder")
    with pytest.raises(TransientError, match="could not be written"):
        OutboxFile(tmp_path / "outbox").deliver(TO, "alerts", "body")


def test_a_sender_must_be_an_address_too() -> None:
    with pytest.raises(PermanentError, match="sender"):
        build_message("Inventra\r\nBcc: x@y.z", TO, "alerts", "body")


HEADERS = sorted(
    [
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ]
)
ATEXT = "abcz019.-_+'%="
PARTS = st.text(st.one_of(st.sampled_from(ATEXT), st.characters()), min_size=1, max_size=70)


@given(local=PARTS, domain=PARTS, subject=st.text(max_size=300), body=st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_no_text_adds_takes_or_breaks_a_header(local: str, domain: str, subject: str, body: str) -> None:
    try:
        content = build_message("inventra@localhost", f"{local}@{domain}", subject, body).as_bytes()
    except PermanentError:
        content = build_message("inventra@localhost", TO, subject, body).as_bytes()
    got = message_from_bytes(content, policy=default)
    assert sorted(got.keys()) == HEADERS
    assert got["From"] == "inventra@localhost"
