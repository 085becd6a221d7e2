"""Real sales, and stock that follows from them, as raw rows for the dbt tests.

Belongs here: finding and shaping the files, and copying frames into raw tables. What the models make of them is held in
`test_dbt_models.py`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from inventra_pipelines.db.writes import copy_rows
from inventra_pipelines.domain.tenant import AnalyticsConfig, PlanningConfig

_SHIPPED = Path(__file__).parents[2] / "demo" / "sales" / "gifts"
_SHARED = Path(__file__).parents[3] / "shared" / "data" / "online_retail" / "by_day"

FIRST_DAY, LAST_DAY = date(2010, 12, 1), date(2011, 12, 9)
SERVICE_PATTERN = r"^(?!\d{5})"
CANCELLATION_PATTERN = r"^C\d"


def sales_files() -> list[Path]:
    """The daily sales files, those shipped with the project first; empty where neither folder is there."""
    return sorted(_SHIPPED.glob("*.csv.gz")) or sorted(_SHARED.glob("*.csv"))


def batch_id(name: str) -> str:
    """A batch's id: hexadecimal, as if cut from a content hash."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def raw_sales(files: Iterable[Path], tenant_id: str) -> pl.DataFrame:
    """Rows of `raw.sales`, one batch per file, landed on the day in the file's name."""
    frames = []
    for file in files:
        day = file.name.split(".")[0]
        frame = pl.read_csv(file, infer_schema=False)
        frames.append(
            frame.select(
                pl.lit(tenant_id).alias("tenant_id"),
                pl.lit(day).str.to_date().alias("landed_on"),
                pl.lit(batch_id(f"{tenant_id}/{day}")).alias("batch_id"),
                pl.lit("").alias("sheet"),
                pl.int_range(2, pl.len() + 2, dtype=pl.Int32).alias("row_number"),
                pl.col("InvoiceDate").str.slice(0, 10).str.to_date().alias("sold_on"),
                pl.col("InvoiceDate")
                .str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
                .dt.replace_time_zone("Europe/London")
                .dt.convert_time_zone("UTC")
                .alias("sold_at"),
                pl.col("StockCode").alias("item_code"),
                pl.col("Quantity").str.to_decimal(scale=4).cast(pl.Decimal(18, 4)).alias("quantity"),
                pl.col("UnitPrice").str.to_decimal(scale=4).cast(pl.Decimal(18, 4)).alias("unit_price"),
                pl.col("InvoiceNo").alias("document_id"),
                pl.col("CustomerID").alias("customer_code"),
                pl.col("Country").alias("channel"),
                pl.col("Description").alias("description"),
            )
        )
    return pl.concat(frames)


def raw_stock(sales: pl.DataFrame) -> pl.DataFrame:
    """Rows of `raw.stock`: a made-up count of every item on each day it sold and two days after.

    The level falls by what was sold and starts again every four weeks, so that some counts are zero.
    """
    daily = (
        sales.filter(pl.col("item_code").str.contains(r"^\d{5}"))
        .with_columns(pl.col("item_code").str.to_uppercase(), pl.col("quantity").cast(pl.Float64).clip(0, 500))
        .group_by("tenant_id", "item_code", "sold_on")
        .agg(pl.col("quantity").sum())
        .sort("tenant_id", "item_code", "sold_on")
    )
    period = (pl.col("sold_on") - FIRST_DAY).dt.total_days() // 28
    level = 400.0 - pl.col("quantity").cum_sum().over("tenant_id", "item_code", period)
    counts = daily.with_columns(level.clip(lower_bound=0).alias("quantity_on_hand"))
    later = counts.with_columns(pl.col("sold_on").dt.offset_by("2d"), pl.col("quantity_on_hand") + 5)
    return (
        pl.concat([counts, later])
        .unique(["tenant_id", "item_code", "sold_on"], keep="first", maintain_order=True)
        .filter(pl.col("sold_on") <= LAST_DAY)
        .sort("tenant_id", "sold_on", "item_code")
        .select(
            "tenant_id",
            pl.col("sold_on").alias("landed_on"),
            ("stock-" + pl.col("sold_on").cast(pl.String)).alias("batch_id"),
            pl.lit("").alias("sheet"),
            pl.int_range(pl.len(), dtype=pl.Int32).over("tenant_id", "sold_on").alias("row_number"),
            pl.col("sold_on").alias("counted_on"),
            "item_code",
            pl.col("quantity_on_hand").cast(pl.Decimal(18, 4)),
            (pl.col("item_code").str.slice(0, 2).cast(pl.Float64) / 20).cast(pl.Decimal(18, 4)).alias("unit_cost"),
        )
    )


