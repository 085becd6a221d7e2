"""Unpacking gzip and zip into temporary files, without trust in what an archive says of itself.

Belongs here: the limits on what may come out, and what of a zip is read. Names of members are labels only; nothing is
ever written under them.
"""

import errno
import gzip
import stat
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.complaints import in_words

MOST_MEMBERS = 100
MOST_BYTES = 20 * 10**9
# Sheets and logs compress forty-fold; what goes beyond this is built to hurt.
MOST_RATIO = 200
RATIO_FROM_BYTES = 50 * 10**6
_COPIED_BYTES = 2**20
_WORKBOOK_PARTS = {"[Content_Types].xml", "mimetype", "content.xml"}
_DAMAGED = (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)
_LONGEST_LABEL = 120


@dataclass(frozen=True)
class Member:
    """A file of an archive: its label, unlike any other's in the archive, and what it stands under."""

    label: str
    info: zipfile.ZipInfo


@dataclass(frozen=True)
class Archive:
    """What a zip holds: the files to read, and what is passed over, each with why."""

    members: list[Member]
    passed_over: list[str]


def unpack_gzip(path: Path, target: Path, name: str) -> None:
    """Unpack gzip into a file.

    Raises:
        FileRejected: Cut short, damaged, or larger unpacked than can be read safely.
    """
    limit = _Limit(path.stat().st_size, name)
    with _readable(name, "gzip data"), gzip.open(path) as packed, target.open("wb") as unpacked:
        limit.copy(packed, unpacked)


def is_workbook(path: Path, name: str) -> bool:
    """Whether a zip is a workbook, which is a zip with some parts.

    Raises:
        FileRejected: The archive cannot be read.
    """
    with _readable(name, "archive"), zipfile.ZipFile(path) as archive:
        return not _WORKBOOK_PARTS.isdisjoint(archive.namelist())


def list_zip(path: Path, name: str) -> Archive:
    """What a zip archive holds.

    Raises:
        FileRejected: Damaged, encrypted, empty, or of too many files.
    """
    with _readable(name, "archive"), zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if len(infos) > MOST_MEMBERS:
        raise FileRejected(
            FileReason.TOO_LARGE,
            f"{name}: the archive holds {len(infos):,} files, more than {MOST_MEMBERS}",
            "send fewer files in one archive",
        )
    read, passed_over = [], []
    for info in infos:
        reason = _passed_over(info)
        if reason:
            passed_over.append(f"{_label(info.filename)}: {reason}")
        elif info.flag_bits & 0x1:
            raise FileRejected(
                FileReason.UNREADABLE,
                f"{name}: {_label(info.filename)} in the archive is encrypted",
                "send it without a password",
            )
        else:
            read.append(info)
    if not read:
        raise FileRejected(FileReason.EMPTY_FILE, f"{name}: the archive holds no file to read", "send it again")
    bases = Counter(_base(info.filename) for info in read)
    members: list[Member] = []
    taken: set[str] = set()
    for info in read:
        label = _label(_base(info.filename) if bases[_base(info.filename)] == 1 else info.filename)
        number = 2
        unlike = label
        while unlike in taken:
            unlike = f"{label} ({number})"
            number += 1
        taken.add(unlike)
        members.append(Member(unlike, info))
    return Archive(members, passed_over)


def unpack_member(path: Path, member: Member, target: Path, limit: "_Limit", name: str) -> None:
    """Unpack one file of a zip.

    Raises:
        FileRejected: Damaged, packed by an unknown method, or larger unpacked than can be read safely.
    """
    # Read to where the packed data end: the size in the directory may be a lie, and would cut the file short.
    whole = copy(member.info)
    whole.file_size = sys.maxsize
    with (
        _readable(f"{name}: {member.label}", "archive"),
        zipfile.ZipFile(path) as archive,
        archive.open(whole) as packed,
        target.open("wb") as unpacked,
    ):
        limit.copy(packed, unpacked)
        if unpacked.tell() != member.info.file_size:
            raise zipfile.BadZipFile(f"it unpacks to {unpacked.tell():,} bytes, not to {member.info.file_size:,}")


def limit_for(path: Path, name: str) -> "_Limit":
    """The limit on all that comes out of one packed file."""
    return _Limit(path.stat().st_size, name)


class _Limit:
    """Counts what comes out, and stops at what cannot be read safely."""

    def __init__(self, packed_bytes: int, name: str) -> None:
        self.most = min(MOST_BYTES, max(RATIO_FROM_BYTES, packed_bytes * MOST_RATIO))
        self.unpacked = 0
        self.name = name

    def copy(self, packed: IO[bytes] | gzip.GzipFile, target: IO[bytes]) -> None:
        while content := packed.read(_COPIED_BYTES):
            self.unpacked += len(content)
            if self.unpacked > self.most:
                raise FileRejected(
                    FileReason.TOO_LARGE,
                    f"{self.name}: unpacks to more than {self.most / 10**6:,.0f} MB",
                    "split it into smaller files, or send it unpacked",
                )
            target.write(content)


@contextmanager
def _readable(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except FileRejected:
        raise
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # The disk is at fault; an offset that leads nowhere is the file's.
        raise FileRejected(
            FileReason.UNREADABLE,
            f"{name}: the {what} is cut short or damaged ({in_words(error)})",
            "send the file again",
        ) from None


def _passed_over(info: zipfile.ZipInfo) -> str | None:
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    if "__MACOSX" in parts:
        return "belongs to the system that packed the archive"
    if any(part.startswith(".") and part not in (".", "..") for part in parts) or parts[-1:] in (
        ("Thumbs.db",),
        ("desktop.ini",),
    ):
        return "is hidden"
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link, not a file"
    return None


def _base(filename: str) -> str:
    return filename.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _label(filename: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in filename)
    return (shown or "a file without a name") if len(shown) <= _LONGEST_LABEL else "…" + shown[1 - _LONGEST_LABEL :]
