with

source as (

    select * from {{ source('ops', 'tenants') }}

),

renamed as (

    select
        tenant_id,
        name,
        time_zone,
        currency,
        item_code_case,
        item_code_pad_to,
        service_item_patterns,
        cancellation_document_patterns,
        is_stock_simulated,
        abc_thresholds,
        xyz_thresholds,
        config_version

    from source

)

select * from renamed
