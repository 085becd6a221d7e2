"""What the parser does not tell of a sheet: errors, formulas without a stored result, merged cells, hidden rows.

Belongs here: `SheetNotes`, and how they are found in the XML of xlsx and xlsm. The XML is scanned as bytes, once, and
only pieces in which an error or a formula occurs are looked at cell by cell.

A formula without a stored result is one that no spreadsheet program has calculated; it is reported as `#CALC!`.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.complaints import in_words
from inventra_pipelines.sources.formats.workbook_archive import Archive, check_extent

UNSTORED = "#CALC!"
_MOST_OF_A_ROW = 64 * 2**20
_HEAD_BYTES = 4096
# Sheets of up to so many columns may have any number of rows.
_NARROW_COLUMNS = 26

_ERROR = re.compile(rb'<c\b([^>]*\bt="e"[^>]*)>(?:(?!</c>).)*?<v>([^<]*)<', re.DOTALL)
_UNSTORED = re.compile(
    rb"<c\b([^>]*)>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>",
)
_REFERENCE = re.compile(rb"([A-Za-z]{1,3})(\d{1,7})")
_ADDRESS = re.compile(rb'\br="([A-Za-z]{1,3}\d{1,7})"')
# A text may be empty and yet stored; an error is found by its own pattern.
_STORED_KIND = re.compile(rb'\bt="(?:str|e)"')
_WIDE = re.compile(rb'r="([A-Za-z]{2,3})\d')
_ROW = re.compile(rb'r="[A-Za-z]{0,3}(\d{1,7})"')
_MERGED = re.compile(rb'<mergeCell\b[^>]*\bref="([A-Za-z]{1,3}\d{1,7}):([A-Za-z]{1,3}\d{1,7})"')
_HIDDEN_ROW = re.compile(rb'<row\b(?=[^<>]*\shidden="(?:1|true)")[^<>]*\sr="(\d{1,7})"')
_PREFIX = re.compile(rb"<(/?)\w+:")


@dataclass(frozen=True)
class SheetNotes:
    """What the parser does not tell about a sheet.

    Attributes:
        texts: Text by row and column, from 1, of cells that are not empty though the parser says so.
        merged: First row, first column, last row and last column of each merged range.
        hidden: First and last row of each range that is not shown, in order; told of xlsx, xlsm and ods.
    """

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)

    def hide(self, first: int, last: int) -> None:
        """Note rows that are not shown, below those that were noted before."""
        if self.hidden and self.hidden[-1][1] == first - 1:
            first = self.hidden.pop()[0]
        self.hidden.append((first, last))


@dataclass(frozen=True)
class WorkbookNotes:
    """What the parser does not tell about a workbook.

    Attributes:
        by_name: Of each worksheet; charts are not among them.
        by_place: The same by the place among all sheets, where the format's names are not read.
        is_1904: Whether days are counted from 1904 instead of 1900.
        mended: The file to parse in place of one that the parser misreads.
    """

    by_name: Mapping[str, SheetNotes] = field(default_factory=dict)
    by_place: Mapping[int, SheetNotes] = field(default_factory=dict)
    is_1904: bool = False
    mended: bytes | None = None


def xlsx_notes(archive: Archive) -> WorkbookNotes:
    """Look through an xlsx or xlsm.

    Raises:
        FileRejected: Damaged, too large, or a sheet reaches too far.
    """
    workbook = workbook_part(archive)
    tree = parsed(archive, workbook)
    parts = sheet_parts(archive, workbook, _sheets(tree))
    archive.check_rest(set(parts.values()))
    sheets = {sheet: _notes(archive, part, sheet) for sheet, part in parts.items()}
    is_1904 = any(properties.get("date1904") in ("1", "true") for properties in tree.iterchildren("{*}workbookPr"))
    return WorkbookNotes(sheets, is_1904=is_1904, mended=_mended(archive, tree, workbook) if is_1904 else None)


def sheet_parts(archive: Archive, workbook: str, sheets: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Part of the archive by the name of each worksheet, from names and ids of relations; charts are left out."""
    relations = {element.get("Id"): element for element in _relations(archive, workbook)}
    return {
        name: _target(relations[relation], workbook)
        for name, relation in sheets
        if relation in relations and relations[relation].get("Type", "").endswith("/worksheet")
    }


def workbook_part(archive: Archive) -> str:
    """The part that lists the sheets."""
    for element in _relations(archive, ""):
        if element.get("Type", "").endswith("/officeDocument"):
            return _target(element, "")
    return "xl/workbook.xml"


