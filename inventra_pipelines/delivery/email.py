"""E-mail over SMTP, with failures told apart by whether trying again may help.

Belongs here: the conversation with the server. The message itself is built in `messages.py`.
"""

import smtplib
import ssl
from dataclasses import dataclass, field

from inventra_pipelines.delivery.messages import build_message
from inventra_pipelines.errors import InventraError, PermanentError, TransientError


@dataclass(frozen=True)
class SmtpEmail:
    """A mail server; each delivery is one connection.

    Attributes:
        host: Name or address of the server.
        port: Its port.
        sender: Address that messages come from.
        user: Account to log in with; None sends without login.
        password: Its password.
        starttls: Whether to encrypt before anything else is said; a server that cannot is an error.
        timeout_seconds: Longest wait for one answer.
        tls: How the server's certificate is checked; the system's authorities by default.
    """

    host: str
    port: int = 25
    sender: str = "inventra@localhost"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = False
    timeout_seconds: float = 20.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def deliver(self, recipient: str, subject: str, body: str) -> None:
        """Send one message to one address.

        Raises:
            PermanentError: Not an address, refused for good (5xx), login refused, no STARTTLS or a bad certificate.
            TransientError: The server cannot be reached, breaks off, or asks to try later (4xx).
        """
        message = build_message(self.sender, recipient, subject, body)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds) as server:
                if self.starttls:
                    server.starttls(context=self.tls or ssl.create_default_context())
                if self.user is not None:
                    server.login(self.user, self.password or "")
                server.send_message(message, from_addr=self.sender, to_addrs=[recipient])
        except (smtplib.SMTPException, OSError) as error:
            raise self._explained(error, recipient) from error

    def _explained(self, error: Exception, recipient: str) -> InventraError:
        where = f"mail server {self.host}:{self.port}"
        answer = _answer(error)
        if isinstance(error, smtplib.SMTPAuthenticationError) and not _is_later(error):
            return PermanentError(f"{where} refused the login of {self.user}: {answer}", "correct user and password")
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return PermanentError(f"{where} lacks what the settings ask of it: {answer}", "change the SMTP settings")
        if isinstance(error, ssl.SSLCertVerificationError):
            return PermanentError(f"{where} has a certificate that does not verify: {answer}", "use its proper name")
        if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) and not _is_later(error):
            return PermanentError(f"{where} refused the message to {recipient}: {answer}", "correct the address")
        return TransientError(f"{where} did not take the message to {recipient}: {answer}", "it can be sent again")


def _is_later(error: Exception) -> bool:
    """Whether every answer of the server was in the 400s: not now, but perhaps later; -1 is no answer at all."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code < 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code < 500


def _answer(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return f"{code} {_text(said)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return _text(str(error)) or type(error).__name__


def _text(said: bytes | str) -> str:
    return " ".join((said.decode("utf-8", "replace") if isinstance(said, bytes) else said).split())
