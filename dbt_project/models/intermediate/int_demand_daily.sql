with

lines as (

    select * from {{ ref('int_sales_lines') }}
    where
        line_kind in ('sale', 'return')
        and {{ in_touched('sold_on') }}

),

daily as (

    select
        tenant_id,
        item_id,
        location_id,
        sold_on,
        coalesce(sum(quantity) filter (where line_kind = 'sale'), 0) as units_sold,
        coalesce(-sum(quantity) filter (where line_kind = 'return'), 0) as units_returned,
        sum(quantity) as units_net,
        coalesce(sum(revenue) filter (where line_kind = 'sale'), 0) as revenue,
        coalesce(-sum(revenue) filter (where line_kind = 'return'), 0) as returns_value,
        sum(revenue) as net_revenue,
        count(*) filter (where line_kind = 'sale') as sale_lines,
        count(*) filter (where line_kind = 'sale' and revenue is null) as unpriced_sale_lines,
        count(*) filter (where line_kind = 'return' and revenue is null) as unpriced_return_lines,
        count(distinct document_id) filter (where line_kind = 'sale') as documents,
        count(distinct customer_code) filter (where line_kind = 'sale') as customer_codes,
        coalesce(
            bool_or(coalesce(trim(promotion), '') != '') filter (where line_kind = 'sale'), false
        ) as is_on_promotion

    from lines
    group by tenant_id, sold_on, item_id, location_id

)

select
    tenant_id,
    item_id,
    location_id,
    sold_on,
    units_sold::numeric(38, 4) as units_sold,
    units_returned::numeric(38, 4) as units_returned,
    units_net::numeric(38, 4) as units_net,
    case when unpriced_sale_lines = 0 then revenue end::numeric(38, 4) as revenue,
    case when unpriced_return_lines = 0 then returns_value end::numeric(38, 4) as returns_value,
    case when unpriced_sale_lines + unpriced_return_lines = 0 then net_revenue end::numeric(38, 4)
        as net_revenue,
    unpriced_sale_lines,
    unpriced_return_lines,
    -- Sales without a document or customer have an unknown number of them, not none.
    case when sale_lines = 0 or documents > 0 then documents end as orders,
    case when sale_lines = 0 or customer_codes > 0 then customer_codes end as customers,
    is_on_promotion

from daily
