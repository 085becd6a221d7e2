with

source as (

    select * from {{ source('raw', 'work_orders') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        order_id,
        item_code,
        quantity_ordered,
        released_on,
        due_on,
        completed_on,
        quantity_completed,
        quantity_scrapped,
        location_code,
        unit_of_measure

    from source

)

select * from renamed
