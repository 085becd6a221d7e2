"""`inventra batches`: what landed, and taking a file's rows out again.

Belongs here: the commands of the group. What a withdrawal does to the tables is `db/batches.py`.
"""

import json
from typing import Annotated

import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.runs import execute
from inventra_pipelines.db.batches import withdraw_batch
from inventra_pipelines.db.engine import connect
from inventra_pipelines.tenants import get_tenant

app = typer.Typer(no_args_is_help=True)

_LIST = """
    select batch_id, tenant_id, landed_on, file_name, dataset, state, rows_read, rows_accepted, rows_rejected, message
    from raw.batches
    where
        (%(tenant_id)s::text is null or tenant_id = %(tenant_id)s)
        and (%(state)s::text is null or state = %(state)s)
    order by tenant_id, landed_on, file_name, batch_id
"""


@app.command("list")
def list_batches(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only batches in this state, such as rejected.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on a line for each.")] = False,
) -> None:
    """List the batches: one per landed file and content."""
    with installation() as (_, url), connect(url, read_only=True) as connection:
        cursor = connection.execute(_LIST, {"tenant_id": tenant, "state": state})
        names = [column.name for column in cursor.description or ()]
        for row in cursor:
            entry = dict(zip(names, row, strict=True))
            if as_json:
                typer.echo(json.dumps(entry, default=str))
                continue
            counts = f"{entry['rows_read']:,} read, {entry['rows_rejected']:,} rejected"
            note = f"  {entry['message']}" if entry["message"] else ""
            place = f"{entry['tenant_id']}/{entry['landed_on']}/{entry['file_name']}"
            out.print(f"{entry['batch_id']}  {entry['state']:<16} {place:<50} {counts}{note}", markup=False)


@app.command("withdraw")
def withdraw(batch_id: Annotated[str, typer.Argument(help="Batch id, as `inventra batches list` shows it.")]) -> None:
    """Take a batch's rows out for good, and rebuild the business days that they touched."""
    with installation() as (settings, url):
        with connect(url) as connection:
            found = connection.execute("select tenant_id from raw.batches where batch_id = %s", (batch_id,)).fetchone()
            if found is not None:
                # What it touched is rebuilt after it: that needs the tenant's configuration.
                get_tenant(settings.tenants_folder, found[0])
            withdrawal = withdraw_batch(connection, batch_id)
        batch = withdrawal.batch
        where = f"{batch.tenant_id}/{batch.landed_on}/{batch.file_name}"
        out.print(f"withdrew batch {batch_id}: {batch.rows_accepted:,} rows of {where}", markup=False)
        for window in withdrawal.replay:
            execute(settings, "history", [window.tenant_id], window.first, window.last, f"Replaying {window}")
