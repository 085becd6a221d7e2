"""What the alerts stage reads, as of a day: recent demand, earlier forecasts of the week, proposals, feeds and drift.

Belongs here: SQL and its parameters. What is done with the frames is `domain/alerts/`.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.domain.alerts.feeds import FEEDS
from inventra_pipelines.domain.tenant import WEEKDAYS, TenantConfig

# The rules look back 28 weeks at most.
_DEMAND = """
    select item_id, sold_on, units_sold, revenue
    from marts.fct_sales_daily
    where tenant_id = %(tenant_id)s and sold_on > %(day)s::date - 203 and sold_on <= %(day)s
"""
# A week that planners changed was expected to be the consensus: a promotion that comes about is not unusual.
_EARLIER_FORECASTS = """
    select
        item_id,
        location_id,
        cutoff_on,
        forecasts.target_on,
        lag,
        coalesce(changed.consensus, forecasts.mean) as mean,
        forecasts.q10,
        forecasts.q90,
        forecasts.cumulative_std
    from forecast.forecasts as forecasts
    left join forecast.consensus as changed using (tenant_id, cutoff_on, item_id, location_id, lag)
    where tenant_id = %(tenant_id)s and forecasts.target_on = %(day)s and cutoff_on < %(day)s
"""
_PROPOSALS = "select * from planning.proposals where tenant_id = %(tenant_id)s and as_of_on = %(day)s"
_DRIFT = """
    select demand_class, ratio, is_drifting, reason
    from forecast.drift
    where tenant_id = %(tenant_id)s and as_of_on = %(day)s
"""

# Figures of what landed on the day, and of the same weekday of the thirteen weeks before.
_LANDED = """
    with own as (
        select dataset, landed_on, file_name, state, rows_accepted, rows_rejected, message
        from raw.batches
        where
            tenant_id = %(tenant_id)s
            and landed_on between %(day)s::date - 91 and %(day)s
            and state in ('loaded', 'partially_loaded', 'rejected')
    ),

    usual as (
        select dataset, percentile_cont(0.5) within group (order by rows) as median_rows
        from (
            select dataset, landed_on, sum(rows_accepted) as rows
            from own
            where landed_on < %(day)s and extract(isodow from landed_on) = extract(isodow from %(day)s::date)
            group by dataset, landed_on
        ) as same_weekday
        group by dataset
        having count(*) >= 4
    ),

    business as (
        select d.dataset, max(d.business_on) as last_business_day
        from raw.batch_days as d
        inner join raw.batches as b using (batch_id)
        where
            d.tenant_id = %(tenant_id)s
            and d.business_on <= %(day)s
            and d.landed_on <= %(day)s
            and b.state in ('loaded', 'partially_loaded')
        group by d.dataset
    )

    select
        dataset,
        count(own.dataset) as batches,
        coalesce(sum(own.rows_accepted), 0)::bigint as rows_accepted,
        coalesce(sum(own.rows_rejected), 0)::bigint as rows_rejected,
        string_agg(own.file_name || ': ' || coalesce(own.message, 'not read'), E'\\x1f' order by own.file_name)
            filter (where own.state = 'rejected') as rejected_files,
        min(usual.median_rows) as median_rows_same_weekday,
        min(business.last_business_day) as last_business_day
    from (select unnest(%(datasets)s::text[]) as dataset) as datasets
    left join (select * from own where landed_on = %(day)s) as own using (dataset)
    left join usual using (dataset)
    left join business using (dataset)
    group by dataset
"""

_CONDITIONS = "select * from alerts.conditions where tenant_id = %(tenant_id)s"
_EVALUATED = "select as_of_on from alerts.evaluations where tenant_id = %(tenant_id)s"


@dataclass(frozen=True)
class AlertInputs:
    """The frames of one tenant and day."""

    demand: pl.DataFrame
    earlier_forecasts: pl.DataFrame
    proposals: pl.DataFrame
    feeds: pl.DataFrame
    drift: pl.DataFrame


def alert_inputs(connection: psycopg.Connection, tenant: TenantConfig, day: date) -> AlertInputs:
    """Everything the rules need of a tenant as of a day; nothing dated after it."""
    parameters = {"tenant_id": tenant.tenant_id, "day": day}
    return AlertInputs(
        demand=read_frame(connection, _DEMAND, parameters),
        earlier_forecasts=read_frame(connection, _EARLIER_FORECASTS, parameters),
        proposals=read_frame(connection, _PROPOSALS, parameters),
        feeds=_feeds(connection, tenant, day),
        drift=read_frame(connection, _DRIFT, parameters),
    )


def _feeds(connection: psycopg.Connection, tenant: TenantConfig, day: date) -> pl.DataFrame:
    datasets = sorted({"sales", *tenant.feeds, *tenant.datasets})
    landed = read_frame(connection, _LANDED, {"tenant_id": tenant.tenant_id, "day": day, "datasets": datasets})
    weekday = WEEKDAYS[day.weekday()]
    # A dataset without a feed of its own is expected every day if it is sales, and on demand otherwise.
    expected_days = {
        dataset: tenant.feeds[dataset].weekdays if dataset in tenant.feeds else (WEEKDAYS if dataset == "sales" else ())
        for dataset in datasets
    }
    on_demand = [dataset for dataset, days in expected_days.items() if not days]
    expected = [dataset for dataset, days in expected_days.items() if weekday in days]
    return landed.with_columns(
        pl.col("dataset").is_in(expected).alias("expected_today"),
        pl.col("rejected_files").str.split("\x1f").alias("rejected_files"),
        pl.when(pl.col("dataset").is_in(on_demand))
        .then(None)
        .otherwise(pl.col("last_business_day"))
        .alias("last_business_day"),
    ).select(pl.col(name).cast(dtype) for name, dtype in FEEDS.items())


def evaluated_conditions(connection: psycopg.Connection, tenant_id: str) -> tuple[pl.DataFrame, list[date]]:
    """Every condition of a tenant that is on record, and every day that was evaluated."""
    parameters = {"tenant_id": tenant_id}
    days = read_frame(connection, _EVALUATED, parameters)["as_of_on"].sort().to_list()
    return read_frame(connection, _CONDITIONS, parameters), days
