"""The landing zone: `<root>/<tenant>/<YYYY-MM-DD>/<dataset>*.<ext>` on a local disk or an object store.

Belongs here: finding the files that landed, and keeping what was read by content hash. A file that landed is never
changed or deleted.

Passed over: names that begin with a point or `~$`, or end in `.tmp`, `.part`, `.partial`, `.crdownload` or `~`: a
writer is still at it, or an editor left it. Refused, and told: names that begin with no dataset, links, folders, and
what is no file; also a day that is a link or no folder. A tenant's folder may be a link: who may make one there may do
anything. What cannot be printed of a name is written as an escape (`\\n`), so that names stay apart and on one line.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import cast, get_args

from upath import UPath

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import Dataset
from inventra_pipelines.errors import TransientError

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", "~")
_HIDDEN = (".", "~$")
# Longest first, so that a dataset whose name begins with another's is not taken for it.
_DATASETS: tuple[Dataset, ...] = tuple(sorted(get_args(Dataset), key=len, reverse=True))
_BLOCK = 2**20


@dataclass(frozen=True)
class LandedFile:
    """A file as it stands in the landing zone.

    Attributes:
        size: In bytes.
        modified_at: Seconds since 1970, as the file system says.
        dataset: What its name begins with; None where it is refused for its name or kind.
        refusal: Why it is not read, if so.
    """

    tenant_id: str
    landed_on: date
    file_name: str
    path: UPath
    size: int
    modified_at: float
    dataset: Dataset | None
    refusal: FileRejected | None = None

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.tenant_id}/{self.landed_on}/{self.file_name}"


@dataclass(frozen=True)
class KeptFile:
    """The copy of a file's content that is read, now and in replays."""

    path: Path
    sha256: str


