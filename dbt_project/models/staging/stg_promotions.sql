with

source as (

    select * from {{ source('raw', 'promotions') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        item_code,
        starts_on,
        ends_on,
        location_code,
        promotion,
        status

    from source

)

select * from renamed
