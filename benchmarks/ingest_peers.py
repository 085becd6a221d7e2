"""Other ways to bring the same CSV file into the same Postgres, each with settings that make it fast.

Belongs here: a function per way, from file to committed rows in the table `sales`; none of them keeps a row apart that
is wrong. What they are compared with is `ingest.py`.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Read while dlt is imported: no messages home, and no more log than errors.
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="CRITICAL")

import dlt
import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy
from dlt.sources.filesystem import filesystem, read_csv
from pyarrow import csv

from inventra_pipelines.db.engine import parse_url, with_driver

Peer = Callable[[str, Path, Path], None]

# Without it, a code that looks like a number becomes one.
_CODES = ("InvoiceNo", "StockCode", "CustomerID")
_DLT_TYPES = {"Quantity": "bigint", "InvoiceDate": "timestamp", "UnitPrice": "decimal"}
_COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
_BLOCK = 2**16


def bare_copy(url: str, path: Path, scratch: Path) -> None:
    """psycopg's COPY of the file as it is into a table of text: the floor."""
    with psycopg.connect(with_driver(url)) as connection, connection.cursor() as cursor, path.open("rb") as file:
        cursor.execute(f"create table sales ({', '.join(f'{name.lower()} text' for name in _COLUMNS)})".encode())
        with cursor.copy("copy sales from stdin (format csv, header)") as copy:
            while block := file.read(_BLOCK):
                copy.write(block)


def dlt_documented(url: str, path: Path, scratch: Path) -> None:
    """What dlt's documentation shows for CSV files: its filesystem source, piped into its CSV reader (pandas)."""
    files = filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name)
    _pipeline(url, scratch).run((files | read_csv()).with_name("sales"))


def dlt_arrow(url: str, path: Path, scratch: Path) -> None:
    """What dlt's documentation calls fast loading: pyarrow reads, dlt writes CSV files, COPY loads them."""
    _pipeline(url, scratch).run(dlt.resource(_batches(path), name="sales"), loader_file_format="csv")


def dlt_adbc(url: str, path: Path, scratch: Path) -> None:
    """The same by way of parquet files and the ADBC driver, which is a package of its own."""
    _pipeline(url, scratch).run(dlt.resource(_batches(path), name="sales"), loader_file_format="parquet")


def dlt_file_import(url: str, path: Path, scratch: Path) -> None:
    """dlt hands the file to COPY unread; one row that Postgres does not take fails the whole file."""
    # Names as in the file, whose header is compared with the table's columns.
    os.environ["SCHEMA__NAMING"] = "direct"
    columns: Any = {name: {"data_type": _DLT_TYPES.get(name, "text"), "nullable": True} for name in _COLUMNS}

    @dlt.resource(name="sales", columns=columns)
    def sales() -> Iterator[Any]:
        yield dlt.mark.with_file_import(str(path), "csv", 0)

    _pipeline(url, scratch).run(sales(), loader_file_format="csv")


def pandas_to_sql(url: str, path: Path, scratch: Path) -> None:
    """pandas' `read_csv` and `to_sql`, 10,000 rows at a time."""
    _to_sql(url, path, None)


def pandas_multi(url: str, path: Path, scratch: Path) -> None:
    """The same with `method="multi"`: one INSERT statement per 10,000 rows."""
    _to_sql(url, path, "multi")


PEERS: dict[str, Peer] = {
    peer.__name__: peer
    for peer in (
        bare_copy,
        dlt_documented,
        dlt_arrow,
        dlt_adbc,
        dlt_file_import,
        pandas_to_sql,
        pandas_multi,
    )
}


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The file in typed blocks; of 8 MB, with which dlt was fastest."""
    types = csv.ConvertOptions(column_types=dict.fromkeys(_CODES, pa.string()))
    yield from csv.open_csv(path, read_options=csv.ReadOptions(block_size=8 * 2**20), convert_options=types)


def _pipeline(url: str, scratch: Path) -> dlt.Pipeline:
    parsed = parse_url(url)
    # dlt wants a host and a password; libpq takes the socket from the query.
    socket = f"postgresql://{parsed.username}:none@localhost/{parsed.database}?host={parsed.query['host']}"
    return dlt.pipeline(
        "benchmark",
        destination=dlt.destinations.postgres(socket),
        dataset_name="public",
        pipelines_dir=str(scratch / "dlt"),
    )


def _to_sql(url: str, path: Path, method: Any) -> None:
    engine = sqlalchemy.create_engine(with_driver(url, "psycopg2"))
    frame = pd.read_csv(path, dtype=dict.fromkeys(_CODES, str))
    frame.to_sql("sales", engine, index=False, chunksize=10_000, method=method)
    engine.dispose()
