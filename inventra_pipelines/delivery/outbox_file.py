"""Messages as files, where no mail server is configured: what would have been sent can be read in the folder.

Belongs here: writing one file per message. The message itself is built in `messages.py`.
"""

import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from inventra_pipelines.delivery.messages import build_message, message_id
from inventra_pipelines.errors import TransientError


@dataclass(frozen=True)
class OutboxFile:
    """A folder of messages, one `.eml` file each, which mail programs open.

    Attributes:
        folder: Where the files go; made when the first is written.
        sender: Address that messages come from.
    """

    folder: Path
    sender: str = "inventra@localhost"

    def deliver(self, recipient: str, subject: str, body: str) -> None:
        """Write one message; the same message again is the same file with the same bytes.

        Raises:
            PermanentError: Not an address.
            TransientError: The folder cannot be written to.
        """
        content = build_message(self.sender, recipient, subject, body).as_bytes()
        path = self.path_of(recipient, subject, body)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, content)
        except OSError as error:
            raise TransientError(
                f"message {path} could not be written: {error.strerror or error}", "make the folder writable"
            ) from error

    def path_of(self, recipient: str, subject: str, body: str) -> Path:
        """File of a message: words of its subject, and a hash of recipient, subject and body."""
        plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode().lower()
        words = re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-") or "message"
        return self.folder / f"{words}.{message_id(recipient, subject, body)}.eml"


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that a reader sees the whole file or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
