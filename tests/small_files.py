"""A small valid file of every format, made from nothing: what broken and hostile files are derived from.

Belongs here: writers of just enough of each format, sources named, and `small_files`, which hold the same two sales.
"""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Iterable

import openpyxl
import polars as pl

HEADER = "sold_at,item_code,quantity,unit_price"
GOOD = f"{HEADER}\n2024-01-01 10:00:00,A,1,2.50\n2024-01-01 11:00:00,B,2,3.50\n".encode()
ROWS = [["sold_at", "item_code", "quantity", "unit_price"], ["2024-01-01", "A", 1, 2.5], ["2024-01-01", "B", 2, 3.5]]


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def workbook(rows: Iterable[Iterable[object]] = ROWS) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def edited(archive: bytes, **parts: Callable[[bytes], bytes]) -> bytes:
    """An archive with parts changed, which are named by the last piece of their path without its extension."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        members = [(info.filename, opened.read(info)) for info in opened.infolist()]
    stems = {name: name.rpartition("/")[2].partition(".")[0] for name, _ in members}
    assert parts.keys() <= set(stems.values())
    return zipped(*((name, parts.get(stems[name], bytes)(content)) for name, content in members))


_ODS_NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"' for prefix in ("office", "table", "text")
)


def ods(rows: str = "", head: str = "") -> bytes:
    """An ods of ROWS, with further rows below them as XML."""
    for_all = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in ROWS
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<office:document-content {_ODS_NAMES}><office:body>'
        f'<office:spreadsheet><table:table table:name="May">{for_all}{rows}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped(
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.encode()),
        ("META-INF/manifest.xml", manifest),
    )


def compound(name: str, content: bytes) -> bytes:
    """A compound file ([MS-CFB]) of one stream."""
    content += bytes(max(4096, -(-len(content) // 512) * 512) - len(content))
    sectors = len(content) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + sectors), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))
    header = struct.pack(
        "<8s16x5H6x9I109I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0),
        *(0, *[0xFFFFFFFF] * 108),
    )
    return header + struct.pack("<128I", *fat) + _entries(name, len(content)) + content


def _entries(name: str, size: int) -> bytes:
    def entry(title: str, kind: int, child: int, start: int, length: int) -> bytes:
        encoded = (title + "\0").encode("utf-16-le")
        links = (kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return struct.pack("<64sHBB3I36xIQ", encoded, len(encoded), *links, start, length)

    unused = struct.pack("<64sHBB3I36xIQ", b"", 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0)
    return entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, size) + unused * 2


def xls(more: bytes = b"") -> bytes:
    """An xls ([MS-XLS]) of ROWS, with further records in its sheet."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def cell(row: int, column: int, value: object) -> bytes:
        if isinstance(value, str):
            text = value.encode("utf-16-le")
            return record(0x0204, struct.pack("<HHHHB", row, column, 0, len(value), 1) + text)
        return record(0x0203, struct.pack("<HHHd", row, column, 0, value))

    def bof(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1997, 0, 0))

    end = record(0x000A, b"")
    cells = b"".join(cell(r, c, value) for r, row in enumerate(ROWS) for c, value in enumerate(row))
    name = "May"
    head = bof(0x0005) + record(0x0042, b"\xb0\x04")
    sheet_record = 4 + 8 + len(name)
    offset = len(head) + sheet_record + len(end)
    listed = record(0x0085, struct.pack("<IBBBB", offset, 0, 0, len(name), 0) + name.encode())
    size = record(0x0200, struct.pack("<IIHHH", 0, len(ROWS), 0, 4, 0))
    return compound("Workbook", head + listed + end + bof(0x0010) + size + cells + more + end)


def parquet(frame: pl.DataFrame | None = None) -> bytes:
    if frame is None:
        frame = pl.DataFrame(ROWS[1:], schema=ROWS[0], orient="row")  # type: ignore[arg-type]
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def small_files() -> dict[str, bytes]:
    """A valid file of every format, by the ending of its name; each holds the same two sales."""
    return {
        "csv": GOOD,
        "utf16.csv": "\ufeff".encode("utf-16-le") + GOOD.decode().encode("utf-16-le"),
        "csv.gz": gzip.compress(GOOD, mtime=0),
        "zip": zipped(("sales.csv", GOOD)),
        "xlsx": workbook(),
        "xls": xls(),
        "ods": ods(),
        "parquet": parquet(),
    }
