select
    tenant_id,
    name,
    currency,
    is_stock_simulated,
    abc_thresholds,
    xyz_thresholds

from {{ ref('stg_tenants') }}
