"""Files that are broken, or made to hurt whoever reads them, and what has to become of each.

Belongs here: `HOSTILE`, one `HostileFile` per case, all of the dataset `sales`. They are made in a folder of the
caller's, from the files of `small_files.py`; none is kept in the repository.
"""

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from inventra_pipelines.domain.tenant import FileMapping
from tests.small_files import GOOD, HEADER, ROWS, compound, edited, ods, parquet, small_files, workbook, xls, zipped

_MB = 2**20
_CELL = '<table:table-cell office:value-type="string"{}><text:p>x</text:p></table:table-cell>'
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + '<!ENTITY file SYSTEM "file:///etc/passwd">]>'
)


@dataclass(frozen=True)
class HostileFile:
    """One case.

    Attributes:
        title: What it is, in words.
        write: Makes it.
        name: What it is called.
        mapping: How it is to be read.
        accepted: Rows that are loaded.
        rejects: Column, reason code and count of the rejects.
        passed_over: Rows that are no data.
        holds: Texts that are among the loaded rows.
        refused: The reason code of the whole file's refusal; None where it is loaded.
        says: A part of the refusal.
    """

    title: str
    write: Callable[[Path], object]
    name: str = "sales.csv"
    mapping: FileMapping = field(default_factory=FileMapping)
    accepted: int = 0
    rejects: tuple[tuple[str, str, int], ...] = ()
    passed_over: int = 0
    holds: tuple[str, ...] = ()
    refused: str | None = None
    says: str = ""


HOSTILE: list[HostileFile] = []


def _case(title: str, content: bytes | Callable[[Path], object], **expected: object) -> None:
    write = content if callable(content) else lambda path: path.write_bytes(content)
    HOSTILE.append(HostileFile(title, write, **expected))  # type: ignore[arg-type]


def _streamed(*pieces: tuple[bytes, int]) -> Callable[[Path], None]:
    """A large file, written without holding it: each piece so many times."""

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            for piece, times in pieces:
                for _ in range(times):
                    stream.write(piece)

    return write


def _zip_streamed(whole: bytes, part: str, *pieces: tuple[bytes, int]) -> Callable[[Path], None]:
    """An archive with a large part, new or in the place of another."""

    def write(path: Path) -> None:
        with (
            zipfile.ZipFile(io.BytesIO(whole)) as source,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for info in source.infolist():
                if info.filename != part:
                    target.writestr(info.filename, source.read(info))
            with target.open(part, "w") as stream:
                for piece, times in pieces:
                    for _ in range(times):
                        stream.write(piece)

    return write


def sale(item: str = "A", quantity: str = "1", unit_price: str = "2.50", sold_at: str = "2024-01-01 10:00:00") -> str:
    """A row of the dataset."""
    return f"{sold_at},{item},{quantity},{unit_price}"


def _text(*rows: str, header: str = HEADER) -> bytes:
    return "".join(f"{row}\n" for row in (header, *rows)).encode()


def _bomb(path: Path) -> None:
    with gzip.open(path, "wb", 1) as stream:
        for _ in range(120):
            stream.write(bytes(_MB))


def _claiming(content: bytes, size: int) -> bytes:
    """A zip of one file whose headers claim another size, with the checksum of what they claim."""
    archive = bytearray(zipped(("sales.csv", content)))
    entry = archive.rindex(b"PK\x01\x02")
    for place in (entry + 16, 14):
        struct.pack_into("<I", archive, place, zlib.crc32(content[:size]))
        struct.pack_into("<I", archive, place + 8, size)
    return bytes(archive)


def _overlapping() -> bytes:
    """A zip whose directory names one packed file a hundred times."""
    archive = zipped(("sales.csv", GOOD + (b" " * 999 + b"\n") * 10_000))
    entry, end = archive.rindex(b"PK\x01\x02"), archive.rindex(b"PK\x05\x06")
    directory = archive[entry:end] * 100
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 100, 100, len(directory), entry, 0)
    return archive[:entry] + directory + tail


