with

source as (

    select * from {{ source('raw', 'purchase_orders') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        order_id,
        line_number,
        item_code,
        ordered_on,
        confirmed_on,
        expected_on,
        received_on,
        quantity_ordered,
        quantity_received,
        supplier_code,
        location_code,
        unit_of_measure

    from source

)

select * from renamed
