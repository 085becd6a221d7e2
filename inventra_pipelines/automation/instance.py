"""Dagster's instance folder and the environment that its processes need.

Belongs here: dagster.yaml, written whole at every start, and the variables. Secrets are named there, never written:
Dagster reads its database's URL from the environment.
"""

import os
from pathlib import Path

from inventra_pipelines.db.engine import with_driver
from inventra_pipelines.settings import PROJECT_FOLDER, Settings

URL_VARIABLE = "DAGSTER_POSTGRES_URL"

# Runs of several tenants may stand in the queue; two at a time is what two cores bear. A run that was killed is found
# by run monitoring, and gives its place in the queue back. What a step prints is not kept: stages speak through events,
# and capturing starts two processes per step.
_DAGSTER_YAML = f"""\
storage:
  custom:
    module: inventra_pipelines.automation.event_storage
    class: BatchingPostgresStorage
    config:
      postgres_url:
        env: {URL_VARIABLE}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    max_concurrent_runs: 2
    dequeue_interval_seconds: 2
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  max_runtime_seconds: 7200
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 60
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days: {{skipped: 3, failure: 30, success: 30}}
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
nux:
  enabled: false
telemetry:
  enabled: false
"""


def prepare_instance(settings: Settings, url: str) -> dict[str, str]:
    """Write dagster.yaml and give the variables for this process or a child.

    Args:
        settings: The installation's settings.
        url: The installation's database; Dagster's own is another database of the same server.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    written = home / "dagster.yaml"
    if not written.exists() or written.read_text() != _DAGSTER_YAML:
        draft = home / f"dagster.yaml.{os.getpid()}"
        draft.write_text(_DAGSTER_YAML)
        draft.replace(written)
    return {
        "DAGSTER_HOME": str(home.resolve()),
        URL_VARIABLE: with_driver(url, "psycopg2", database=settings.dagster_database),
        "DATABASE_URL": url,
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "INVENTRA_HOME": str(settings.home.resolve()),
        # One thread per numeric worker: they are processes already.
        "OMP_NUM_THREADS": "1",
    }


def workspace_file() -> Path:
    """The workspace that Dagster's commands load."""
    return PROJECT_FOLDER / "workspace.yaml"
