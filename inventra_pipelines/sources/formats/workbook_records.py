"""The records of binary workbooks, xlsb and xls: errors and merged cells, which the parser does not tell.

Belongs here: the walk over the records; what is found is `SheetNotes`. Every formula's record holds a result, so one
that was never calculated looks like a zero or an empty text: these two formats cannot tell.

Sources: [MS-XLSB] 2.1.4 and 2.4, [MS-XLS] 2.1.4 and 2.4.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from xlrd.compdoc import CompDoc

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.complaints import in_words
from inventra_pipelines.sources.formats.workbook_archive import Archive, check_extent, encrypted
from inventra_pipelines.sources.formats.workbook_faults import SheetNotes, WorkbookNotes, sheet_parts, workbook_part

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")

_XLSB_ROW, _XLSB_ERROR, _XLSB_FORMULA_ERROR, _XLSB_LAST_CELL = 0, 3, 11, 11
_XLSB_PROPERTIES, _XLSB_SHEET, _XLSB_MERGED = 153, 156, 176

_XLS_END, _XLS_1904, _XLS_ENCRYPTED, _XLS_SHEET = 0x000A, 0x0022, 0x002F, 0x0085
_XLS_BEGINNINGS = (0x0009, 0x0209, 0x0409, 0x0809)
_XLS_MERGED, _XLS_ERROR = 0x00E5, 0x0205
_XLS_FORMULAS = (0x0006, 0x0206, 0x0406)
_XLS_ERROR_RESULT = 2
_XLS_WORKSHEET = 0
_XLS_NOTHING = b"\xff\x0f"
_XLS_CODE_PAGE, _XLS_UNICODE, _XLS_BIFF8 = 0x0042, b"\xb0\x04", b"\x00\x06"


def xlsb_notes(archive: Archive) -> WorkbookNotes:
    """Look through an xlsb.

    Raises:
        FileRejected: Damaged, too large, or a sheet reaches too far.
    """
    try:
        workbook = workbook_part(archive)
        content = archive.read(workbook)
        parts = sheet_parts(archive, workbook, _xlsb_sheets(content))
        archive.check_rest(set(parts.values()))
        sheets = {sheet: _xlsb_sheet(archive, part, sheet) for sheet, part in parts.items()}
        is_1904 = any(kind == _XLSB_PROPERTIES and content[start] & 1 for kind, start, _ in xlsb_records(content))
        return WorkbookNotes(sheets, is_1904=is_1904)
    except (struct.error, IndexError):
        raise _damaged(archive.name, "a record is cut short") from None


def xlsb_records(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, and start and length of the content, of each record of an xlsb's part."""
    place, end = 0, len(content)
    while place < end:
        kind = content[place]
        place += 1
        if kind & 0x80:
            kind = kind & 0x7F | content[place] << 7
            place += 1
        length = shift = 0
        while True:
            part = content[place]
            place += 1
            length |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80 or shift == 28:
                break
        yield kind, place, length
        place += length


def _xlsb_sheets(content: bytes) -> Iterator[tuple[str, str]]:
    for kind, start, _ in xlsb_records(content):
        if kind == _XLSB_SHEET:
            relation, place = _wide_text(content, start + 8)
            name, _ = _wide_text(content, place)
            yield name, relation


