"""Delimited text: comma, semicolon, tab, bar or what the mapping says, quoted or not, of any length.

Belongs here: one file's way through `encodings.py`, `delimiters.py` and `blocks.py` to a table. Nothing here knows what
a column means.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats import blocks as piecewise
from inventra_pipelines.sources.formats.delimiters import Layout, delimiter_label, find_layout
from inventra_pipelines.sources.formats.encodings import Encoding, find_encoding, utf8_blocks
from inventra_pipelines.sources.formats.records import MOST_RECORD_BYTES
from inventra_pipelines.sources.formats.tables import IsHeader, OpenedFile, Table, footer_in_words

_SAMPLE_BYTES = 2**18
_SAMPLE_LINES = 200


def read_delimited(path: Path, mapping: FileMapping, name: str, is_header: IsHeader) -> OpenedFile:
    """Read a delimited file's one table.

    Raises:
        FileRejected: Empty, not text, without headers or a delimiter that can be told, or with too long a line; while
            its chunks are read, also where it ends within a quoted field.
    """
    encoding = find_encoding(path, mapping, name)
    sample = _sample(path, encoding, mapping, name)
    layout = find_layout(sample, lambda: utf8_blocks(path, encoding, piecewise.BLOCK_BYTES), mapping, is_header, name)
    first, last = layout.header.first_row, layout.header.last_row
    passed_over: list[str] = []
    table = Table("", layout.header.headers, last, _chunks(path, encoding, layout, mapping, name, passed_over))
    details = {
        "encoding": encoding.label,
        "delimiter": delimiter_label(layout.dialect.delimiter),
        "header row": str(last) if first == last else f"{first} to {last}",
    }
    return OpenedFile("delimited text", iter([table]), details, passed_over)


def _sample(path: Path, encoding: Encoding, mapping: FileMapping, name: str) -> bytes:
    """The first lines, whole ones only."""
    lines = _SAMPLE_LINES + (mapping.header_row or 0)
    sample, is_whole = b"", True
    for block in utf8_blocks(path, encoding, _SAMPLE_BYTES):
        sample += block
        if len(sample) > MOST_RECORD_BYTES or sample.count(b"\n") >= lines:
            is_whole = False
            break
    if is_whole:
        if not sample.decode().strip("\x1a \t\n\v\f\xa0"):
            raise FileRejected(
                FileReason.EMPTY_FILE, f"{name}: the file is empty", "send it again, with its header line"
            )
        return sample + b"\n"
    if b"\n" not in sample:
        raise piecewise.line_too_long(name)
    return sample[: sample.rindex(b"\n") + 1]


def _chunks(
    path: Path, encoding: Encoding, layout: Layout, mapping: FileMapping, name: str, passed_over: list[str]
) -> Iterator[pl.DataFrame]:
    blocks = _after(utf8_blocks(path, encoding, piecewise.BLOCK_BYTES), layout)
    frames = piecewise.read_blocks(blocks, layout, name)
    return _without_footer(frames, mapping.footer_rows, passed_over) if mapping.footer_rows else frames


def _after(blocks: Iterator[bytes], layout: Layout) -> Iterator[bytes]:
    """Prepared text after the headers."""
    beginning = b""
    for block in blocks:
        beginning = layout.dialect.prepared(beginning + block)
        if len(beginning) >= layout.data_start:
            break
    return chain([beginning[layout.data_start :]], blocks)


def _without_footer(frames: Iterable[pl.DataFrame], rows: int, passed_over: list[str]) -> Iterator[pl.DataFrame]:
    """All rows but the last ones that have content, which are told."""
    held: deque[pl.DataFrame] = deque()
    for frame in frames:
        held.append(frame)
        if sum(map(len, held)) > rows:
            whole = pl.concat(held)
            held.clear()
            held.append(whole[-rows:])
            yield whole[:-rows]
    if any(map(len, held)):
        passed_over.append(footer_in_words(pl.concat(held)))