def _archives() -> None:
    whole = zipped(("readme.md", b"x"))
    _case("zip bomb", _zip_streamed(zipped(), "sales.csv", (bytes(_MB), 120)), refused="too_large", says="unpacks to")
    _case("zip bomb of overlapping files", _overlapping(), refused="too_large")
    many = zipped(*((f"{number}.csv", b"") for number in range(20_000)))
    _case("zip of twenty thousand files", many, refused="too_large", says="20,000 files, more than 100")
    _case("zip that claims a small size", _claiming(GOOD, len(HEADER) + 1), refused="unreadable", says="damaged")
    _case("zip that claims a large size", _claiming(GOOD, 4 * 10**9), refused="unreadable", says="damaged")
    _case("zip in a zip", zipped(("inner.zip", zipped(("sales.csv", GOOD)))), refused="unknown_format")
    _case("gzip in a zip", zipped(("sales.csv.gz", gzip.compress(GOOD))), refused="unknown_format")
    _case("gzip bomb", _bomb, refused="too_large", says="unpacks to more than")
    _case("gzip of gzip", gzip.compress(gzip.compress(GOOD)), refused="unknown_format")
    _case("gzip with something behind it", gzip.compress(GOOD) + b"MZ\x90", refused="unreadable")
    _case("names that lead out of a zip", zipped(("../../x.csv", GOOD), ("/etc/y.csv", GOOD)), accepted=4)
    _case("names with quotes and line ends in a zip", zipped(('a"\n;.csv', GOOD)), accepted=2, holds=('a"?;.csv',))
    _case("archive of nothing", zipped(), refused="empty_file")
    _case("archive of a readme", whole, refused="wrong_columns", says="readme.md")


def _workbooks() -> None:
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        xml = archive.read(sheet)
    begin, end = xml.replace(b"</sheetData>", b"|").split(b"|")
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    rows = b'<row r="4"><c r="A4"><v>1</v></c></row>' * 10_000
    strings = "xl/sharedStrings.xml"
    laughs = _LAUGHS.encode()

    def with_sheet(old: bytes, new: bytes) -> bytes:
        assert old in xml
        return edited(workbook(), sheet1=lambda content: content.replace(old, new))

    _case("cell in the last corner", with_sheet(b"</sheetData>", far), name="sales.xlsx", refused="too_large")
    pieces = ((begin, 1), (rows, 300), (b"</sheetData>" + end, 1))
    _case("sheet of 120 MB", _zip_streamed(workbook(), sheet, *pieces), name="sales.xlsx", refused="too_large")
    pieces = ((b"<sst><si><t>", 1), (b"A" * _MB, 300), (b"</t></si></sst>", 1))
    _case(
        "shared string of 300 MB", _zip_streamed(workbook(), strings, *pieces), name="sales.xlsx", refused="too_large"
    )
    deep = b"<row>" * 200_000 + b"</row>" * 200_000 + b"</sheetData>"
    _case("sheet nested too deeply", with_sheet(b"</sheetData>", deep), name="sales.xlsx", accepted=2)
    deep = b"<sst>" + b"<si>" * 200_000 + b"<t>A</t>" + b"</si>" * 200_000 + b"</sst>"
    _case("strings nested too deeply", _zip_streamed(workbook(), strings, (deep, 1)), name="sales.xlsx", accepted=2)
    doctype = {"name": "sales.xlsx", "refused": "unreadable", "says": "declares a document type"}
    _case("laughs in a sheet", with_sheet(b"<worksheet", laughs + b"<worksheet"), **doctype)
    bad_strings = laughs + b"<sst><si><t>&a9;&file;</t></si></sst>"
    _case("laughs in the shared strings", _zip_streamed(workbook(), strings, (bad_strings, 1)), **doctype)
    _case(
        "laughs in an ods",
        ods(f"<table:table-row>{_CELL.format('').replace('x<', '&a9;<')}</table:table-row>", _LAUGHS),
        **doctype,
    )
    padded = "<!--" + " " * 5 * _MB + "-->" + _LAUGHS
    quiet = f"<table:table-row>{_CELL.format('').replace('x<', '&a9;&file;<')}</table:table-row>"
    _case("laughs behind a long comment", ods(quiet, padded), name="sales.ods", refused="unreadable")
    _case("formula errors", workbook([*ROWS, ["2024-01-01", "C", "#N/A", "=1+1"]]), name="sales.xlsx", accepted=2,
          rejects=(("quantity", "formula_error", 1), ("unit_price", "formula_error", 1)))  # fmt: skip
    _case("macros", _with_macros(), name="sales.xlsm", accepted=2)
    package = compound("EncryptedPackage", bytes(5000))
    _case("encrypted workbook", package, name="sales.xlsx", refused="unreadable", says="encrypted with a password")
    _case("workbook that is called csv", workbook(), accepted=2)
    _case("sixteen thousand columns", workbook([*ROWS, [None] * 16_383 + [1]]), name="sales.xlsx", accepted=2)
    _case("xls with records of no end", xls(struct.pack("<HH", 0x0204, 0xFFFF)), name="sales.xls", refused="unreadable")
    _case("xls of a cell in the last corner", xls(struct.pack("<HHHHHd", 0x0203, 14, 65535, 60, 0, 1.0)),
          name="sales.xls", accepted=2, rejects=())  # fmt: skip
    _ods_cases()


