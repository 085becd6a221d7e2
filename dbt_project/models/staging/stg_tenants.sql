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
        item_code_matches,
        item_code_replacements,
        service_item_patterns,
        cancellation_document_patterns,
        cancellation_window_days,
        repeated_lines,
        document_numbers,
        unit_factors,
        is_stock_simulated,
        abc_thresholds,
        xyz_thresholds,
        config_version

    from source

)

select * from renamed
