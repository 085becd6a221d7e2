with

sales_by_period as (

    select * from {{ ref('fct_sales_by_period') }}
    where {{ in_as_of('as_of_on') }}

),

periods as (

    {{ periods() }}

),

calendar as (

    {{ period_days() }}

),

activity as (

    select
        *,
        case when days_since > 0 then active_on - days_since end as previous_on

    from {{ ref('fct_activity_daily') }}
    where {{ in_as_of('active_on', reach_back=period_reach()) }}

),

-- A member that was active on a day counts in a period until that day has left it.
counted as (

    select
        activity.tenant_id,
        activity.member_kind,
        activity.days_since,
        activity.members,
        periods.period,
        activity.active_on,
        activity.previous_on,
        {{ leaves_period_on('activity.active_on') }} as leaves_on,
        {{ leaves_period_on('activity.previous_on') }} as previous_leaves_on

    from activity
    cross join periods

),

-- One that is active again before its day before has left counts once all the same: not anew on the
-- later day, and the earlier one does not take it away.
steps as (

    select
        counted.tenant_id,
        counted.member_kind,
        counted.days_since,
        counted.period,
        steps.day_on,
        steps.step

    from counted
    cross join lateral (
        values
        (counted.active_on, counted.members),
        (counted.leaves_on, -counted.members)
    ) as steps (day_on, step)

    union all

    select
        counted.tenant_id,
        counted.member_kind,
        counted.days_since,
        counted.period,
        steps.day_on,
        steps.step

    from counted
    cross join lateral (
        values
        (counted.active_on, -counted.members),
        (counted.previous_leaves_on, counted.members)
    ) as steps (day_on, step)
    where
        counted.previous_leaves_on > counted.active_on
        and {{ in_as_of('counted.previous_on', reach_back=period_reach()) }}

),

steps_by_day as (

    select
        tenant_id,
        period,
        day_on,
        sum(step) filter (where member_kind = 'order') as orders,
        sum(step) filter (where member_kind = 'customer') as customers,
        sum(step) filter (where member_kind = 'customer' and days_since = 0) as new_customers

    from steps
    group by tenant_id, period, day_on

),

active as (

    select
        calendar.tenant_id,
        periods.period,
        calendar.day_on,
        coalesce(sum(steps_by_day.orders) over so_far, 0) as orders,
        coalesce(sum(steps_by_day.customers) over so_far, 0) as customers,
        coalesce(sum(steps_by_day.new_customers) over so_far, 0) as new_customers

    from calendar
    cross join periods
    left join steps_by_day
        on
            calendar.tenant_id = steps_by_day.tenant_id
            and calendar.day_on = steps_by_day.day_on
            and periods.period = steps_by_day.period
    window so_far as (partition by calendar.tenant_id, periods.period order by calendar.day_on)

),

-- Sales without documents or customers have an unknown number of them.
known as (

    select
        sales_by_period.tenant_id,
        sales_by_period.as_of_on,
        sales_by_period.period,
        sales_by_period.comparison,
        active.orders,
        active.customers,
        active.new_customers,
        sales_by_period.units_sold = 0 or active.orders > 0 as has_documents,
        sales_by_period.units_sold = 0 or active.customers > 0 as has_customers,
        sales_by_period.units_sold is not null as is_known

    from sales_by_period
    inner join active
        on
            sales_by_period.tenant_id = active.tenant_id
            and sales_by_period.period = active.period
            and sales_by_period.to_on = active.day_on

)

select
    tenant_id,
    as_of_on,
    period,
    comparison,
    case when is_known and has_documents then orders end::bigint as orders,
    case when is_known and has_customers then customers end::bigint as active_customers,
    case when is_known and has_customers then new_customers end::bigint as new_customers

from known
