"""Delimited text in blocks: the quick way for lines that are records of their own, the exact way for all others.

Belongs here: from UTF-8 blocks to frames of cells, in bounded memory. A line whose quotation marks are in order by
themselves is a record, wherever it stands; such lines go to Arrow's parser as they are. All others (a field over
several lines, a mark inside a field, a stray one) go through `records.py`, and so does what has another number of
fields than the header.

A record over several lines that are rows by themselves was not meant as one: a stray quotation mark swallowed them. It
is taken apart, and each of its lines takes a row number, as a spreadsheet would show them.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.sources.formats.delimiters import Layout
from inventra_pipelines.sources.formats.records import MOST_FIELDS, MOST_RECORD_BYTES, Dialect
from inventra_pipelines.sources.formats.tables import ROW_SCHEMA

# A piece is small enough for flat memory; the first are smaller, each twice the last, so that loading begins early.
BLOCK_BYTES = 8 * 2**20
MOST_ROWS = 250_000
FIRST_ROWS = 20_000
_PARSERS = 2
_LINE_FEED = 10
_END_OF_FILE = b"\x1a"
_UNCLOSED = "has a quotation mark that is never closed"
_JUDGED_RECORDS = 1000

_Offsets = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]
# Row number, text and fields of a record; without fields, a quotation mark is not closed in it.
_Split = tuple[int, bytes, list[str] | None]


@dataclass(frozen=True)
class _Piece:
    """Whole records of a block.

    Attributes:
        text: Of all of them.
        starts: Offset of each record.
        ends: Offset of the line feed that ends it.
        first_number: Row number of the first one.
        others: Places of the records for the exact way, each with its fields.
    """

    text: bytes
    starts: _Offsets
    ends: _Offsets
    first_number: int
    others: dict[int, list[str] | None]


def read_blocks(blocks: Iterable[bytes], layout: Layout, name: str) -> Iterator[pl.DataFrame]:
    """Split text into frames of rows as `tables.Table.chunks` describes them.

    Args:
        blocks: Prepared text, from the first record after the headers on.
        layout: How it is to be split.
        name: What messages call the file.

    Raises:
        FileRejected: A line is too long or has too many fields, or the file ends within a quoted field.
    """
    pieces = _pieces(blocks, layout, name)
    # The first piece at once: whoever loads the rows waits for it.
    yield from (_frame(piece, layout, name) for piece in islice(pieces, 1))
    second = list(islice(pieces, 1))
    if not second:
        return
    waiting: deque[Future[pl.DataFrame]] = deque()
    with ThreadPoolExecutor(_PARSERS, thread_name_prefix="delimited") as pool:
        for piece in chain(second, pieces):
            waiting.append(pool.submit(_frame, piece, layout, name))
            if len(waiting) > _PARSERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pieces(blocks: Iterable[bytes], layout: Layout, name: str) -> Iterator[_Piece]:
    framer = _Framer(layout, name)
    most_rows = FIRST_ROWS
    rest = tail = b""
    for block, is_last in _marked(blocks):
        text = layout.dialect.prepared(rest + tail + block)
        if is_last:
            text = _ended(text)
        whole = text.rfind(b"\n") + 1
        rest, tail = text[:whole], text[whole:]
        if len(tail) > MOST_RECORD_BYTES:
            raise line_too_long(name)
        while rest:
            piece, used = framer.piece(rest, most_rows, is_last)
            if piece is None:
                break
            rest = rest[used:]
            yield piece
            most_rows = min(2 * most_rows, MOST_ROWS)


def _ended(text: bytes) -> bytes:
    """Text that ends in a line feed, without the end-of-file mark that old systems give a line of its own."""
    text = text.removesuffix(b"\n")
    if text == _END_OF_FILE or text.endswith(b"\n" + _END_OF_FILE):
        text = text.removesuffix(_END_OF_FILE)
    return text if text.endswith(b"\n") else text + b"\n"


def _marked(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    previous = None
    for block in blocks:
        if previous is not None:
            yield previous, False
        previous = block
    yield previous or b"", True


def line_too_long(name: str) -> FileRejected:
    """The error for a line that cannot be a table's."""
    return FileRejected(
        FileReason.LINE_TOO_LONG,
        f"{name}: a line is longer than {MOST_RECORD_BYTES // 2**20} MB",
        "send rows that each stand on a line of their own",
    )


