"""What a daily report reads: every frame of `DailyReport`, as of its day.

Belongs here: SQL and its parameters. What the frames mean is `domain/reports/model.py`. Sales, stock, orders, forecasts
and alerts are those of the day; items' names are the present ones, whatever the day.
"""

from datetime import date

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.tenant import TenantConfig

_KPIS = "select * from marts.rpt_daily_kpis where tenant_id = %(tenant_id)s and as_of_on = %(day)s"

_DAILY_SALES = """
    select
        sold_on,
        case when count(revenue) = count(*) then sum(revenue) end::double precision as revenue,
        sum(units_sold)::double precision as units_sold
    from marts.fct_sales_daily
    where tenant_id = %(tenant_id)s and sold_on > %(day)s::date - 91 and sold_on <= %(day)s
    group by sold_on
"""

_PROPOSALS = """
    select p.*, i.name
    from planning.proposals as p
    left join marts.dim_items as i using (tenant_id, item_id)
    where p.tenant_id = %(tenant_id)s and p.as_of_on = %(day)s
"""

_CUTOFF = "(select max(cutoff_on) from forecast.runs where tenant_id = %(tenant_id)s and cutoff_on <= %(day)s)"

_FORECASTS_WEEKLY = f"""
    select lag, target_on, round(sum(mean::numeric), 4)::double precision as mean
    from forecast.forecasts
    where tenant_id = %(tenant_id)s and cutoff_on = {_CUTOFF}
    group by lag, target_on
"""

_ITEM_FORECASTS = f"""
    select f.*, i.name
    from forecast.forecasts as f
    left join marts.dim_items as i using (tenant_id, item_id)
    where f.tenant_id = %(tenant_id)s and f.cutoff_on = {_CUTOFF} and f.demand_class is distinct from 'dormant'
"""

_MEASURED_ON = "(select max(as_of_on) from forecast.accuracy where tenant_id = %(tenant_id)s and as_of_on <= %(day)s)"

_ACCURACY = f"select * from forecast.accuracy where tenant_id = %(tenant_id)s and as_of_on = {_MEASURED_ON}"

_ITEM_ACCURACY = f"""
    select a.*, i.name
    from forecast.item_accuracy as a
    left join marts.dim_items as i using (tenant_id, item_id)
    where a.tenant_id = %(tenant_id)s and a.as_of_on = {_MEASURED_ON}
"""

# An alert that a later day resolved was open on this one.
_ALERTS = """
    select
        a.kind,
        a.item_id,
        i.name,
        coalesce(c.severity, a.severity) as severity,
        case when a.resolved_on = %(day)s then 'resolved' else 'open' end as state,
        a.opened_on,
        least(a.last_seen_on, %(day)s::date) as last_seen_on,
        case when a.resolved_on = %(day)s then a.resolved_on end as resolved_on,
        coalesce(c.money_at_risk, a.money_at_risk) as money_at_risk,
        coalesce(c.message, a.message) as message
    from alerts.alerts as a
    left join alerts.conditions as c
        on
            c.tenant_id = a.tenant_id
            and c.kind = a.kind
            and c.item_id = a.item_id
            and c.as_of_on = (
                select max(e.as_of_on)
                from alerts.conditions as e
                where
                    e.tenant_id = a.tenant_id and e.kind = a.kind and e.item_id = a.item_id
                    and e.as_of_on <= %(day)s
            )
    left join marts.dim_items as i on i.tenant_id = a.tenant_id and i.item_id = a.item_id
    where
        a.tenant_id = %(tenant_id)s
        and a.opened_on <= %(day)s
        and (a.resolved_on is null or a.resolved_on >= %(day)s)
"""

_ANOMALIES = """
    select a.*, i.name
    from alerts.anomalies as a
    left join marts.dim_items as i using (tenant_id, item_id)
    where a.tenant_id = %(tenant_id)s and a.as_of_on = %(day)s
"""

