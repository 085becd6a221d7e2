"""`inventra ingest`: one file into a tenant's landing zone and through to analytics, or only a look at it.

Belongs here: the command. Reading is `sources/`, the batch semantics are those of any landed file.
"""

import datetime
import shutil
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.runs import TenantOption, execute, parse_day
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.parse import parse_rows
from inventra_pipelines.domain.tenant import Dataset, TenantConfig
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import Settings, get_settings
from inventra_pipelines.sources.read import read_tables
from inventra_pipelines.sources.tables import contract_columns
from inventra_pipelines.tenants import get_tenant

_EXAMPLES = 5


def ingest(
    file: Annotated[Path, typer.Argument(help="CSV, gzipped CSV, workbook or parquet.")],
    tenant: TenantOption,
    dataset: Annotated[Dataset, typer.Option("--dataset", help="What the file holds.")],
    date: Annotated[str | None, typer.Option("--date", help="Landing day; the calendar's last, or today.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read it and say what would happen; load nothing.")
    ] = False,
) -> None:
    """Land one file and load it, up to analytics."""
    if not file.is_file():
        raise PermanentError(f"there is no file {file}", "name one that is there")
    settings = get_settings()
    config = get_tenant(settings.tenants_folder, tenant)
    if dry_run:
        _describe(file, config, dataset)
        return
    day = parse_day(date, "--date") if date else settings.last_day or datetime.date.today()
    _land(file, settings, config, dataset, day)
    with installation() as (opened, _):
        execute(opened, "history", [tenant], day, day, f"{tenant} {day}")


def _describe(file: Path, config: TenantConfig, dataset: Dataset) -> None:
    """Read and check the file as ingest would, without a database."""
    mapping, contract = config.mapping(dataset), CONTRACTS[dataset]
    tables = read_tables(file, mapping)
    rows = pl.concat(contract_columns(table, contract, mapping, file.name) for table in tables)
    parsed = parse_rows(rows, contract, mapping, config.time_zone)
    rejected = parsed.rejects.select("sheet", "row_number").n_unique()
    out.print(f"{file.name}: {rows.height:,} rows read, {parsed.accepted.height:,} would load, {rejected:,} would not")
    reasons = parsed.rejects.group_by("column_name", "reason_code").agg(pl.len(), pl.col("message").first())
    for column, reason, count, message in reasons.sort("len", descending=True).iter_rows():
        out.print(f"  {count:>8,}  {reason:<20} {column:<18} e.g. {message}", markup=False)
    with pl.Config(tbl_cols=-1, tbl_rows=_EXAMPLES, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        out.print(str(parsed.accepted.head(_EXAMPLES)), markup=False)
    out.print("nothing was loaded", markup=False)


def _land(file: Path, settings: Settings, config: TenantConfig, dataset: Dataset, day: datetime.date) -> None:
    if "://" in settings.landing_root:
        raise PermanentError(
            f"the landing zone {settings.landing_root} is not a local folder", "upload the file to it and run the day"
        )
    name = file.name if file.name.lower().startswith(dataset) else f"{dataset}-{file.name}"
    target = Path(settings.landing_root) / config.tenant_id / day.isoformat() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not (target.exists() and target.samefile(file)):
        # The reader passes over names that end in .part: it never sees half a file.
        draft = target.with_name(f".{name}.part")
        shutil.copyfile(file, draft)
        draft.replace(target)
    out.print(f"landed {target}", markup=False)
