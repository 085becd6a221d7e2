{#- 90 days before a window reach the oldest sale that keeps an item alive on its first day. -#}
{%- set reach_back = 90 -%}

with

windows as (

    {{ window_rows(var('as_of')) }}

),

calendar as (

    select
        windows.window_id,
        windows.tenant_id,
        windows.first_on,
        days.day::date as day_on

    from windows
    inner join lateral generate_series(
        (windows.first_on - {{ reach_back }})::timestamp,
        windows.last_on::timestamp,
        interval '1 day'
    ) as days (day) on true

),

sales as (

    select
        windows.window_id,
        facts.item_id,
        facts.sold_on,
        facts.units_sold,
        facts.revenue,
        facts.returns_value

    from {{ ref('fct_sales_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on - {{ reach_back }} and windows.last_on
    where {{ in_as_of('facts.sold_on', reach_back=reach_back) }}

),

orders as (

    select
        windows.window_id,
        facts.document_id,
        facts.customer_code,
        facts.sold_on

    from {{ ref('fct_orders_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on - {{ reach_back }} and windows.last_on
    where {{ in_as_of('facts.sold_on', reach_back=reach_back) }}

),

sales_by_day as (

    select
        window_id,
        sold_on as day_on,
        sum(units_sold) as units,
        sum(revenue) as revenue,
        sum(returns_value) as returns_value

    from sales
    group by window_id, sold_on

),

item_days as (

    select distinct
        window_id,
        item_id,
        sold_on

    from sales
    where units_sold > 0

),

-- Who or what was active on a day.
activity as (

    select
        window_id,
        'orders' as members,
        document_id as member,
        sold_on as day_on

    from orders
    where document_id != ''
    group by window_id, document_id, sold_on

    union all

    select
        window_id,
        'customers' as members,
        customer_code as member,
        sold_on as day_on

    from orders
    where customer_code != ''
    group by window_id, customer_code, sold_on

    union all

    select
        window_id,
        'items' as members,
        item_id as member,
        sold_on as day_on

    from item_days

),

neighbours as (

    select
        *,
        lag(day_on) over sequence as previous_on,
        lead(day_on) over sequence as next_on

    from activity
    window sequence as (partition by window_id, members, member order by day_on)

),

-- For how many days an active day counts.
measures (measure, members, days) as (

    values
    ('orders_7d', 'orders', 7),
    ('orders_28d', 'orders', 28),
    ('customers_28d', 'customers', 28),
    ('items_28d', 'items', 28)

),

-- A member counts from an active day until `days` after the last one near enough: +1, then -1.
steps as (

    select
        neighbours.window_id,
        measures.measure,
        neighbours.member,
        neighbours.day_on,
        1 as step

    from neighbours
    inner join measures on neighbours.members = measures.members
    where
        neighbours.previous_on is null
        or neighbours.previous_on + measures.days < neighbours.day_on

    union all

    select
        neighbours.window_id,
        measures.measure,
        neighbours.member,
        neighbours.day_on + measures.days as day_on,
        -1 as step

    from neighbours
    inner join measures on neighbours.members = measures.members
    where
        neighbours.next_on is null
        or neighbours.day_on + measures.days < neighbours.next_on

),

steps_by_day as (

    select
        window_id,
        day_on,
        sum(step) filter (where measure = 'orders_7d') as orders_7d,
        sum(step) filter (where measure = 'orders_28d') as orders_28d,
        sum(step) filter (where measure = 'customers_28d') as customers_28d,
        sum(step) filter (where measure = 'items_28d') as items_28d

    from steps
    group by window_id, day_on

),

stock as (

    select * from {{ ref('rpt_stock_kpis') }}
    where {{ in_as_of('as_of_on') }}

),

supply as (

    select * from {{ ref('rpt_supply_kpis') }}
    where {{ in_as_of('as_of_on') }}

),

feeds as (

    select
        tenant_id,
        landed_on,
        sum(rows_read) as rows_read,
        sum(rows_rejected) as rows_rejected

    from {{ ref('fct_feeds_daily') }}
    where {{ in_as_of('landed_on') }}
    group by tenant_id, landed_on

),

-- The first sale of all, and the last one before the calendar begins.
known_sales as (

    select
        windows.window_id,
        first_sale.sold_on as first_sold_on,
        earlier_sale.sold_on as earlier_sold_on

    from windows
    left join lateral (
        select facts.sold_on
        from {{ ref('fct_sales_daily') }} as facts
        where
            facts.tenant_id = windows.tenant_id
            and facts.units_sold > 0
        order by facts.sold_on
        limit 1
    ) as first_sale on true
    left join lateral (
        select facts.sold_on
        from {{ ref('fct_sales_daily') }} as facts
        where
            facts.tenant_id = windows.tenant_id
            and facts.units_sold > 0
            and facts.sold_on < windows.first_on - {{ reach_back }}
        order by facts.sold_on desc
        limit 1
    ) as earlier_sale on true

),

days as (

    select
        calendar.window_id,
        calendar.tenant_id,
        calendar.first_on,
        calendar.day_on,
        known_sales.first_sold_on,
        coalesce(sales_by_day.revenue, 0) as revenue,
        coalesce(sales_by_day.units, 0) as units,
        coalesce(sales_by_day.returns_value, 0) as returns_value,
        coalesce(
            max(sales_by_day.day_on) filter (where sales_by_day.units > 0) over so_far,
            known_sales.earlier_sold_on
        ) as last_sold_on,
        coalesce(sum(steps_by_day.orders_7d) over so_far, 0) as orders_7d,
        coalesce(sum(steps_by_day.orders_28d) over so_far, 0) as orders_28d,
        coalesce(sum(steps_by_day.customers_28d) over so_far, 0) as customers_28d,
        coalesce(sum(steps_by_day.items_28d) over so_far, 0) as items_28d

    from calendar
    inner join known_sales on calendar.window_id = known_sales.window_id
    left join sales_by_day
        on
            calendar.window_id = sales_by_day.window_id
            and calendar.day_on = sales_by_day.day_on
    left join steps_by_day
        on
            calendar.window_id = steps_by_day.window_id
            and calendar.day_on = steps_by_day.day_on
    window so_far as (partition by calendar.window_id order by calendar.day_on)

),

rolling as (

    select
        *,
        sum(revenue) over week as revenue_7d,
        sum(revenue) over four_weeks as revenue_28d,
        sum(revenue) over (
            partition by window_id, date_trunc('month', day_on::timestamp)
            order by day_on
        ) as revenue_mtd,
        sum(units) over week as units_7d,
        sum(units) over four_weeks as units_28d,
        sum(returns_value) over four_weeks as returns_value_28d,
        day_on - 55 >= first_sold_on as has_previous_28d

    from days
    window
        week as (
            partition by window_id
            order by day_on
            rows between 6 preceding and current row
        ),
        four_weeks as (
            partition by window_id
            order by day_on
            rows between 27 preceding and current row
        )

),

compared as (

    select
        *,
        first_sold_on <= day_on as has_sales,
        -- Sales without documents or customers have an unknown number of them.
        orders_28d > 0 or units_28d = 0 as has_documents,
        customers_28d > 0 or units_28d = 0 as has_customers,
        lag(revenue_28d, 28) over sequence as revenue_previous_28d,
        lag(units_28d, 28) over sequence as units_previous_28d,
        lag(orders_28d, 28) over sequence as orders_previous_28d

    from rolling
    window sequence as (partition by window_id order by day_on)

),

kpis as (

    select
        tenant_id,
        day_on as as_of_on,
        case when has_sales then revenue end as revenue_day,
        case when has_sales then revenue_7d end as revenue_7d,
        case when has_sales then revenue_28d end as revenue_28d,
        case when has_previous_28d then revenue_previous_28d end as revenue_previous_28d,
        case when has_sales then revenue_mtd end as revenue_mtd,
        case when has_sales then units end as units_day,
        case when has_sales then units_7d end as units_7d,
        case when has_sales then units_28d end as units_28d,
        case when has_previous_28d then units_previous_28d end as units_previous_28d,
        case when has_sales and has_documents then orders_7d end as orders_7d,
        case when has_sales and has_documents then orders_28d end as orders_28d,
        case
            when
                has_previous_28d
                and (orders_previous_28d > 0 or units_previous_28d = 0)
                then orders_previous_28d
        end as orders_previous_28d,
        case when has_sales then revenue_28d / nullif(orders_28d, 0) end
            as average_order_value_28d,
        case when has_sales and has_customers then customers_28d end as active_customers_28d,
        case when has_sales then returns_value_28d end as returns_value_28d,
        case when has_sales then returns_value_28d / nullif(revenue_28d, 0) end
            as returns_rate_28d,
        case when has_sales then items_28d end as items_sold_28d,
        case when has_sales then last_sold_on end as last_sold_on

    from compared
    where day_on >= first_on

)

select
    kpis.tenant_id,
    kpis.as_of_on,
    kpis.revenue_day::numeric(38, 4) as revenue_day,
    kpis.revenue_7d::numeric(38, 4) as revenue_7d,
    kpis.revenue_28d::numeric(38, 4) as revenue_28d,
    kpis.revenue_previous_28d::numeric(38, 4) as revenue_previous_28d,
    kpis.revenue_mtd::numeric(38, 4) as revenue_mtd,
    kpis.units_day::numeric(38, 4) as units_day,
    kpis.units_7d::numeric(38, 4) as units_7d,
    kpis.units_28d::numeric(38, 4) as units_28d,
    kpis.units_previous_28d::numeric(38, 4) as units_previous_28d,
    kpis.orders_7d::bigint as orders_7d,
    kpis.orders_28d::bigint as orders_28d,
    kpis.orders_previous_28d::bigint as orders_previous_28d,
    kpis.average_order_value_28d::numeric(38, 4) as average_order_value_28d,
    kpis.active_customers_28d::bigint as active_customers_28d,
    kpis.returns_value_28d::numeric(38, 4) as returns_value_28d,
    kpis.returns_rate_28d::double precision as returns_rate_28d,
    kpis.items_sold_28d::bigint as items_sold_28d,
    kpis.last_sold_on,
    stock.stock_value,
    stock.stock_units,
    stock.items_in_stock,
    stock.items_out_of_stock,
    stock.items_dead,
    stock.dead_stock_value,
    stock.last_counted_on,
    supply.open_order_lines,
    supply.late_order_lines,
    coalesce(feeds.rows_read, 0)::bigint as rows_read_day,
    coalesce(feeds.rows_rejected, 0)::bigint as rows_rejected_day

from kpis
left join stock
    on
        kpis.tenant_id = stock.tenant_id
        and kpis.as_of_on = stock.as_of_on
left join supply
    on
        kpis.tenant_id = supply.tenant_id
        and kpis.as_of_on = supply.as_of_on
left join feeds
    on
        kpis.tenant_id = feeds.tenant_id
        and kpis.as_of_on = feeds.landed_on
