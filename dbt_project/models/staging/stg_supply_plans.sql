with

source as (

    select * from {{ source('raw', 'supply_plans') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        item_code,
        planned_on,
        quantity_planned,
        location_code,
        supplier_code,
        unit_of_measure

    from source

)

select * from renamed
