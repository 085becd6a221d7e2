"""Reports: the daily PDF and workbook of each tenant.

Belongs here: the one asset of the stage. What is drawn is `domain/reports/`, what is read is `db/reads/reports.py`.
"""

from collections.abc import Callable

import polars as pl
from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, asset

from inventra_pipelines.assets.keys import ALERTS, DAILY_KPIS, DAILY_REPORTS, FORECASTS, PROPOSALS
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.db import tables
from inventra_pipelines.db.reads.reports import daily_report
from inventra_pipelines.db.writes import days_of, replace_window, split_windows
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.reports.pdf import render_pdf
from inventra_pipelines.domain.reports.workbook import render_workbook
from inventra_pipelines.resources.artifacts import Artifacts
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.resources.worker_pool import WorkerPool

RENDERERS: dict[str, Callable[[DailyReport], bytes]] = {"daily_pdf": render_pdf, "daily_workbook": render_workbook}

# What a report shows of a day is some 50 MB in frames; a long backfill is drawn by pieces.
_DAYS_AT_A_TIME = 4


@asset(
    key=DAILY_REPORTS,
    group_name="reports",
    deps=[ALERTS, PROPOSALS, DAILY_KPIS, FORECASTS],
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    kinds={"pdf", "excel"},
)
def artifacts(
    context: AssetExecutionContext, postgres: Postgres, worker_pool: WorkerPool, files: Artifacts
) -> MaterializeResult:
    """The daily PDF and Excel workbook per tenant and day, with their manifest; byte-identical when replayed."""
    links: list[str] = []
    for piece in split_windows(windows_of(context.partition_keys), _DAYS_AT_A_TIME):
        with postgres.connect(read_only=True) as connection:
            drawn = [
                (name, daily_report(connection, TENANTS[tenant_id], day))
                for tenant_id, day in days_of(piece)
                for name in RENDERERS
            ]
        rows = [
            files.write(report.tenant_id, report.day, name, content)
            for (name, report), content in zip(drawn, worker_pool.map_here(render, drawn), strict=True)
        ]
        with postgres.connect() as connection:
            frame = pl.DataFrame(rows)
            replace_window(
                connection, tables.artifacts, frame, windows=piece, window_column="day", run_id=context.run_id
            )
        links += [files.address(report.tenant_id, report.day, name) for name, report in drawn]
    return MaterializeResult(
        metadata={
            "dagster/row_count": len(links),
            "reports": MetadataValue.md("\n".join(f"- [{link.rsplit('/', 1)[-1]}]({link})" for link in links[-20:])),
            "shown": f"{min(20, len(links))} of {len(links)}",
        },
    )


def render(named: tuple[str, DailyReport]) -> bytes:
    """Draw one report of the name given; module-level, since it runs in the worker pool."""
    name, report = named
    return RENDERERS[name](report)
