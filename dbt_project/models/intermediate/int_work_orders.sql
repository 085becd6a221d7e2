with

versions as not materialized (

    select * from {{ ref('stg_work_orders') }}
    where {{ in_tenants() }}

),

-- Orders with a version that landed in the windows, and those whose version from there is gone.
changed as (

    select
        tenant_id,
        order_id

    from versions
    where {{ in_as_of('landed_on') }}

    {% if is_incremental() %}
        union

        select
            tenant_id,
            order_id

        from {{ this }}
        where {{ in_as_of('landed_on') }}
    {% else %}
        group by tenant_id, order_id
    {% endif %}

),

-- By look-ups on the versions' index: all of a tenant's orders need not be read for a day's.
latest as (

    select newest.*
    from changed
    inner join lateral (
        select versions.*
        from {{ ref('stg_work_orders') }} as versions
        where
            versions.tenant_id = changed.tenant_id
            and versions.order_id = changed.order_id
        order by
            versions.landed_on desc,
            versions.batch_id desc,
            versions.sheet desc,
            versions.row_number desc
        limit 1
    ) as newest on true

),

item_codes as (

    {{ item_codes('latest') }}

),

identified as (

    select
        latest.tenant_id,
        latest.order_id,
        latest.landed_on,
        item_codes.item_id,
        {{ normalized_location_id('latest.location_code') }} as location_id,
        latest.released_on,
        latest.due_on,
        latest.completed_on,
        (latest.quantity_ordered * item_codes.units_per_unit)::numeric(38, 4) as quantity_ordered,
        (latest.quantity_completed * item_codes.units_per_unit)::numeric(38, 4)
            as quantity_completed,
        (latest.quantity_scrapped * item_codes.units_per_unit)::numeric(38, 4)
            as quantity_scrapped,
        latest.completed_on is null as is_open

    from latest
    inner join item_codes
        on
            latest.tenant_id = item_codes.tenant_id
            and latest.item_code = item_codes.item_code
            and coalesce(latest.unit_of_measure, '') = item_codes.stated_unit

)

select
    tenant_id,
    order_id,
    landed_on,
    item_id,
    location_id,
    released_on,
    due_on,
    completed_on,
    quantity_ordered,
    quantity_completed,
    quantity_scrapped,
    case
        when not is_open then 0
        when quantity_ordered is null then null
        else greatest(
            quantity_ordered - coalesce(quantity_completed, 0) - coalesce(quantity_scrapped, 0), 0
        )
    end::numeric(38, 4) as quantity_open,
    is_open

from identified
