select
    tenant_id,
    order_id,
    line_number,
    item_id,
    location_id,
    supplier_code,
    ordered_on,
    confirmed_on,
    expected_on,
    received_on,
    quantity_ordered,
    quantity_received,
    quantity_open,
    lead_time_days_actual,
    is_open

from {{ ref('int_supply_lines') }}
