with

lines as (

    select * from {{ ref('int_sales_lines') }}
    where
        line_kind = 'adjustment'
        and {{ in_touched('sold_on') }}

)

select
    tenant_id,
    item_id,
    location_id,
    sold_on,
    sum(quantity)::numeric(18, 4) as units_adjusted

from lines
group by tenant_id, item_id, location_id, sold_on
