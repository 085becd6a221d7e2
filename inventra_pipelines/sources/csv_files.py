"""Delimited text: comma, semicolon, tab or bar, quoted or not, compressed or not.

Belongs here: bytes to text, text to records, and nothing that knows what a column means. A byte-order mark decides the
encoding, then strict UTF-8, then the tenant's setting; it is never guessed.
"""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from io import BytesIO, StringIO
from itertools import islice

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.tables import Table

_DELIMITERS = (",", ";", "\t", "|")
_MOST_BYTES = 2**30
_RECORDS_AT_A_TIME = 50_000
_SAMPLE_RECORDS = 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Fed as the last line: it comes back as a record of its own unless a quotation mark before it was never closed.
_SENTINEL = "\x00end of file\x00"


def decompress(content: bytes, name: str) -> bytes:
    """Unpack gzip.

    Raises:
        FileRejected: Cut short, damaged, or more than a gigabyte unpacked.
    """
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as stream:
            unpacked = stream.read(_MOST_BYTES + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise FileRejected(
            FileReason.UNREADABLE, f"{name}: the gzip data is cut short or damaged ({error})", "send the file again"
        ) from None
    if len(unpacked) > _MOST_BYTES:
        raise FileRejected(FileReason.TOO_LARGE, f"{name}: unpacks to more than 1 GB", "split it into smaller files")
    return unpacked


def decode(content: bytes, mapping: FileMapping, name: str) -> str:
    """Bytes to text, line ends made one.

    Raises:
        FileRejected: No text in the byte-order mark's encoding, in UTF-8 or in the mapping's encoding.
    """
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)), None)
    tried = [marked] if marked else ["utf-8", *([mapping.encoding] if mapping.encoding else [])]
    text = None
    for encoding in tried:
        try:
            text = content.decode(encoding)
            break
        except LookupError:
            raise FileRejected(
                FileReason.UNUSABLE_MAPPING,
                f"setting encoding: there is no encoding {encoding!r}",
                "write it as utf-8, cp1252, latin-1 or utf-16",
            ) from None
        except UnicodeError as error:
            problem = error
    if text is None:
        remedy = "save it as UTF-8" if mapping.encoding else "save it as UTF-8, or set encoding (such as cp1252)"
        raise FileRejected(
            FileReason.BAD_ENCODING, f"{name}: not text in {' or '.join(tried)} ({problem})", remedy
        ) from None
    if "\x00" in text[:1000]:
        raise FileRejected(
            FileReason.BAD_ENCODING,
            f"{name}: holds NUL characters from its beginning on, as UTF-16 or binary data does",
            "save it as UTF-8, or set encoding (such as utf-16-le)",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_delimited(content: bytes, mapping: FileMapping, name: str) -> list[Table]:
    """Read a delimited file's one table.

    Raises:
        FileRejected: Empty, not text, without a delimiter that can be told, or with a quotation mark never closed.
    """
    text = decode(content, mapping, name)
    if not text.strip():
        raise FileRejected(FileReason.EMPTY_FILE, f"{name}: the file is empty", "send it again, with its header line")
    delimiter = mapping.delimiter or _sniff(text, mapping.header_row, name)
    headers = _headers(text, delimiter, mapping.header_row, name)
    if '"' in text:
        frame = _read_quoted(text, delimiter, len(headers), mapping.header_row, name)
    else:
        frame = _read_plain(text, delimiter, len(headers), mapping.header_row)
    return [Table("", headers, frame)]


def _records(text: str, delimiter: str, name: str) -> Iterator[list[str]]:
    records = csv.reader(StringIO(text, newline="\n"), delimiter=delimiter)
    try:
        yield from records
    except csv.Error:
        raise _never_closed(name, 1) from None


def _headers(text: str, delimiter: str, header_row: int, name: str) -> tuple[str, ...]:
    record = next(islice(_records(text, delimiter, name), header_row - 1, header_row), [])
    headers = [header.strip() for header in record]
    while headers and not headers[-1]:
        headers.pop()
    if not headers:
        raise FileRejected(
            FileReason.WRONG_COLUMNS, f"{name}: row {header_row} holds no headers", "set header_row to the right row"
        )
    return tuple(headers)


def _sniff(text: str, header_row: int, name: str) -> str:
    """The one delimiter that splits the header, and where several do, the one that splits the next rows alike."""
    counts = {
        delimiter: [len(record) for record in islice(_records(text, delimiter, name), header_row - 1 + _SAMPLE_RECORDS)]
        for delimiter in _DELIMITERS
    }
    splitting = {
        delimiter: [width for width in widths[header_row - 1 :] if width]
        for delimiter, widths in counts.items()
        if len(widths) >= header_row and widths[header_row - 1] > 1
    }
    if len(splitting) > 1:
        splitting = {delimiter: widths for delimiter, widths in splitting.items() if len(set(widths)) == 1}
        if len(splitting) != 1:
            raise FileRejected(
                FileReason.AMBIGUOUS_DELIMITER,
                f"{name}: the header does not tell whether comma, semicolon, tab or bar parts the fields",
                "set delimiter in the tenant's file",
            )
    return next(iter(splitting), ",")


def _read_plain(text: str, delimiter: str, width: int, header_row: int) -> pl.DataFrame:
    """Split text without quotation marks: every line is a record."""
    lines = pl.DataFrame({"line": text.split("\n")[header_row:]}, schema={"line": pl.String})
    lines = lines.with_row_index("row_number", offset=header_row + 1)
    lines = lines.filter(pl.col("line").str.strip_chars(delimiter + " \t\xa0") != "")
    # Delimiters that only close the line, as a spreadsheet's empty columns do, are no extra fields.
    trimmed = pl.col("line").str.strip_chars_end(delimiter + " ").str.count_matches(delimiter, literal=True) + 1
    fields = pl.col("line").str.count_matches(delimiter, literal=True) + 1
    lines = lines.with_columns(
        pl.when(fields < width).then(fields).when(trimmed > width).then(trimmed).alias("fields"),
        pl.col("line")
        .str.split(delimiter)
        .list.to_struct(fields=[str(place) for place in range(width)])
        .alias("cells"),
    )
    return _described(lines.unnest("cells"), "line", width)


def _read_quoted(text: str, delimiter: str, width: int, header_row: int, name: str) -> pl.DataFrame:
    """Split text with quotation marks by the standard library's reader, in bounded pieces."""
    stream = StringIO(text.rstrip("\n") + "\n" + _SENTINEL, newline="\n")
    records = csv.reader(stream, delimiter=delimiter)
    pieces = []
    number, last = 0, None
    try:
        while batch := list(islice(records, _RECORDS_AT_A_TIME)):
            last = batch[-1]
            pieces.append(_piece(batch, number, delimiter, width))
            number += len(batch)
    except csv.Error as error:
        raise _never_closed(name, number) from error
    if last != [_SENTINEL]:
        raise _never_closed(name, number)
    frame = pl.concat(pieces)
    return frame.filter((pl.col("row_number") > header_row) & (pl.col("row_number") < number))


def _never_closed(name: str, number: int) -> FileRejected:
    return FileRejected(
        FileReason.UNREADABLE,
        f"{name}: a quotation mark that opens a field is never closed (in or before record {number})",
        'write a quotation mark inside a field as two (""), or close it',
    )


def _piece(batch: list[list[str]], before: int, delimiter: str, width: int) -> pl.DataFrame:
    blank = [""] * width
    fitting, odd = [], {}
    for place, record in enumerate(batch):
        if len(record) == width:
            fitting.append(record)
        else:
            fitting.append((record + blank)[:width])
            odd[place] = record
    columns = list(zip(*fitting, strict=True))
    frame = pl.DataFrame(
        {str(place): pl.Series(values, dtype=pl.String) for place, values in enumerate(columns)}
    ).with_row_index("row_number", offset=before + 1)
    notes = pl.DataFrame(
        [(before + 1 + place, *_oddity(record, delimiter, width)) for place, record in odd.items()],
        schema={"row_number": frame.schema["row_number"], "fields": pl.UInt32, "line": pl.String},
        orient="row",
    )
    frame = frame.join(notes, on="row_number", how="left", maintain_order="left")
    content = pl.any_horizontal(pl.col(str(place)).str.strip_chars() != "" for place in range(width))
    return _described(frame.filter(content | pl.col("fields").is_not_null()), "line", width)


def _oddity(record: list[str], delimiter: str, width: int) -> tuple[int | None, str]:
    """How many fields a record has, if that is a fault: blank records and empty fields at the end are none."""
    filled = len(record)
    while filled and not record[filled - 1].strip():
        filled -= 1
    is_fine = filled == 0 or (filled <= width <= len(record))
    return (None if is_fine else max(filled, len(record)) if len(record) < width else filled), delimiter.join(record)


def _described(frame: pl.DataFrame, text: str, width: int) -> pl.DataFrame:
    """Say of the rows whose count of fields is at fault what it is, and take the cells from them."""
    is_odd = pl.col("fields").is_not_null()
    problem = pl.format(f"has {{}} fields where the header has {width}", pl.col("fields"))
    return frame.select(
        pl.col("row_number").cast(pl.Int32),
        pl.when(is_odd).then(problem).alias("problem"),
        pl.when(is_odd).then(pl.col(text)).alias("problem_text"),
        *(pl.when(~is_odd).then(pl.col(str(place))).alias(str(place)) for place in range(width)),
    )
