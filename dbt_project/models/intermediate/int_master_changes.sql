with

items as (

    select
        versions.tenant_id,
        'items' as dataset,
        versions.item_id as code,
        described.column_name,
        versions.landed_on,
        versions.batch_id,
        described.value

    from {{ ref('int_item_versions') }} as versions
    inner join lateral (
        values
        ('name', versions.name),
        ('category', versions.category),
        ('unit_of_measure', versions.unit_of_measure),
        ('unit_cost', trim_scale(versions.unit_cost)::text),
        ('unit_price', trim_scale(versions.unit_price)::text),
        ('supplier_code', versions.supplier_code),
        ('lead_time_days', versions.lead_time_days::text),
        ('minimum_order_quantity', trim_scale(versions.minimum_order_quantity)::text),
        ('pack_quantity', trim_scale(versions.pack_quantity)::text),
        ('low_stock_threshold', trim_scale(versions.low_stock_threshold)::text),
        ('shelf_life_days', versions.shelf_life_days::text),
        ('replaces_item_code', versions.replaces_item_code),
        ('launched_on', to_char(versions.launched_on, 'YYYY-MM-DD')),
        ('discontinued_on', to_char(versions.discontinued_on, 'YYYY-MM-DD'))
    ) as described (column_name, value) on true
    where described.value is not null

),

suppliers as (

    select
        versions.tenant_id,
        'suppliers' as dataset,
        versions.supplier_code as code,
        described.column_name,
        versions.landed_on,
        versions.batch_id,
        described.value

    from {{ ref('int_supplier_versions') }} as versions
    inner join lateral (
        values
        ('name', versions.name),
        ('lead_time_days', versions.lead_time_days::text),
        ('minimum_order_value', trim_scale(versions.minimum_order_value)::text)
    ) as described (column_name, value) on true
    where described.value is not null

),

masters as (

    select * from items

    union all

    select * from suppliers

),

compared as (

    select
        *,
        lag(value) over (
            partition by tenant_id, dataset, code, column_name
            order by landed_on, batch_id
        ) as old_value

    from masters

)

select
    tenant_id,
    dataset,
    code,
    column_name,
    landed_on,
    batch_id,
    old_value,
    value as new_value

from compared
where old_value is distinct from value
