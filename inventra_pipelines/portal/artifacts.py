"""What a report file is to the download site, and how one is opened safely.

Belongs here: the artifact record, the protocol of the store that lists them, and opening a file only after its place
and its content were checked. The store over Postgres is `store.py`, the pages are `app.py`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Protocol

from inventra_pipelines.errors import PermanentError

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Artifact:
    """One report file of a tenant's day, as its row in `reports.artifacts` says."""

    report: str
    day: date
    file_name: str
    path: str
    sha256: str
    bytes: int


class ArtifactStore(Protocol):
    """Where the site learns what there is to download. Every call is for one tenant."""

    def list_days(self, tenant_id: str) -> Sequence[date]:
        """Days that have at least one report, in any order."""
        ...

    def list_artifacts(self, tenant_id: str, day: date) -> Sequence[Artifact]:
        """The reports of a day, in the order to show them."""
        ...

    def find(self, tenant_id: str, day: date, report: str) -> Artifact | None:
        """One report, or None."""
        ...


class ArtifactMissingError(PermanentError):
    """The row is there and its file is not, or the file lies where no report may lie."""


class ArtifactChangedError(PermanentError):
    """The file is there and is not the one that was recorded."""


def open_artifact(artifact: Artifact, tenant_id: str, artifacts_folder: Path) -> tuple[BinaryIO, int]:
    """Open a report's file, checked against its row; the caller closes it.

    The handle that was hashed is the one that is returned, so that a file replaced in between cannot be served under
    the checksum of the old one.

    Args:
        artifact: The row; its path is absolute or relative to `artifacts_folder`.
        tenant_id: The tenant whose folder the file has to lie in.
        artifacts_folder: Root of all report files.

    Returns:
        The file at its first byte, and its size in bytes.

    Raises:
        ArtifactMissingError: No such file, or it resolves to a place outside the tenant's folder.
        ArtifactChangedError: Its content has another SHA-256 than the row.
    """
    remedy = "replay the day to make it again"
    name = f"report file {artifact.file_name} of {tenant_id}, {artifact.day}"
    tenant_folder = (artifacts_folder / tenant_id).resolve()
    try:
        place = (artifacts_folder / artifact.path).resolve()
        if not place.is_relative_to(tenant_folder) or not place.is_file():
            raise ArtifactMissingError(f"{name} is missing", remedy)
        handle = place.open("rb")
    except (OSError, ValueError):
        raise ArtifactMissingError(f"{name} is missing", remedy) from None
    digest, size = hashlib.sha256(), 0
    for block in _blocks(handle):
        digest.update(block)
        size += len(block)
    if digest.hexdigest() != artifact.sha256.lower():
        handle.close()
        raise ArtifactChangedError(f"{name} is not the file that was recorded", remedy)
    handle.seek(0)
    return handle, size


def stream(handle: BinaryIO) -> Iterator[bytes]:
    """The file's content in blocks of 1 MiB; closes it at the end, or when the reader goes away."""
    with handle:
        yield from _blocks(handle)


def _blocks(handle: BinaryIO) -> Iterator[bytes]:
    while block := handle.read(_BLOCK_BYTES):
        yield block
