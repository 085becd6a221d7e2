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

),

latest as (

    select distinct on (tenant_id, item_id, location_id, starts_on, made_in_step) *
    from identified
    order by
        tenant_id asc,
        item_id asc,
        location_id asc,
        starts_on asc,
        made_in_step asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

)

select
    tenant_id,
    item_id,
    location_id,
    starts_on,
    -- The Sunday of its week.
    coalesce(ends_on, starts_on + 7 - extract(isodow from starts_on)::integer) as ends_on,
    made_in_step as step,
    (quantity * units_per_unit)::numeric(38, 4) as quantity,
    (cap * units_per_unit)::numeric(38, 4) as cap,
    coalesce(lower(nullif(trim(status), '')), 'approved') as status,
    version,
    made_by,
    reason

from latest
