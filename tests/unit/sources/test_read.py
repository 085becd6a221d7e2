"""Which reader a file gets, and what comes out of archives: by content alone, within limits."""

import gzip
import io
import stat
import zipfile
import zlib

import openpyxl
import polars as pl
import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats import packing
from inventra_pipelines.sources.formats.read import open_file


@pytest.fixture
def read(tmp_path):
    """Read bytes under a name; gives each sheet's rows, the details and what is passed over."""

    def _read(content: bytes, name: str = "f.csv", **mapping):
        path = tmp_path / name
        path.write_bytes(content)
        with open_file(path, FileMapping(**mapping), name, lambda headers: {"a", "b"} <= set(headers)) as opened:
            sheets = {}
            for table in opened.tables:
                cells = [str(place) for place in range(len(table.headers))]
                chunks = [chunk.select("row_number", *cells).rows() for chunk in table.chunks]
                sheets[table.sheet] = [row for rows in chunks for row in rows]
            return sheets, dict(opened.details), list(opened.passed_over), opened.format

    return _read


def test_sheets_that_the_mapping_asks_for_are_told_once_where_no_file_has_any(tmp_path):
    path = tmp_path / "f.zip"
    path.write_bytes(zipped(("x.csv", CSV), ("y.csv", CSV)))
    with open_file(path, FileMapping(sheets=["S"]), "f.zip", lambda headers: {"a", "b"} <= set(headers)) as opened:
        assert len(list(opened.tables)) == 2
        assert opened.remarks == ["sheets of the tenant's file is not used: the file has none"]


def refused(read, content: bytes, reason: str, says: str = "") -> None:
    with pytest.raises(FileRejected) as caught:
        read(content)
    assert caught.value.reason_code == reason
    assert says in caught.value.message
    assert "f.csv" in caught.value.message
    assert caught.value.remedy


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame({"a": ["1"], "b": ["2"]}).write_parquet(stream)
    return stream.getvalue()


def workbook() -> bytes:
    stream = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.title = "May"
    for row in (["a", "b"], ["1", "2"]):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


CSV = b"a,b\n1,2\n"
ROWS = [(2, "1", "2")]


def test_the_content_decides_not_the_name(read):
    assert read(CSV, "sales.xlsx")[0] == {"": ROWS}
    assert read(gzip.compress(CSV), "sales.xlsx")[0] == {"": ROWS}
    assert read(parquet(), "sales.csv")[0] == {"": ROWS}
    assert read(workbook(), "sales.csv")[0] == {"May": ROWS}
    assert read(zipped(("x", CSV)), "sales.csv")[0] == {"x": ROWS}


def test_what_was_found_is_told(read):
    _, details, _, kind = read(gzip.compress("title\na;b\n1;2\n".encode("utf-8-sig")))
    assert kind == "delimited text"
    assert details == {
        "encoding": "UTF-8 with byte-order mark",
        "delimiter": "semicolon",
        "header row": "2",
        "packed": "gzip",
    }


def test_gzip_may_hold_whatever_is_read_by_itself_but_no_archive(read):
    assert read(gzip.compress(workbook()))[0] == {"May": ROWS}
    assert read(gzip.compress(parquet()))[0] == {"": ROWS}
    assert read(gzip.compress(CSV) + gzip.compress(b"3,4\n"))[0] == {"": [*ROWS, (3, "3", "4")]}
    refused(read, gzip.compress(gzip.compress(CSV)), "unknown_format", "archive within an archive")
    refused(read, gzip.compress(zipped(("x.csv", CSV))), "unknown_format", "archive within an archive")


def test_every_file_of_a_zip_is_read_as_if_it_had_landed_itself(read):
    content = zipped(
        ("2024/may.csv", CSV),
        ("2024/", b""),
        ("june.txt", b"a;b\n3;4\n"),
        ("book.xlsx", workbook()),
        ("__MACOSX/2024/._may.csv", b"\x00\x05"),
        (".hidden/x.csv", CSV),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0"),
    )
    sheets, details, passed_over, kind = read(content)
    assert sheets == {"may.csv": ROWS, "june.txt": [(2, "3", "4")], "book.xlsx / May": ROWS}
    assert kind == "zip archive"
    assert details["packed"] == "zip, 3 files"
    assert details["delimiter"] == "comma; semicolon"
    assert [line.partition(":")[0] for line in passed_over] == ["__MACOSX/2024/._may.csv", ".hidden/x.csv", "Thumbs.db"]


def test_names_in_an_archive_are_labels_and_each_is_its_own(read, tmp_path):
    content = zipped(("../../up.csv", CSV), ("/etc/abs.csv", CSV), ("x/same.csv", CSV), ("y\\same.csv", CSV))
    assert list(read(content)[0]) == ["up.csv", "abs.csv", "x/same.csv", "y\\same.csv"]
    assert [path.name for path in tmp_path.rglob("*")] == ["f.csv"]
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(("same.csv", CSV), ("same.csv", b"a,b\n5,6\n"))
    assert read(twice)[0] == {"same.csv": ROWS, "same.csv (2)": [(2, "5", "6")]}


