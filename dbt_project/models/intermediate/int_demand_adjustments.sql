with

versions as (

    select * from {{ ref('int_demand_adjustment_versions') }}

)

select
    tenant_id,
    item_id,
    location_id,
    starts_on,
    ends_on,
    step,
    quantity,
    cap,
    status,
    version,
    made_by,
    reason

from versions
where replaced_on is null
