with

source as (

    select * from {{ source('raw', 'demand_adjustments') }}

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
        step,
        quantity,
        location_code,
        ends_on,
        cap,
        status,
        version,
        made_by,
        reason

    from source

)

select * from renamed
