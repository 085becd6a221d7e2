with

counts as (

    select * from {{ ref('stg_stock') }}
    where {{ in_touched('counted_on') }}

),

item_codes as (

    {{ item_codes('counts') }}

),

-- A count in a unit that nobody has defined is a count of an unknown quantity.
identified as (

    select
        counts.tenant_id,
        counts.landed_on,
        counts.batch_id,
        counts.sheet,
        counts.row_number,
        counts.counted_on,
        counts.expires_on,
        item_codes.item_id,
        item_codes.code_id,
        {{ normalized_location_id('counts.location_code') }} as location_id,
        counts.quantity_on_hand * item_codes.units_per_unit as quantity_on_hand,
        counts.quantity_reserved * item_codes.units_per_unit as quantity_reserved,
        counts.quantity_on_order * item_codes.units_per_unit as quantity_on_order,
        counts.unit_cost / item_codes.units_per_unit as unit_cost

    from counts
    inner join item_codes
        on
            counts.tenant_id = item_codes.tenant_id
            and counts.item_code = item_codes.item_code
            and coalesce(counts.unit_of_measure, '') = item_codes.stated_unit

),

ranked as (

    select
        *,
        dense_rank() over (
            partition by tenant_id, counted_on, item_id, location_id
            order by landed_on desc, batch_id desc
        ) as batch_rank,
        row_number() over (
            partition by
                tenant_id,
                counted_on,
                item_id,
                location_id,
                landed_on,
                batch_id,
                code_id,
                expires_on
            order by sheet desc, row_number desc
        ) as lot_rank

    from identified

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

    from ranked
    where
        batch_rank = 1
        and lot_rank = 1
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
