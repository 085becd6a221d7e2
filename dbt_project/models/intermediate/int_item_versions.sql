{%- set columns = {
    'name': 'text',
    'category': 'text',
    'unit_of_measure': 'text',
    'unit_cost': 'numeric(38, 4)',
    'unit_price': 'numeric(38, 4)',
    'supplier_code': 'text',
    'lead_time_days': 'integer',
    'minimum_order_quantity': 'numeric(38, 4)',
    'pack_quantity': 'numeric(38, 4)',
    'low_stock_threshold': 'numeric(38, 4)',
    'shelf_life_days': 'integer',
    'replaces_item_code': 'text',
    'launched_on': 'date',
    'discontinued_on': 'date',
} -%}
with

rules as (

    select * from {{ ref('stg_tenants') }}

),

landed as (

    select
        master.*,
        {{ normalized_item_id('master.item_code') }} as item_id

    from {{ ref('stg_items') }} as master
    left join rules on master.tenant_id = rules.tenant_id
    where {{ since_as_of('master.landed_on') }}

),

versions as (

    {{ latest_values('landed', 'item_id', columns) }}

)

select
    tenant_id,
    item_id,
    landed_on,
    batch_id,
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

from versions
