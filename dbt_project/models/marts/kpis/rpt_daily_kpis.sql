with

windows as (

    {{ window_rows(var('as_of')) }}

),

days as (

    select
        windows.tenant_id,
        calendar.day_on::date as day_on

    from windows
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '1 day'
    ) as calendar (day_on) on true

),

coverage as (

    select * from {{ ref('fct_item_coverage') }}
    where {{ in_as_of('as_of_on') }}

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
    case when sales.units_28d is not null then coverage.items_sold end as items_sold_28d,
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
left join coverage
    on
        days.tenant_id = coverage.tenant_id
        and days.day_on = coverage.as_of_on
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
