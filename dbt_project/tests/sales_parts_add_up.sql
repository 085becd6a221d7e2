{{ config(tags=['nightly']) }}

-- Net is gross less returns, and revenue is cost of goods plus margin where the cost is known.
select
    tenant_id,
    sold_on,
    item_id,
    location_id

from {{ ref('fct_sales_daily') }}
where
    {{ in_touched('sold_on') }}
    and (
        units_net != units_sold - units_returned
        or net_revenue != revenue - returns_value
        or abs(revenue - cost_of_goods - gross_margin) > 0.0001
        or (unit_cost is null or revenue is null) != (gross_margin is null)
        or (unpriced_sale_lines > 0) != (revenue is null)
        or (unpriced_return_lines > 0) != (returns_value is null)
    )
