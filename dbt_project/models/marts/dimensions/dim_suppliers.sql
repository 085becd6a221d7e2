with

masters as (

    select * from {{ ref('int_suppliers') }}

),

items as (

    select
        tenant_id,
        supplier_code,
        count(*) as items_assigned

    from {{ ref('dim_items') }}
    where supplier_code is not null
    group by tenant_id, supplier_code

),

lines as (

    select
        tenant_id,
        supplier_code,
        count(distinct item_id) filter (where received_on is not null) as items_delivered,
        min(ordered_on) as first_ordered_on,
        max(ordered_on) as last_ordered_on,
        max(received_on) as last_received_on

    from {{ ref('fct_supply_lines') }}
    where supplier_code is not null
    group by tenant_id, supplier_code

),

named as (

    select
        tenant_id,
        supplier_code

    from masters

    union

    select
        tenant_id,
        supplier_code

    from items

    union

    select
        tenant_id,
        supplier_code

    from lines

)

select
    named.tenant_id,
    named.supplier_code,
    masters.name,
    masters.lead_time_days,
    masters.minimum_order_value,
    coalesce(items.items_assigned, 0) as items_assigned,
    coalesce(lines.items_delivered, 0) as items_delivered,
    lines.first_ordered_on,
    lines.last_ordered_on,
    lines.last_received_on,
    masters.supplier_code is not null as is_in_master

from named
left join masters
    on
        named.tenant_id = masters.tenant_id
        and named.supplier_code = masters.supplier_code
left join items
    on
        named.tenant_id = items.tenant_id
        and named.supplier_code = items.supplier_code
left join lines
    on
        named.tenant_id = lines.tenant_id
        and named.supplier_code = lines.supplier_code