class Landing:
    """A landing zone and the folder that keeps what was read of it.

    Args:
        root: Path or URL of the zone.
        kept_folder: Copies go to `<kept_folder>/<first two hex digits>/<sha256><extension>`.
    """

    def __init__(self, root: str | Path, kept_folder: Path) -> None:
        self.root = UPath(root)
        self.kept_folder = kept_folder

    def days(self, tenant_id: str, first: date, last: date) -> list[date]:
        """Days of the range that have a folder, or what stands in the place of one, in order."""
        if (last - first).days < 3:
            candidates = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
            return [day for day in candidates if _is_there(self.root / tenant_id / f"{day}")]
        folder = self.root / tenant_id
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        days = sorted(day for day in map(_day, names) if day is not None)
        return [day for day in days if first <= day <= last]

    def files(self, tenant_id: str, first: date, last: date) -> list[LandedFile]:
        """A tenant's files that landed in the range, ordered by day and name; refused ones among them.

        Raises:
            TransientError: The landing zone cannot be read.
        """
        is_local = self.root.protocol in ("", "file")
        if is_local and not self.root.is_dir():
            raise TransientError(
                f"landing zone {self.root} is not there, or no folder", "mount or make it, or set INVENTRA_LANDING_DIR"
            )
        try:
            return [file for day in self.days(tenant_id, first, last) for file in self._files_of_day(tenant_id, day)]
        except OSError as error:
            raise TransientError(
                f"landing zone {self.root} cannot be read for {tenant_id}: {error.strerror or error}",
                "check that it is there and readable, or set INVENTRA_LANDING_DIR",
            ) from None

    def _files_of_day(self, tenant_id: str, day: date) -> Iterator[LandedFile]:
        folder = self.root / tenant_id / f"{day}"
        if folder.is_symlink() or not folder.is_dir():
            kind = "a link" if folder.is_symlink() else "no folder"
            what = FileRejected(
                FileReason.NOT_A_REGULAR_FILE,
                f"{tenant_id}/{day}: is {kind}",
                "make it a folder, and land the files in it",
            )
            yield LandedFile(tenant_id, day, ".", folder, 0, 0.0, None, what)
            return
        for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
            name = _printable(path.name)
            if name.startswith(_HIDDEN) or name.lower().endswith(_UNFINISHED):
                continue
            dataset = next((known for known in _DATASETS if name.lower().startswith(known)), None)
            refusal = _refusal(path, f"{tenant_id}/{day}/{name}", dataset)
            size, modified_at = 0, 0.0
            if refusal is None:
                status = path.stat()
                size, modified_at = status.st_size, float(getattr(status, "st_mtime", 0) or 0)
            found = dataset if refusal is None else None
            yield LandedFile(tenant_id, day, name, path, size, modified_at, found, refusal)

    def keep(self, file: LandedFile, known_sha256: str = "") -> KeptFile:
        """Copy a file's content into the kept folder, once per content, whole or not at all.

        Args:
            file: As it stands in the landing zone.
            known_sha256: Of the content that was last read under its name, if any: probably it is kept already.

        Raises:
            FileRejected: It may not be read, or a link or a pipe has taken its place.
            TransientError: It vanished meanwhile, or the kept folder cannot be written.
        """
        try:
            kept = self.kept_path(known_sha256, file.file_name)
            if known_sha256 and kept.exists() and kept.stat().st_size == file.size:
                with _opened(file) as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() == known_sha256:
                        return KeptFile(kept, known_sha256)
            return self._copy(file)
        except OSError as error:
            raise TransientError(
                f"{file.label} cannot be copied to {self.kept_folder}: {error.strerror or error}", "run it again"
            ) from None

    def _copy(self, file: LandedFile) -> KeptFile:
        self.kept_folder.mkdir(parents=True, exist_ok=True)
        partial = self.kept_folder / f".{os.getpid()}-{os.urandom(6).hex()}.part"
        digest = hashlib.sha256()
        try:
            # The copy is what is read, and its hash is of what was copied: the file may change meanwhile.
            with _opened(file) as stream, partial.open("wb") as copy:
                while block := stream.read(_BLOCK):
                    digest.update(block)
                    copy.write(block)
            kept = self.kept_path(digest.hexdigest(), file.file_name)
            kept.parent.mkdir(exist_ok=True)
            partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)
        return KeptFile(kept, digest.hexdigest())

    def kept_path(self, sha256: str, file_name: str) -> Path:
        """Where the content of that hash is kept, whether it is there or not."""
        suffix = "".join(PurePosixPath(file_name.lower()).suffixes[-2:])
        return self.kept_folder / sha256[:2] / f"{sha256}{suffix if suffix.isascii() and len(suffix) < 16 else ''}"


def _opened(file: LandedFile) -> BufferedReader:
    """The file itself; what has taken its place since it was found is not followed, and not waited for.

    Raises:
        FileRejected: It may not be read, or is no regular file any more.
    """
    if file.path.protocol not in ("", "file"):
        return cast(BufferedReader, file.path.open("rb"))
    try:
        number = os.open(os.fspath(cast(Path, file.path)), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        raise FileRejected(
            FileReason.UNREADABLE, f"{file.label}: the file may not be read", "give the reader permission to it"
        ) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _no_file(file.label, "a link" if error.errno == errno.ELOOP else "no regular file") from None
        raise
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise _no_file(file.label, "no regular file")
    return os.fdopen(number, "rb")


def _no_file(label: str, what: str) -> FileRejected:
    return FileRejected(FileReason.NOT_A_REGULAR_FILE, f"{label}: is {what}", "land the file itself")


def _is_there(path: UPath) -> bool:
    return path.exists() or path.is_symlink()


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if len(name) == 10 else None
    except ValueError:
        return None


def _refusal(path: UPath, label: str, dataset: str | None) -> FileRejected | None:
    # A link can lead to another tenant's files, or out of the landing zone.
    if path.is_symlink() or not path.is_file():
        return _no_file(label, "a link" if path.is_symlink() else "no regular file")
    if dataset is None:
        return FileRejected(
            FileReason.UNKNOWN_DATASET,
            f"{label}: its name begins with no dataset",
            f"begin it with {', '.join(sorted(_DATASETS))}",
        )
    return None
