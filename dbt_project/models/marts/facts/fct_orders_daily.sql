with

lines as (

    select * from {{ ref('int_sales_lines') }}
    where
        line_kind = 'sale'
        and {{ in_touched('sold_on') }}

),

orders as (

    select
        tenant_id,
        sold_on,
        coalesce(document_id, '') as document_id,
        coalesce(customer_code, '') as customer_code,
        count(*) as lines,
        sum(quantity)::numeric(38, 4) as units_sold,
        case when count(revenue) = count(*) then sum(revenue) end::numeric(38, 4) as revenue

    from lines
    group by tenant_id, sold_on, coalesce(document_id, ''), coalesce(customer_code, '')

)

select * from orders
