with

source as (

    select * from {{ source('raw', 'suppliers') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        supplier_code,
        name,
        lead_time_days,
        minimum_order_value

    from source

)

select * from renamed
