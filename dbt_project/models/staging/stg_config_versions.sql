with

source as (

    select * from {{ source('ops', 'config_versions') }}

),

renamed as (

    select
        tenant_id,
        config_version,
        config

    from source

)

select * from renamed
