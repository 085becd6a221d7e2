with

source as (

    select * from {{ source('raw', 'items') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
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

    from source

)

select * from renamed
