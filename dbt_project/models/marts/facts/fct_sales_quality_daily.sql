with

lines as (

    select * from {{ ref('int_sales_lines') }}
    where {{ in_touched('sold_on') }}

),

daily as (

    select
        tenant_id,
        sold_on,
        location_id,
        count(*) as lines,
        count(*) filter (where line_kind in ('sale', 'return')) as counted_lines,
        count(*) filter (where line_kind = 'duplicate') as duplicate_lines,
        count(*) filter (where line_kind = 'superseded') as superseded_lines,
        count(*) filter (where line_kind = 'unconverted') as unconverted_lines,
        count(*) filter (where line_kind in ('sale', 'return') and revenue is null)
            as unpriced_lines,
        count(customer_code) filter (where line_kind in ('sale', 'return')) as with_customer,
        count(document_id) filter (where line_kind in ('sale', 'return')) as with_document

    from lines
    group by tenant_id, sold_on, location_id

)

select * from daily
