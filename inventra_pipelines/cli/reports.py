"""`inventra reports`: list what was made, and copy a report out.

Belongs here: the commands of the group. The files themselves lie below `<home>/artifacts`.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.runs import TenantOption, parse_day
from inventra_pipelines.db.engine import connect
from inventra_pipelines.errors import PermanentError

app = typer.Typer(no_args_is_help=True)

_LIST = """
    select tenant_id, day, report, path, sha256, bytes
    from reports.artifacts
    where %(tenant_id)s::text is null or tenant_id = %(tenant_id)s
    order by tenant_id, day, report
"""
_FIND = "select path from reports.artifacts where tenant_id = %s and day = %s and report = %s"


@app.command("list")
def list_reports(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on a line for each.")] = False,
) -> None:
    """List the reports there are, oldest first."""
    with installation() as (settings, url), connect(url, read_only=True) as connection:
        for tenant_id, day, report, path, sha256, size in connection.execute(_LIST, {"tenant_id": tenant}):
            full = settings.artifacts_folder / path
            if as_json:
                entry = {"tenant_id": tenant_id, "day": str(day), "report": report, "path": str(full)}
                typer.echo(json.dumps({**entry, "sha256": sha256, "bytes": size}))
            else:
                out.print(f"{tenant_id}  {day}  {report:<15} {size:>10,} bytes  {full}", markup=False)


@app.command("get")
def get(
    tenant: TenantOption,
    date: Annotated[str, typer.Option("--date", help="Day, YYYY-MM-DD.")],
    report: Annotated[str, typer.Option("--report", help="daily_pdf or daily_workbook.")] = "daily_pdf",
    to: Annotated[Path, typer.Option("--out", help="File or folder to copy it to.")] = Path(),
) -> None:
    """Copy one report to a file or folder."""
    day = parse_day(date, "--date")
    with installation() as (settings, url), connect(url, read_only=True) as connection:
        row = connection.execute(_FIND, (tenant, day, report)).fetchone()
        if row is None:
            raise PermanentError(
                f"tenant {tenant} has no {report} of {day}",
                f"make it with `inventra run --tenant {tenant} --date {day}`, or see `inventra reports list`",
            )
        source = settings.artifacts_folder / row[0]
        if not source.is_file():
            raise PermanentError(f"report file {source} is gone", f"replay tenant {tenant}, day {day}")
        target = to / source.name if to.is_dir() else to
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise PermanentError(f"{target} cannot be written: {error.strerror}", "name a file or folder") from None
    out.print(str(target.resolve()), markup=False)
