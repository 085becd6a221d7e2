"""`inventra batches rejects`: a batch's rejected rows, on the screen or in a file for correction.

Belongs here: the command and what it prints. Finding the rows in the file is `sources/reader/rejected_rows.py`, writing
them `sources/correction_file.py`.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from inventra_pipelines.cli.console import BatchArgument, installation, out, read_rows
from inventra_pipelines.cli.tables import print_table, say
from inventra_pipelines.db.batches import find_batch
from inventra_pipelines.db.engine import connect
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.batches import Batch
from inventra_pipelines.domain.tenant import FileMapping, TenantConfig
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import Settings, get_settings
from inventra_pipelines.sources.correction_file import correction_text, correction_workbook
from inventra_pipelines.sources.landing import Landing
from inventra_pipelines.sources.reader.rejected_rows import Fault, RejectedSheet, read_rejected
from inventra_pipelines.tenants import get_tenant

_ROWS_SHOWN = 50

_REJECTS = """
    select sheet, row_number, column_name, raw_value, reason_code, message, hint
    from raw.rejects
    where batch_id = %s
    order by sheet, row_number, column_name
"""
_CONFIG = "select config from ops.config_versions where tenant_id = %s and config_version = %s"


def rejects(
    batch_id: BatchArgument,
    to: Annotated[
        Path | None, typer.Option("--out", help="Write the rows for correction: a name ending in .xlsx or .csv.")
    ] = None,
    with_repeated: Annotated[
        bool, typer.Option("--with-repeated", help="Also rows whose key stands again further down, where it loaded.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on a line for each.")] = False,
) -> None:
    """Show the rejected rows of a batch, or write them in their own layout for correction."""
    if to is not None and to.suffix.lower() not in (".xlsx", ".csv"):
        raise PermanentError(f"{to} ends in neither .xlsx nor .csv", "name the file so that its kind is known")
    with installation() as (settings, url), connect(url, read_only=True) as connection:
        batch = find_batch(connection, batch_id)
        found = read_rows(connection, _REJECTS, (batch_id,))
        mapping = _mapping_of(connection, settings, batch)
    if as_json:
        for entry in found:
            typer.echo(json.dumps(entry, default=str))
    elif not found:
        out.print(f"no row of batch {batch_id} is rejected ({batch.state.replace('_', ' ')})", markup=False)
        if batch.message:
            say(batch.message)
    elif to is None:
        _print_rejects(batch, found)
    if to is not None and found:
        write_corrections(batch, found, mapping, to, with_repeated=with_repeated)


def _print_rejects(batch: Batch, found: list[dict[str, Any]]) -> None:
    has_sheets = any(entry["sheet"] for entry in found)
    headers = (*(("sheet",) if has_sheets else ()), "row", "column", "because", "what to do")
    print_table(
        headers,
        (
            (
                *((entry["sheet"],) if has_sheets else ()),
                f"{entry['row_number']:,}",
                entry["column_name"] or "(row)",
                entry["message"],
                entry["hint"],
            )
            for entry in found[:_ROWS_SHOWN]
        ),
        right=("row",),
    )
    out.print()
    if len(found) > _ROWS_SHOWN:
        say(f"{counted(len(found) - _ROWS_SHOWN, 'more reason')} not shown.")
    say(f"Write them for correction with `inventra batches rejects {batch.batch_id} --out corrections.xlsx`.")


def write_corrections(
    batch: Batch, found: list[dict[str, Any]], mapping: FileMapping, to: Path, *, with_repeated: bool
) -> None:
    """Write a batch's rejected rows in their own layout, and say how they come back."""
    repeated = {(e["sheet"], e["row_number"]) for e in found if e["reason_code"] == "duplicate_key"}
    faults: dict[tuple[str, int], list[Fault]] = {}
    for entry in found:
        place = (entry["sheet"], entry["row_number"])
        if with_repeated or place not in repeated:
            faults.setdefault(place, []).append(Fault(entry["column_name"], entry["message"], entry["hint"]))
    left_out = 0 if with_repeated else len(repeated)
    if faults:
        content = _correction(batch, mapping, faults, to)
        try:
            to.write_bytes(content)
        except OSError as error:
            raise PermanentError(
                f"{to} cannot be written: {error.strerror}", "name a file in a folder of yours"
            ) from None
        out.print(f"{to.resolve()}: {counted(len(faults), 'row')} to correct", markup=False)
    if left_out:
        say(
            f"{counted(left_out, 'row')} left out: the same key stands again further down in the "
            "file, and that row was loaded. --with-repeated writes them too."
        )
    if faults:
        say(
            "Correct the cells and land the file beside the first one, on the same day; the columns that "
            "say why are not read, the last one says which row each takes the place of:"
        )
        say(
            f"inventra ingest {to} --tenant {batch.tenant_id} --dataset {batch.dataset} --date {batch.landed_on}",
            indent=2,
        )


def _correction(batch: Batch, mapping: FileMapping, faults: dict[tuple[str, int], list[Fault]], to: Path) -> bytes:
    label = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
    settings = get_settings()
    kept = Landing(settings.landing_root, settings.kept_folder).kept_path(batch.sha256, batch.file_name)
    if not kept.is_file():
        raise PermanentError(
            f"{label}: its kept copy {kept} is gone", "take the rows from the file as it was sent, by their numbers"
        )
    contract = CONTRACTS[batch.dataset]  # type: ignore[index]
    sheets: list[RejectedSheet] = read_rejected(kept, label, batch.batch_id, contract, mapping, faults)
    read = sum(len(sheet.rows) for sheet in sheets)
    if read != len(faults):
        raise PermanentError(
            f"{label}: {len(faults) - read:,} of {counted(len(faults), 'rejected row')} not where they were",
            "run its day again, so that its rows and numbers are those of this version",
        )
    return (correction_workbook if to.suffix.lower() == ".xlsx" else correction_text)(sheets, mapping)


def _mapping_of(connection: psycopg.Connection, settings: Settings, batch: Batch) -> FileMapping:
    """What the batch was read with: its tenant's configuration of that time, or the present one."""
    if batch.dataset not in CONTRACTS:
        return FileMapping()
    row = connection.execute(_CONFIG, (batch.tenant_id, batch.config_version)).fetchone()
    config = TenantConfig.model_validate(row[0]) if row else get_tenant(settings.tenants_folder, batch.tenant_id)
    return config.mapping(batch.dataset)  # type: ignore[arg-type]
