with

lines as (

    select
        tenant_id,
        customer_code,
        date_trunc('month', sold_on::timestamp)::date as month_on,
        sold_on,
        document_id,
        quantity,
        revenue,
        line_kind = 'sale' as is_sale

    from {{ ref('int_sales_lines') }}
    where
        line_kind in ('sale', 'return')
        and customer_code != ''
        and {{ in_touched_periods('sold_on', 'month', dates='sold_on') }}

),

months as (

    select
        tenant_id,
        customer_code,
        month_on,
        count(*) filter (where is_sale) as sale_lines,
        count(*) filter (where is_sale and revenue is null) as unpriced_sale_lines,
        count(*) filter (where not is_sale and revenue is null) as unpriced_return_lines,
        count(distinct document_id) filter (where is_sale) as documents,
        coalesce(sum(quantity) filter (where is_sale), 0) as units_sold,
        coalesce(sum(revenue) filter (where is_sale), 0) as revenue,
        coalesce(-sum(quantity) filter (where not is_sale), 0) as units_returned,
        coalesce(-sum(revenue) filter (where not is_sale), 0) as returns_value,
        min(sold_on) filter (where is_sale) as first_bought_on,
        max(sold_on) filter (where is_sale) as last_bought_on

    from lines
    group by tenant_id, customer_code, month_on

)

select
    tenant_id,
    customer_code,
    month_on,
    -- Sales without a document have an unknown number of them, not none.
    case when sale_lines = 0 or documents > 0 then documents end as orders,
    units_sold::numeric(38, 4) as units_sold,
    case when unpriced_sale_lines = 0 then revenue end::numeric(38, 4) as revenue,
    units_returned::numeric(38, 4) as units_returned,
    case when unpriced_return_lines = 0 then returns_value end::numeric(38, 4) as returns_value,
    first_bought_on,
    last_bought_on

from months