def batches_of(rows: pl.DataFrame, dataset: str, rejected: int = 0) -> pl.DataFrame:
    """Rows of `raw.batches` for the batches of a raw frame, each with that many rejected rows."""
    return (
        rows.group_by("tenant_id", "landed_on", "batch_id")
        .agg(pl.len().cast(pl.Int64).alias("rows_accepted"))
        .with_columns(
            pl.lit(dataset).alias("dataset"),
            pl.col("batch_id").alias("file_name"),
            pl.col("batch_id").alias("sha256"),
            pl.lit("loaded").alias("state"),
            (pl.col("rows_accepted") + rejected).alias("rows_read"),
            pl.lit(rejected, pl.Int64).alias("rows_rejected"),
            pl.lit(0, pl.Int64).alias("rows_passed_over"),
            pl.lit(0, pl.Int64).alias("bytes"),
            pl.lit("test").alias("config_version"),
            pl.lit("test").alias("reader_version"),
            ("" + pl.col("batch_id") + "-" + pl.lit(dataset)).alias("batch_id"),
        )
    )


def copy_into(connection: psycopg.Connection, table: str, rows: pl.DataFrame) -> None:
    """Append rows to a table such as `raw.sales`."""
    with connection.cursor() as cursor:
        copy_rows(cursor, sql.Identifier(*table.split(".")), rows)


def add_tenant(
    connection: psycopg.Connection,
    tenant_id: str,
    *,
    service: Iterable[str] = (SERVICE_PATTERN,),
    cancellation: Iterable[str] = (CANCELLATION_PATTERN,),
    case: str = "upper",
    pad_to: int | None = None,
    patterns: Mapping[str, str] | None = None,
    window_days: int = 30,
    repeated_lines: str = "sale",
    document_numbers: str = "lasting",
    unit_factors: Mapping[str, str] | None = None,
    exchange_rates: Mapping[str, str] | None = None,
    analytics: AnalyticsConfig | None = None,
    planning: PlanningConfig | None = None,
) -> None:
    """Add a tenant with the default class thresholds; it replaces one of the same name."""
    columns = {
        "tenant_id": tenant_id,
        "name": tenant_id,
        "time_zone": "Europe/London",
        "currency": "GBP",
        "item_code_case": case,
        "item_code_pad_to": pad_to,
        "item_code_matches": list(patterns or {}),
        "item_code_replacements": list((patterns or {}).values()),
        "service_item_patterns": list(service),
        "cancellation_document_patterns": list(cancellation),
        "cancellation_window_days": window_days,
        "repeated_lines": repeated_lines,
        "document_numbers": document_numbers,
        "unit_factors": Jsonb(dict(unit_factors or {})),
        "exchange_rates": Jsonb(dict(exchange_rates or {})),
        "is_stock_simulated": False,
        "abc_thresholds": [0.8, 0.95],
        "xyz_thresholds": [0.5, 1.0],
        "analytics": Jsonb((analytics or AnalyticsConfig()).model_dump(mode="json")),
        "planning": Jsonb((planning or PlanningConfig()).model_dump(mode="json")),
        "config_version": "test",
    }
    connection.execute("delete from ops.tenants where tenant_id = %s", (tenant_id,))
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(map(sql.Placeholder, columns))
    connection.execute(sql.SQL("insert into ops.tenants ({}) values ({})").format(names, values), columns)
