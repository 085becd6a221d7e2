"""Alerts: what is unusual or at risk, opened and resolved from day to day, and who is told.

Belongs here: the one asset of the stage. The rules are `domain/alerts/`, what is read is `db/reads/alerts.py`, the
outbox is `db/outbox.py`.
"""

from datetime import date

import polars as pl
import psycopg
from dagster import AssetExecutionContext, MaterializeResult, asset

from inventra_pipelines.assets.keys import ALERTS, BATCHES, DAILY_KPIS, FORECASTS, PROPOSALS
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.db import outbox, tables
from inventra_pipelines.db.reads.alerts import alert_inputs, evaluated_conditions
from inventra_pipelines.db.writes import Window, days_of, lock_windows, replace_window
from inventra_pipelines.domain.alerts.anomalies import anomalies
from inventra_pipelines.domain.alerts.conditions import conditions
from inventra_pipelines.domain.alerts.digest import digest
from inventra_pipelines.domain.alerts.life_cycle import ALERTS as ALERT_COLUMNS
from inventra_pipelines.domain.alerts.life_cycle import fold_alerts
from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.resources.mailer import Mailer
from inventra_pipelines.resources.postgres import Postgres


@asset(
    key=ALERTS,
    group_name="alerts",
    deps=[FORECASTS, PROPOSALS, DAILY_KPIS, BATCHES],
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    kinds={"python", "postgres"},
)
def alerts(context: AssetExecutionContext, postgres: Postgres, mailer: Mailer) -> MaterializeResult:
    """One open alert per tenant, item and kind, from the conditions of each day; a notification a day to the outbox."""
    windows = windows_of(context.partition_keys)
    days = days_of(windows)
    with postgres.connect(read_only=True) as connection:
        found = [_judge(connection, tenant_id, day) for tenant_id, day in days]
    evaluated = pl.DataFrame(days, schema={"tenant_id": pl.String, "as_of_on": pl.Date}, orient="row")
    written = {
        tables.anomalies: pl.concat([anomalous for anomalous, _ in found]),
        tables.conditions: pl.concat([conditional for _, conditional in found]),
        tables.evaluations: evaluated,
    }
    with postgres.connect() as connection:
        lock_windows(connection.cursor(), tables.alerts, (window.tenant_id for window in windows))
        for table, frame in written.items():
            replace_window(connection, table, frame, windows=windows, window_column="as_of_on", run_id=context.run_id)
        folded = {window.tenant_id: _refold(connection, window.tenant_id, context.run_id) for window in windows}
        for (tenant_id, day), (_, true_today) in zip(days, found, strict=True):
            _notify(connection, mailer, day, folded[tenant_id], true_today, TENANTS[tenant_id])
    failed = sum(mailer.send_waiting(postgres, tenant_id) for tenant_id in folded)
    now_open = pl.concat(folded.values()).filter(pl.col("state") == "open")
    return MaterializeResult(
        metadata={
            "dagster/row_count": written[tables.conditions].height,
            "open": now_open.height,
            "anomalies": written[tables.anomalies].height,
            "deliveries_failed": failed,
        },
    )


def _judge(connection: psycopg.Connection, tenant_id: str, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    config = TENANTS[tenant_id].alerts
    inputs = alert_inputs(connection, TENANTS[tenant_id], day)
    unusual = anomalies(inputs.demand, inputs.earlier_forecasts, tenant_id=tenant_id, as_of_on=day, config=config)
    true_today = conditions(
        inputs.proposals, unusual, inputs.feeds, inputs.drift, tenant_id=tenant_id, as_of_on=day, config=config
    )
    return unusual, true_today


def _refold(connection: psycopg.Connection, tenant_id: str, run_id: str) -> pl.DataFrame:
    """Alerts anew from all days on record: a replayed day in the middle changes what follows it."""
    known, evaluated = evaluated_conditions(connection, tenant_id)
    folded = fold_alerts(pl.DataFrame(schema=ALERT_COLUMNS), known, evaluated, tenant_id=tenant_id)
    always = Window(tenant_id, date.min, date.max)
    replace_window(connection, tables.alerts, folded, windows=[always], window_column="opened_on", run_id=run_id)
    return folded


def _notify(
    connection: psycopg.Connection,
    mailer: Mailer,
    day: date,
    folded: pl.DataFrame,
    true_today: pl.DataFrame,
    tenant: TenantConfig,
) -> None:
    # The day's own figures, not the alerts' latest ones: a replay says what the day said.
    notification = digest(folded, as_of_on=day, config=tenant, conditions=true_today)
    if notification is None:
        outbox.withdraw_unsent(connection, tenant.tenant_id, day)
        return
    for channel, recipient in mailer.recipients(tenant):
        message = outbox.Message(tenant.tenant_id, day, channel, recipient, notification.subject, notification.body)
        outbox.queue(connection, message)
