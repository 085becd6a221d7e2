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

select
    tenant_id,
    landed_on,
    batch_id,
    sheet,
    row_number,
    item_id,
    item_code,
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
    replaces_item_code,
    launched_on,
    discontinued_on

from identified
