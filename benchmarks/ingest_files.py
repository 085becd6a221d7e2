"""The files that the ingest is measured on: real sales repeated to any length, with and without faults, and a workbook.

Belongs here: making a file, and what a correct load of it must add up to. The sums are made from the shipped files by
Python's own decimals, not by anything that the ingest uses.
"""

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import openpyxl
import polars as pl

from benchmarks.report import PROJECT
from inventra_pipelines.sources.demo_files import gifts_sales_files

HEADERS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
_FAULTS = ("bad number", "bad date", "missing code", "too many fields")
_EVERY = 20
_A_SUNDAY = date(2006, 1, 1)


@dataclass(frozen=True)
class Content:
    """What a load of a file must come to.

    Attributes:
        rows: Rows that are right.
        faulty_rows: Rows that must be rejected.
        quantity: Sum over the rows that are right.
        price: Sum of their unit prices.
    """

    rows: int
    faulty_rows: int
    quantity: Decimal
    price: Decimal


NOTHING = Content(0, 0, Decimal(0), Decimal(0))


@lru_cache(maxsize=1)
def real_lines() -> pl.DataFrame:
    """The demo's sales as text, in the order of their days, each distinct line once."""
    files = list(gifts_sales_files(PROJECT / "demo").values())
    return pl.read_csv(files, infer_schema=False).unique(maintain_order=True)


def repetitions(lines: int, rows: int) -> Iterator[int]:
    """How often each of so many lines is to stand in a file of so many rows: the same for all, or one more, evenly."""
    whole, rest = divmod(rows, lines)
    for index in range(lines):
        yield whole + ((index + 1) * rest // lines > index * rest // lines)


def write_sales(path: Path, rows: int, *, is_faulty: bool = False) -> Content:
    """Write a CSV file of so many distinct rows in the order of their days; with faults, in every twentieth row.

    A line that is repeated stands on another document each time, `536365`, `536365-1`, ...
    """
    lines = real_lines().with_columns(copies=pl.Series(list(repetitions(real_lines().height, rows)), dtype=pl.Int64))
    sums, place = NOTHING, 0
    with path.open("wb") as stream:
        stream.write(",".join(HEADERS).encode() + b"\n")
        for day in lines.with_columns(day=pl.col("InvoiceDate").str.head(10)).partition_by("day", maintain_order=True):
            repeated = _repeat(day)
            texts, added = _faulty(repeated, place) if is_faulty else (_texts(repeated), _sums(repeated, 0))
            stream.write(texts)
            place += repeated.height
            sums = plus(sums, added)
    return sums


def _repeat(lines: pl.DataFrame) -> pl.DataFrame:
    copy = pl.int_ranges("copies").alias("copy")
    document = pl.when(pl.col("copy") > 0).then(pl.format("{}-{}", "InvoiceNo", "copy")).otherwise("InvoiceNo")
    repeated = lines.filter(pl.col("copies") > 0).with_columns(copy).explode("copy").sort("copy", maintain_order=True)
    return repeated.with_columns(document.alias("InvoiceNo")).select(HEADERS)


def _texts(rows: pl.DataFrame) -> bytes:
    return rows.write_csv(include_header=False).encode()


def _faulty(rows: pl.DataFrame, place: int) -> tuple[bytes, Content]:
    """The rows as text with a fault in every twentieth, the kinds taking turns; `place` is the first one's."""
    marked = rows.with_row_index("place", offset=place).with_columns(
        fault=pl.when(pl.col("place") % _EVERY == _EVERY - 1).then(pl.col("place") // _EVERY % len(_FAULTS))
    )

    def spoilt(column: str, fault: str, text: str | None) -> pl.Expr:
        is_spoilt = pl.col("fault").eq_missing(_FAULTS.index(fault))
        return pl.when(is_spoilt).then(pl.lit(text)).otherwise(column).alias(column)

    texts = marked.with_columns(
        spoilt("Quantity", "bad number", "six"),
        spoilt("InvoiceDate", "bad date", "2011-02-30 25:61:00"),
        spoilt("StockCode", "missing code", None),
    )
    too_many = marked["fault"].eq_missing(_FAULTS.index("too many fields")).to_list()
    lines = _texts(texts.select(HEADERS)).splitlines()
    content = b"\n".join(line + b",surplus" if is_long else line for line, is_long in zip(lines, too_many, strict=True))
    right = marked.filter(pl.col("fault").is_null())
    return content + b"\n", _sums(right.select(HEADERS), marked.height - right.height)


def _sums(rows: pl.DataFrame, faulty_rows: int) -> Content:
    def total(column: str) -> Decimal:
        counts = Counter(rows[column].to_list())
        return sum((Decimal(text) * count for text, count in counts.items()), Decimal(0))

    return Content(rows.height, faulty_rows, total("Quantity"), total("UnitPrice"))


def plus(left: Content, right: Content) -> Content:
    """Both together."""
    return Content(
        left.rows + right.rows,
        left.faulty_rows + right.faulty_rows,
        left.quantity + right.quantity,
        left.price + right.price,
    )


def write_workbook(path: Path, rows: int) -> Content:
    """Write the first so many real lines as an .xlsx workbook, with numbers and dates in cells of their kind."""
    lines = real_lines().head(rows)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("sales")
    sheet.append(HEADERS)
    for invoice, code, name, quantity, sold_at, price, customer, country in lines.iter_rows():
        number = None if customer is None else float(customer)
        sheet.append(
            (invoice, code, name, int(quantity), datetime.fromisoformat(sold_at), float(price), number, country)
        )
    book.save(path)
    return _sums(lines, 0)


def land_real_days(folder: Path, days: int | None) -> Content:
    """Land the demo's daily files as they are shipped, all or the first so many, below a tenant's folder."""
    files = list(gifts_sales_files(PROJECT / "demo").items())[:days]
    sums = NOTHING
    for day, path in files:
        packed = path.read_bytes()
        _land(folder, day, "sales.csv.gz", packed)
        sums = plus(sums, _sums(pl.read_csv(gzip.decompress(packed), infer_schema=False), 0))
    return sums


def land_history(folder: Path, first: date, last: date) -> Content:
    """Land a file per day from `first` to `last`, Saturdays left out: real days in their order, again and again.

    A day has the same file whatever `first` is. Its lines are sold on the day on which they land, on documents of their
    own.
    """
    day = pl.col("InvoiceDate").str.head(10)
    real = real_lines().with_columns(day=day).partition_by("day", maintain_order=True)
    sums = NOTHING
    for landed_on in (first + timedelta(days=offset) for offset in range((last - first).days + 1)):
        weeks, day_of_week = divmod((landed_on - _A_SUNDAY).days, 7)
        if day_of_week == 6:
            continue
        number, of_year = divmod(weeks * 6 + day_of_week, len(real))
        rows = real[of_year].with_columns(
            pl.format("{}-{}", "InvoiceNo", pl.lit(number)).alias("InvoiceNo"),
            pl.format("{} {}", pl.lit(f"{landed_on}"), pl.col("InvoiceDate").str.tail(8)).alias("InvoiceDate"),
        )
        _land(folder, landed_on, "sales.csv", rows.select(HEADERS).write_csv().encode())
        sums = plus(sums, _sums(rows, 0))
    return sums


def _land(folder: Path, day: date, name: str, content: bytes) -> None:
    target = folder / f"{day}"
    target.mkdir(parents=True, exist_ok=True)
    (target / name).write_bytes(content)
