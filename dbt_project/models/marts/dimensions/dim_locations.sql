with

sales as (

    select
        tenant_id,
        location_id,
        min(sold_on) as first_sold_on,
        max(sold_on) as last_sold_on

    from {{ ref('fct_sales_quality_daily') }}
    where counted_lines > 0
    group by tenant_id, location_id

),

stock as (

    select
        tenant_id,
        location_id,
        min(counted_on) as first_counted_on,
        max(counted_on) as last_counted_on

    from {{ ref('fct_stock_quality_daily') }}
    group by tenant_id, location_id

)

select
    coalesce(sales.tenant_id, stock.tenant_id) as tenant_id,
    coalesce(sales.location_id, stock.location_id) as location_id,
    sales.first_sold_on,
    sales.last_sold_on,
    stock.first_counted_on,
    stock.last_counted_on,
    least(sales.first_sold_on, stock.first_counted_on) as first_seen_on,
    greatest(sales.last_sold_on, stock.last_counted_on) as last_seen_on

from sales
full join stock
    on
        sales.tenant_id = stock.tenant_id
        and sales.location_id = stock.location_id