class _Framer:
    """Cuts text into pieces of whole records and numbers them."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.layout, self.dialect = layout, layout.dialect
        self.width = len(layout.header.headers)
        self.number = layout.header.last_row + 1
        self.name = name
        self.is_recovering = False

    def piece(self, buffer: bytes, most_rows: int, is_last: bool) -> tuple[_Piece | None, int]:
        """The next piece and how much of the buffer it takes; none where more text has to be read first."""
        ends = np.flatnonzero(np.frombuffer(buffer, np.uint8) == _LINE_FEED)[:most_rows]
        starts = np.concatenate([[0], ends[:-1] + 1])
        if (ends - starts).max() > MOST_RECORD_BYTES:
            raise line_too_long(self.name)
        text = buffer if ends[-1] + 1 == len(buffer) else buffer[: int(ends[-1]) + 1]
        is_odd = _odd_lines(text, starts, ends, self.dialect)
        is_inside = np.zeros(len(ends), bool)
        split, count = self._follow(buffer, starts, ends, np.flatnonzero(is_odd), is_inside, is_last)
        if not count:
            return self.piece(buffer, most_rows * 8, is_last) if len(text) < len(buffer) else (None, 0)
        used = int(ends[:count][~is_inside[:count]][-1]) + 1
        places = np.flatnonzero(~is_inside[:count])
        others = dict(zip(np.searchsorted(places, list(split)).tolist(), split.values(), strict=True))
        piece = _Piece(text[:used], starts[places], ends[places], self.number, others)
        self.number += len(places)
        return piece, used

    def _follow(
        self, buffer: bytes, starts: _Offsets, ends: _Offsets, odd: _Offsets, is_inside: _Flags, is_last: bool
    ) -> tuple[dict[int, list[str] | None], int]:
        """Follow the records that begin at odd lines.

        Sets the ends of those that span lines, and marks the lines inside them.

        Returns:
            The lines for the exact way with their fields, and how many lines of the piece are whole records.
        """
        split: dict[int, list[str] | None] = {}
        piece_end = int(ends[-1])
        after = 0
        for line in odd.tolist():
            if line < after:
                continue
            start, line_end = int(starts[line]), int(ends[line])
            end = self._record_end(buffer, start, line_end)
            if end is None:
                if len(buffer) - start <= MOST_RECORD_BYTES and self.dialect.is_open(buffer, start):
                    if not is_last:
                        return split, line
                    self._recover(buffer, line_end)
                split[line] = self.dialect.split_line(buffer[start:line_end])
                end = line_end
            elif end > piece_end:
                return split, line
            elif self.dialect.escape_byte and self.dialect.escape_byte in buffer[start:end]:
                split[line] = self.dialect.split(buffer[start:end])
            after = line + 1 + buffer.count(b"\n", start, end)
            is_inside[line + 1 : after] = True
            ends[line] = end
        return split, len(starts)

    def _record_end(self, buffer: bytes, start: int, line_end: int) -> int | None:
        """Where a record ends that is quoted by the rules, unless it swallowed lines that are rows by themselves."""
        end = self.dialect.end(buffer, start)
        if end is None or end == line_end or self.dialect.count(buffer[start:end]) == self.width:
            return end
        if self._fits(self.dialect.split(buffer[start:end])):
            return end
        lines = (self.dialect.split_line(line) for line in buffer[start:end].split(b"\n"))
        return None if any(line and _has_content(line) and self._fits(line) for line in lines) else end

    def _fits(self, fields: list[str] | None) -> bool:
        return fields is not None and not isinstance(self.layout.fitted(fields), str)

    def _recover(self, buffer: bytes, line_end: int) -> None:
        """Refuse a file that ends within quotation marks, unless most lines after the mark are rows by themselves."""
        if self.is_recovering:
            return
        records = islice(self.dialect.records(buffer[line_end + 1 :]), _JUDGED_RECORDS)
        fits = [self._fits(record.fields) for record in records if record.fields is None or _has_content(record.fields)]
        if sum(fits) * 2 <= len(fits):
            raise FileRejected(
                FileReason.UNREADABLE,
                f"{self.name}: a quotation mark that opens a field is never closed, and the file ends within it",
                'send the whole file; write a quotation mark inside a field as two ("")',
            )
        self.is_recovering = True


def _odd_lines(text: bytes, starts: _Offsets, ends: _Offsets, dialect: Dialect) -> _Flags:
    """Lines whose quotation marks are not in order by themselves, and those with an escape character."""
    is_odd = np.zeros(len(starts), bool)
    content = np.frombuffer(text, np.uint8)
    if dialect.escape_byte and dialect.escape_byte in text:
        escapes = np.flatnonzero(content == dialect.escape_byte[0])
        is_odd[np.searchsorted(ends, escapes)] = True
    if dialect.quote_byte not in text:
        return is_odd
    quote, delimiter = dialect.quote_byte[0], dialect.delimiter_byte[0]
    marks = np.flatnonzero(content == quote)
    first = np.searchsorted(marks, starts)
    counts = np.diff(first, append=len(marks))
    is_closing = ((np.arange(len(marks)) - np.repeat(first, counts)) & 1).astype(bool)
    # The neighbour outside of the field; before the first byte that is the last one, a line feed.
    outside = content[np.where(is_closing, marks + 1, marks - 1)]
    is_wrong = (outside != delimiter) & (outside != _LINE_FEED) & (outside != quote)
    is_odd[np.searchsorted(ends, marks[is_wrong])] = True
    is_odd |= (counts & 1).astype(bool)
    return is_odd


def _frame(piece: _Piece, layout: Layout, name: str) -> pl.DataFrame:
    """The rows of a piece, in their order."""
    frame, left_over = _plain_rows(piece, layout)
    for place, fields in piece.others.items():
        text = piece.text[int(piece.starts[place]) : int(piece.ends[place])]
        left_over.append((piece.first_number + place, text, fields))
    if not left_over:
        return frame
    frames = [frame, *_other_rows(left_over, layout, name)]
    return pl.concat(frames).sort("row_number")


def _plain_rows(piece: _Piece, layout: Layout) -> tuple[pl.DataFrame, list[_Split]]:
    """The rows that the parser takes, and the records that have not as many fields as it is told."""
    width = len(layout.header.headers)
    is_plain = piece.starts < piece.ends
    is_plain[list(piece.others)] = False
    places = np.flatnonzero(is_plain)
    if not len(places):
        return pl.DataFrame(schema=_schema(width)), []
    frame, refused = _parsed(_joined(piece, is_plain), layout)
    numbers = piece.first_number + np.delete(places, refused)
    frame = _without_blank(frame.insert_column(0, pl.Series("row_number", numbers, dtype=pl.Int32)))
    left_over = places[refused]
    if layout.fields > width:
        frame, beyond = _cut(frame, width)
        left_over = np.concatenate([left_over, beyond - piece.first_number])
    for mark, byte in layout.dialect.stand_ins:
        frame = frame.with_columns(pl.col(pl.String).str.replace_all(byte.decode(), mark, literal=True))
    nothing = pl.lit(None, dtype=pl.String)
    frame = frame.with_columns(nothing.alias("problem"), nothing.alias("problem_text")).select(list(_schema(width)))
    spans = zip(left_over.tolist(), piece.starts[left_over].tolist(), piece.ends[left_over].tolist(), strict=True)
    texts = ((piece.first_number + place, piece.text[start:end]) for place, start, end in spans)
    return frame, [(number, text, layout.dialect.split(text)) for number, text in texts]


def _other_rows(records: list[_Split], layout: Layout, name: str) -> Iterator[pl.DataFrame]:
    """Rows that were split one by one: those that fit, and those that do not with why."""
    width = len(layout.header.headers)
    schema = _schema(width)
    rows, problems = [], []
    for number, text, fields in records:
        if fields is None:
            problems.append((number, _UNCLOSED, text))
        elif len(fields) > MOST_FIELDS:
            raise FileRejected(
                FileReason.LINE_TOO_LONG,
                f"{name}: row {number:,} has more than {MOST_FIELDS:,} fields",
                "send rows of a table",
            )
        else:
            fitted = layout.fitted(fields)
            if isinstance(fitted, str):
                problems.append((number, fitted, text))
            elif _has_content(fitted):
                rows.append((number, None, None, *fitted))
    if rows:
        yield pl.DataFrame(dict(zip(schema, zip(*rows, strict=True), strict=True)), schema=schema)
    if problems:
        numbers, reasons, texts = zip(*problems, strict=True)
        shown = [layout.dialect.restored(text.decode()) for text in texts]
        described = {"row_number": numbers, "problem": reasons, "problem_text": shown}
        frame = pl.DataFrame(described, schema={column: schema[column] for column in described})
        nothing = pl.lit(None, dtype=pl.String)
        yield frame.with_columns(nothing.alias(str(place)) for place in range(width))


def _schema(width: int) -> dict[str, pl.DataType | type[pl.DataType]]:
    described = {name: dtype for name, dtype in ROW_SCHEMA.items() if name != "sheet"}
    return described | dict.fromkeys(map(str, range(width)), pl.String)


def _joined(piece: _Piece, is_plain: _Flags) -> bytes:
    """The text of the plain records."""
    if is_plain.all():
        text = piece.text
    else:
        edges = np.flatnonzero(np.diff(is_plain, prepend=False, append=False))
        view = memoryview(piece.text)
        runs = zip(piece.starts[edges[::2]].tolist(), piece.ends[edges[1::2] - 1].tolist(), strict=True)
        text = b"".join(view[start : end + 1] for start, end in runs)
    # The parser would take a byte-order mark at its beginning for one; blank lines are nothing to it.
    return b"\n" + text if text.startswith(b"\xef\xbb\xbf") else text


def _parsed(text: bytes, layout: Layout) -> tuple[pl.DataFrame, list[int]]:
    """The cells of lines that have the expected number of fields, and the places of the others."""
    refused: list[int] = []

    def refuse(row: pyarrow.csv.InvalidRow) -> str:
        refused.append(row.number - 1)
        return "skip"

    names = [str(place) for place in range(layout.fields)]
    quote = layout.dialect.quote_byte
    table = pyarrow.csv.read_csv(
        pa.py_buffer(text),
        read_options=pyarrow.csv.ReadOptions(use_threads=False, column_names=names, block_size=len(text) + 1),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=layout.dialect.delimiter_byte.decode(),
            quote_char=quote.decode() if quote in text else False,
            newlines_in_values=True,
            invalid_row_handler=refuse,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.large_string()),
            null_values=[],
            strings_can_be_null=False,
        ),
    )
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame, refused


def _without_blank(frame: pl.DataFrame) -> pl.DataFrame:
    """Only rows with content; column by column, as few rows begin with an empty cell."""
    blank = frame
    for name in frame.columns[1:]:
        blank = blank.filter(pl.col(name).str.strip_chars() == "")
        if blank.is_empty():
            return frame
    return frame.filter(~pl.col("row_number").is_in(blank["row_number"].implode()))


def _cut(frame: pl.DataFrame, width: int) -> tuple[pl.DataFrame, _Offsets]:
    """Without the columns beyond the header, and the numbers of the rows that have content there."""
    has_more = pl.any_horizontal(pl.col(name).str.strip_chars() != "" for name in frame.columns[width + 1 :])
    frame = frame.with_columns(has_more.alias("has_more"))
    wide = frame.filter("has_more")["row_number"].to_numpy().astype(np.int64)
    return frame.filter(~pl.col("has_more")).select(frame.columns[: width + 1]), wide


def _has_content(fields: list[str]) -> bool:
    return any(map(str.strip, fields))
