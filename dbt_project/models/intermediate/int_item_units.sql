with

versions as (

    select * from {{ ref('stg_items') }}
    where
        unit_of_measure is not null
        and {{ in_tenants() }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

identified as (

    select
        versions.*,
        {{ normalized_item_id('versions.item_code') }} as item_id

    from versions
    left join rules on versions.tenant_id = rules.tenant_id

),

latest as (

    select distinct on (tenant_id, item_id) *
    from identified
    order by
        tenant_id asc,
        item_id asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

)

select
    tenant_id,
    item_id,
    unit_of_measure

from latest
