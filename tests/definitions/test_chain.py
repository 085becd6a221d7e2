"""The asset graph, its groups, jobs and partitions are what the documentation says."""

from datetime import date

from dagster import AssetKey, in_process_executor
from dagster._core.definitions.partitions.definition import MultiPartitionsDefinition

from inventra_pipelines.assets.keys import STAGES
from inventra_pipelines.automation.partitions import PARTITIONS, partition_key, windows_of
from inventra_pipelines.db.writes import Window
from inventra_pipelines.definitions import defs

EXPECTED_GROUPS = {
    "ingest/batches": "ingest",
    "normalize/int_demand_daily": "normalize",
    "normalize/int_stock_daily": "normalize",
    "normalize/int_supply_lines": "normalize",
    "analytics/fct_sales_daily": "analytics",
    "analytics/fct_stock_daily": "analytics",
    "analytics/fct_item_classes": "analytics",
    "analytics/rpt_daily_kpis": "analytics",
    "forecast/forecasts": "forecast",
    "planning/proposals": "planning",
    "alerts/alerts": "alerts",
    "reports/artifacts": "reports",
}


def _graph():
    return defs.resolve_asset_graph()


def test_the_assets_and_their_groups_are_the_twelve_of_the_design():
    graph = _graph()
    groups = {key.to_user_string(): graph.get(key).group_name for key in graph.materializable_asset_keys}
    assert groups == EXPECTED_GROUPS


def test_every_group_is_a_stage_and_no_asset_reads_a_later_stage():
    graph = _graph()
    order = {stage: position for position, stage in enumerate(STAGES)}
    for key in graph.materializable_asset_keys:
        for parent in graph.get(key).parent_keys:
            assert order[graph.get(parent).group_name] <= order[graph.get(key).group_name], (parent, key)


def test_every_asset_has_the_one_partition_definition_and_runs_a_backfill_as_one_run():
    graph = _graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.partitions_def == PARTITIONS
        assert node.backfill_policy.max_partitions_per_run is None


def test_only_ingest_has_no_parent():
    graph = _graph()
    roots = [key for key in graph.materializable_asset_keys if not graph.get(key).parent_keys]
    assert roots == [AssetKey(["ingest", "batches"])]


def test_every_asset_says_what_it_is():
    graph = _graph()
    assert [key for key in graph.materializable_asset_keys if not graph.get(key).description] == []


def test_the_jobs_select_the_stages_they_name():
    stages = {
        name: {node.split("__")[0] for node in defs.resolve_job_def(name).graph.node_dict}
        for name in ("nightly", "history", "outlook")
    }
    assert stages["nightly"] == set(STAGES)
    assert stages["history"] == {"ingest", "normalize", "analytics"}
    assert stages["outlook"] == {"forecast", "planning", "alerts", "reports"}


def test_the_calendar_of_the_demo_has_374_days_for_each_tenant():
    assert isinstance(PARTITIONS, MultiPartitionsDefinition)
    keys = PARTITIONS.get_partition_keys()
    assert len(keys) == 374 * 2
    assert keys[0] == "2010-12-01|gifts" and keys[-1] == "2011-12-09|gifts-export"


def test_partition_keys_become_windows_per_tenant_and_run_of_days():
    days = [date(2011, 1, 1), date(2011, 1, 2), date(2011, 1, 4)]
    keys = [partition_key("gifts", day) for day in reversed(days)] + [partition_key("gifts-export", days[0])]
    assert windows_of(keys) == [
        Window("gifts", days[0], days[1]),
        Window("gifts", days[2], days[2]),
        Window("gifts-export", days[0], days[0]),
    ]


def test_no_resource_has_configuration_that_could_hold_a_secret():
    for name, resource in defs.resources.items():
        assert not getattr(resource, "model_fields", {}), name


def test_the_schedule_and_the_sensor_are_the_ones_documented():
    assert [(schedule.name, schedule.cron_schedule) for schedule in defs.schedules] == [
        ("nightly_schedule", "*/15 * * * *")
    ]
    assert [sensor.name for sensor in defs.sensors] == ["landed_files"]


def test_runs_from_the_page_go_in_one_process_too():
    assert defs.executor is in_process_executor
    implicit = defs.resolve_implicit_global_asset_job_def()
    assert implicit.executor_def is in_process_executor