def _ods_cases() -> None:
    repeated = '<table:table-row table:number-rows-repeated="{}">{}</table:table-row>'
    cell, columns = _CELL.format(""), ' table:number-columns-repeated="{}"'
    empty = repeated.format(1_048_576, f"<table:table-cell{columns.format(16_384)}/>")
    ods_file = {"name": "sales.ods"}
    far = {**ods_file, "refused": "too_large", "says": "reaches to row"}
    _case("empty rows and columns to the last", ods(empty), **ods_file, accepted=2)
    _case("row that repeats a billion times", ods(repeated.format(10**9, cell)), **far)
    _case("cell that repeats a billion times", ods(repeated.format(1, _CELL.format(columns.format(10**9)))), **far)
    _case("cell that repeats beyond all numbers", ods(repeated.format("9" * 5000, cell)), **ods_file,
          refused="unreadable")  # fmt: skip
    _case("cell that repeats in words", ods(repeated.format("many", cell)), **ods_file, refused="unreadable")
    _case("row that repeats less than never", ods(repeated.format(-5, cell)), **ods_file, refused="unreadable")
    deep = "<text:p>" * 100_000 + "</text:p>" * 100_000
    _case("ods nested too deeply", ods(f"<table:table-row>{deep}</table:table-row>"), **ods_file, refused="unreadable")


def _with_macros() -> bytes:
    archive = edited(workbook(), **{"[Content_Types]": lambda content: content.replace(
        b"spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml")})  # fmt: skip
    stream = io.BytesIO(archive)
    with zipfile.ZipFile(stream, "a") as opened:
        opened.writestr("xl/vbaProject.bin", compound("VBA", random.Random(1).randbytes(5000)))
    return stream.getvalue()


