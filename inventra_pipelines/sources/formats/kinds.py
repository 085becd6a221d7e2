"""What kind of file something is, by its first bytes and never by its name.

Belongs here: the kinds that are read, and the names of well-known kinds that are not.
"""

import re
from enum import Enum
from pathlib import Path

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected

_LOOKED_AT = 4096
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Kind(Enum):
    """Kinds that are read, or unpacked to be read."""

    EMPTY = "empty"
    PARQUET = "parquet"
    OLE = "workbook of the older kind"
    ZIP = "zip"
    GZIP = "gzip"
    TEXT = "text"


_READ = {
    b"PAR1": Kind.PARQUET,
    b"\xd0\xcf\x11\xe0": Kind.OLE,
    b"PK\x03\x04": Kind.ZIP,
    b"PK\x05\x06": Kind.ZIP,
    b"PK\x07\x08": Kind.ZIP,
    b"\x1f\x8b": Kind.GZIP,
}
_NOT_READ = {
    "bzip2": rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",
    "xz": rb"\xfd7zXZ\x00",
    "7-Zip": rb"7z\xbc\xaf\x27\x1c",
    "Zstandard": rb"\x28\xb5\x2f\xfd",
    "RAR": rb"Rar!\x1a\x07",
    "LZ4": rb"\x04\x22\x4d\x18",
    "Unix compress": rb"\x1f[\x9d\xa0]",
    "tar": rb"(?s:.{257})ustar",
    "PDF": rb"\s*%PDF-",
    "a PNG image": rb"\x89PNG\r\n",
    "a JPEG image": rb"\xff\xd8\xff",
    "a GIF image": rb"GIF8[79]a",
    "a TIFF image": rb"II\*\x00|MM\x00\*",
    "a WebP image": rb"RIFF....WEBP",
    "a BMP image": rb"BM....\x00\x00\x00\x00",
    "RTF": rb"\{\\rtf",
    "an SQLite database": rb"SQLite format 3\x00",
    "an Access database": rb"\x00\x01\x00\x00Standard",
    "Avro": rb"Obj\x01",
    "ORC": rb"ORC[\x00-\x20]",
    "an Arrow file": rb"ARROW1",
    "a workbook of Excel 4 or older": rb"\x09[\x00\x02\x04]\x06\x00|\x09\x08\x06\x00\x00\x05",
    "a program": rb"MZ.\x00|\x7fELF",
    "a web archive of a workbook": rb"MIME-Version:",
}
_MARKUP = {
    "HTML, whatever its name says,": rb"(?i:<!doctype\s+html|<(html|head|body|table|meta|style|div|script)\b)",
    "an Excel 2003 XML workbook": rb"(?s:<\?xml.*urn:schemas-microsoft-com:office:spreadsheet)",
    "XML": rb"(?s:<\?xml\b|<!--|<[A-Za-z_][\w:.-]*(\s[^<>]*)?>.*</)",
    "JSON": rb"\{\s*(\"[^\"\n]*\"\s*:|\}\s*\Z)|\[\s*([{\[]|\"[^\"\n]*\"\s*,?\s*\n|\]\s*\Z)",
    "an EDIFACT message": rb"UN[AB][:+]",
}
_REMEDY = "send CSV, a workbook (xlsx, xls, ods) or parquet, each also gzipped or in a zip"


def find_kind(path: Path, name: str) -> Kind:
    """The kind of a file.

    Raises:
        FileRejected: It is of a kind that is not read; the message names it.
    """
    with path.open("rb") as stream:
        beginning = stream.read(_LOOKED_AT)
    if not beginning:
        return Kind.EMPTY
    for magic, kind in _READ.items():
        if beginning.startswith(magic):
            return kind
    text = beginning
    for mark in _BYTE_ORDER_MARKS:
        if beginning.startswith(mark):
            text = beginning[len(mark) :].replace(b"\x00", b"")
            break
    for spoken, pattern in [*_NOT_READ.items(), *((spoken, rb"\s*(%b)" % it) for spoken, it in _MARKUP.items())]:
        if re.match(pattern, text):
            raise FileRejected(FileReason.UNKNOWN_FORMAT, f"{name}: {spoken} is not read", _REMEDY)
    return Kind.TEXT
