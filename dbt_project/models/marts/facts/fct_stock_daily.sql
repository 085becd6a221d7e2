with

stock as (

    select * from {{ ref('int_stock_daily') }}
    where {{ in_touched('counted_on') }}

),

costs as (

    select * from {{ ref('int_item_costs') }}
    where {{ in_tenants() }}

),

costed as (

    select
        stock.tenant_id,
        stock.item_id,
        stock.location_id,
        stock.counted_on,
        stock.quantity_on_hand,
        stock.quantity_reserved,
        stock.quantity_on_order,
        stock.quantity_available,
        coalesce(stock.unit_cost, costs.unit_cost) as unit_cost,
        stock.is_out_of_stock

    from stock
    left join costs
        on
            stock.unit_cost is null
            and stock.tenant_id = costs.tenant_id
            and stock.item_id = costs.item_id
            and (costs.valid_from_on is null or stock.counted_on >= costs.valid_from_on)
            and (costs.valid_to_on is null or stock.counted_on <= costs.valid_to_on)

)

select
    *,
    (quantity_on_hand * unit_cost)::numeric(38, 4) as stock_value

from costed
