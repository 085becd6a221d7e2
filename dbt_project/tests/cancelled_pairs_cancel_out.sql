{{ config(tags=['nightly']) }}

-- Every cancellation takes back just what one line sold.
select
    tenant_id,
    sold_on,
    item_id,
    customer_code,
    abs(quantity) as units

from {{ ref('int_sales_lines') }}
where
    line_kind = 'cancelled'
    and {{ in_touched('sold_on') }}
group by tenant_id, sold_on, item_id, customer_code, abs(quantity)
having sum(quantity) != 0
