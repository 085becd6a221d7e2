with

rules as (

    select * from {{ ref('int_tenants') }}
    where {{ in_tenants() }}

),

lines as (

    select
        sales.*,
        {{ matches_any('sales.document_id', 'rules.cancellation_document_patterns') }}
            as is_cancelling

    from {{ ref('int_sales_lines') }} as sales
    left join rules on sales.tenant_id = rules.tenant_id
    where {{ in_touched('sales.sold_on') }}

),

daily as (

    select
        tenant_id,
        sold_on,
        location_id,
        count(*) as lines,
        count(*) filter (where line_kind in ('sale', 'return')) as counted_lines,
        count(*) filter (where line_kind = 'cancelled') as cancelled_lines,
        count(*) filter (where line_kind = 'adjustment') as adjustment_lines,
        count(*) filter (where line_kind = 'service') as service_lines,
        count(*) filter (where line_kind = 'duplicate') as duplicate_lines,
        count(*) filter (where line_kind = 'superseded') as superseded_lines,
        count(*) filter (where line_kind = 'unconverted') as unconverted_lines,
        count(*) filter (where line_kind in ('sale', 'return') and revenue is null)
            as unpriced_lines,
        count(customer_code) filter (where line_kind in ('sale', 'return')) as with_customer,
        count(document_id) filter (where line_kind in ('sale', 'return')) as with_document,
        count(*) filter (where is_cancelling) as cancelling_lines,
        count(*) filter (where quantity < 0) as negative_lines,
        count(*) filter (where unit_price <= 0) as lines_at_no_price,
        count(*) - count(customer_code) as lines_without_customer,
        count(*) - count(description) as lines_without_description

    from lines
    group by tenant_id, sold_on, location_id

)

select * from daily