def _relations(archive: Archive, part: str) -> Iterator[etree._Element]:
    folder, _, file = part.rpartition("/")
    return parsed(archive, posixpath.join(folder, "_rels", f"{file}.rels")).iter("{*}Relationship")


def _target(relation: etree._Element, part: str) -> str:
    """The part that a part's relation leads to."""
    folder = part.rpartition("/")[0]
    return posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")


def parsed(archive: Archive, part: str) -> etree._Element:
    """A small part of the archive as a tree.

    Raises:
        FileRejected: It is not there, or no XML.
    """
    try:
        return etree.fromstring(archive.read(part), etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise FileRejected(
            FileReason.UNREADABLE,
            f"{archive.name}: part {part} of the workbook is damaged ({in_words(error)})",
            "open and save it again",
        ) from None


def column_number(letters: bytes) -> int:
    """The number of a column, from 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _mended(archive: Archive, tree: etree._Element, part: str) -> bytes | None:
    """The workbook without extensions: the parser takes a `workbookPr` in one for the workbook's, and forgets 1904."""
    extensions = tree.findall("{*}extLst")
    for extension in extensions:
        tree.remove(extension)
    return archive.with_part(part, etree.tostring(tree, xml_declaration=True, encoding="UTF-8")) if extensions else None


def _sheets(workbook: etree._Element) -> Iterator[tuple[str, str]]:
    for element in workbook.iter("{*}sheet"):
        relation = next((value for key, value in element.items() if etree.QName(key).localname == "id"), "")
        yield element.get("name", ""), relation


def _notes(archive: Archive, part: str, sheet: str) -> SheetNotes:
    notes = SheetNotes()
    columns = _NARROW_COLUMNS
    piece = b""
    for piece in _whole_rows(archive, part, sheet):
        columns = max([columns, *map(column_number, set(_WIDE.findall(piece)))])
        if b't="e"' in piece:
            notes.texts.update(_faults(_ERROR, piece, archive.name, sheet))
        if b"<f" in piece:
            notes.texts.update(_faults(_UNSTORED, piece, archive.name, sheet))
        if b'hidden="' in piece:
            for row in map(int, _HIDDEN_ROW.findall(piece)):
                notes.hide(row, row)
    notes.merged.extend((*_place(first), *_place(last)) for first, last in _MERGED.findall(piece))
    if columns > _NARROW_COLUMNS:
        rows = max(max(map(int, _ROW.findall(piece)), default=0) for piece in _whole_rows(archive, part, sheet))
        check_extent(rows, columns, archive.name, sheet)
    return notes


def _faults(pattern: re.Pattern[bytes], piece: bytes, name: str, sheet: str) -> Iterator[tuple[tuple[int, int], str]]:
    for match in pattern.finditer(piece):
        tag = match.group(1)
        if pattern is _UNSTORED and _STORED_KIND.search(tag):
            continue
        reference = _ADDRESS.search(tag)
        if reference is None:
            raise FileRejected(
                FileReason.UNREADABLE,
                f"{name}: a formula of sheet {sheet!r} stands in a cell without an address",
                "open and save the workbook again",
            )
        text = UNSTORED if pattern is _UNSTORED else match.group(2).decode("utf-8", "replace")
        yield _place(reference.group(1)), text


def _place(reference: bytes) -> tuple[int, int]:
    match = _REFERENCE.fullmatch(reference)
    assert match is not None
    return int(match.group(2)), column_number(match.group(1))


def _whole_rows(archive: Archive, part: str, sheet: str) -> Iterator[bytes]:
    """The part in pieces that end with a row, and what follows the last one; without prefixes and in double quotes."""
    rest = b""
    is_plain = None
    for piece in archive.pieces(part):
        if is_plain is None:
            is_plain = b"<worksheet" in piece[:_HEAD_BYTES] and b"='" not in piece[:_HEAD_BYTES]
        rest += piece
        end = rest.rfind(b"row>") + 4
        if end > 3:
            yield rest[:end] if is_plain else _plain(rest[:end])
            rest = rest[end:]
        elif len(rest) > _MOST_OF_A_ROW:
            raise FileRejected(
                FileReason.TOO_LARGE, f"{archive.name}: a row of sheet {sheet!r} never ends", "send the data as CSV"
            )
    yield rest if is_plain else _plain(rest)


def _plain(xml: bytes) -> bytes:
    return _PREFIX.sub(rb"<\1", xml).replace(b"'", b'"')
