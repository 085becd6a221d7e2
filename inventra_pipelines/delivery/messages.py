"""What every channel agrees on: the call, and a message that is safe to send.

Belongs here: the protocol and the building of a message. Sending it is `email.py`, keeping it `outbox_file.py`.
"""

import hashlib
import re
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from inventra_pipelines.errors import PermanentError

# One plain address (dot-atoms of RFC 5322, ASCII) and nothing that a header or a list of addresses could take for more.
# Beyond ASCII the standard library folds an address into broken headers; such domains have an xn-- form.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z){_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
LONGEST_SUBJECT = 200


class Channel(Protocol):
    """Something that brings a message to a person."""

    def deliver(self, recipient: str, subject: str, body: str) -> None:
        """Deliver one message to one address.

        Raises:
            PermanentError: Sending it again cannot help.
            TransientError: Sending it again may help.
        """


def message_id(recipient: str, subject: str, body: str) -> str:
    """Name of a message, 16 hex digits: the same for the same recipient, subject and body."""
    return hashlib.sha256("\0".join((recipient, subject, body)).encode()).hexdigest()[:16]


def build_message(sender: str, recipient: str, subject: str, body: str) -> EmailMessage:
    """Build a plain-text message without a date, the same bytes for the same arguments.

    Line breaks and control characters in the subject become spaces, so that it can add no header. The Message-ID
    follows from the content, by which a mail server can tell a message that was sent twice.

    Raises:
        PermanentError: Sender or recipient is not one plain e-mail address.
    """
    for role, address in (("sender", sender), ("recipient", recipient)):
        if not _ADDRESS.fullmatch(address):
            raise PermanentError(f"{role} {address!r} is not an e-mail address", "correct the address in the settings")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = _one_line(subject)
    message["Message-ID"] = f"<{message_id(recipient, subject, body)}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, charset="utf-8")
    return message


def _one_line(subject: str) -> str:
    printable = "".join(mark if mark.isprintable() else " " for mark in subject)
    return " ".join(printable.split())[:LONGEST_SUBJECT]
