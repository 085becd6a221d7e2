"""Which character parts the fields of a delimited file, and where its headers stand, from its first records.

Belongs here: `find_layout`. A delimiter under which the dataset's headers are found wins; else it is the one that
splits the sampled rows alike, and where two do, the file is refused.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.header_rows import SEARCHED_ROWS, Header, find_header
from inventra_pipelines.sources.formats.records import MOST_FIELDS, Dialect, Record
from inventra_pipelines.sources.formats.tables import IsHeader

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_RECORDS = SEARCHED_ROWS + 40
# Spreadsheets take this first line as the file's own word for its delimiter.
_STATED_DELIMITER = re.compile(rb'\A"?sep=(.)"?\n')


@dataclass(frozen=True)
class Layout:
    """How a file is to be split, and where its data begin.

    Attributes:
        dialect: Delimiter and quotation marks.
        header: Where the headers stand; row numbers count records.
        data_start: Offset of the first record after the headers, in prepared text.
        fields: How many fields most sampled rows have; more than there are headers where rows end in empty fields.
        spare: Numbers of fields, more than there are headers, that a row may have where those are empty.
        ends_filled: Whether the last column is filled in all sampled rows: an empty field beyond it is nothing then,
            and not a sign that a delimiter too many has moved the row's fields to the right.
    """

    dialect: Dialect
    header: Header
    data_start: int
    fields: int
    spare: frozenset[int]
    ends_filled: bool

    def fitted(self, fields: list[str]) -> list[str] | str:
        """The cells of a record, or what is wrong with its number of fields."""
        width, filled = len(self.header.headers), len(fields)
        if filled == width:
            return fields
        while filled and not fields[filled - 1].strip():
            filled -= 1
        if filled == 0:
            return [""] * width
        is_padded = len(fields) in self.spare or (self.ends_filled and filled == width)
        if filled <= width < len(fields) and is_padded:
            return fields[:width]
        return f"has {filled if filled > width else len(fields)} fields where the header has {width}"


def delimiter_label(delimiter: str) -> str:
    """What a person calls a delimiter."""
    spoken = _DELIMITERS.get(delimiter[:1], {" ": "space"}.get(delimiter, repr(delimiter[:1])))
    return f"{spoken} and space" if delimiter[1:] == " " else spoken


def find_layout(
    sample: bytes, blocks: Callable[[], Iterable[bytes]], mapping: FileMapping, is_header: IsHeader, name: str
) -> Layout:
    """Find delimiter and headers.

    Args:
        sample: The file's first lines, ended by a line feed.
        blocks: All of its text, to be read only where a mark is longer than a byte.
        mapping: The tenant's for the file's dataset.
        is_header: Whether headers give every column that the dataset requires.
        name: What messages call the file.

    Raises:
        FileRejected: Without content, headers or a delimiter that can be told, or of more fields than can be read.
    """
    stated = _STATED_DELIMITER.match(sample)
    if mapping.delimiter:
        delimiters = [mapping.delimiter]
    elif stated:
        delimiters = [stated[1].decode(errors="replace")]
    else:
        # Of those that stand nowhere one is enough: with any of them the table has one column.
        present = [delimiter for delimiter in _DELIMITERS if delimiter.encode() in sample]
        absent = [delimiter for delimiter in _DELIMITERS if delimiter not in present]
        delimiters = [*present, *absent[:1]]
    layouts = []
    for delimiter in delimiters:
        dialect = _dialect(delimiter, mapping, blocks)
        prepared = dialect.prepared(sample)
        records = list(islice(dialect.records(prepared), _sampled(mapping)))
        layouts.append(_layout(dialect, records, prepared, mapping, is_header, name))
    if len(layouts) == 1:
        return layouts[0][0]
    fitting = [layout for layout in layouts if is_header(layout[0].header.headers)] or layouts
    if len(fitting) == 1:
        return fitting[0][0]
    splitting = [(layout, widths) for layout, widths in fitting if widths[0] > 1]
    if len(splitting) > 1:
        splitting = [(layout, widths) for layout, widths in splitting if len(set(widths)) == 1]
        if len(splitting) != 1:
            raise FileRejected(
                FileReason.AMBIGUOUS_DELIMITER,
                f"{name}: the header does not tell whether comma, semicolon, tab or bar parts the fields",
                "set delimiter in the tenant's file",
            )
    if splitting:
        return splitting[0][0]
    # One column: the delimiter that stands in no row.
    return min(fitting, key=lambda candidate: sum(width > 1 for width in candidate[1]))[0]


def _sampled(mapping: FileMapping) -> int:
    return _SAMPLE_RECORDS + (mapping.header_row or 0)


def _dialect(delimiter: str, mapping: FileMapping, blocks: Callable[[], Iterable[bytes]]) -> Dialect:
    marks = [delimiter, mapping.quote_char, *([mapping.escape_char] if mapping.escape_char else [])]
    if len({mark[0] for mark in marks}) < len(marks) or any(mark[0] in "\r\n\x00" for mark in marks):
        raise FileRejected(
            FileReason.UNUSABLE_MAPPING,
            f"settings delimiter, quote_char and escape_char: {', '.join(map(repr, marks))} cannot be told apart",
            "give each a character of its own that is no line end",
        )
    dialect = Dialect.of_marks(delimiter, mapping.quote_char, mapping.escape_char, _lazily(blocks))
    if sum(len(mark.encode()) > 1 for mark in marks) > len(dialect.stand_ins):
        raise FileRejected(
            FileReason.UNUSABLE_MAPPING,
            f"setting delimiter: {delimiter!r} cannot be used for a file that holds control characters",
            "set a delimiter of one character, or write the file without control characters",
        )
    return dialect


def _lazily(blocks: Callable[[], Iterable[bytes]]) -> Iterable[bytes]:
    yield from blocks()


def _layout(
    dialect: Dialect, records: list[Record], sample: bytes, mapping: FileMapping, is_header: IsHeader, name: str
) -> tuple[Layout, list[int]]:
    """The layout under one delimiter, and the numbers of fields from the header on."""
    rows = [_fields(record, dialect, sample) for record in records]
    if any(len(row) > MOST_FIELDS for row in rows):
        raise FileRejected(
            FileReason.LINE_TOO_LONG,
            f"{name}: a line has more than {MOST_FIELDS:,} fields",
            "send it as rows of a table",
        )
    header = find_header(rows, mapping, is_header, name)
    data_start = records[header.last_row - 1].end + 1
    width = len(header.headers)
    data = [row for row in rows[header.last_row :] if any(field.strip() for field in row)]
    common, count = Counter(map(len, data)).most_common(1)[0] if data else (width, 0)
    is_wider = common > width and count * 2 > len(data)
    widths = [len(rows[header.last_row - 1]), *map(len, data)]
    spare = {len(row) for row in rows[header.first_row - 1 : header.last_row]} | ({common} if is_wider else set())
    whole = [row for row in data if len(row) == width]
    ends_filled = bool(whole) and all(row[-1].strip() for row in whole)
    return Layout(dialect, header, data_start, common if is_wider else width, frozenset(spare), ends_filled), widths


def _fields(record: Record, dialect: Dialect, sample: bytes) -> list[str]:
    if record.fields is not None:
        return record.fields
    return sample[record.start : record.end].decode(errors="replace").split(dialect.delimiter)
