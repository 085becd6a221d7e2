"""Rejected rows as a file that a person corrects and lands again: it loads with the mapping of the file they came from.

Belongs here: its layout. The file's own headers and cells come first, as text, so that nothing is reinterpreted on the
way; columns that say what is wrong follow, which no mapping takes, and which row each takes the place of. The same rows
give the same bytes.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.writer.excel import ExcelWriter

from inventra_pipelines.domain.contracts import CORRECTS_ROW
from inventra_pipelines.domain.ingest.headers import normalized_header
from inventra_pipelines.domain.reports.xlsx_archive import WorkbookArchive
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.sources.reader.rejected_rows import LINE_NOTE, NOTES, RejectedRow, RejectedSheet

_WIDTHS = {"rejected column": 22, "rejected because": 60, "what to do": 60, "sheet": 14, "row": 8, LINE_NOTE: 60}
_OWN_WIDTH = 18
_FAULTY = PatternFill("solid", fgColor="FFFFC7CE")
_NOTE = PatternFill("solid", fgColor="FFEDEDED")
# A workbook of this program has no clock in it.
_STAMP = datetime(2000, 1, 1)
_CELL_CHARACTERS = 32_767
_TITLE_CHARACTERS = 31
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_FOOTER = "end of the rows"


def correction_workbook(sheets: Sequence[RejectedSheet], mapping: FileMapping) -> bytes:
    """The rows as an xlsx file, a sheet for each sheet they came from; cells at fault are filled.

    Raises:
        PermanentError: A cell is too long for a workbook.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "Inventra"
    book.properties.created = book.properties.modified = _STAMP
    titles: set[str] = set()
    for sheet in sheets:
        page = book.create_sheet(_title(sheet.sheet, titles))
        has_line = _has_line(sheet)
        notes = _notes(sheet, has_line=has_line)
        for place, header in enumerate([*sheet.headers, *notes], 1):
            page.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(header, _OWN_WIDTH)
        first = mapping.header_row or 1
        page.freeze_panes = f"A{first + (mapping.header_rows or 1)}"
        for _ in range(first - 1):
            page.append([])
        own = [_cell(page, header, bold=True) for header in sheet.headers]
        page.append([*own, *(_cell(page, note, fill=_NOTE, bold=True) for note in notes)])
        for _ in range((mapping.header_rows or 1) - 1):
            page.append([])
        for row in sheet.rows:
            faulty = {place for fault in row.faults for place in sheet.places.get(fault.column, ())}
            cells = [
                _cell(page, text, fill=_FAULTY if place in faulty else None) for place, text in enumerate(row.cells)
            ]
            page.append([*cells, *(_cell(page, text, fill=_NOTE) for text in _why(sheet, row, has_line=has_line))])
        for _ in range(mapping.footer_rows):
            page.append([_cell(page, _FOOTER)])
    buffer = BytesIO()
    ExcelWriter(book, WorkbookArchive(buffer, {})).save()
    return buffer.getvalue()


def correction_text(sheets: Sequence[RejectedSheet], mapping: FileMapping) -> bytes:
    """The rows as delimited text in UTF-8, parted and quoted as the mapping says.

    Raises:
        PermanentError: They come from sheets with different headers.
    """
    if len({sheet.headers for sheet in sheets}) > 1:
        raise PermanentError("the sheets have different headers", "write a workbook: --out with a name ending in .xlsx")
    lines = [""] * ((mapping.header_row or 1) - 1)
    has_line = any(_has_line(sheet) for sheet in sheets)
    for number, sheet in enumerate(sheets):
        if number == 0:
            lines.append(_line([*sheet.headers, *_notes(sheet, has_line=has_line)], mapping))
            lines += [""] * ((mapping.header_rows or 1) - 1)
        lines += [_line([*row.cells, *_why(sheet, row, has_line=has_line)], mapping) for row in sheet.rows]
    lines += [_line([_FOOTER], mapping)] * mapping.footer_rows
    # The mark decides the encoding, whatever the mapping says, and spreadsheets know it.
    return ("\ufeff" + "".join(f"{line}\r\n" for line in lines)).encode()


def _has_line(sheet: RejectedSheet) -> bool:
    return any(row.line is not None for row in sheet.rows)


def _notes(sheet: RejectedSheet, *, has_line: bool) -> list[str]:
    """The headers beside the file's own, none of which is one of them."""
    taken = {normalized_header(header) for header in sheet.headers}
    names = [name for name in NOTES if has_line or name != LINE_NOTE]
    notes = [f"{name} (note)" if normalized_header(name) in taken else name for name in names]
    return [*notes, CORRECTS_ROW] if any(row.corrects for row in sheet.rows) else notes


def _why(sheet: RejectedSheet, row: RejectedRow, *, has_line: bool) -> list[str]:
    columns = dict.fromkeys(_header_of(sheet, fault.column) for fault in row.faults)
    what_to_do = dict.fromkeys(fault.what_to_do for fault in row.faults if fault.what_to_do)
    texts = [
        ", ".join(columns),
        " ".join(fault.because for fault in row.faults),
        "; ".join(what_to_do),
        sheet.sheet,
        str(row.row),
        *([row.line or ""] if has_line else []),
    ]
    return [*texts, row.corrects] if row.corrects else texts


def _header_of(sheet: RejectedSheet, column: str) -> str:
    headers = [sheet.headers[place] for place in sheet.places.get(column, ())]
    return " + ".join(headers) or column or "the whole row"


def _cell(
    page: WriteOnlyWorksheet, text: str | None, *, fill: PatternFill | None = None, bold: bool = False
) -> WriteOnlyCell:
    """A cell of text, whatever it begins with; its format keeps what is typed over it as it is typed."""
    if text and len(text) > _CELL_CHARACTERS:
        raise PermanentError(
            f"a cell holds {len(text):,} characters, more than a workbook can",
            "write text: --out with a name ending in .csv",
        )
    cell = WriteOnlyCell(page, _written(text) if text else None)
    if text:
        cell.data_type = "s"
    cell.number_format = "@"
    if fill is not None:
        cell.fill = fill
    if bold:
        cell.font = Font(bold=True)
    return cell


def _written(text: str) -> str:
    """Text as XML can hold it: pictures for control characters, and no escape of the format itself."""
    shown = _CONTROL.sub(lambda match: chr(0x2400 + ord(match[0])) if ord(match[0]) < 32 else "\ufffd", text)
    return re.sub(r"_(x[0-9A-Fa-f]{4}_)", r"_x005F_\1", shown)


def _title(sheet: str, titles: set[str]) -> str:
    """A name that a sheet can have, the same as it had where that was one."""
    title = re.sub(r"[\[\]:*?/\\]", "-", sheet.rsplit(" / ", 1)[-1])[:_TITLE_CHARACTERS].strip("' ") or "rejected rows"
    number, found = 2, title
    while found.casefold() in titles:
        suffix = f" ({number})"
        number, found = number + 1, title[: _TITLE_CHARACTERS - len(suffix)] + suffix
    titles.add(found.casefold())
    return found


def _line(cells: Sequence[str | None], mapping: FileMapping) -> str:
    quote = mapping.quote_char
    escaped = (mapping.escape_char or quote) + quote

    def field(text: str) -> str:
        if mapping.escape_char:
            text = text.replace(mapping.escape_char, mapping.escape_char * 2)
        return f"{quote}{text.replace(quote, escaped)}{quote}"

    return (mapping.delimiter or ",").join(field(text or "") for text in cells)
