with

versions as (

    select * from {{ ref('stg_item_aliases') }}
    where {{ in_tenants() }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

identified as (

    select
        versions.*,
        {{ normalized_item_id('versions.alias_code') }} as alias_id,
        {{ normalized_item_id('versions.item_code') }} as item_id

    from versions
    left join rules on versions.tenant_id = rules.tenant_id

),

latest as (

    select distinct on (tenant_id, alias_id) *
    from identified
    order by
        tenant_id asc,
        alias_id asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

)

select
    tenant_id,
    alias_id,
    item_id,
    quantity_factor::numeric(38, 4) as quantity_factor

from latest
