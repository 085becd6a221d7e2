select
    tenant_id,
    name,
    currency,
    is_stock_simulated,
    abc_thresholds,
    xyz_thresholds,
    urgent_cover_days,
    overstocked_cover_days,
    dead_after_days,
    carrying_cost_rate,
    trend_share,
    on_time_days,
    lead_time_history_days,
    fiscal_year_begins_in,
    holidays,
    new_weeks,
    dormant_weeks,
    obsolete_weeks,
    growth_share,
    review_days,
    default_lead_time_days

from {{ ref('stg_tenants') }}
