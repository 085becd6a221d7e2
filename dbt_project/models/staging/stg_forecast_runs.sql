with

source as (

    select * from {{ source('forecast', 'runs') }}

),

renamed as (

    select
        tenant_id,
        cutoff_on,
        state,
        horizon_weeks

    from source

)

select * from renamed
