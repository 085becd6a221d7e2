with

lines as (

    select * from {{ ref('int_sales_lines') }}
    where
        (line_kind = 'adjustment' or (line_kind = 'cancelled' and counterpart_on != sold_on))
        and {{ in_touched('sold_on') }}

)

select
    tenant_id,
    item_id,
    location_id,
    sold_on,
    sum(
        case when line_kind = 'adjustment' then quantity else -quantity end
    )::numeric(38, 4) as units_adjusted

from lines
group by tenant_id, item_id, location_id, sold_on
