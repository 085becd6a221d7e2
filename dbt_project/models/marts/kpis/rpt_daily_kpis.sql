{#- A sale of 28 days ago still counts on a window's first day. -#}
{%- set reach_back = 27 -%}

with

windows as (

    {{ window_rows(var('as_of')) }}

),

item_days as (

    select distinct
        windows.window_id,
        facts.item_id,
        facts.sold_on as day_on

    from {{ ref('fct_sales_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on - {{ reach_back }} and windows.last_on
    where
        facts.units_sold > 0
        and {{ in_as_of('facts.sold_on', reach_back=reach_back) }}

),

neighbours as (

    select
        *,
        lag(day_on) over sequence as previous_on,
        lead(day_on) over sequence as next_on

    from item_days
    window sequence as (partition by window_id, item_id order by day_on)

),

-- An item counts from a day with a sale until 28 days after the last one near enough: +1, then -1.
steps as (

    select
        window_id,
        day_on,
        1 as step

    from neighbours
    where
        previous_on is null
        or previous_on + 28 < day_on

    union all

    select
        window_id,
        day_on + 28 as day_on,
        -1 as step

    from neighbours
    where
        next_on is null
        or day_on + 28 < next_on

),

steps_by_day as (

    select
        window_id,
        day_on,
        sum(step) as items

    from steps
    group by window_id, day_on

),

days as (

    select
        windows.tenant_id,
        windows.first_on,
        calendar.day_on::date as day_on,
        coalesce(
            sum(steps_by_day.items) over (
                partition by windows.window_id
                order by calendar.day_on
            ),
            0
        ) as items_28d

    from windows
    inner join lateral generate_series(
        (windows.first_on - {{ reach_back }})::timestamp,
        windows.last_on::timestamp,
        interval '1 day'
    ) as calendar (day_on) on true
    left join steps_by_day
        on
            windows.window_id = steps_by_day.window_id
            and calendar.day_on = steps_by_day.day_on

),

sales as (

    select
        tenant_id,
        as_of_on,
        {% for period in ['day', '7d', '28d', 'mtd'] %}
            max(revenue) filter (where period = '{{ period }}') as revenue_{{ period }},
            max(units_sold) filter (where period = '{{ period }}') as units_{{ period }},
            max(orders) filter (where period = '{{ period }}') as orders_{{ period }},
        {% endfor %}
        max(revenue_previous) filter (where period = '28d') as revenue_previous_28d,
        max(units_sold_previous) filter (where period = '28d') as units_previous_28d,
        max(orders_previous) filter (where period = '28d') as orders_previous_28d,
        max(average_order_value) filter (where period = '28d') as average_order_value_28d,
        max(active_customers) filter (where period = '28d') as active_customers_28d,
        max(returns_value) filter (where period = '28d') as returns_value_28d,
        max(returns_rate) filter (where period = '28d') as returns_rate_28d

    from {{ ref('rpt_sales_kpis') }}
    where {{ in_as_of('as_of_on') }}
    group by tenant_id, as_of_on

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

)

select
    days.tenant_id,
    days.day_on as as_of_on,
    sales.revenue_day::numeric(38, 4) as revenue_day,
    sales.revenue_7d::numeric(38, 4) as revenue_7d,
    sales.revenue_28d::numeric(38, 4) as revenue_28d,
    sales.revenue_previous_28d::numeric(38, 4) as revenue_previous_28d,
    sales.revenue_mtd::numeric(38, 4) as revenue_mtd,
    sales.units_day::numeric(38, 4) as units_day,
    sales.units_7d::numeric(38, 4) as units_7d,
    sales.units_28d::numeric(38, 4) as units_28d,
    sales.units_previous_28d::numeric(38, 4) as units_previous_28d,
    sales.orders_7d,
    sales.orders_28d,
    sales.orders_previous_28d,
    sales.average_order_value_28d::numeric(38, 4) as average_order_value_28d,
    sales.active_customers_28d,
    sales.returns_value_28d::numeric(38, 4) as returns_value_28d,
    sales.returns_rate_28d,
    case when sales.units_28d is not null then days.items_28d end::bigint as items_sold_28d,
    last_sale.sold_on as last_sold_on,
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

from days
left join sales
    on
        days.tenant_id = sales.tenant_id
        and days.day_on = sales.as_of_on
left join lateral (
    select totals.sold_on from {{ ref('fct_sales_totals_daily') }} as totals
    where
        totals.tenant_id = days.tenant_id
        and totals.sold_on <= days.day_on
        and totals.units_sold > 0
    order by totals.sold_on desc
    limit 1
) as last_sale on true
left join stock
    on
        days.tenant_id = stock.tenant_id
        and days.day_on = stock.as_of_on
left join supply
    on
        days.tenant_id = supply.tenant_id
        and days.day_on = supply.as_of_on
left join feeds
    on
        days.tenant_id = feeds.tenant_id
        and days.day_on = feeds.landed_on
where days.day_on >= days.first_on
