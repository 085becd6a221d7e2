with

master as (

    select * from {{ ref('stg_items') }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

identified as (

    select
        master.*,
        {{ normalized_item_id('master.item_code') }} as item_id

    from master
    left join rules on master.tenant_id = rules.tenant_id

)

select * from identified
