with

versions as (

    select * from {{ ref('stg_demand_adjustments') }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

aliases as (

    select * from {{ ref('int_item_aliases') }}

),

identified as (

    select
        versions.*,
        {{ aliased_item_id('versions.item_code') }} as item_id,
        {{ normalized_location_id('versions.location_code') }} as location_id,
        lower(trim(versions.step)) as made_in_step,
        coalesce(nullif(aliases.quantity_factor, 0), 1) as units_per_unit

    from versions
    left join rules on versions.tenant_id = rules.tenant_id
    left join aliases on {{ is_alias('versions.item_code') }}

)

select
    tenant_id,
    item_id,
    location_id,
    starts_on,
    made_in_step as step,
    landed_on,
    -- Of two that landed on one day the first was never in force.
    lead(landed_on) over (
        partition by tenant_id, item_id, location_id, starts_on, made_in_step
        order by landed_on asc, batch_id asc, sheet asc, row_number asc
    ) as replaced_on,
    batch_id,
    sheet,
    row_number,
    -- The Sunday of its week.
    coalesce(ends_on, starts_on + 7 - extract(isodow from starts_on)::integer) as ends_on,
    (quantity * units_per_unit)::numeric(38, 4) as quantity,
    (cap * units_per_unit)::numeric(38, 4) as cap,
    coalesce(lower(nullif(trim(status), '')), 'approved') as status,
    version,
    made_by,
    reason

from identified
