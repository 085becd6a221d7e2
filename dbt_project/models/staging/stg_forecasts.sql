with

source as (

    select * from {{ source('forecast', 'forecasts') }}

),

renamed as (

    select
        tenant_id,
        item_id,
        location_id,
        cutoff_on,
        target_on,
        lag,
        mean

    from source

)

select * from renamed
