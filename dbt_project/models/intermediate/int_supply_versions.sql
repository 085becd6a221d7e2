with

purchase_orders as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        'purchase_order' as source,
        order_id,
        line_number,
        item_code,
        unit_of_measure,
        location_code,
        ordered_on,
        expected_on,
        received_on,
        quantity_ordered,
        quantity_received,
        null::numeric(38, 4) as quantity_scrapped

    from {{ ref('stg_purchase_orders') }}

),

work_orders as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        'work_order' as source,
        order_id,
        1 as line_number,
        item_code,
        unit_of_measure,
        location_code,
        released_on as ordered_on,
        due_on as expected_on,
        completed_on as received_on,
        quantity_ordered,
        quantity_completed as quantity_received,
        quantity_scrapped

    from {{ ref('stg_work_orders') }}

),

versions as (

    select * from purchase_orders

    union all

    select * from work_orders

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
        {{ units_per_unit('versions.unit_of_measure', 'units.unit_of_measure') }} as units_per_unit

    from versions
    left join rules on versions.tenant_id = rules.tenant_id
    left join aliases on {{ is_alias('versions.item_code') }}
    left join units
        on
            versions.tenant_id = units.tenant_id
            and units.item_id = {{ aliased_item_id('versions.item_code') }}

)

select
    tenant_id,
    source,
    order_id,
    line_number,
    landed_on,
    batch_id,
    sheet,
    row_number,
    item_id,
    {{ normalized_location_id('location_code') }} as location_id,
    ordered_on,
    expected_on,
    received_on,
    (quantity_ordered * units_per_unit)::numeric(38, 4) as quantity_ordered,
    (quantity_received * units_per_unit)::numeric(38, 4) as quantity_received,
    (quantity_scrapped * units_per_unit)::numeric(38, 4) as quantity_scrapped

from identified
