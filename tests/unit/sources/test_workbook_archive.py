"""Workbooks that are cut short, locked, or made to hurt are refused before a parser sees them."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest

from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats import excel_files
from inventra_pipelines.sources.formats.excel_files import read_workbook

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def parts() -> dict[str, bytes]:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def refused(tmp_path, monkeypatch):
    def unseen(_: bytes) -> None:
        raise AssertionError("the parser saw the file")

    monkeypatch.setattr(excel_files.fastexcel, "read_excel", unseen)

    def refuse(content: dict[str, bytes] | bytes) -> FileRejected:
        path: Path = tmp_path / "w.xlsx"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, part in content.items():
                    archive.writestr(name, part)
        with pytest.raises(FileRejected) as caught:
            read_workbook(path, FileMapping(), path.name, lambda _: True)
        assert "w.xlsx" in caught.value.message
        assert "the parser saw" not in caught.value.message
        assert caught.value.remedy
        return caught.value

    return refuse


@pytest.mark.parametrize("reference", ["XFD1048576", "xfd1048576"])
def test_a_cell_in_the_last_corner_is_refused(reference, parts, refused):
    row = f'<row r="1048576"><c r="{reference}"><v>1</v></c></row></sheetData>'.encode()
    error = refused(parts | {SHEET: parts[SHEET].replace(b"</sheetData>", row)})
    assert error.reason_code == "too_large"
    assert "'Sheet' reaches to row 1,048,576 and column 16,384" in error.message


def test_a_row_that_never_ends_is_refused(parts, refused):
    cells = b'<row r="3">' + b'<c r="A3"><v>1</v></c>' * 3_500_000 + b"</row></sheetData>"
    error = refused(parts | {SHEET: parts[SHEET].replace(b"</sheetData>", cells)})
    assert error.reason_code == "too_large"


def test_a_shared_string_of_a_hundred_megabytes_is_refused(parts, refused):
    strings = b"<sst><si><t>" + b"A" * (100 * 2**20) + b"</t></si></sst>"
    assert refused(parts | {"xl/sharedStrings.xml": strings}).reason_code == "too_large"


def test_a_part_that_unpacks_to_more_than_the_directory_says_is_counted_as_it_unpacks(parts, refused):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
        archive.writestr("xl/sharedStrings.xml", b"A" * (100 * 2**20))
    content = bytearray(buffer.getvalue())
    entry = content.rindex(b"PK\x01\x02")
    # The sizes and checksum of the first ten bytes, in the directory and in front of the part.
    local = struct.unpack_from("<I", content, entry + 42)[0]
    for place in (entry + 16, local + 14):
        struct.pack_into("<I", content, place, zlib.crc32(b"A" * 10))
        struct.pack_into("<I", content, place + 8, 10)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("xl/sharedStrings.xml") == b"A" * 10
    assert refused(bytes(content)).reason_code == "too_large"


def test_an_archive_of_thousands_of_parts_is_refused(parts, refused):
    error = refused(parts | {f"xl/media/{number}.png": b"" for number in range(6_000)})
    assert error.reason_code == "too_large"
    assert "parts" in error.message


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_a_part_that_declares_a_document_type_is_refused(part, parts, refused):
    head = b'<?xml version="1.0"?><!-- x --><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    error = refused(parts | {part: head + parts[part]})
    assert error.reason_code == "unreadable"
    assert "document type" in error.message


def test_a_directory_of_sheets_nested_too_deeply_is_refused(parts, refused):
    nested = b"<workbook>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</workbook>"
    assert refused(parts | {"xl/workbook.xml": nested}).reason_code == "unreadable"


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 this is no archive", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000],
    ids=["no-archive", "no-compound-file"],
)
def test_a_broken_workbook_is_refused(content, refused):
    assert refused(content).reason_code == "unreadable"


def test_a_workbook_without_the_part_of_a_sheet_is_refused(parts, refused):
    error = refused({name: part for name, part in parts.items() if name != SHEET})
    assert error.reason_code == "unreadable"
    assert f"part {SHEET} is missing" in error.message


def test_a_workbook_cut_short_is_refused(parts, refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "whole.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert refused((tmp_path / "whole.xlsx").read_bytes()[:-200]).reason_code == "unreadable"


def test_a_workbook_whose_part_is_damaged_is_refused(parts, refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "whole.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
        place = archive.getinfo(SHEET).header_offset + 30 + len(SHEET)
    content = bytearray((tmp_path / "whole.xlsx").read_bytes())
    content[place : place + 8] = b"\xff" * 8
    assert refused(bytes(content)).reason_code == "unreadable"


@pytest.mark.parametrize("name", ["pass_protected.xlsx", "pass_protected.xlsb", "pass_protected.ods", "issue_385.xls"])
def test_a_workbook_with_a_password_is_refused_as_that(name, shared_data, refused):
    folder = shared_data / "messy" / "calamine" / "tests"
    if not folder.is_dir():
        pytest.skip("the folder of messy workbooks is not there")
    error = refused((folder / name).read_bytes())
    assert "encrypted with a password" in error.message
