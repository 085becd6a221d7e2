"""The batching event storage writes what Dagster's own storage writes, in fewer statements."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    BackfillPolicy,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
)
from dagster_postgres import PostgresEventLogStorage
from sqlalchemy import event

from inventra_pipelines.automation.event_storage import BatchingEventLogStorage
from inventra_pipelines.automation.instance import URL_VARIABLE, prepare_instance
from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.settings import Settings

PARTITIONS = MultiPartitionsDefinition(
    {
        "date": DailyPartitionsDefinition("2026-01-01", end_date="2026-01-11"),
        "tenant": StaticPartitionsDefinition(["north", "south"]),
    }
)
RANGE = {
    "dagster/asset_partition_range_start": "2026-01-01|north",
    "dagster/asset_partition_range_end": "2026-01-10|south",
}


@asset(partitions_def=PARTITIONS, backfill_policy=BackfillPolicy.single_run())
def upstream() -> MaterializeResult:
    return MaterializeResult()


@asset(partitions_def=PARTITIONS, backfill_policy=BackfillPolicy.single_run(), deps=[upstream])
def downstream() -> MaterializeResult:
    return MaterializeResult()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of an installation with a database of the module's own."""
    settings = Settings(home=tmp_path_factory.mktemp("events") / "home", DATABASE_URL=None)
    with database(settings) as url:
        migrate(url, settings.dagster_database, is_embedded=True)
        yield prepare_instance(settings, url)


@pytest.fixture
def instance(installed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    for name, value in installed.items():
        monkeypatch.setenv(name, value)
    with DagsterInstance.get() as opened:
        yield opened


def _run(instance: DagsterInstance) -> list[tuple[str, str | None, str | None]]:
    job = Definitions(assets=[upstream, downstream]).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, tags=RANGE)
    assert result.success
    return sorted(
        (
            record.dagster_event_type.value if record.dagster_event_type else "",
            record.dagster_event.asset_key.to_user_string() if record.dagster_event.asset_key else None,
            str(record.dagster_event.partition),
        )
        for record in instance.all_logs(result.run_id)
        if record.dagster_event and record.dagster_event_type and "ASSET" in record.dagster_event_type.value
    )


def test_the_instance_opens_with_the_batching_storage_and_so_does_another_process(instance: DagsterInstance):
    assert isinstance(instance.event_log_storage, BatchingEventLogStorage)
    with DagsterInstance.from_ref(instance.get_ref()) as other:
        assert isinstance(other.event_log_storage, BatchingEventLogStorage)


def test_no_secret_stands_in_dagsters_configuration_file(instance: DagsterInstance):
    written = (Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml").read_text()
    assert URL_VARIABLE in written and "postgresql" not in written


def test_a_ranged_run_leaves_the_events_and_partitions_of_the_stock_storage(
    instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    batched = _run(instance)
    planned = [entry for entry in batched if entry[0] == "ASSET_MATERIALIZATION_PLANNED"]
    assert len(planned) == 10 * 2 * 2
    materialized = instance.get_materialized_partitions(AssetKey("downstream"))
    assert materialized == set(PARTITIONS.get_partition_keys())

    monkeypatch.setattr(BatchingEventLogStorage, "store_event_batch", PostgresEventLogStorage.store_event_batch)
    assert _run(instance) == batched


def test_planned_events_of_a_range_take_a_few_inserts_not_one_each(instance: DagsterInstance):
    inserts = []
    engine = instance.event_log_storage._engine  # type: ignore[attr-defined]

    def note(_conn, _cursor, statement, *_rest):
        if "INSERT INTO event_logs" in statement:
            inserts.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    _run(instance)
    assert len(inserts) < 60
