with

source as (

    select * from {{ source('raw', 'boms') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        parent_item_code,
        component_item_code,
        quantity_per,
        scrap_rate,
        valid_from,
        valid_to,
        unit_of_measure

    from source

)

select * from renamed
