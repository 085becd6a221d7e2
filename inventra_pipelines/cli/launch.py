"""Runs a job in this process, as the command line does: the same assets, partitions and run log as from the web page.

Belongs here: starting one ranged run and saying how it ended. Queued and scheduled runs are Dagster's own.
"""

from dataclasses import dataclass
from datetime import date

from dagster import AssetCheckSeverity, DagsterInstance, ExecuteInProcessResult
from dagster_shared.error import SerializableErrorInfo

from inventra_pipelines.automation.partitions import TENANTS, partition_key
from inventra_pipelines.definitions import defs

_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
# Messages begin with the module of the error's class.
_OWN = "inventra_pipelines."


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: its id, and one line per failed step, failed check, and check that only warns."""

    run_id: str
    failures: tuple[str, ...]
    failed_checks: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Nothing failed, no check included; a warning is no failure."""
        return not self.failures and not self.failed_checks


def contiguous_tenants(tenant_ids: list[str]) -> list[list[str]]:
    """Tenants in groups that stand next to each other in the partition definition: a range is a rectangle of keys."""
    order = list(TENANTS)
    groups: list[list[str]] = []
    for tenant_id in sorted(tenant_ids, key=order.index):
        if groups and order.index(groups[-1][-1]) + 1 == order.index(tenant_id):
            groups[-1].append(tenant_id)
        else:
            groups.append([tenant_id])
    return groups


def run_job(job_name: str, tenant_ids: list[str], first: date, last: date) -> RunOutcome:
    """Run a job over tenants that stand next to each other, and the days from first to last, in one run."""
    tags = {
        _RANGE_START: str(partition_key(tenant_ids[0], first)),
        _RANGE_END: str(partition_key(tenant_ids[-1], last)),
        "inventra/started_by": "command line",
    }
    job = defs.resolve_job_def(job_name)
    with DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, tags=tags, raise_on_error=False, run_config={"loggers": {"console": {}}}
        )
    failures = tuple(_failures(result))
    if any("DagsterExecutionInterruptedError" in line for line in failures):
        # Dagster takes Ctrl-C for a failed step.
        raise KeyboardInterrupt
    failed_checks = tuple(_failed_checks(result, AssetCheckSeverity.ERROR))
    return RunOutcome(result.run_id, failures, failed_checks, tuple(_failed_checks(result, AssetCheckSeverity.WARN)))


def _told(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """The error that a person can do something about: our own where the chain holds one, else what it began with."""
    while error.cause is not None and not error.message.startswith(_OWN):
        error = error.cause
    return error


def _failures(result: ExecuteInProcessResult) -> list[str]:
    lines = []
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        text = _told(error).message if error else "no reason given"
        # The message is "module.Class: text"; the class says nothing to a planner.
        _, _, plain = text.strip().partition(": ")
        lines.append(f"{event.step_key}: {plain or text.strip()}")
    return lines


def _failed_checks(result: ExecuteInProcessResult, severity: AssetCheckSeverity) -> list[str]:
    lines = []
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed and evaluation.severity is severity:
            figures = ", ".join(f"{name} {value.value}" for name, value in evaluation.metadata.items())
            lines.append(f"{evaluation.asset_key.path[-1]}, check {evaluation.check_name}: {figures}")
    return lines
