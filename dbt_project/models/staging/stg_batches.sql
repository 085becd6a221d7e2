with

source as (

    select * from {{ source('raw', 'batches') }}

),

renamed as (

    select
        batch_id,
        tenant_id,
        dataset,
        landed_on,
        file_name,
        state,
        rows_read,
        rows_accepted,
        rows_rejected,
        config_version

    from source

)

select * from renamed
