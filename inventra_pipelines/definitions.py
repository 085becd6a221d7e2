"""The table of contents: the stages in the order the data flows, their jobs, schedule, sensor and resources.

Belongs here: nothing but the list. Each name leads to the module that holds it.
"""

from dagster import Definitions, in_process_executor

from inventra_pipelines.assets.alerts import alerts
from inventra_pipelines.assets.analytics import analytics
from inventra_pipelines.assets.forecast import forecasts
from inventra_pipelines.assets.ingest import batches
from inventra_pipelines.assets.normalize import normalize
from inventra_pipelines.assets.planning import proposals
from inventra_pipelines.assets.reports import artifacts
from inventra_pipelines.automation.console import stage_lines
from inventra_pipelines.automation.jobs import JOBS
from inventra_pipelines.automation.schedules import nightly_schedule
from inventra_pipelines.automation.sensors import landed_files
from inventra_pipelines.resources.artifacts import Artifacts
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.resources.landing import LandingZone
from inventra_pipelines.resources.mailer import Mailer
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.resources.worker_pool import WorkerPool
from inventra_pipelines.settings import get_settings

defs = Definitions(
    assets=[
        batches,
        normalize,
        analytics,
        forecasts,
        proposals,
        alerts,
        artifacts,
    ],
    jobs=JOBS,
    schedules=[nightly_schedule],
    sensors=[landed_files],
    resources={
        "postgres": Postgres(),
        "landing": LandingZone(),
        "dbt": Dbt(get_settings()),
        "worker_pool": WorkerPool(),
        "mailer": Mailer(),
        "files": Artifacts(),
    },
    loggers={"console": stage_lines},
    # Runs from the page as well: a process per step costs more than most steps do.
    executor=in_process_executor,
)
