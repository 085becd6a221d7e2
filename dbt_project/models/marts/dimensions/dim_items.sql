with

items as (

    select * from {{ ref('int_items') }}
    where {{ in_tenants() }}

),

suppliers as (

    select * from {{ ref('int_suppliers') }}

)

select
    items.tenant_id,
    items.item_id,
    items.name,
    items.category,
    items.unit_cost,
    items.unit_price,
    items.supplier_code,
    coalesce(items.lead_time_days, suppliers.lead_time_days) as lead_time_days,
    items.minimum_order_quantity,
    items.pack_quantity,
    items.low_stock_threshold,
    items.launched_on,
    items.discontinued_on,
    items.first_sold_on,
    items.last_sold_on,
    items.is_in_master

from items
left join suppliers
    on
        items.tenant_id = suppliers.tenant_id
        and items.supplier_code = suppliers.supplier_code
