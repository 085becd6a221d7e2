{{ config(tags=['nightly']) }}

-- Totals are the facts summed and the sale lines counted; costed revenue is cost and margin.
with

facts as (

    select
        tenant_id,
        sold_on,
        case when count(revenue) = count(*) then sum(revenue) end as revenue,
        sum(units_sold) as units_sold,
        sum(units_returned) as units_returned,
        case when count(returns_value) = count(*) then sum(returns_value) end
            as returns_value,
        case when count(revenue) = count(*) then sum(gross_margin) end as gross_margin,
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
        sum(lines) as sale_lines

    from {{ ref('fct_orders_daily') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

),

totals as (

    select * from {{ ref('fct_sales_totals_daily') }}
    where {{ in_touched('sold_on') }}

)

select
    coalesce(facts.tenant_id, totals.tenant_id) as tenant_id,
    coalesce(facts.sold_on, totals.sold_on) as sold_on

from facts
full join totals
    on
        facts.tenant_id = totals.tenant_id
        and facts.sold_on = totals.sold_on
left join orders
    on
        totals.tenant_id = orders.tenant_id
        and totals.sold_on = orders.sold_on
where
    facts.revenue is distinct from totals.revenue
    or facts.units_sold is distinct from totals.units_sold
    or facts.units_returned is distinct from totals.units_returned
    or facts.returns_value is distinct from totals.returns_value
    or facts.unpriced_sale_lines is distinct from totals.unpriced_sale_lines
    or facts.unpriced_return_lines is distinct from totals.unpriced_return_lines
    or facts.gross_margin is distinct from totals.gross_margin
    or coalesce(orders.sale_lines, 0) != totals.sale_lines
    or totals.revenue_costed > totals.revenue
    or totals.promotion_revenue > totals.revenue
    -- Each item's cost is rounded to the last decimal.
    or abs(totals.revenue_costed - totals.cost_of_goods - totals.gross_margin)
    > 0.0001 * totals.sale_lines
