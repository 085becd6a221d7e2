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

orders as (

    select * from {{ ref('fct_orders_daily') }}
    where {{ in_as_of('sold_on', reach_back=period_reach()) }}

),

customers as (

    select * from {{ ref('dim_customers') }}
    where {{ in_as_of('first_bought_on', reach_back=period_reach()) }}

),

-- Who or what was active on a day.
activity as (

    select distinct
        tenant_id,
        'orders' as members,
        document_id as member,
        sold_on as day_on

    from orders
    where document_id != ''

    union all

    select distinct
        tenant_id,
        'customers' as members,
        customer_code as member,
        sold_on as day_on

    from orders
    where customer_code != ''

    union all

    select
        tenant_id,
        'new_customers' as members,
        customer_code as member,
        first_bought_on as day_on

    from customers

),

followed as (

    select
        tenant_id,
        members,
        day_on,
        lead(day_on) over (
            partition by tenant_id, members, member
            order by day_on
        ) as next_on

    from activity

),

-- A member counts from a day on which it was active until that day leaves the period, or until it
-- is active again and counts by the later day.
counted as (

    select
        followed.tenant_id,
        followed.members,
        periods.period,
        followed.day_on,
        least(
            followed.next_on,
            case periods.period
                when 'mtd'
                    then
                        (date_trunc('month', followed.day_on::timestamp) + interval '1 month')::date
                when 'ytd'
                    then (date_trunc('year', followed.day_on::timestamp) + interval '1 year')::date
                else followed.day_on + periods.days
            end
        ) as until_on

    from followed
    cross join periods

),

steps as (

    select
        tenant_id,
        members,
        period,
        day_on,
        count(*) as step

    from counted
    group by tenant_id, members, period, day_on

    union all

    select
        tenant_id,
        members,
        period,
        until_on as day_on,
        -count(*) as step

    from counted
    group by tenant_id, members, period, until_on

),

steps_by_day as (

    select
        tenant_id,
        period,
        day_on,
        sum(step) filter (where members = 'orders') as orders,
        sum(step) filter (where members = 'customers') as customers,
        sum(step) filter (where members = 'new_customers') as new_customers

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
