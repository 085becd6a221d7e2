{#- The planner takes CTEs for small and would join by tenant alone, each day with all days. -#}
{{ config(pre_hook='set local enable_mergejoin = off') }}

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
entered as (

    select
        activity.*,
        periods.period,
        {{ leaves_period_on('activity.active_on') }} as leaves_on,
        {{ leaves_period_on('activity.previous_on') }} as previous_leaves_on

    from activity
    cross join periods

),

counted as (

    select
        *,
        previous_leaves_on > active_on
        and {{ in_as_of('previous_on', reach_back=period_reach()) }} as is_active_again

    from entered

),

-- One that is active again before its last day has left counts once all the same: not anew on the
-- later day, and the earlier one does not take it away.
steps as (

    select
        tenant_id,
        member_kind,
        days_since,
        period,
        active_on as day_on,
        members as step

    from counted

    union all

    select
        tenant_id,
        member_kind,
        days_since,
        period,
        leaves_on as day_on,
        -members as step

    from counted

    union all

    select
        tenant_id,
        member_kind,
        days_since,
        period,
        active_on as day_on,
        -members as step

    from counted
    where is_active_again

    union all

    select
        tenant_id,
        member_kind,
        days_since,
        period,
        previous_leaves_on as day_on,
        members as step

    from counted
    where is_active_again

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
