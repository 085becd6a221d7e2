select
    tenant_id,
    landed_on,
    dataset,
    batches,
    rows_read,
    rows_accepted,
    rows_rejected

from {{ ref('int_feeds_daily') }}
