"""`inventra batches`: what landed and what became of it; correcting, releasing and withdrawing a file.

Belongs here: the commands of the group and their words. What they do to the tables is `db/batches.py`, the file of
rejected rows `sources/reader/rejected_rows.py` and `sources/correction_file.py`.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import dict_row

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.runs import execute
from inventra_pipelines.cli.tables import print_table, say, title
from inventra_pipelines.db.batches import find_batch, release_batch, withdraw_batch
from inventra_pipelines.db.engine import connect
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.batches import Batch
from inventra_pipelines.domain.tenant import FileMapping, TenantConfig
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.resources.landing import LandingZone, user_name
from inventra_pipelines.settings import Settings
from inventra_pipelines.sources.correction_file import correction_text, correction_workbook
from inventra_pipelines.sources.reader.rejected_rows import Fault, RejectedSheet, read_rejected
from inventra_pipelines.tenants import get_tenant

app = typer.Typer(no_args_is_help=True)

BatchArgument = Annotated[str, typer.Argument(help="Batch id, as `inventra batches list` shows it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]

_ROWS_SHOWN = 50
_LABEL = 16
_HELD = ": held, for "

_LIST = """
    select
        batch_id, tenant_id, landed_on, file_name, dataset, state, rows_read, rows_accepted, rows_rejected,
        rows_passed_over, message
    from raw.batches
    where
        (%(tenant_id)s::text is null or tenant_id = %(tenant_id)s)
        and (%(state)s::text is null or state = %(state)s)
    order by tenant_id, landed_on, file_name, batch_id
"""
_LOG = """
    select at, actor, run_id, state, rows_accepted, rows_rejected, config_version, message
    from ops.batch_log
    where batch_id = %s
    order by entry_id
"""
_REASONS = """
    select
        column_name, reason_code, hint, count(*) as rows,
        (array_agg(message order by sheet, row_number))[1] as example,
        (array_agg(row_number order by sheet, row_number))[1] as row_number,
        (array_agg(sheet order by sheet, row_number))[1] as sheet
    from raw.rejects
    where batch_id = %s
    group by column_name, reason_code, hint
    order by count(*) desc, column_name, reason_code, hint
"""
_REJECTS = """
    select sheet, row_number, column_name, raw_value, reason_code, message, hint
    from raw.rejects
    where batch_id = %s
    order by sheet, row_number, column_name
