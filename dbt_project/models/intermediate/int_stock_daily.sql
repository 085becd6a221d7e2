with

counts as (

    select * from {{ ref('stg_stock') }}
    where {{ in_touched('counted_on') }}

),

item_codes as (

    {{ item_codes('counts') }}

),

held as (

    {{ counts_that_hold() }}

),

-- The parts of a count that differ in the day they expire, or in the code that means the item (a
-- case and a single one), are counted together.
daily as (

    select
        tenant_id,
        item_id,
        location_id,
        counted_on,
        case when count(quantity_on_hand) = count(*) then sum(quantity_on_hand) end
            as quantity_on_hand,
        sum(quantity_reserved) as quantity_reserved,
        sum(quantity_on_order) as quantity_on_order,
        coalesce(
            sum(quantity_on_hand * unit_cost)
            / nullif(sum(quantity_on_hand) filter (where unit_cost is not null), 0),
            max(unit_cost)
        )::numeric(38, 4) as unit_cost

    from held
    group by tenant_id, counted_on, item_id, location_id

)

select
    tenant_id,
    item_id,
    location_id,
    counted_on,
    quantity_on_hand::numeric(38, 4) as quantity_on_hand,
    quantity_reserved::numeric(38, 4) as quantity_reserved,
    quantity_on_order::numeric(38, 4) as quantity_on_order,
    (quantity_on_hand - coalesce(quantity_reserved, 0))::numeric(38, 4) as quantity_available,
    unit_cost,
    quantity_on_hand <= 0 as is_out_of_stock

from daily
