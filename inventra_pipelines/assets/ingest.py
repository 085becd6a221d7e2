"""Ingest: the files of the landing zone become typed rows, batches and rejects.

Belongs here: the one asset of the stage. Reading files is `sources/`, what a row must hold is `domain/contracts.py`,
and the batch semantics are `sources/ingest.py`.
"""

from collections.abc import Iterator

from dagster import AssetCheckResult, AssetCheckSpec, AssetExecutionContext, MaterializeResult, asset

from inventra_pipelines.assets.keys import BATCHES
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.checks.ingest import days_have_come, no_file_rejected, rows_reconcile
from inventra_pipelines.db.tenants import record_tenants
from inventra_pipelines.resources.landing import LandingZone
from inventra_pipelines.resources.postgres import Postgres


@asset(
    key=BATCHES,
    group_name="ingest",
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    kinds={"polars", "postgres"},
    check_specs=[
        AssetCheckSpec(
            "rows_reconcile", asset=BATCHES, blocking=True, description="Every row read is in raw or in rejects."
        ),
        AssetCheckSpec(
            "days_have_come", asset=BATCHES, description="No row is of a day after the one on which its file landed."
        ),
        AssetCheckSpec("no_file_rejected", asset=BATCHES, description="Every landed file could be read."),
    ],
)
def batches(
    context: AssetExecutionContext, postgres: Postgres, landing: LandingZone
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """Every landed file of the partitions, validated and loaded; a bad row stands in `raw.rejects` with its reason."""
    windows = windows_of(context.partition_keys)
    with postgres.connect() as connection:
        record_tenants(connection, [TENANTS[tenant_id] for tenant_id in {window.tenant_id for window in windows}])
    outcome = landing.ingest(postgres.url, TENANTS, windows, run_id=context.run_id)
    yield MaterializeResult(asset_key=BATCHES, metadata=outcome.metadata())
    with postgres.connect(read_only=True) as connection:
        yield rows_reconcile(connection, windows)
        yield days_have_come(connection, windows)
    yield no_file_rejected(outcome.refused)
