"""Lands the demo: the real sales shipped with the project, and the supply simulated from them, as files by day.

Belongs here: reading `demo/`, writing the landing zone. What is simulated is `domain/simulation/`; reading the landing
zone is for the files' own readers beside this module.
"""

import gzip
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
from upath import UPath

from inventra_pipelines.domain.simulation.supply import SimulatedSupply, simulate_supply
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.tenants import get_tenant

FIRST_DAY = date(2010, 12, 1)
LAST_DAY = date(2011, 12, 9)
SEED = 20101201
GIFTS = "gifts"
EXPORT = "gifts-export"
WORKBOOK = "online_retail_II.xlsx"


@dataclass
class DemoLanding:
    """Files landed by `<tenant>/<dataset>`, simulated rows by dataset, and how many files had to be written."""

    files: dict[str, int] = field(default_factory=dict)
    simulated_rows: dict[str, int] = field(default_factory=dict)
    files_written: int = 0
    files_unchanged: int = 0


def _silent(_: str) -> None:
    return None


def land_demo(demo_folder: Path, landing_root: str, *, report: Callable[[str], None] = _silent) -> DemoLanding:
    """Land the demo's two tenants; landing again leaves every file as it is.

    Writes `<root>/gifts/<day>/{sales,items,suppliers,purchase_orders,stock}.csv.gz` for the days that have rows, and
    `<root>/gifts-export/2011-12-09/sales.xlsx`.

    Args:
        demo_folder: The project's `demo/`.
        landing_root: Path or URL of the landing zone.
        report: Told one line per tenant and dataset.

    Raises:
        PermanentError: A file of the demo is missing or cannot be read as its tenant's configuration says.
    """
    root = UPath(landing_root)
    landing = DemoLanding()
    files = gifts_sales_files(demo_folder)
    workbook = demo_folder / "sales" / EXPORT / WORKBOOK
    if not workbook.is_file():
        raise PermanentError(f"the demo's workbook {workbook} is missing", "restore the folder demo/ of the project")
    sales = ((day, path.read_bytes()) for day, path in files.items())
    _land(root / GIFTS, "sales.csv.gz", sales, landing, report)
    supply = simulate_demo_supply(demo_folder)
    for dataset, frame in _datasets(supply):
        landing.simulated_rows[dataset] = frame.height
        _land(root / GIFTS, f"{dataset}.csv.gz", _csv_by_day(frame), landing, report)
    _land(root / EXPORT, "sales.xlsx", iter([(LAST_DAY, workbook.read_bytes())]), landing, report)
    return landing


def gifts_sales_files(demo_folder: Path) -> dict[date, Path]:
    """The daily sales files of `gifts`, by day.

    Raises:
        PermanentError: There are none, or one is not named by its day.
    """
    folder = demo_folder / "sales" / GIFTS
    files: dict[date, Path] = {}
    for path in sorted(folder.glob("*.csv.gz")):
        try:
            files[date.fromisoformat(path.name.removesuffix(".csv.gz"))] = path
        except ValueError:
            raise PermanentError(f"demo file {path} is not named by its day", "name it <YYYY-MM-DD>.csv.gz") from None
    if not files:
        raise PermanentError(f"no sales files in {folder}", "restore the folder demo/ of the project")
    return files


def simulate_demo_supply(demo_folder: Path) -> SimulatedSupply:
    """Simulate the supply of `gifts` from its shipped sales, over the demo's calendar."""
    tenant = get_tenant(demo_folder / "tenants", GIFTS)
    sales = product_sales(read_sales_lines(list(gifts_sales_files(demo_folder).values()), tenant), tenant)
    return simulate_supply(sales, first_day=FIRST_DAY, last_day=LAST_DAY, seed=SEED)


def read_sales_lines(files: list[Path], tenant: TenantConfig) -> pl.DataFrame:
    """All lines of the files, with the columns that the tenant maps.

    Returns:
        sold_on, item_code (normalized), quantity, unit_price, document_id, customer_code, description.

    Raises:
        PermanentError: A file cannot be read, or lacks a column that is mapped.
    """
    headers = tenant.mapping("sales").columns
    names = ("sold_at", "item_code", "quantity", "unit_price", "document_id", "customer_code", "description")
    code = pl.col("item_code").str.strip_chars()
    try:
        return (
            pl.scan_csv(files, infer_schema=False)
            .select(pl.col(headers.get(name, name)).alias(name) for name in names)
            .select(
                pl.col("sold_at").str.slice(0, 10).str.to_date("%Y-%m-%d").alias("sold_on"),
                code.str.to_uppercase() if tenant.item_codes.case == "upper" else code,
                pl.col("quantity").cast(pl.Int64),
                pl.col("unit_price").cast(pl.Float64),
                *names[4:],
            )
            .collect()
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        problem = " ".join(str(error).split())
        raise PermanentError(f"the demo's sales cannot be read: {problem}", "restore the folder demo/") from error


def product_sales(lines: pl.DataFrame, tenant: TenantConfig) -> pl.DataFrame:
    """The lines that took goods off the shelf.

    Left out are service codes, returns, lines without a price, and sales that the same customer cancelled on the same
    day (two orders of 74,215 and 80,995 units were, within minutes).
    """
    is_service = _matches("item_code", tenant.service_item_patterns)
    is_cancellation = _matches("document_id", tenant.cancellation_document_patterns)
    cancelled = lines.filter(is_cancellation).with_columns(-pl.col("quantity"))
    return lines.filter(~is_service, ~is_cancellation, pl.col("quantity") > 0, pl.col("unit_price") > 0).join(
        cancelled, on=["sold_on", "item_code", "customer_code", "quantity"], how="anti", nulls_equal=True
    )


def _matches(column: str, patterns: list[str]) -> pl.Expr:
    hits = [pl.col(column).str.contains(pattern) for pattern in patterns]
    return pl.any_horizontal(hits).fill_null(False) if hits else pl.lit(False)


def _datasets(supply: SimulatedSupply) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "items", supply.items
    yield "suppliers", supply.suppliers
    yield "purchase_orders", supply.purchase_orders
    yield "stock", supply.stock


def _csv_by_day(frame: pl.DataFrame) -> Iterator[tuple[date, bytes]]:
    """The rows of each landing day as gzipped CSV; the same rows give the same bytes."""
    for day_rows in frame.partition_by("landed_on", maintain_order=True):
        buffer = io.BytesIO()
        day_rows.drop("landed_on").write_csv(buffer)
        yield day_rows["landed_on"][0], gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0)


def _land(
    folder: UPath,
    name: str,
    contents: Iterator[tuple[date, bytes]],
    landing: DemoLanding,
    report: Callable[[str], None],
) -> None:
    """Write one dataset's files to `<folder>/<day>/<name>`, and count them."""
    count = written = size = 0
    for day, content in contents:
        count, size = count + 1, size + len(content)
        written += _write_if_changed(folder / day.isoformat() / name, content)
    dataset = name.partition(".")[0]
    landing.files[f"{folder.name}/{dataset}"] = count
    landing.files_written += written
    landing.files_unchanged += count - written
    rows = landing.simulated_rows.get(dataset)
    simulated = f", {rows:,} simulated rows" if rows is not None else ""
    report(f"{folder.name} {dataset}: {count} files, {size / 1e6:.1f} MB{simulated}, {written} written")


def _write_if_changed(path: UPath, content: bytes) -> bool:
    """Write the file unless it holds the content already; a reader sees the old file or the new one, never a part."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(path, Path):
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)
    else:
        # An object store shows an object only when it was written whole.
        path.write_bytes(content)
    return True
