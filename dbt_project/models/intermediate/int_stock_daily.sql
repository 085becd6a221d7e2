with

counts as (

    select * from {{ ref('stg_stock') }}
    where {{ in_touched('counted_on') }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

identified as (

    select
        counts.*,
        {{ normalized_item_id('counts.item_code') }} as item_id,
        {{ normalized_location_id('counts.location_code') }} as location_id

    from counts
    left join rules on counts.tenant_id = rules.tenant_id

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
                tenant_id, counted_on, item_id, location_id, landed_on, batch_id, expires_on
            order by sheet desc, row_number desc
        ) as lot_rank

    from identified

),

-- The parts of a count that differ in the day they expire are counted together.
daily as (

    select
        tenant_id,
        item_id,
        location_id,
        counted_on,
        sum(quantity_on_hand) as quantity_on_hand,
        sum(quantity_reserved) as quantity_reserved,
        sum(quantity_on_order) as quantity_on_order,
        coalesce(
            sum(quantity_on_hand * unit_cost)
            / nullif(sum(quantity_on_hand) filter (where unit_cost is not null), 0),
            max(unit_cost)
        )::numeric(18, 4) as unit_cost

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
    quantity_on_hand::numeric(18, 4) as quantity_on_hand,
    quantity_reserved::numeric(18, 4) as quantity_reserved,
    quantity_on_order::numeric(18, 4) as quantity_on_order,
    (quantity_on_hand - coalesce(quantity_reserved, 0))::numeric(18, 4) as quantity_available,
    unit_cost,
    quantity_on_hand <= 0 as is_out_of_stock

from daily
