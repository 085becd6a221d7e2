with

master as (

    select * from {{ ref('stg_items') }}
    where
        unit_cost is not null
        and {{ in_tenants() }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

daily as (

    select distinct on (master.tenant_id, item_id, master.landed_on)
        master.tenant_id,
        {{ normalized_item_id('master.item_code') }} as item_id,
        master.landed_on,
        master.unit_cost

    from master
    left join rules on master.tenant_id = rules.tenant_id
    order by
        master.tenant_id asc,
        item_id asc,
        master.landed_on asc,
        master.batch_id desc,
        master.sheet desc,
        master.row_number desc

),

compared as (

    select
        *,
        lag(unit_cost) over (
            partition by tenant_id, item_id
            order by landed_on
        ) as previous_unit_cost

    from daily

),

changes as (

    select
        *,
        row_number() over (
            partition by tenant_id, item_id
            order by landed_on
        ) as version_number,
        lead(landed_on) over (
            partition by tenant_id, item_id
            order by landed_on
        ) as next_landed_on

    from compared
    where previous_unit_cost is distinct from unit_cost

)

select
    tenant_id,
    item_id,
    version_number::integer as version_number,
    unit_cost,
    -- The first cost that is known holds for all days before it.
    case when version_number > 1 then landed_on end as valid_from_on,
    next_landed_on - 1 as valid_to_on

from changes
