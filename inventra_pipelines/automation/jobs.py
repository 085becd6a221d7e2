"""The jobs: which stages run together.

Belongs here: selections of the chain. When they run is `schedules.py` and `sensors.py`.
"""

from typing import Any

from dagster import AssetSelection, define_asset_job

from inventra_pipelines.automation.partitions import PARTITIONS


def _job(name: str, description: str, *stages: str) -> Any:  # Dagster's type of an unresolved job is not public
    return define_asset_job(
        name,
        selection=AssetSelection.groups(*stages),
        partitions_def=PARTITIONS,
        description=description,
    )


nightly = _job(
    "nightly",
    "Every stage, for one tenant and day.",
    *("ingest", "normalize", "analytics", "forecast", "planning", "alerts", "reports"),
)
history = _job(
    "history",
    "Landed files to analytics, for any range of days: one run for a year.",
    *("ingest", "normalize", "analytics"),
)
outlook = _job(
    "outlook",
    "Forecast to reports over history that is there already, for the days of a backfill.",
    *("forecast", "planning", "alerts", "reports"),
)

JOBS = [nightly, history, outlook]
