with

runs as (

    select * from {{ ref('stg_forecast_runs') }}
    where state = 'completed'

),

-- Months that begin after the cutoff and end within the horizon.
whole_months as (

    select
        runs.tenant_id,
        runs.cutoff_on,
        calendar.month_begins_on::date as month_begins_on,
        (calendar.month_begins_on + interval '1 month')::date - 1 as month_ends_on

    from runs
    inner join lateral generate_series(
        date_trunc('month', runs.cutoff_on::timestamp) + interval '1 month',
        runs.cutoff_on + runs.horizon_weeks * 7 + 1 - interval '1 month',
        interval '1 month'
    ) as calendar (month_begins_on) on true

),

latest as (

    select distinct on (tenant_id, month_begins_on) *
    from whole_months
    order by tenant_id asc, month_begins_on asc, cutoff_on desc

)

select
    latest.tenant_id,
    forecasts.item_id,
    latest.month_begins_on,
    latest.cutoff_on,
    forecasts.units

from latest
-- A look-up of each cutoff: a year has 374 of them, and a month needs one.
inner join lateral (
    select
        weeks.item_id,
        -- A week that spans two months is parted by its days.
        sum(
            weeks.mean::numeric
            * (
                least(weeks.target_on, latest.month_ends_on)
                - greatest(weeks.target_on - 6, latest.month_begins_on)
                + 1
            )
            / 7
        )::numeric(38, 4) as units

    from {{ ref('stg_forecasts') }} as weeks
    where
        weeks.tenant_id = latest.tenant_id
        and weeks.cutoff_on = latest.cutoff_on
        and weeks.target_on between latest.month_begins_on and latest.month_ends_on + 6
    group by weeks.item_id
) as forecasts on true
