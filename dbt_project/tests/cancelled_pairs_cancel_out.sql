{{ config(tags=['nightly']) }}

-- Every cancellation takes back just what one line sold, and both name the day of the other.
{%- set reach = cancellation_reach() %}
select
    tenant_id,
    item_id,
    customer_code,
    abs(quantity) as units,
    least(sold_on, counterpart_on) as first_on,
    greatest(sold_on, counterpart_on) as last_on

from {{ ref('int_sales_lines') }}
where
    line_kind = 'cancelled'
    and {{ in_touched('sold_on', reach, reach) }}
group by
    tenant_id,
    item_id,
    customer_code,
    abs(quantity),
    least(sold_on, counterpart_on),
    greatest(sold_on, counterpart_on)
having
    bool_or({{ in_touched('sold_on') }})
    and (
        sum(quantity) is distinct from 0
        or max(sold_on) is distinct from greatest(sold_on, counterpart_on)
    )
