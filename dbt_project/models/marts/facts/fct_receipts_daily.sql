with

supply as (

    select * from {{ ref('int_supply') }}
    where received_on is not null

),

costs as (

    select * from {{ ref('int_item_costs') }}

),

costed as (

    select
        supply.tenant_id,
        supply.item_id,
        supply.location_id,
        supply.received_on,
        supply.quantity_received,
        supply.quantity_received * costs.unit_cost as receipts_value

    from supply
    left join costs
        on
            supply.tenant_id = costs.tenant_id
            and supply.item_id = costs.item_id
            and (costs.valid_from_on is null or supply.received_on >= costs.valid_from_on)
            and (costs.valid_to_on is null or supply.received_on <= costs.valid_to_on)

)

select
    tenant_id,
    item_id,
    location_id,
    received_on,
    sum(quantity_received)::numeric(38, 4) as units_received,
    sum(receipts_value)::numeric(38, 4) as receipts_value,
    count(*) as lines

from costed
group by tenant_id, item_id, location_id, received_on
