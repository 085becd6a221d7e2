with

versions as (

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

latest as (

    select distinct on (versions.tenant_id, versions.order_id, versions.line_number) versions.*
    from versions
    inner join changed
        on
            versions.tenant_id = changed.tenant_id
            and versions.order_id = changed.order_id
            and versions.line_number = changed.line_number
    order by
        versions.tenant_id asc,
        versions.order_id asc,
        versions.line_number asc,
        versions.landed_on desc,
        versions.batch_id desc,
        versions.sheet desc,
        versions.row_number desc

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

identified as (

    select
        latest.tenant_id,
        latest.order_id,
        latest.line_number,
        {{ normalized_item_id('latest.item_code') }} as item_id,
        {{ normalized_location_id('latest.location_code') }} as location_id,
        latest.supplier_code,
        latest.ordered_on,
        latest.confirmed_on,
        latest.expected_on,
        latest.received_on,
        latest.quantity_ordered,
        latest.quantity_received,
        case
            when latest.received_on is not null then 0
            else greatest(latest.quantity_ordered - coalesce(latest.quantity_received, 0), 0)
        end::numeric(18, 4) as quantity_open,
        latest.received_on - latest.ordered_on as lead_time_days_actual,
        latest.received_on is null as is_open

    from latest
    left join rules on latest.tenant_id = rules.tenant_id

)

select * from identified
