with

source as (

    select * from {{ source('raw', 'stock') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        counted_on,
        item_code,
        quantity_on_hand,
        location_code,
        quantity_reserved,
        quantity_on_order,
        unit_cost,
        expires_on,
        unit_of_measure

    from source

)

select * from renamed