def _delimited() -> None:
    long = {"refused": "line_too_long", "says": "longer than 16 MB"}
    _case("a million columns", ",".join(f"c{n}" for n in range(10**6)).encode() + b"\n", refused="line_too_long")
    _case("a million empty columns", b"," * 10**6 + b"\n" + b"," * 10**6, refused="line_too_long")
    _case("line of 100 MB", _streamed((b"A" * _MB, 100)), **long)
    _case("line of 100 MB of quotation marks", _streamed((b'"' * _MB, 100)), **long)
    _case("line of 100 MB of delimiters", _streamed((GOOD, 1), (b"," * _MB, 100), (b"\n", 1)), **long)
    opened = ((GOOD, 1), (b'2024-01-01 10:00:00,"', 1), (b"A" * _MB, 100), (b"\n", 1))
    _case("field of 100 MB", _streamed(*opened), **long)
    opened = ((GOOD, 1), (b'2024-01-01 10:00:00,"', 1), (b"A" * 4_999 + b"\n", 20_000), (b"\n", 1))
    _case("quotation mark that opens 100 MB of lines", _streamed(*opened), accepted=2,
          rejects=(("", "malformed_row", 20_000),))  # fmt: skip
    lines = ((GOOD, 1), (b'2024-01-01 10:00:00,"X,1,2\n', 1), (sale().encode() + b"\n", 400_000))
    _case("quotation mark before many rows", _streamed(*lines), accepted=400_002, rejects=(("", "malformed_row", 1),))
    _case("line of stray quotation marks", GOOD + b'""a,' * 15_000 + b"\n" + GOOD[len(HEADER) + 1 :], accepted=4,
          rejects=(("", "malformed_row", 1),))  # fmt: skip
    _case("row of 65,536 columns", GOOD + b"," * 65_535 + b"x\n", refused="line_too_long", says="16,384 fields")
    _case("header of sixteen thousand columns", ",".join(f"c{n}" for n in range(16_000)).encode() + b"\n1\n",
          refused="wrong_columns")  # fmt: skip
    _case("two headers of one name", _text(sale() + ",3", header=f"{HEADER},quantity"), refused="ambiguous_columns",
          says="quantity")  # fmt: skip
    quoted = '"sold_at","item\ncode","quantity","unit\r\nprice"'
    _case("headers with line breaks", _text(sale(), header=quoted), accepted=1)
    _case("nothing", b"", refused="empty_file", says="is empty")
    _case("blank lines", b"\n \n\r\n\t\n" * 1000, refused="empty_file")
    _case("byte-order mark alone", b"\xef\xbb\xbf", refused="empty_file")
    _case("byte-order mark of UTF-16 alone", b"\xff\xfe", refused="empty_file")
    _case("header alone", _text())
    _case("lines that end in CR", GOOD.replace(b"\n", b"\r"), accepted=2)
    _case("lines that end in every way", f"{HEADER}\r{sale()}\r\n{sale()}\n{sale()}\r".encode(), accepted=3)


def _characters() -> None:
    utf16 = "\ufeff".encode("utf-16-le") + GOOD.decode().encode("utf-16-le")
    lone = utf16[:-6] + b"\x00\xd8" + utf16[-6:]
    _case("lone surrogate", lone, refused="bad_encoding", says="UTF-16")
    broken = ((GOOD, 1), (sale().encode() + b"\n", 100_000), (sale("\udcff").encode(errors="surrogateescape"), 1))
    _case("broken UTF-8 far down", _streamed(*broken), refused="bad_encoding", says="0xff")
    tabs = "sold_at\titem_code\tquantity\tunit_price\n2024-01-01 10:00:00\tCAFÉ\t1\t2\n".encode("latin-1")
    _case("latin-1 with tabs", tabs, mapping=FileMapping(encoding="latin-1"), accepted=1, holds=("CAFÉ",))
    _case("latin-1 that nobody declared", tabs, refused="bad_encoding", says="set encoding")
    _case("NUL at the beginning", b"\x00" * 100 + GOOD, refused="bad_encoding", says="NUL")
    _case("NUL in a row", _text(*[sale()] * 50, sale("A\x00B"), sale("B", "1\x00")), accepted=50,
          rejects=(("item_code", "control_character", 1), ("quantity", "control_character", 1)))  # fmt: skip
    _case("control characters", _text(sale("A\x07"), sale("\x1b[2J")), accepted=2, holds=("A", "[2J"))
    _case("formulas that would run", _text(sale("=cmd|' /C calc'!A0"), sale("@SUM(1)"), sale("+1"), sale("-1")),
          accepted=4, holds=("=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-1"))  # fmt: skip
    _case("digits of other scripts", _text(sale(), sale(quantity="١٢"), sale(unit_price="²")), accepted=1,
          rejects=(("quantity", "not_a_number", 1), ("unit_price", "not_a_number", 1)))  # fmt: skip
    marks = (sale("A\u200b"), sale("\u200fA"), sale("A\u00ad"), sale("\ufeffA"), sale(quantity="\u200e1"))
    _case("marks that nobody sees", _text(*marks), accepted=5)


