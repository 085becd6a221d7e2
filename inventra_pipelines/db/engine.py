"""Connections to Postgres, and frames read from it.

Belongs here: opening a psycopg connection with errors a person can act on, and `read_frame`. Writing frames is
`writes.py`, the tables are `tables.py`, the embedded server is `embedded.py`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import polars as pl
import psycopg
from psycopg import ClientCursor
from sqlalchemy.engine import URL, make_url

from inventra_pipelines.errors import PermanentError, TransientError

# What a result column becomes, by Postgres type oid; anything else stays text. Values travel as CSV.
_POLARS_TYPES: dict[int, pl.DataType | type[pl.DataType]] = {
    16: pl.String,  # bool, cast after parsing: COPY writes t and f
    20: pl.Int64,
    21: pl.Int64,
    23: pl.Int64,
    700: pl.Float64,
    701: pl.Float64,
    1082: pl.Date,
    1114: pl.Datetime("us"),
    1184: pl.String,  # timestamptz, cast after parsing
    1700: pl.Decimal(38, 4),
}
_BOOL, _TIMESTAMPTZ = 16, 1184


def parse_url(url: str) -> URL:
    """Parse a Postgres URL, whatever driver it names.

    Raises:
        PermanentError: Not a `postgresql://` URL; the message does not repeat it, since it may hold a password.
    """
    try:
        parsed = make_url(url)
    except Exception:
        parsed = None
    if parsed is None or not parsed.drivername.startswith(("postgresql", "postgres")):
        raise PermanentError(
            "DATABASE_URL is not a Postgres URL", "write it as postgresql://user:password@host:5432/database"
        )
    return parsed


def with_driver(url: str, driver: str = "", database: str | None = None) -> str:
    """The URL, password included, for another driver (`psycopg`, `psycopg2`, none) and, if given, another database."""
    parsed = parse_url(url).set(drivername=f"postgresql+{driver}" if driver else "postgresql")
    if database is not None:
        parsed = parsed.set(database=database)
    # SQLAlchemy leaves a space as it is, and libpq's error about that repeats the password.
    return parsed.render_as_string(hide_password=False).replace(" ", "%20")


@contextmanager
def connect(url: str, *, read_only: bool = False) -> Iterator[psycopg.Connection]:
    """Open a connection; commits at the end of the block, rolls back on an error.

    Raises:
        TransientError: The server does not answer.
        PermanentError: It answers, and refuses the user, password or database.
    """
    try:
        connection = psycopg.connect(with_driver(url), connect_timeout=10, application_name="inventra")
    except psycopg.OperationalError as error:
        parsed = parse_url(url)
        place = f"{parsed.host or parsed.query.get('host', 'the local socket')}, database {parsed.database}"
        reason = str(error).strip().splitlines()[-1]
        if "authentication failed" in reason or "does not exist" in reason:
            raise PermanentError(f"Postgres at {place} refused: {reason}", "correct DATABASE_URL") from None
        raise TransientError(
            f"Postgres at {place} does not answer: {reason}", "start it, or correct DATABASE_URL"
        ) from None
    with connection:
        connection.read_only = read_only
        yield connection


def read_frame(connection: psycopg.Connection, query: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Read a query's rows by COPY, typed by the result's own columns.

    Args:
        connection: An open connection; the read is part of its transaction.
        query: One SELECT; values as `%(name)s`, lists as `= any(%(name)s)`, a literal percent sign doubled.
        parameters: Values by name.

    Returns:
        A frame with the query's columns: numeric as Decimal(38, 4), dates as Date, timestamptz as UTC Datetime, double
        precision as Float64, integers as Int64, boolean as Boolean, everything else as String; null is null.
    """
    bound = ClientCursor(connection).mogrify(query, parameters or {})
    with connection.cursor() as cursor:
        cursor.execute(f"select * from ({bound}) as described limit 0".encode())
        described = [(column.name, column.type_code) for column in cursor.description or ()]
        buffer = BytesIO()
        # The trailing constant keeps a row of nulls from becoming a blank line, which a CSV reader would skip.
        rows = f"copy (select described.*, 1 from ({bound}) as described) to stdout (format csv, force_quote *)"
        with cursor.copy(rows.encode()) as copy:
            for block in copy:
                buffer.write(block)
    buffer.seek(0)
    schema = {name: _POLARS_TYPES.get(oid, pl.String) for name, oid in described}
    if buffer.getbuffer().nbytes == 0:
        frame = pl.DataFrame(schema=schema)
    else:
        # Null is bare and an empty string is quoted: the reader keeps the two apart (a test holds it to that).
        frame = pl.read_csv(buffer, has_header=False, schema={**schema, "": pl.Int8})
        frame = frame.drop("")
    casts = [
        (pl.col(name) == "t").alias(name)
        if oid == _BOOL
        else pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_zone="UTC").alias(name)
        for name, oid in described
        if oid in (_BOOL, _TIMESTAMPTZ)
    ]
    return frame.with_columns(casts) if casts else frame
