"""Frames as the tuples of a binary COPY: exact, and half the server's work of its text form.

Belongs here: the encoding alone, so that a process without a database can do it. The statements are `writes.py` and
`batches.py`.
"""

import polars as pl
from pgpq import ArrowToPostgresBinaryEncoder

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": signature, no flags, no extension.
COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_END = b"\xff\xff"


def copy_tuples(frame: pl.DataFrame) -> bytes:
    """The frame's rows between `COPY_HEADER` and `COPY_END`; the target's columns must have exactly the frame's types.

    Types: String is text, Int32 integer, Int64 bigint, Decimal numeric, Float64 double precision, Boolean boolean, Date
    date, a Datetime in microseconds with a zone timestamptz; null is null, and an empty string stays one.
    """
    if frame.is_empty():
        return b""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    encoder = ArrowToPostgresBinaryEncoder(table.schema)
    # It gives its bytes when its buffer is full, and the rest at the end.
    blocks = [encoder.write_header(), *map(encoder.write_batch, table.to_batches()), encoder.finish()]
    blocks[0], blocks[-1] = b"", memoryview(blocks[-1])[: -len(COPY_END)]
    return b"".join(blocks)
