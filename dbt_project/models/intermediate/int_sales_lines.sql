{#- The CTEs are too many for the planner to estimate, and no join here is of few rows for sure. -#}
{{ config(pre_hook='set local enable_nestloop = off') }}
{%- set reach = cancellation_reach() -%}

with

rules as (

    select * from {{ ref('stg_tenants') }}

),

-- A cancellation and its sale may stand as many days apart as the tenant's window has.
near as not materialized (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        sold_on,
        {{ sales_file_columns() }},
        corrects_row,
        coalesce(unit_of_measure, '') as stated_unit,
        {{ normalized_location_id('location_code') }} as location_id,
        {{ in_touched('sold_on') }} as is_touched,
        document_id is not null and line_number is not null as has_key

    from {{ ref('stg_sales') }}
    where {{ in_touched('sold_on', reach, reach) }}

),

item_codes as (

    {{ item_codes('near') }}

),

services as materialized (

    select
        item_codes.*,
        rules.currency as own_currency,
        rules.exchange_rates,
        {{ matches_any('item_codes.item_code', 'rules.service_item_patterns') }}
        or {{ matches_any('item_codes.item_id', 'rules.service_item_patterns') }} as is_service

    from item_codes
    left join rules on item_codes.tenant_id = rules.tenant_id

),

identified as not materialized (

    select
        near.*,
        services.item_id,
        services.is_service,
        services.units_per_unit as quantity_factor,
        {{ exchange_rate('near.currency', rules='services') }} as exchange_rate,
        (near.quantity * services.units_per_unit)::numeric(38, 4) as units

    from near
    inner join services
        on
            near.tenant_id = services.tenant_id
            and near.item_code = services.item_code
            and near.stated_unit = services.stated_unit

),

cancellations as (

    select identified.*
    from identified
    inner join rules on identified.tenant_id = rules.tenant_id
    where
        identified.quantity < 0
        -- Neither unknown nor rounded away.
        and identified.units < 0
        and not identified.is_service
        and {{ matches_any('identified.document_id', 'rules.cancellation_document_patterns') }}

),

-- What one cancellation may undo: lines of the same customer, item and number of units, by each of
-- the item's codes.
cancelled_groups as materialized (

    select distinct
        cancellations.tenant_id,
        coalesce(cancellations.customer_code, '') as customer_code,
        -cancellations.units as units,
        services.item_code,
        services.stated_unit,
        services.units_per_unit,
        services.item_id

    from cancellations
    inner join services
        on
            cancellations.tenant_id = services.tenant_id
            and cancellations.item_id = services.item_id
    where not services.is_service

),

contenders as (

    select
        near.*,
        cancelled_groups.item_id,
        cancelled_groups.units,
        false as is_cancellation

    from near
    inner join cancelled_groups
        on
            near.tenant_id = cancelled_groups.tenant_id
            and near.item_code = cancelled_groups.item_code
            and near.stated_unit = cancelled_groups.stated_unit
            and coalesce(near.customer_code, '') = cancelled_groups.customer_code
            and (near.quantity * cancelled_groups.units_per_unit)::numeric(38, 4)
            = cancelled_groups.units

    union all

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        sold_on,
        {{ sales_file_columns() }},
        corrects_row,
        stated_unit,
        location_id,
        is_touched,
        has_key,
        item_id,
        units,
        true as is_cancellation

    from cancellations

),

-- Copies of a contender are contenders too: no other line of the days around is needed.
compared as not materialized (

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        sold_on,
        has_key,
        {{ sales_file_columns() }},
        corrects_row,
        item_id,
        stated_unit,
        location_id

    from identified
    where is_touched

    union all

    select
        tenant_id,
        landed_on,
        batch_id,
        sheet,
        row_number,
        sold_on,
        has_key,
        {{ sales_file_columns() }},
        corrects_row,
        item_id,
        stated_unit,
        location_id

    from contenders
    where not is_touched

),

repeats as (

    {{ line_repeats('compared') }}

),

cancelled as (

    {{ cancelled_pairs('contenders', 'repeats') }}

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
        identified.location_id,
        identified.document_id,
        identified.line_number,
        identified.customer_code,
        identified.description,
        identified.promotion,
        identified.unit_of_measure,
        identified.currency,
        identified.corrects_row,
        identified.quantity_factor::numeric(18, 8) as quantity_factor,
        coalesce(identified.units, identified.quantity)::numeric(38, 4) as quantity,
        (
            case
                when identified.quantity_factor is null or identified.quantity_factor = 1
                    then identified.unit_price * identified.exchange_rate
                else identified.unit_price * identified.exchange_rate / identified.quantity_factor
            end
        )::numeric(38, 4) as unit_price,
        (identified.quantity * identified.unit_price * identified.exchange_rate)::numeric(38, 4)
            as revenue,
        case
            when identified.is_service then 'service'
            when repeats.line_kind is not null then repeats.line_kind
            when identified.quantity_factor is null then 'unconverted'
            when cancelled.counterpart_on is not null then 'cancelled'
            when identified.unit_price <= 0 then 'adjustment'
            when identified.quantity < 0 then 'return'
            else 'sale'
        end as line_kind,
        cancelled.counterpart_on

    from identified
    left join repeats
        on
            identified.batch_id = repeats.batch_id
            and identified.sheet = repeats.sheet
            and identified.row_number = repeats.row_number
    left join cancelled
        on
            identified.batch_id = cancelled.batch_id
            and identified.sheet = cancelled.sheet
            and identified.row_number = cancelled.row_number
    where identified.is_touched

)

select * from classified
