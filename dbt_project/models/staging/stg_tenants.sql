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
        exchange_rates,
        is_stock_simulated,
        abc_thresholds,
        xyz_thresholds,
        (analytics ->> 'urgent_cover_days')::integer as urgent_cover_days,
        (analytics ->> 'overstocked_cover_days')::integer as overstocked_cover_days,
        (analytics ->> 'dead_after_days')::integer as dead_after_days,
        (analytics ->> 'carrying_cost_rate')::numeric as carrying_cost_rate,
        (analytics ->> 'trend_share')::numeric as trend_share,
        (analytics ->> 'on_time_days')::integer as on_time_days,
        (analytics ->> 'lead_time_days')::integer as lead_time_history_days,
        (analytics ->> 'fiscal_year_begins_in')::integer as fiscal_year_begins_in,
        analytics -> 'holidays' as holidays,
        (analytics -> 'life_cycle' ->> 'new_weeks')::integer as new_weeks,
        (analytics -> 'life_cycle' ->> 'dormant_weeks')::integer as dormant_weeks,
        (analytics -> 'life_cycle' ->> 'obsolete_weeks')::integer as obsolete_weeks,
        (analytics -> 'life_cycle' ->> 'growth_share')::numeric as growth_share,
        (planning ->> 'review_days')::integer as review_days,
        (planning ->> 'default_lead_time_days')::integer as default_lead_time_days,
        config_version

    from source

)

select * from renamed
