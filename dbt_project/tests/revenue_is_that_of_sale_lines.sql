{{ config(tags=['nightly']) }}

-- Sale lines, daily facts and orders agree on each day's revenue and units, to the last decimal.
with

lines as (

    select
        tenant_id,
        sold_on,
        coalesce(sum(revenue) filter (where line_kind = 'sale'), 0) as revenue,
        coalesce(sum(quantity) filter (where line_kind = 'sale'), 0) as units,
        coalesce(-sum(revenue) filter (where line_kind = 'return'), 0) as returns_value,
        count(*) filter (where line_kind = 'sale' and revenue is null) as unpriced_sale_lines,
        count(*) filter (where line_kind = 'return' and revenue is null) as unpriced_return_lines

    from {{ ref('int_sales_lines') }}
    where
        line_kind in ('sale', 'return')
        and {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

),

facts as (

    select
        tenant_id,
        sold_on,
        sum(revenue) as revenue,
        sum(units_sold) as units,
        sum(returns_value) as returns_value,
        sum(unpriced_sale_lines) as unpriced_sale_lines,
        sum(unpriced_return_lines) as unpriced_return_lines

    from {{ ref('fct_sales_daily') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

),

orders as (

    select
        tenant_id,
        sold_on,
        sum(revenue) as revenue,
        sum(units_sold) as units

    from {{ ref('fct_orders_daily') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

)

select
    coalesce(lines.tenant_id, facts.tenant_id) as tenant_id,
    coalesce(lines.sold_on, facts.sold_on) as sold_on

from lines
full join facts
    on
        lines.tenant_id = facts.tenant_id
        and lines.sold_on = facts.sold_on
left join orders
    on
        lines.tenant_id = orders.tenant_id
        and lines.sold_on = orders.sold_on
where
    lines.units is distinct from facts.units
    or lines.unpriced_sale_lines is distinct from facts.unpriced_sale_lines
    or lines.unpriced_return_lines is distinct from facts.unpriced_return_lines
    or (lines.unpriced_sale_lines = 0 and lines.revenue is distinct from facts.revenue)
    or (
        lines.unpriced_return_lines = 0
        and lines.returns_value is distinct from facts.returns_value
    )
    or (
        lines.unpriced_sale_lines = 0
        and lines.revenue is distinct from coalesce(orders.revenue, 0)
    )
    or lines.units is distinct from coalesce(orders.units, 0)