def _wide_text(content: bytes, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", content, place)
    if length == 0xFFFFFFFF:
        return "", place + 4
    end = place + 4 + 2 * length
    return content[place + 4 : end].decode("utf-16-le", "replace"), end


def _xlsb_sheet(archive: Archive, part: str, sheet: str) -> SheetNotes:
    notes = SheetNotes()
    content = b"".join(archive.pieces(part))
    row = last_row = last_column = 0
    for kind, start, _ in xlsb_records(content):
        if kind == _XLSB_ROW:
            row = struct.unpack_from("<I", content, start)[0] + 1
            last_row = max(last_row, row)
        elif kind <= _XLSB_LAST_CELL:
            column = struct.unpack_from("<I", content, start)[0] + 1
            last_column = max(last_column, column)
            if kind in (_XLSB_ERROR, _XLSB_FORMULA_ERROR):
                notes.texts[row, column] = _ERRORS.get(content[start + 8], "#N/A")
        elif kind == _XLSB_MERGED:
            first_row, final_row, first_column, final_column = struct.unpack_from("<4I", content, start)
            notes.merged.append((first_row + 1, first_column + 1, final_row + 1, final_column + 1))
    check_extent(last_row, last_column, archive.name, sheet)
    return notes


def xls_notes(path: Path, name: str) -> WorkbookNotes:
    """Look through an xls; macros are not among the sheets either.

    Raises:
        FileRejected: Damaged, or encrypted.
    """
    content = path.read_bytes()
    try:
        compound = CompDoc(content, logfile=io.StringIO())
        found = [compound.locate_named_stream(stream) for stream in ("Workbook", "Book")]
        memory, start, length = next((place for place in found if place[0]), (None, 0, 0))
        if memory is None and _ENCRYPTED_PACKAGE in content:
            raise encrypted(name)
        if memory is None:
            raise _damaged(name, "there is no workbook in it")
        stream = bytes(memory[start : start + length])
        notes = _xls_workbook(stream, name)
        charts = [place for offset in _xls_offsets(stream).values() for place in _embedded(stream, offset)]
        if charts and memory is not content:
            raise _damaged(name, "its parts are scattered, and it holds charts")
        edits = {**dict.fromkeys(charts, _XLS_NOTHING), **_code_page(stream)}
        if memory is not content:
            # The first sector of a stream is in one piece, wherever it stands.
            start = content.find(stream[: max(edits, default=0) + 2])
        return replace(notes, mended=_edited(content, start, edits)) if edits and start >= 0 else notes
    except (FileRejected, MemoryError):
        raise
    except Exception as error:  # The library trusts what it reads: nearly any error there means damage.
        raise _damaged(name, in_words(error)) from None


def _xls_records(stream: bytes, place: int) -> Iterator[tuple[int, int, int]]:
    """Type, start and length of each record up to the end of the sheet or of the workbook's globals."""
    depth = 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        yield kind, place + 4, length
        depth += (kind in _XLS_BEGINNINGS) - (kind == _XLS_END)
        if depth <= 0:
            return
        place += 4 + length


def _xls_workbook(stream: bytes, name: str) -> WorkbookNotes:
    is_1904 = False
    for kind, start, _ in _xls_records(stream, 0):
        if kind == _XLS_ENCRYPTED:
            raise encrypted(name)
        if kind == _XLS_1904:
            is_1904 = bool(stream[start])
    sheets = {place: _xls_sheet(stream, offset) for place, offset in _xls_offsets(stream).items()}
    return WorkbookNotes(by_place=sheets, is_1904=is_1904)


def _xls_offsets(stream: bytes) -> dict[int, int]:
    """Offset of each worksheet by its place."""
    sheets = [struct.unpack_from("<IBB", stream, at) for kind, at, _ in _xls_records(stream, 0) if kind == _XLS_SHEET]
    return {place: offset for place, (offset, _, kind) in enumerate(sheets) if kind == _XLS_WORKSHEET}


def _embedded(stream: bytes, offset: int) -> Iterator[int]:
    """Where the records of a sheet's charts begin: the parser takes the values that charts keep for the sheet's."""
    depth = 0
    for kind, start, _ in _xls_records(stream, offset):
        depth += kind in _XLS_BEGINNINGS
        if depth > 1:
            yield start - 4
        depth -= kind == _XLS_END


def _code_page(stream: bytes) -> dict[int, bytes]:
    """Where another code page than Unicode stands, and what should: the parser reads the texts of BIFF8 by it."""
    if stream[4:6] != _XLS_BIFF8:
        return {}
    pages = [start for kind, start, _ in _xls_records(stream, 0) if kind == _XLS_CODE_PAGE]
    return {start: _XLS_UNICODE for start in pages if stream[start : start + 2] != _XLS_UNICODE}


def _edited(content: bytes, start: int, edits: Mapping[int, bytes]) -> bytes:
    """The file with two bytes replaced at each place of the stream that begins at `start`."""
    edited = bytearray(content)
    for place, two_bytes in edits.items():
        edited[start + place : start + place + 2] = two_bytes
    return bytes(edited)


def _xls_sheet(stream: bytes, offset: int) -> SheetNotes:
    notes = SheetNotes()
    for kind, start, _ in _xls_records(stream, offset):
        if kind == _XLS_ERROR:
            row, column, _, value, is_error = struct.unpack_from("<HHHBB", stream, start)
            if is_error:
                notes.texts[row + 1, column + 1] = _ERRORS.get(value, "#N/A")
        elif kind in _XLS_FORMULAS:
            row, column, _, result, _, value, _, _, marker = struct.unpack_from("<HHHBBBBHH", stream, start)
            if marker == 0xFFFF and result == _XLS_ERROR_RESULT:
                notes.texts[row + 1, column + 1] = _ERRORS.get(value, "#N/A")
        elif kind == _XLS_MERGED:
            (count,) = struct.unpack_from("<H", stream, start)
            for place in range(start + 2, start + 2 + 8 * count, 8):
                first_row, last_row, first_column, last_column = struct.unpack_from("<4H", stream, place)
                notes.merged.append((first_row + 1, first_column + 1, last_row + 1, last_column + 1))
    return notes


def _damaged(name: str, problem: str) -> FileRejected:
    return FileRejected(FileReason.UNREADABLE, f"{name}: the workbook is damaged ({problem})", "open and save it again")