"""
_DAYS = "select min(business_on), max(business_on), count(*) from raw.batch_days where batch_id = %s and rows > 0"
_CONFIG = "select config from ops.config_versions where tenant_id = %s and config_version = %s"


@app.command("list")
def list_batches(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only batches in this state, such as rejected.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on a line for each.")] = False,
) -> None:
    """List the batches: one per landed file and content."""
    with installation() as (_, url), connect(url, read_only=True) as connection:
        for entry in _rows(connection, _LIST, {"tenant_id": tenant, "state": state}):
            if as_json:
                typer.echo(json.dumps(entry, default=str))
                continue
            counts = f"{entry['rows_read']:,} read, {entry['rows_rejected']:,} rejected"
            if entry["rows_passed_over"]:
                counts += f", {entry['rows_passed_over']:,} passed over"
            note = f"  {entry['message']}" if entry["message"] else ""
            place = f"{entry['tenant_id']}/{entry['landed_on']}/{entry['file_name']}"
            out.print(f"{entry['batch_id']}  {entry['state']:<16} {place:<50} {counts}{note}", markup=False)


@app.command("show")
def show(batch_id: BatchArgument, as_json: JsonOption = False) -> None:
    """Show everything that is recorded of a batch."""
    with installation() as (_, url), connect(url, read_only=True) as connection:
        batch = find_batch(connection, batch_id)
        days = connection.execute(_DAYS, (batch_id,)).fetchone() or (None, None, 0)
        reasons = _rows(connection, _REASONS, (batch_id,))
        history = _rows(connection, _LOG, (batch_id,))
    if as_json:
        record = {**asdict(batch), "business_days": list(days), "rejects": reasons, "history": history}
        typer.echo(json.dumps(record, default=str))
        return
    for line in batch_lines(batch, days):
        say(line, hanging=_LABEL)
    if reasons:
        title("Rejected rows")
        print_reasons(reasons)
        say(
            f"Take them out for correction with `inventra batches rejects {batch_id} --out corrections.xlsx`.", indent=2
        )
    if history:
        title("History")
        _print_history(history, batch.message)


def _print_history(history: list[dict[str, Any]], message: str | None) -> None:
    print_table(
        ("when (UTC)", "who", "became", "loaded", "rejected", "configuration", "run"),
        (
            (
                _utc(entry["at"]),
                entry["actor"],
                entry["state"].replace("_", " "),
                f"{entry['rows_accepted']:,}",
                f"{entry['rows_rejected']:,}",
                entry["config_version"],
                entry["run_id"].split("-")[0],
            )
            for entry in history
        ),
        right=("loaded", "rejected"),
    )
    for entry in history:
        if entry["message"] and entry["message"] != message and entry["state"] != "received":
            say(f"{_utc(entry['at'])}  {entry['state'].replace('_', ' ')}: {entry['message']}", 2, 2)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def batch_lines(batch: Batch, days: tuple[Any, ...]) -> list[str]:
    """What is recorded of a batch, a labelled line for each."""
    state = batch.state.replace("_", " ")
    lines = {
        "batch": batch.batch_id,
        "file": f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}",
        "dataset": batch.dataset,
        "state": "held" if is_held(batch) else state,
        "rows": f"{batch.rows_read:,} read, {batch.rows_accepted:,} loaded, {batch.rows_rejected:,} rejected, "
        f"{batch.rows_passed_over:,} passed over",
        "size": f"{batch.bytes:,} bytes",
        "content": f"SHA-256 {batch.sha256 or 'unknown: it was not read'}",
        "configuration": f"version {batch.config_version}",
        "read by": f"version {batch.reader_version}",
    }
    if days[2]:
        lines["business days"] = f"{days[0]} to {days[1]}, {days[2]:,} with rows" if days[2] > 1 else f"{days[0]}"
    if batch.message:
        lines["message"] = batch.message
    return [f"{label + ':':<{_LABEL}}{text}" for label, text in lines.items()]


def print_reasons(reasons: list[dict[str, Any]]) -> None:
    """Print why rows were rejected: how many, an example and what to do, for each reason."""
    for reason in reasons:
        where = (
            f"sheet {reason['sheet']}, row {reason['row_number']}" if reason["sheet"] else f"row {reason['row_number']}"
        )
        rows = f"{reason['rows']:,} row{'s' if reason['rows'] > 1 else ''}"
        say(f"{rows:>10}  {reason['column_name'] or 'the whole row'}: {reason['reason_code'].replace('_', ' ')}", 2, 12)
        say(f"such as {where}: {reason['example']}", 14, 2)
        if reason["hint"]:
            say(f"what to do: {reason['hint']}", 14, 2)


@app.command("rejects")
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
        found = _rows(connection, _REJECTS, (batch_id,))
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
        say(f"{len(found) - _ROWS_SHOWN:,} more are not shown.")
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
        out.print(f"{to.resolve()}: {len(faults):,} row{'s' if len(faults) > 1 else ''} to correct", markup=False)
    if left_out:
        say(
            f"{left_out:,} row{'s' if left_out > 1 else ''} left out: the same key stands again further down in the "
            "file, and that row was loaded. --with-repeated writes them too."
        )
    if faults:
        say(
            "Correct the cells and land the file beside the first one, on the same day; the columns on the right are "
            "not read:"
        )
        say(
            f"inventra ingest {to} --tenant {batch.tenant_id} --dataset {batch.dataset} --date {batch.landed_on}",
            indent=2,
        )


def _correction(batch: Batch, mapping: FileMapping, faults: dict[tuple[str, int], list[Fault]], to: Path) -> bytes:
    label = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
    kept = LandingZone.open().kept_path(batch.sha256, batch.file_name)
    if not kept.is_file():
        raise PermanentError(
            f"{label}: its kept copy {kept} is gone", "take the rows from the file as it was sent, by their numbers"
        )
    sheets: list[RejectedSheet] = read_rejected(kept, label, CONTRACTS[batch.dataset].dataset, mapping, faults)  # type: ignore[index]
    read = sum(len(sheet.rows) for sheet in sheets)
    if read != len(faults):
        raise PermanentError(
            f"{label}: {len(faults) - read:,} of {len(faults):,} rejected rows are not where they were",
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


@app.command("release")
def release(batch_id: BatchArgument) -> None:
    """Take a held file as it is, however few rows it has, and run its day again."""
    with installation() as (settings, url):
        with connect(url) as connection:
            batch = find_batch(connection, batch_id)
            _refuse_release(batch)
            get_tenant(settings.tenants_folder, batch.tenant_id)
            release_batch(connection, batch_id)
        label = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
        out.print(f"released batch {batch_id}: {label} is taken as it is from now on", markup=False)
        day = batch.landed_on
        execute(settings, "history", [batch.tenant_id], day, day, f"{batch.tenant_id} {day}")
        with connect(url, read_only=True) as connection:
            for line in summary(find_batch(connection, batch_id)):
                say(line, hanging=2)


def is_held(batch: Batch) -> bool:
    """Whether a batch is held back though it could be read."""
    return batch.state == "rejected" and _HELD in (batch.message or "")


def _refuse_release(batch: Batch) -> None:
    if is_held(batch):
        return
    if batch.state == "rejected":
        raise PermanentError(f"batch {batch.batch_id} is refused, not held: {batch.message}", "send the file anew")
    state = batch.state.replace("_", " ")
    raise PermanentError(f"batch {batch.batch_id} is not held, it is {state}", "there is nothing to release")


def summary(batch: Batch) -> list[str]:
    """What became of a file, in one line and its message."""
    state = "held" if is_held(batch) else "refused" if batch.state == "rejected" else batch.state.replace("_", " ")
    rows = "row" if batch.rows_accepted == 1 else "rows"
    counts = f"{batch.rows_accepted:,} {rows} loaded, {batch.rows_rejected:,} rejected"
    if batch.rows_passed_over:
        counts += f", {batch.rows_passed_over:,} passed over"
    lines = [f"{batch.file_name}, batch {batch.batch_id}: {state}; {counts}"]
    if batch.message:
        lines.append(f"  {batch.message}")
    return lines


@app.command("withdraw")
def withdraw(batch_id: BatchArgument) -> None:
    """Take a batch's rows out for good, and rebuild the business days that they touched."""
    with installation() as (settings, url):
        with connect(url) as connection:
            # What it touched is rebuilt after it: that needs the tenant's configuration.
            get_tenant(settings.tenants_folder, find_batch(connection, batch_id).tenant_id)
            withdrawal = withdraw_batch(connection, batch_id, actor=user_name())
        batch = withdrawal.batch
        where = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
        out.print(f"withdrew batch {batch_id}: {batch.rows_accepted:,} rows of {where}", markup=False)
        for window in withdrawal.replay:
            execute(settings, "history", [window.tenant_id], window.first, window.last, f"Replaying {window}")


def _rows(connection: psycopg.Connection, query: str, parameters: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()
