"""`inventra batches`: what landed and what became of it; releasing and withdrawing a file.

Belongs here: the commands of the group, but for `rejects`, which is `rejects.py`. How a batch is put in words is
`batch_words.py`, what the commands do to the tables `db/batches.py`.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from inventra_pipelines.cli.batch_words import LABEL, batch_lines, may_be_released, print_outcome, print_reasons
from inventra_pipelines.cli.console import BatchArgument, installation, out, read_rows
from inventra_pipelines.cli.rejects import rejects
from inventra_pipelines.cli.runs import execute, whole_day
from inventra_pipelines.cli.tables import print_table, say, title
from inventra_pipelines.db.batches import find_batch, release_batch, withdraw_batch
from inventra_pipelines.db.engine import connect
from inventra_pipelines.domain.ingest.batches import Batch
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import user_name
from inventra_pipelines.tenants import get_tenant

app = typer.Typer(no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


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
_DAYS = "select min(business_on), max(business_on), count(*) from raw.batch_days where batch_id = %s and rows > 0"


@app.command("list")
def list_batches(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only batches in this state, such as rejected.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on a line for each.")] = False,
) -> None:
    """List the batches: one per landed file and content."""
    with installation() as (_, url), connect(url, read_only=True) as connection:
        for entry in read_rows(connection, _LIST, {"tenant_id": tenant, "state": state}):
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
        reasons = read_rows(connection, _REASONS, (batch_id,))
        history = read_rows(connection, _LOG, (batch_id,))
    if as_json:
        record = {**asdict(batch), "business_days": list(days), "rejects": reasons, "history": history}
        typer.echo(json.dumps(record, default=str))
        return
    for line in batch_lines(batch, days):
        say(line, hanging=LABEL)
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


app.command("rejects")(rejects)


@app.command("release")
def release(batch_id: BatchArgument) -> None:
    """Take a file as it is that is held, or that another tenant has as well, and run its day again."""
    with installation() as (settings, url):
        with connect(url) as connection:
            batch = find_batch(connection, batch_id)
            _refuse_release(batch)
            get_tenant(settings.tenants_folder, batch.tenant_id)
            release_batch(connection, batch_id)
        label = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
        out.print(f"released batch {batch_id}: {label} is taken as it is from now on", markup=False)
        day = batch.landed_on
        execute(settings, "history", [batch.tenant_id], day, day, whole_day(batch.tenant_id, day))
        with connect(url, read_only=True) as connection:
            print_outcome(find_batch(connection, batch_id))


def _refuse_release(batch: Batch) -> None:
    if may_be_released(batch):
        return
    if batch.state == "rejected":
        raise PermanentError(f"batch {batch.batch_id} is refused, not held: {batch.message}", "send the file anew")
    state = batch.state.replace("_", " ")
    raise PermanentError(f"batch {batch.batch_id} is not held, it is {state}", "there is nothing to release")


@app.command("withdraw")
def withdraw(batch_id: BatchArgument) -> None:
    """Take a batch's rows out for good, and rebuild the business days that they touched."""
    with installation() as (settings, url):
        with connect(url) as connection:
            found = find_batch(connection, batch_id)
            # What it touched is rebuilt after it: that needs the tenant's configuration.
            get_tenant(settings.tenants_folder, found.tenant_id)
            _refuse_withdrawal(found)
            withdrawal = withdraw_batch(connection, batch_id, actor=user_name())
        batch = withdrawal.batch
        where = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
        out.print(f"withdrew batch {batch_id}: {counted(batch.rows_accepted, 'row')} of {where}", markup=False)
        for window in withdrawal.replay:
            execute(settings, "history", [window.tenant_id], window.first, window.last, f"Replaying {window}")


def _refuse_withdrawal(batch: Batch) -> None:
    if batch.state == "withdrawn":
        day = batch.landed_on
        raise PermanentError(
            f"batch {batch.batch_id} is withdrawn already: none of its rows are in force",
            f"to load {batch.file_name} after all, land it under another name; if its days were not rebuilt, run "
            f"`inventra backfill --tenant {batch.tenant_id} --from {day} --to {day} --stages history`",
        )
