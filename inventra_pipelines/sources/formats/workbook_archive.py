"""The archive that a workbook is: looked through before any parser unpacks it.

Belongs here: what an archive really unpacks to, whatever its directory says, and the refusal of archives that are cut
short, encrypted, built to hurt, or hold what no spreadsheet program writes. What the parts say is
`workbook_faults.py`, `workbook_records.py` and `workbook_ods.py`.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.complaints import in_words

# A million rows of eight columns are 390 MB of XML.
_MOST_BYTES = 2**30
_MOST_MEMBERS = 5_000
# Sheets of repeated rows compress forty-fold; beyond this a small archive is built to hurt.
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 50 * 2**20
_MOST_OF_A_SMALL_PART = 64 * 2**20
# Held by the parser as a full rectangle, 24 to 32 bytes a cell: 26 columns to the last row are within it.
MOST_CELLS = 28_000_000

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_READ_BYTES = 256 * 2**10
_PIECE_BYTES = 4 * 2**20
_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)


def encrypted(name: str) -> FileRejected:
    """The refusal of a workbook that opens with a password only."""
    return FileRejected(
        FileReason.UNREADABLE, f"{name}: the workbook is encrypted with a password", "save it without the password"
    )


def check_extent(rows: int, columns: int, name: str, sheet: str) -> None:
    """Refuse a sheet whose last row and column span more cells than can be held."""
    if rows * columns > MOST_CELLS:
        raise FileRejected(
            FileReason.TOO_LARGE,
            f"{name}: sheet {sheet!r} reaches to row {rows:,} and column {columns:,}",
            "delete the cells beyond the data, or send the data as CSV",
        )


class Archive:
    """A zip archive whose parts are unpacked in pieces, as a parser would unpack them, and counted.

    Args:
        stream: The file, open for reading.
        name: What messages call it.

    Raises:
        FileRejected: No archive, cut short, encrypted, or of too many parts; while reading, also one that unpacks to
            too much.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self._stream = stream
        try:
            members = zipfile.ZipFile(stream).infolist()
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, struct.error) as error:
            raise self._damaged(in_words(error)) from None
        if len(members) > _MOST_MEMBERS:
            raise self._too_large(f"the workbook's archive has {len(members):,} parts")
        if any(member.flag_bits & 1 for member in members):
            raise encrypted(name)
        self._members = {
            _normalized(member.filename): member for member in members if not member.filename.endswith("/")
        }
        self._unpacked: dict[str, int] = {}

    def __contains__(self, part: str) -> bool:
        return _normalized(part) in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def read(self, part: str) -> bytes:
        """The whole of a part that is small in every honest workbook."""
        content = bytearray()
        for piece in self.pieces(part):
            content += piece
            if len(content) > _MOST_OF_A_SMALL_PART:
                raise self._too_large(
                    f"part {part} of the workbook unpacks to more than {len(content) / 2**20:,.0f} MB"
                )
        return bytes(content)

    def pieces(self, part: str) -> Iterator[bytes]:
        """What a part unpacks to, a few megabytes at a time."""
        key = _normalized(part)
        if key not in self._members:
            raise self._damaged(f"part {part} is missing")
        is_xml = key.endswith((".xml", ".rels"))
        size = 0
        for piece in self._inflate(self._members[key], part):
            if not size and is_xml and _DOCTYPE.match(piece):
                raise FileRejected(
                    FileReason.UNREADABLE,
                    f"{self.name}: part {part} of the workbook declares a document type, which no spreadsheet does",
                    "save it again in a spreadsheet program",
                )
            size += len(piece)
            self._count(key, size)
            yield piece

    def check_rest(self, parts: set[str]) -> None:
        """Unpack what is not among the parts, to know that it can be."""
        for part in self._members.keys() - {_normalized(part) for part in parts}:
            for _ in self.pieces(part):
                pass

    def with_part(self, part: str, content: bytes) -> bytes:
        """The file, with one part's content replaced."""
        self._stream.seek(0)
        copy = io.BytesIO(self._stream.read())
        with zipfile.ZipFile(copy, "a") as archive:
            # Out of the directory; its bytes stay where they are.
            archive.filelist.remove(archive.NameToInfo.pop(self._members[_normalized(part)].filename))
            archive.writestr(part, content)
        return copy.getvalue()

    def _inflate(self, member: zipfile.ZipInfo, part: str) -> Iterator[bytes]:
        """By the packed size: the unpacked one in the directory may be a lie."""
        self._stream.seek(max(0, member.header_offset))
        header = self._stream.read(_LOCAL_HEADER.size)
        is_header = len(header) == _LOCAL_HEADER.size and header.startswith(b"PK\x03\x04")
        if member.header_offset < 0 or not is_header:
            raise self._damaged(f"part {part} is not where the directory says")
        _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        start = member.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
        self._stream.seek(start)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._damaged(f"part {part} is packed in a way that is not read")
        inflater = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
        left = member.compress_size
        while left and not (inflater and inflater.eof):
            packed = self._stream.read(min(_READ_BYTES, left))
            if not packed:
                raise self._damaged(f"part {part} is cut short")
            left -= len(packed)
            here = start + member.compress_size - left
            while packed:
                try:
                    piece = inflater.decompress(packed, _PIECE_BYTES) if inflater else packed
                except zlib.error as error:
                    raise self._damaged(f"part {part}: {in_words(error)}") from None
                packed = inflater.unconsumed_tail if inflater else b""
                if piece:
                    yield piece
            self._stream.seek(here)
        if inflater and not inflater.eof:
            raise self._damaged(f"part {part} is cut short")

    def _count(self, key: str, size: int) -> None:
        self._unpacked[key] = max(size, self._unpacked.get(key, 0))
        unpacked = sum(self._unpacked.values())
        packed = sum(self._members[part].compress_size for part in self._unpacked)
        is_bomb = unpacked > _RATIO_FROM_BYTES and unpacked > _MOST_RATIO * packed
        if unpacked > _MOST_BYTES or is_bomb:
            raise self._too_large(f"the workbook unpacks to more than {unpacked / 2**20:,.0f} MB")

    def _damaged(self, problem: str) -> FileRejected:
        return FileRejected(
            FileReason.UNREADABLE,
            f"{self.name}: the workbook's archive is damaged ({problem})",
            "save and send it again",
        )

    def _too_large(self, problem: str) -> FileRejected:
        return FileRejected(
            FileReason.TOO_LARGE, f"{self.name}: {problem}", "send the data as CSV, or in several workbooks"
        )


def _normalized(part: str) -> str:
    return part.replace("\\", "/").lstrip("/").lower()
