with

versions as (

    select * from {{ ref('int_item_versions') }}

),

-- The last file of a day holds.
daily as (

    select distinct on (tenant_id, item_id, landed_on) *
    from versions
    order by
        tenant_id asc,
        item_id asc,
        landed_on asc,
        batch_id desc

),

numbered as (

    select
        *,
        row_number() over history as version_number,
        lead(landed_on) over history as next_landed_on

    from daily
    window history as (partition by tenant_id, item_id order by landed_on)

)

select
    tenant_id,
    item_id,
    version_number::integer as version_number,
    landed_on,
    -- What is known first holds for all days before it, as with costs.
    case when version_number > 1 then landed_on end as valid_from_on,
    next_landed_on - 1 as valid_to_on,
    name,
    category,
    unit_of_measure,
    unit_cost,
    unit_price,
    supplier_code,
    lead_time_days,
    minimum_order_quantity,
    pack_quantity,
    low_stock_threshold,
    shelf_life_days,
    launched_on,
    discontinued_on

from numbered