_FEEDS = """
    with datasets as (select unnest(%(datasets)s::text[]) as dataset),

    landed as (
        select
            dataset,
            count(*) filter (where landed_on = %(day)s) as files,
            coalesce(sum(rows_read) filter (where landed_on = %(day)s), 0) as rows_read,
            coalesce(sum(rows_accepted) filter (where landed_on = %(day)s), 0) as rows_accepted,
            coalesce(sum(rows_rejected) filter (where landed_on = %(day)s), 0) as rows_rejected,
            max(landed_on) as last_landed_on
        from raw.batches
        where
            tenant_id = %(tenant_id)s and landed_on <= %(day)s
            and state in ('loaded', 'partially_loaded', 'rejected')
        group by dataset
    ),

    business as (
        select d.dataset, max(d.business_on) as last_business_on
        from raw.batch_days as d
        inner join raw.batches as b on b.batch_id = d.batch_id
        where
            d.tenant_id = %(tenant_id)s and d.business_on <= %(day)s and d.landed_on <= %(day)s
            and b.state in ('loaded', 'partially_loaded')
        group by d.dataset
    )

    select
        dataset,
        coalesce(landed.files, 0) as files,
        coalesce(landed.rows_read, 0)::bigint as rows_read,
        coalesce(landed.rows_accepted, 0)::bigint as rows_accepted,
        coalesce(landed.rows_rejected, 0)::bigint as rows_rejected,
        landed.last_landed_on,
        business.last_business_on
    from datasets
    left join landed using (dataset)
    left join business using (dataset)
"""

_REJECTS = """
    select
        b.dataset,
        r.reason_code,
        count(distinct (r.batch_id, r.sheet, r.row_number)) as rows,
        min(r.message) as example
    from raw.rejects as r
    inner join raw.batches as b on b.batch_id = r.batch_id
    where r.tenant_id = %(tenant_id)s and r.landed_on = %(day)s
    group by b.dataset, r.reason_code
"""

_REJECT_ROWS = """
    select b.dataset, r.file_name, r.sheet, r.row_number, r.column_name, r.raw_value, r.reason_code, r.message
    from raw.rejects as r
    inner join raw.batches as b on b.batch_id = r.batch_id
    where r.tenant_id = %(tenant_id)s and r.landed_on = %(day)s
"""

_STOCK = """
    select
        s.item_id,
        i.name,
        s.location_id,
        s.counted_on,
        s.quantity_on_hand as on_hand,
        s.quantity_reserved as reserved,
        s.quantity_available as available,
        p.on_order,
        s.unit_cost,
        s.stock_value,
        p.status
    from (
        select distinct on (item_id, location_id) *
        from marts.fct_stock_daily
        where tenant_id = %(tenant_id)s and counted_on <= %(day)s
        order by item_id, location_id, counted_on desc
    ) as s
    left join marts.dim_items as i on i.tenant_id = s.tenant_id and i.item_id = s.item_id
    left join planning.proposals as p
        on
            p.tenant_id = s.tenant_id and p.as_of_on = %(day)s
            and p.item_id = s.item_id and p.location_id = s.location_id
"""


def daily_report(connection: psycopg.Connection, tenant: TenantConfig, day: date) -> DailyReport:
    """Everything that a tenant's report of a day shows."""
    datasets = sorted({"sales", *tenant.feeds, *tenant.datasets})
    parameters = {"tenant_id": tenant.tenant_id, "day": day, "datasets": datasets}

    def read(query: str) -> pl.DataFrame:
        return read_frame(connection, query, parameters)

    return DailyReport(
        tenant_id=tenant.tenant_id,
        tenant_name=tenant.name,
        currency=tenant.currency,
        day=day,
        config_version=tenant.config_version,
        is_stock_simulated=tenant.is_stock_simulated,
        kpis=read(_KPIS),
        daily_sales=read(_DAILY_SALES),
        proposals=read(_PROPOSALS),
        forecasts_weekly=read(_FORECASTS_WEEKLY),
        item_forecasts=read(_ITEM_FORECASTS),
        accuracy=read(_ACCURACY),
        item_accuracy=read(_ITEM_ACCURACY),
        alerts=read(_ALERTS),
        anomalies=read(_ANOMALIES),
        feeds=read(_FEEDS),
        rejects=read(_REJECTS),
        reject_rows=read(_REJECT_ROWS),
        stock=read(_STOCK),
    )
