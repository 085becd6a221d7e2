with

sales as (

    select * from {{ ref('fct_sales_daily') }}
    where {{ in_touched('sold_on') }}

),

lines as (

    select
        tenant_id,
        sold_on,
        quantity,
        revenue,
        coalesce(trim(promotion), '') != '' as is_on_promotion

    from {{ ref('int_sales_lines') }}
    where
        line_kind = 'sale'
        and {{ in_touched('sold_on') }}

),

totals as (

    select
        tenant_id,
        sold_on,
        sum(units_sold) as units_sold,
        sum(units_returned) as units_returned,
        sum(revenue) as revenue,
        sum(returns_value) as returns_value,
        coalesce(sum(revenue) filter (where unit_cost is not null), 0) as revenue_costed,
        sum(cost_of_goods) as cost_of_goods,
        sum(gross_margin) as gross_margin,
        sum(unpriced_sale_lines) as unpriced_sale_lines,
        sum(unpriced_return_lines) as unpriced_return_lines

    from sales
    group by tenant_id, sold_on

),

line_totals as (

    select
        tenant_id,
        sold_on,
        count(*) as sale_lines,
        coalesce(sum(quantity) filter (where is_on_promotion), 0) as promotion_units,
        coalesce(sum(revenue) filter (where is_on_promotion), 0) as promotion_revenue

    from lines
    group by tenant_id, sold_on

)

select
    totals.tenant_id,
    totals.sold_on,
    coalesce(line_totals.sale_lines, 0) as sale_lines,
    totals.units_sold::numeric(38, 4) as units_sold,
    totals.units_returned::numeric(38, 4) as units_returned,
    case when totals.unpriced_sale_lines = 0 then totals.revenue end::numeric(38, 4) as revenue,
    case when totals.unpriced_return_lines = 0 then totals.returns_value end::numeric(38, 4)
        as returns_value,
    coalesce(line_totals.promotion_units, 0)::numeric(38, 4) as promotion_units,
    case
        when totals.unpriced_sale_lines = 0 then coalesce(line_totals.promotion_revenue, 0)
    end::numeric(38, 4) as promotion_revenue,
    case when totals.unpriced_sale_lines = 0 then totals.revenue_costed end::numeric(38, 4)
        as revenue_costed,
    totals.cost_of_goods::numeric(38, 4) as cost_of_goods,
    case when totals.unpriced_sale_lines = 0 then totals.gross_margin end::numeric(38, 4)
        as gross_margin,
    totals.unpriced_sale_lines::bigint as unpriced_sale_lines,
    totals.unpriced_return_lines::bigint as unpriced_return_lines

from totals
left join line_totals
    on
        totals.tenant_id = line_totals.tenant_id
        and totals.sold_on = line_totals.sold_on
