with

lines as (

    select
        *,
        -- Only sold_at, document_id and item_code tell most lines apart: they come first.
        row_number() over (
            partition by
                tenant_id,
                sold_at,
                document_id,
                item_code,
                quantity,
                unit_price,
                line_number,
                location_code,
                customer_code,
                currency,
                channel,
                description,
                promotion
            order by landed_on, batch_id, sheet, row_number
        ) as copy_number

    from {{ ref('stg_sales') }}
    where {{ in_touched('sold_on') }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

codes as (

    select
        tenant_id,
        item_code

    from {{ ref('stg_sales') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, item_code

),

item_codes as (

    select
        codes.tenant_id,
        codes.item_code,
        {{ normalized_item_id('codes.item_code') }} as item_id,
        {{ matches_any('codes.item_code', 'rules.service_item_patterns') }}
        or {{ matches_any(
            normalized_item_id('codes.item_code'),
            'rules.service_item_patterns',
        ) }} as is_service

    from codes
    left join rules on codes.tenant_id = rules.tenant_id

),

identified as (

    select
        lines.*,
        item_codes.item_id,
        item_codes.is_service,
        lines.document_id is not null and lines.copy_number > 1 as is_duplicate

    from lines
    inner join item_codes
        on
            lines.tenant_id = item_codes.tenant_id
            and lines.item_code = item_codes.item_code

),

cancellations as (

    select identified.*
    from identified
    inner join rules on identified.tenant_id = rules.tenant_id
    where
        identified.quantity < 0
        and not identified.is_service
        and not identified.is_duplicate
        and {{ matches_any('identified.document_id', 'rules.cancellation_document_patterns') }}

),

-- Lines that one cancellation may undo: same customer, item, day and number of units.
cancelled_groups as (

    select distinct
        tenant_id,
        sold_on,
        item_id,
        coalesce(customer_code, '') as customer_code,
        -quantity as units

    from cancellations

),

contenders as (

    select
        cancelled_groups.*,
        identified.sold_at,
        identified.landed_on,
        identified.batch_id,
        identified.sheet,
        identified.row_number,
        false as is_cancellation

    from identified
    inner join cancelled_groups
        on
            identified.tenant_id = cancelled_groups.tenant_id
            and identified.sold_on = cancelled_groups.sold_on
            and identified.item_id = cancelled_groups.item_id
            and coalesce(identified.customer_code, '') = cancelled_groups.customer_code
            and identified.quantity = cancelled_groups.units
    where not identified.is_duplicate

    union all

    select
        tenant_id,
        sold_on,
        item_id,
        coalesce(customer_code, '') as customer_code,
        -quantity as units,
        sold_at,
        landed_on,
        batch_id,
        sheet,
        row_number,
        true as is_cancellation

    from cancellations

),

counted as (

    select
        *,
        count(*) filter (where not is_cancellation) over sequence as sales_so_far,
        count(*) filter (where is_cancellation) over sequence as cancellations_so_far

    from contenders
    window sequence as (
        partition by tenant_id, sold_on, item_id, customer_code, units
        order by sold_at, is_cancellation, landed_on, batch_id, sheet, row_number
    )

),

-- A cancellation that finds no earlier sale left stays a return and takes none of the later ones.
surplus as (

    select
        *,
        max(greatest(cancellations_so_far - sales_so_far, 0)) over sequence as unmatched_so_far,
        max(greatest(cancellations_so_far - sales_so_far, 0)) over (
            partition by tenant_id, sold_on, item_id, customer_code, units
        ) as unmatched,
        count(*) filter (where is_cancellation) over (
            partition by tenant_id, sold_on, item_id, customer_code, units
        ) as cancellations

    from counted
    window sequence as (
        partition by tenant_id, sold_on, item_id, customer_code, units
        order by sold_at, is_cancellation, landed_on, batch_id, sheet, row_number
    )

),

paired as (

    select
        tenant_id,
        sold_on,
        landed_on,
        batch_id,
        sheet,
        row_number,
        case
            when is_cancellation
                then
                    unmatched_so_far = coalesce(lag(unmatched_so_far) over (
                        partition by tenant_id, sold_on, item_id, customer_code, units
                        order by
                            sold_at, is_cancellation, landed_on, batch_id, sheet, row_number
                    ), 0)
            else sales_so_far <= cancellations - unmatched
        end as is_cancelled

    from surplus

),

cancelled as (

    select * from paired
    where is_cancelled

),

classified as (

    select
        identified.tenant_id,
        identified.landed_on,
        identified.batch_id,
        identified.sheet,
        identified.row_number,
        identified.sold_on,
        identified.sold_at,
        identified.item_id,
        {{ normalized_location_id('identified.location_code') }} as location_id,
        identified.document_id,
        identified.customer_code,
        identified.description,
        identified.quantity,
        identified.unit_price,
        (identified.quantity * identified.unit_price)::numeric(18, 4) as revenue,
        case
            when identified.is_service then 'service'
            when identified.is_duplicate then 'duplicate'
            when cancelled.is_cancelled then 'cancelled'
            when identified.unit_price <= 0 then 'adjustment'
            when identified.quantity < 0 then 'return'
            else 'sale'
        end as line_kind

    from identified
    left join cancelled
        on
            identified.tenant_id = cancelled.tenant_id
            and identified.sold_on = cancelled.sold_on
            and identified.landed_on = cancelled.landed_on
            and identified.batch_id = cancelled.batch_id
            and identified.sheet = cancelled.sheet
            and identified.row_number = cancelled.row_number

)

select * from classified
