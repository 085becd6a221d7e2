with

versions as not materialized (

    select * from {{ ref('stg_purchase_orders') }}
    where {{ in_tenants() }}

),

-- Lines with a version in the windows, and those whose version there is gone.
changed as (

    select distinct
        tenant_id,
        order_id,
        line_number

    from versions
    where {{ in_touched('ordered_on') }}

    {% if is_incremental() %}
        union

        select
            tenant_id,
            order_id,
            line_number

        from {{ this }}
        where {{ in_touched('ordered_on') }}
    {% endif %}

),

-- By look-ups on the versions' index: all of a tenant's orders need not be read for a day's.
latest as (

    select newest.*
    from changed
    inner join lateral (
        select versions.*
        from {{ ref('stg_purchase_orders') }} as versions
        where
            versions.tenant_id = changed.tenant_id
            and versions.order_id = changed.order_id
            and versions.line_number = changed.line_number
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
        latest.line_number,
        item_codes.item_id,
        {{ normalized_location_id('latest.location_code') }} as location_id,
        latest.supplier_code,
        latest.ordered_on,
        latest.confirmed_on,
        latest.expected_on,
        latest.received_on,
        (latest.quantity_ordered * item_codes.units_per_unit)::numeric(38, 4) as quantity_ordered,
        (latest.quantity_received * item_codes.units_per_unit)::numeric(38, 4)
            as quantity_received,
        latest.received_on - latest.ordered_on as lead_time_days_actual,
        latest.received_on is null as is_open

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
    line_number,
    item_id,
    location_id,
    supplier_code,
    ordered_on,
    confirmed_on,
    expected_on,
    received_on,
    quantity_ordered,
    quantity_received,
    case
        when not is_open then 0
        when quantity_ordered is null then null
        else greatest(quantity_ordered - coalesce(quantity_received, 0), 0)
    end::numeric(38, 4) as quantity_open,
    lead_time_days_actual,
    is_open

from identified
