with

versions as (

    select * from {{ ref('stg_boms') }}

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

-- The parent may be written as a case of the item, the component in another unit.
identified as (

    select
        versions.*,
        {{ aliased_item_id('versions.parent_item_code', aliases='parents') }} as parent_item_id,
        {{ aliased_item_id('versions.component_item_code') }} as component_item_id,
        (
            versions.quantity_per
            * {{ units_per_unit('versions.unit_of_measure', 'units.unit_of_measure') }}
            / coalesce(nullif(parents.quantity_factor, 0), 1)
        )::numeric(38, 4) as units_per_parent

    from versions
    left join rules on versions.tenant_id = rules.tenant_id
    left join aliases as parents
        on {{ is_alias('versions.parent_item_code', aliases='parents') }}
    left join aliases on {{ is_alias('versions.component_item_code') }}
    left join units
        on
            versions.tenant_id = units.tenant_id
            and units.item_id = {{ aliased_item_id('versions.component_item_code') }}

),

latest as (

    select distinct on (tenant_id, parent_item_id, component_item_id, valid_from) *
    from identified
    order by
        tenant_id asc,
        parent_item_id asc,
        component_item_id asc,
        valid_from asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

)

select
    tenant_id,
    parent_item_id,
    component_item_id,
    units_per_parent as quantity_per,
    scrap_rate,
    valid_from as valid_from_on,
    -- What begins later takes over from what has no end, or a later one.
    least(
        valid_to,
        lead(valid_from) over (
            partition by tenant_id, parent_item_id, component_item_id
            order by valid_from nulls first
        ) - 1
    ) as valid_to_on

from latest