def test_a_link_in_an_archive_is_not_followed(read):
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    sheets, _, passed_over, _ = read(zipped((link, b"/etc/passwd"), ("x.csv", CSV)))
    assert list(sheets) == ["x.csv"]
    assert passed_over == ["link.csv: is a link, not a file"]


def test_an_archive_that_cannot_be_read_safely_is_refused(read, monkeypatch):
    refused(read, zipped(("in.zip", zipped(("x.csv", CSV)))), "unknown_format", "in.zip: an archive within an archive")
    refused(read, zipped(("x.csv.gz", gzip.compress(CSV))), "unknown_format", "archive within an archive")
    refused(read, zipped(("x.csv", b"")), "empty_file", "x.csv")
    refused(read, zipped(("__MACOSX/x", b"")), "empty_file")
    refused(read, zipped(), "empty_file")
    refused(read, zipped(("x.csv", CSV))[:-30], "unreadable")
    refused(read, zipped(*((f"{number}.csv", CSV) for number in range(101))), "too_large", "101 files")
    encrypted = bytearray(zipped(("x.csv", CSV)))
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    refused(read, bytes(encrypted), "unreadable", "encrypted")
    damaged = bytearray(zipped(("x.csv", CSV * 50)))
    damaged[45] ^= 0xFF
    refused(read, bytes(damaged), "unreadable", "x.csv")


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(("x.csv", content))], ids=["gzip", "zip"])
def test_a_bomb_is_stopped_while_it_unpacks(read, monkeypatch, pack):
    monkeypatch.setattr(packing, "RATIO_FROM_BYTES", 10**6)
    refused(read, pack(b"a,b\n" + b"0" * 3 * 10**6), "too_large", "unpacks to more than 1 MB")


def test_a_bomb_that_declares_a_small_size_is_stopped_all_the_same(read, monkeypatch):
    monkeypatch.setattr(packing, "RATIO_FROM_BYTES", 10**6)
    size = (3 * 10**6).to_bytes(4, "little")
    for pack in (gzip.compress, lambda content: zipped(("x.csv", content))):
        packed = pack(b"0" * 3 * 10**6)
        assert size in packed
        refused(read, packed.replace(size, b"\x10\x00\x00\x00"), "too_large")


def test_a_zip_that_declares_a_small_size_is_not_read_up_to_there(read):
    whole = zipped(("x.csv", CSV * 50))
    size, checksum = (len(CSV * 50).to_bytes(4, "little"), zlib.crc32(CSV * 50).to_bytes(4, "little"))
    lie = whole.replace(size, len(CSV).to_bytes(4, "little"))
    refused(read, lie, "unreadable", "unpacks to 400 bytes, not to 8")
    refused(read, lie.replace(checksum, zlib.crc32(CSV).to_bytes(4, "little")), "unreadable", "x.csv")


def test_more_than_can_be_kept_is_stopped(read, monkeypatch):
    monkeypatch.setattr(packing, "MOST_BYTES", 20)
    half = b"a,b\n1,2\n3,4\n"
    assert len(read(zipped(("x.csv", half)))[0]) == 1
    refused(read, zipped(("x.csv", half), ("y.csv", half)), "too_large")


def test_nothing_unpacked_is_left_behind(tmp_path, monkeypatch, read):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    read(zipped(("x.csv", CSV)))
    refused(read, gzip.compress(CSV)[:-3], "unreadable", "gzip data is cut short")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"x.csv".ljust(257, b"\x00") + b"ustar\x00", "tar"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\r\n<HTML><body><table><tr><td>a</td></tr>", "HTML"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "HTML"),
        (b"<table border=1>", "HTML"),
        ("<html xmlns:x='urn'>".encode("utf-16"), "HTML"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "Excel 2003 XML"),
        (b'[{"a": 1}]', "JSON"),
        (b'{"a": 1, "b": 2}\n', "JSON"),
        (b"SQLite format 3\x00", "SQLite"),
    ],
)
def test_other_kinds_are_refused_by_their_name(read, content, kind):
    refused(read, content, "unknown_format", kind)


def test_text_that_begins_oddly_is_text_all_the_same(read):
    for title in (b"BMW parts", b"[May]", b"<none>", b"{A}", b"BZh report", b"PK list"):
        assert read(title + b"\n" + CSV)[0] == {"": [(3, "1", "2")]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (gzip.compress(b"", mtime=0), "empty_file"),
        (gzip.compress(CSV * 999, mtime=0)[:-9], "unreadable"),
        (b"\x1f\x8b nonsense", "unreadable"),
        (gzip.compress(CSV, mtime=0) + b"rubbish", "unreadable"),
        (b"PK\x03\x04 nonsense", "unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(read, content, reason):
    refused(read, content, reason)
