"""One tick of the sensor or the schedule, evaluated as the daemon does: prints what it asks for as a line of JSON."""

import json
import os
import sys
from datetime import datetime

from dagster import DagsterInstance, build_schedule_context, build_sensor_context

from inventra_pipelines.automation.instance import prepare_instance
from inventra_pipelines.db.embedded import current_url
from inventra_pipelines.definitions import defs
from inventra_pipelines.resources.landing import LandingZone
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.settings import get_settings


def main(name: str, argument: str) -> None:
    """Evaluate `sensor` with a cursor, or `schedule` at a moment."""
    settings = get_settings()
    variables = prepare_instance(settings, current_url(settings))
    os.environ.update({name: value for name, value in variables.items() if name != "DATABASE_URL"})
    with DagsterInstance.get() as instance:
        repository = defs.get_repository_def()
        if name == "sensor":
            resources = {"postgres": Postgres(), "landing": LandingZone()}
            context = build_sensor_context(
                instance=instance, cursor=argument or None, repository_def=repository, resources=resources
            )
            tick = repository.get_sensor_def("landed_files").evaluate_tick(context)
        else:
            context = build_schedule_context(
                instance=instance,
                scheduled_execution_time=datetime.fromisoformat(argument),
                repository_def=repository,
            )
            tick = repository.get_schedule_def("nightly_schedule").evaluate_tick(context)
    requests = [[str(request.partition_key), request.run_key] for request in tick.run_requests or []]
    found = {"requests": requests, "cursor": getattr(tick, "cursor", None), "skip": tick.skip_message}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