def _values() -> None:
    endless = "1" + "0" * 5000
    numbers = (sale(quantity=endless), sale(quantity=f"0.{endless}"), sale(quantity="1e308"), sale(quantity="1e99"))
    _case("endless numbers", _text(*numbers), accepted=1,
          rejects=(("quantity", "not_a_number", 1), ("quantity", "out_of_range", 2)))  # fmt: skip
    odd = ("NaN", "inf", "0x10", "1_000", "--1", "1e", "1/3")
    _case("no numbers", _text(sale(), *(sale(quantity=text) for text in odd)), accepted=1,
          rejects=(("quantity", "not_a_number", 7),))  # fmt: skip
    far = ("9999-12-31 00:00:00", "0001-01-01 00:00:00", "1899-12-31", "2200-01-01")
    none = ("2023-02-29", "2024-13-01", "-5000-01-01", "99999-01-01", "1e308")
    _case("days out of range", _text(sale(), *(sale(sold_at=text) for text in (*far, *none))), accepted=1,
          rejects=(("sold_at", "not_a_date", 4), ("sold_at", "out_of_range", 5)))  # fmt: skip
    long = "A" * 10_000
    _case("code without end", _text(sale(), sale(long)), accepted=1, rejects=(("item_code", "too_long", 1),))


def _parquets() -> None:
    whole = parquet()
    footer = struct.unpack("<I", whole[-8:-4])[0]
    lie = whole[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"
    _case("parquet of a huge footer", lie, name="sales.parquet", refused="unreadable")
    random_footer = random.Random(1).randbytes(footer)
    _case("parquet of a random footer", whole[: -8 - footer] + random_footer + whole[-8:], name="sales.parquet",
          refused="unreadable")  # fmt: skip
    _case("parquet of marks alone", b"PAR1PAR1", name="sales.parquet", refused="unreadable")
    nested = pl.DataFrame({"sold_at": [["2024-01-01"]], "item_code": ["A"], "quantity": [1], "unit_price": [1]})
    _case("parquet of lists", parquet(nested), name="sales.parquet", refused="unreadable", says="'sold_at' holds")
    wide = pl.DataFrame({f"c{number}": [1] for number in range(20_000)})
    _case("parquet of twenty thousand columns", parquet(wide), name="sales.parquet", refused="wrong_columns")
    zeros = pl.DataFrame({"sold_at": "2024-01-01", "item_code": pl.repeat("A", 1_000_000, eager=True)})
    _case("parquet of a million equal rows", parquet(zeros.with_columns(quantity=1, unit_price=1)),
          name="sales.parquet", accepted=1_000_000)  # fmt: skip


# Cut inside a character, and inside the last row.
_CUT_UTF16: dict[float, dict[str, object]] = {
    0.1: {"refused": "bad_encoding"},
    0.5: {"refused": "bad_encoding"},
    0.9: {"accepted": 1, "rejects": (("", "malformed_row", 1),)},
}


def _cut_short() -> None:
    for ending, content in small_files().items():
        if ending != "csv":
            for share in (0.1, 0.5, 0.9):
                cut = content[: int(len(content) * share)]
                expected: dict[str, object] = {"refused": "unreadable"}
                if ending == "utf16.csv":
                    expected = _CUT_UTF16[share]
                _case(f"{ending} cut at {share:.0%}", cut, name=f"sales.{ending}", **expected)


_archives()
_workbooks()
_delimited()
_characters()
_values()
_parquets()
_cut_short()
