"""`inventra demo`: a year of real sales, from landed files to reports.

Belongs here: the order of the demo's work and what it prints. The data are `demo/`, landing them is
`sources/demo_files.py`, and the runs are the same jobs that every tenant has.
"""

import json
import shutil
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from inventra_pipelines.cli.console import installation, out
from inventra_pipelines.cli.runs import execute
from inventra_pipelines.db.engine import connect
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import PROJECT_FOLDER, Settings, get_settings
from inventra_pipelines.sources.demo_files import land_demo

DEMO = PROJECT_FOLDER / "demo"
TENANTS = ("gifts", "gifts-export")
FIRST_DAY, LAST_DAY = date(2010, 12, 1), date(2011, 12, 9)

# Forecasts of eight earlier weeks, so that accuracy by lag has something to show.
EARLIER_CUTOFFS = 8

_SETTINGS_FILE = f"""\
# The demo's calendar: one clean year. Delete this file to run on into the present.
INVENTRA_FIRST_DAY={FIRST_DAY}
INVENTRA_LAST_DAY={LAST_DAY}
"""

_READ = """
    select tenant_id, dataset, sum(rows_read), sum(rows_accepted), sum(rows_rejected)
    from raw.batches
    group by tenant_id, dataset
    order by tenant_id, dataset
"""
_REJECTED = """
    select r.tenant_id, b.dataset, r.reason_code, count(*)
    from raw.rejects as r
    inner join raw.batches as b using (batch_id)
    group by r.tenant_id, b.dataset, r.reason_code
    order by count(*) desc
"""
_REPORTS = "select path from reports.artifacts where day = %s order by tenant_id, report"


def _install(settings: Settings) -> None:
    """Put the demo's settings and tenants in the home folder, unless somebody else's are there."""
    others = sorted(path.stem for path in settings.tenants_folder.glob("*.yaml") if path.stem not in TENANTS)
    remedy = "give the demo a folder of its own: INVENTRA_HOME=/path/to/folder inventra demo"
    if others:
        raise PermanentError(f"{settings.tenants_folder} holds tenants of your own ({', '.join(others)})", remedy)
    settings_file = settings.home / "settings.env"
    if settings_file.exists() and settings_file.read_text() != _SETTINGS_FILE:
        raise PermanentError(f"{settings_file} holds settings of your own", remedy)
    settings.tenants_folder.mkdir(parents=True, exist_ok=True)
    settings_file.write_text(_SETTINGS_FILE)
    for tenant_id in TENANTS:
        shutil.copyfile(DEMO / "tenants" / f"{tenant_id}.yaml", settings.tenants_folder / f"{tenant_id}.yaml")


def _timed(times: dict[str, float], name: str, seconds: float) -> None:
    times[name] = times.get(name, 0.0) + seconds


def demo(
    timings: Annotated[
        Path | None, typer.Option("--timings", help="Write seconds per part as JSON to this file.", hidden=True)
    ] = None,
) -> None:
    """Land a year of real sales for two tenants, backfill it, run the last night and write the reports."""
    began = time.perf_counter()
    _install(get_settings())
    get_settings.cache_clear()
    parts: dict[str, float] = {}
    stages: dict[str, float] = {}
    with installation() as (settings, url):
        out.print(f"Landing files in {settings.landing_root}", markup=False)
        mark = time.perf_counter()
        land_demo(DEMO, settings.landing_root, report=lambda line: out.print(f"  {line}", markup=False))
        _timed(parts, "landing", time.perf_counter() - mark)

        cutoffs = [LAST_DAY - timedelta(weeks=weeks) for weeks in range(EARLIER_CUTOFFS, 0, -1)]
        plan = [
            ("history", "history", FIRST_DAY, LAST_DAY, f"Year of both tenants, {FIRST_DAY} to {LAST_DAY}"),
            *(("outlook", "outlook", day, day, f"Forecast to reports as of {day}") for day in cutoffs),
            ("nightly", "nightly", LAST_DAY, LAST_DAY, f"Nightly run of {LAST_DAY}"),
        ]
        for part, job, first, last, title in plan:
            mark = time.perf_counter()
            times = execute(settings, job, list(TENANTS), first, last, title)
            seconds = time.perf_counter() - mark
            _timed(parts, part, seconds)
            _timed(parts, "orchestration", seconds - times.total)
            for stage, spent in times.seconds.items():
                _timed(stages, stage, spent)
        _print_summary(url, settings)
    _timed(parts, "total", time.perf_counter() - began)
    _print_times(parts, stages)
    if timings:
        timings.write_text(json.dumps({"parts": parts, "stages": stages}))


def _print_summary(url: str, settings: Settings) -> None:
    with connect(url, read_only=True) as connection:
        out.print("Rows read, accepted and rejected", markup=False)
        for tenant_id, dataset, read, accepted, rejected in connection.execute(_READ):
            out.print(f"  {tenant_id:<13} {dataset:<16} {read:>9,} {accepted:>9,} {rejected:>7,}", markup=False)
        rejected_rows = connection.execute(_REJECTED).fetchall()
        out.print("Rejected, by reason" if rejected_rows else "No row was rejected", markup=False)
        for tenant_id, dataset, reason, count in rejected_rows:
            out.print(f"  {tenant_id:<13} {dataset:<16} {reason:<20} {count:>7,}", markup=False)
        out.print(f"Reports of {LAST_DAY} (the stock figures of gifts are simulated stock)", markup=False)
        for (path,) in connection.execute(_REPORTS, (LAST_DAY,)):
            out.print(f"  {settings.artifacts_folder / path}", markup=False)


def _print_times(parts: dict[str, float], stages: dict[str, float]) -> None:
    shown = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stages.items())
    out.print(f"Seconds by stage: {shown}", markup=False)
    out.print(
        f"Done in {parts['total']:.1f} s, of which {parts['orchestration']:.1f} s are Dagster's own", markup=False
    )
    out.print("Next: .venv/bin/inventra ui", markup=False)
