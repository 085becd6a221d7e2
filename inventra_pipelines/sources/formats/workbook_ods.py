"""The content of an OpenDocument workbook: what the parser reads as empty or not at all.

Belongs here: errors, formulas without a stored result, times of day and durations, merged cells, and how far rows and
cells repeat. What is found is `SheetNotes`.

Source: OpenDocument 1.3 part 3, section 19.385 (`office:value-type`); LibreOffice adds `calcext:value-type="error"`.
"""

import re

from lxml import etree

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.complaints import in_words
from inventra_pipelines.sources.formats.workbook_archive import Archive, check_extent, encrypted
from inventra_pipelines.sources.formats.workbook_faults import UNSTORED, SheetNotes, WorkbookNotes

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}p"
_MANIFEST = "META-INF/manifest.xml"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_ERROR = re.compile(r"#[A-Z/0]+[!?]?|Err:\d+")
_DURATION = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:[.,](\d+))?S")


def ods_notes(archive: Archive) -> WorkbookNotes:
    """Look through an ods.

    Raises:
        FileRejected: Damaged, encrypted, too large, or a sheet reaches too far.
    """
    if _MANIFEST in archive and b"encryption-data" in archive.read(_MANIFEST):
        raise encrypted(archive.name)
    if "content.xml" not in archive:
        raise FileRejected(
            FileReason.UNREADABLE, f"{archive.name}: the workbook has no content", "open and save it again"
        )
    archive.check_rest({"content.xml"})
    notes: dict[str, SheetNotes] = {}
    parser = etree.XMLPullParser(
        ("start", "end"), tag=(f"{_TABLE}table", f"{_TABLE}table-row"), resolve_entities=False, no_network=True
    )
    walk = _Walk(archive.name, notes)
    try:
        for piece in archive.pieces("content.xml"):
            parser.feed(piece)
            walk.take(parser)
        parser.close()
        walk.take(parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FileRejected(
            FileReason.UNREADABLE,
            f"{archive.name}: the workbook's content is damaged ({in_words(error)})",
            "open and save it again",
        ) from None
    return WorkbookNotes(notes)


class _Walk:
    """Where the walk over the rows is."""

    def __init__(self, name: str, notes: dict[str, SheetNotes]) -> None:
        self.name, self.notes = name, notes
        self.sheet, self.row, self.last_row, self.last_column = "", 1, 0, 0

    def take(self, parser: etree.XMLPullParser) -> None:
        for event, element in parser.read_events():
            if event == "start" and element.tag == f"{_TABLE}table":
                self.sheet = element.get(f"{_TABLE}name", "")
                self.notes[self.sheet] = SheetNotes()
                self.row, self.last_row, self.last_column = 1, 0, 0
            elif event == "end" and element.tag == f"{_TABLE}table-row":
                self._row(element)
                # What has been looked at is let go, or the whole tree would stay.
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]

    def _row(self, element: etree._Element) -> None:
        rows = _repeated(element, "rows")
        column, last_column = 1, 0
        found: list[tuple[int, int, str]] = []
        for cell in element.iterchildren(*_CELLS):
            columns = _repeated(cell, "columns")
            if len(cell) or cell.get(f"{_OFFICE}value-type") or cell.get(f"{_TABLE}formula"):
                last_column = column + columns - 1
                text = _unread(cell)
                if text is not None:
                    found.append((column, last_column, text))
            self._note_merged(cell, column)
            column += columns
        if last_column:
            self.last_column = max(self.last_column, last_column)
            self.last_row = self.row + rows - 1
            check_extent(self.last_row, self.last_column, self.name, self.sheet)
            if element.get(f"{_TABLE}visibility", "visible") != "visible":
                self.notes[self.sheet].hide(self.row, self.last_row)
        texts = self.notes[self.sheet].texts
        for first, last, text in found:
            texts |= {
                (row, place): text for row in range(self.row, self.row + rows) for place in range(first, last + 1)
            }
        self.row += rows

    def _note_merged(self, cell: etree._Element, column: int) -> None:
        rows = int(cell.get(f"{_TABLE}number-rows-spanned", 1))
        columns = int(cell.get(f"{_TABLE}number-columns-spanned", 1))
        if rows > 1 or columns > 1:
            self.notes[self.sheet].merged.append((self.row, column, self.row + rows - 1, column + columns - 1))


def _repeated(element: etree._Element, what: str) -> int:
    return int(element.get(f"{_TABLE}number-{what}-repeated", 1))


def _unread(cell: etree._Element) -> str | None:
    """Text of a cell that the parser reads as empty or as its hidden value."""
    kind = cell.get(f"{_OFFICE}value-type")
    if kind == "time":
        return _clock(cell.get(f"{_OFFICE}time-value", ""))
    formula = cell.get(f"{_TABLE}formula")
    if formula is None:
        return None
    if kind is None:
        return UNSTORED
    shown = "".join(cell.findtext(_TEXT) or "").strip()
    return shown if _ERROR.fullmatch(shown) else None


def _clock(duration: str) -> str:
    """`PT03H04M05S` as `03:04:05`; more than a day keeps its hours."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        return duration
    hours, minutes, seconds, fraction = match.groups()
    clock = f"{int(hours):02}:{int(minutes):02}:{int(seconds):02}"
    return f"{clock}.{fraction}" if fraction and fraction.strip("0") else clock
