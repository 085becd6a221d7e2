with

source as (

    select * from {{ source('raw', 'item_aliases') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        alias_code,
        item_code,
        quantity_factor

    from source

)

select * from renamed
