with

purchase_orders as (

    select * from {{ ref('int_supply_lines') }}

),

work_orders as (

    select * from {{ ref('int_work_orders') }}

)

select
    tenant_id,
    'purchase_order' as source,
    order_id,
    line_number,
    item_id,
    location_id,
    supplier_code,
    ordered_on,
    expected_on,
    received_on,
    quantity_ordered,
    coalesce(quantity_received, case when not is_open then quantity_ordered end)
        as quantity_received,
    null::numeric(38, 4) as quantity_scrapped,
    quantity_open,
    is_open

from purchase_orders

union all

select
    tenant_id,
    'work_order' as source,
    order_id,
    1 as line_number,
    item_id,
    location_id,
    null as supplier_code,
    released_on as ordered_on,
    due_on as expected_on,
    completed_on as received_on,
    quantity_ordered,
    coalesce(
        quantity_completed,
        case when not is_open then quantity_ordered - coalesce(quantity_scrapped, 0) end
    ) as quantity_received,
    quantity_scrapped,
    quantity_open,
    is_open

from work_orders
