"""`inventra run` and `inventra backfill`: a tenant's day, or a range of days, in this process.

Belongs here: the two commands and how they report failures. The runs stand in Dagster's log like any other.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import typer

from inventra_pipelines.cli.console import err, installation, out
from inventra_pipelines.cli.progress import StageTimes, stage_progress
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import Settings
from inventra_pipelines.tenants import get_tenant

Stages = Literal["all", "history", "outlook"]
_JOBS: dict[str, str] = {"all": "nightly", "history": "history", "outlook": "outlook"}

TenantOption = Annotated[str, typer.Option("--tenant", help="Tenant id.")]


def parse_day(text: str, option: str) -> date:
    """A day as a person types it.

    Raises:
        PermanentError: Not a day as YYYY-MM-DD.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise PermanentError(f"{option} {text!r} is not a day", "write it as YYYY-MM-DD") from None


def execute(settings: Settings, job: str, tenant_ids: list[str], first: date, last: date, title: str) -> StageTimes:
    """Run a job over tenants and days, a line per stage.

    Raises:
        PermanentError: A step or a check failed; each failure has been printed on a line of its own.
    """
    # Dagster and the stages are imported here: `inventra --help` and a mistyped day answer at once.
    from inventra_pipelines.automation.partitions import check_days
    from inventra_pipelines.cli.launch import contiguous_tenants, run_job

    check_days(settings, first, last)
    failed = []
    with stage_progress(title) as times:
        for group in contiguous_tenants(tenant_ids):
            outcome = run_job(job, group, first, last)
            for line in outcome.warnings:
                err.print(f"warning: {', '.join(group)}: {'; '.join(line.splitlines())}", markup=False)
            if not outcome.succeeded:
                failed.append(outcome.run_id)
                for line in (*outcome.failures, *outcome.failed_checks):
                    err.print(f"error: {', '.join(group)}: {line}", markup=False)
    if failed:
        raise PermanentError(
            f"{job} run {', '.join(failed)} did not succeed", "correct what the lines above name and run it again"
        )
    return times


def whole_day(tenant_id: str, day: date) -> str:
    """The title of a run that one file started: its figures are those of all that landed on the day."""
    return f"{tenant_id} {day}, all files of the day:"


def run(
    tenant: TenantOption,
    date: Annotated[str, typer.Option("--date", help="Landing day, YYYY-MM-DD.")],
) -> None:
    """Run every stage for one tenant and day, as the night does."""
    day = parse_day(date, "--date")
    with installation() as (settings, _):
        get_tenant(settings.tenants_folder, tenant)
        times = execute(settings, "nightly", [tenant], day, day, f"{tenant} {day}")
        out.print(f"done in {times.total:.1f} s", markup=False)


def backfill(
    tenant: Annotated[list[str], typer.Option("--tenant", help="Tenant id; repeat it for several.")],
    first: Annotated[str, typer.Option("--from", help="First landing day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last landing day, YYYY-MM-DD.")],
    stages: Annotated[
        Stages, typer.Option("--stages", help="all; history: ingest to analytics; outlook: forecast to reports.")
    ] = "all",
) -> None:
    """Run a range of days as one run, set-based over the range."""
    first_day, last_day = parse_day(first, "--from"), parse_day(last, "--to")
    with installation() as (settings, _):
        for name in tenant:
            get_tenant(settings.tenants_folder, name)
        title = f"{', '.join(tenant)} {first_day} to {last_day}"
        times = execute(settings, _JOBS[stages], tenant, first_day, last_day, title)
        out.print(f"done in {times.total:.1f} s", markup=False)
