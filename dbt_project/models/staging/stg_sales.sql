with

source as (

    select * from {{ source('raw', 'sales') }}

),

renamed as (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        sold_on,
        sold_at,
        item_code,
        quantity,
        unit_price,
        document_id,
        line_number,
        location_code,
        customer_code,
        currency,
        channel,
        description,
        promotion,
        unit_of_measure,
        corrects_row

    from source

)

select * from renamed
