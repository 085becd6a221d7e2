with

versions as (

    select * from {{ ref('stg_supply_plans') }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

aliases as (

    select * from {{ ref('int_item_aliases') }}

),

units as (

    select * from {{ ref('int_item_units') }}

),

identified as (

    select
        versions.*,
        {{ aliased_item_id('versions.item_code') }} as item_id,
        {{ normalized_location_id('versions.location_code') }} as location_id,
        versions.quantity_planned
        * {{ units_per_unit('versions.unit_of_measure', 'units.unit_of_measure') }}
            as units_planned

    from versions
    left join rules on versions.tenant_id = rules.tenant_id
    left join aliases on {{ is_alias('versions.item_code') }}
    left join units
        on
            versions.tenant_id = units.tenant_id
            and units.item_id = {{ aliased_item_id('versions.item_code') }}

),

latest as (

    select distinct on (tenant_id, item_id, location_id, planned_on, supplier_code) *
    from identified
    order by
        tenant_id asc,
        item_id asc,
        location_id asc,
        planned_on asc,
        supplier_code asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

)

select
    tenant_id,
    item_id,
    location_id,
    planned_on,
    supplier_code,
    units_planned::numeric(38, 4) as quantity_planned

from latest
