{%- set measures = [
    'revenue',
    'units_sold',
    'orders',
    'average_order_value',
    'units_per_order',
    'active_customers',
    'new_customers',
    'returning_customers',
    'returns_value',
    'returns_rate',
    'price_realised',
    'promotion_share',
    'gross_margin',
    'margin_share',
    'costed_share',
    'unpriced_lines',
] -%}
with

tenants as (

    select * from {{ ref('int_tenants') }}

),

sales as (

    select * from {{ ref('fct_sales_by_period') }}
    where {{ in_as_of('as_of_on') }}

),

orders as (

    select * from {{ ref('fct_orders_by_period') }}
    where {{ in_as_of('as_of_on') }}

),

measured as (

    select
        sales.tenant_id,
        sales.as_of_on,
        sales.period,
        sales.comparison,
        sales.from_on,
        sales.to_on,
        sales.revenue,
        sales.units_sold,
        orders.orders,
        (sales.revenue / nullif(orders.orders, 0))::numeric(38, 4) as average_order_value,
        (sales.units_sold / nullif(orders.orders, 0))::double precision as units_per_order,
        orders.active_customers,
        orders.new_customers,
        orders.active_customers - orders.new_customers as returning_customers,
        sales.returns_value,
        (sales.returns_value / nullif(sales.revenue, 0))::double precision as returns_rate,
        (sales.revenue / nullif(sales.units_sold, 0))::numeric(38, 4) as price_realised,
        (sales.promotion_revenue / nullif(sales.revenue, 0))::double precision as promotion_share,
        sales.gross_margin,
        (sales.gross_margin / nullif(sales.revenue_costed, 0))::double precision as margin_share,
        (sales.revenue_costed / nullif(sales.revenue, 0))::double precision as costed_share,
        sales.unpriced_lines,
        sales.revenue_earlier_half,
        sales.revenue_later_half

    from sales
    inner join orders
        on
            sales.tenant_id = orders.tenant_id
            and sales.as_of_on = orders.as_of_on
            and sales.period = orders.period
            and sales.comparison = orders.comparison

)

select
    measured.tenant_id,
    measured.as_of_on,
    measured.period,
    measured.from_on,
    measured.to_on,
    {% for measure in measures %}
        measured.{{ measure }},
        previous.{{ measure }} as {{ measure }}_previous,
        year_before.{{ measure }} as {{ measure }}_year_before,
    {% endfor %}
    case
        when measured.revenue_later_half is null then null
        when
            measured.revenue_later_half
            > measured.revenue_earlier_half * (1 + tenants.trend_share)
            then 'rising'
        when
            measured.revenue_later_half
            < measured.revenue_earlier_half * (1 - tenants.trend_share)
            then 'falling'
        else 'steady'
    end as trend

from measured
inner join tenants on measured.tenant_id = tenants.tenant_id
left join measured as previous
    on
        measured.tenant_id = previous.tenant_id
        and measured.as_of_on = previous.as_of_on
        and measured.period = previous.period
        and previous.comparison = 'previous'
left join measured as year_before
    on
        measured.tenant_id = year_before.tenant_id
        and measured.as_of_on = year_before.as_of_on
        and measured.period = year_before.period
        and year_before.comparison = 'year_before'
where measured.comparison = 'current'
