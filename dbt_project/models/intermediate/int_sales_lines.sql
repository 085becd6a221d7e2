{#- All that a file says of a line. Those come first that tell most lines apart. -#}
{%- set file_columns = [
    'sold_at',
    'document_id',
    'item_code',
    'quantity',
    'unit_price',
    'line_number',
    'location_code',
    'customer_code',
    'currency',
    'channel',
    'description',
    'promotion',
    'unit_of_measure',
] -%}
{#- What makes a line the same in another file, however that spells its code or describes it. -#}
{%- set line_columns = [
    'sold_at',
    'document_id',
    'item_id',
    'quantity',
    'stated_unit',
    'unit_price',
    'line_number',
    'location_id',
    'customer_code',
    'currency',
    'channel',
] -%}
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
        {{ file_columns | join(',\n        ') }},
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
        {{ file_columns | join(',\n        ') }},
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
        has_key,
        {{ file_columns | join(',\n        ') }},
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
        has_key,
        {{ file_columns | join(',\n        ') }},
        item_id,
        stated_unit,
        location_id

    from contenders
    where not is_touched

),

-- Looked up line by line: the other versions may have any day.
versions as (

    select
        batch_id,
        sheet,
        row_number,
        exists(
            select 1 from {{ ref('stg_sales') }} as later
            where
                later.tenant_id = compared.tenant_id
                and later.document_id = compared.document_id
                and later.line_number = compared.line_number
                and (later.landed_on, later.batch_id, later.sheet, later.row_number)
                > (compared.landed_on, compared.batch_id, compared.sheet, compared.row_number)
        ) as is_superseded

    from compared
    where has_key

),

hashed as not materialized (

    select
        *,
        hash_record_extended(
            (tenant_id, sold_at, document_id, item_id, quantity, location_id), 0
        ) as row_hash

    from compared
    where not has_key

),

-- Few rows can have a copy: only these are compared column by column.
repeated_hashes as (

    select row_hash
    from hashed
    group by row_hash
    having count(*) > 1

),

repeated as (

    select
        hashed.*,
        coalesce(rules.repeated_lines = 'duplicate', false) as counts_once

    from hashed
    inner join repeated_hashes on hashed.row_hash = repeated_hashes.row_hash
    left join rules on hashed.tenant_id = rules.tenant_id

),

repeated_in_file as (

    select
        *,
        counts_once
        and row_number() over (
            partition by
                tenant_id,
                batch_id,
                sheet,
                {{ file_columns | join(',\n                ') }}
            order by row_number
        ) > 1 as is_repeated_in_file

    from repeated

),

-- Without a document, files of one day are two shops' and not two versions.
numbered as (

    select
        *,
        row_number() over (
            partition by
                tenant_id,
                landed_on,
                case when document_id is not null then batch_id end,
                case when document_id is not null then sheet end,
                is_repeated_in_file,
                {{ line_columns | join(',\n                ') }}
            order by batch_id, sheet, row_number
        ) as copy_number

    from repeated_in_file

),

ranked as (

    select
        *,
        row_number() over (
            partition by
                tenant_id,
                copy_number,
                is_repeated_in_file,
                {{ line_columns | join(',\n                ') }}
            order by landed_on, batch_id, sheet, row_number
        ) as copy_rank

    from numbered

),

repeats as (

    select
        batch_id,
        sheet,
        row_number,
        'superseded' as line_kind

    from versions
    where is_superseded

    union all

    select
        batch_id,
        sheet,
        row_number,
        'duplicate' as line_kind

    from ranked
    where
        is_repeated_in_file
        or copy_rank > 1

),

-- A sale goes one deeper and a cancellation closes the one that was opened last, like parentheses.
nested as (

    select
        contenders.*,
        sum(case when contenders.is_cancellation then -1 else 1 end) over (
            partition by
                contenders.tenant_id,
                contenders.item_id,
                coalesce(contenders.customer_code, ''),
                abs(contenders.units)
            order by
                contenders.sold_on,
                contenders.sold_at,
                contenders.is_cancellation,
                contenders.landed_on,
                contenders.batch_id,
                contenders.sheet,
                contenders.row_number
            rows unbounded preceding
        ) + contenders.is_cancellation::integer as depth

    from contenders
    left join repeats
        on
            contenders.batch_id = repeats.batch_id
            and contenders.sheet = repeats.sheet
            and contenders.row_number = repeats.row_number
    where repeats.line_kind is null

),

-- At one depth sales and cancellations take turns.
paired as (

    select
        tenant_id,
        batch_id,
        sheet,
        row_number,
        sold_on,
        case
            when is_cancellation then lag(sold_on) over same_depth
            else lead(sold_on) over same_depth
        end as counterpart_on

    from nested
    window same_depth as (
        partition by tenant_id, item_id, coalesce(customer_code, ''), abs(units), depth
        order by
            sold_on, sold_at, is_cancellation, landed_on, batch_id, sheet, row_number
    )

),

cancelled as (

    select paired.*
    from paired
    inner join rules on paired.tenant_id = rules.tenant_id
    where abs(paired.sold_on - paired.counterpart_on) <= rules.cancellation_window_days

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
        identified.quantity_factor::numeric(18, 8) as quantity_factor,
        coalesce(identified.units, identified.quantity)::numeric(38, 4) as quantity,
        (
            case
                when identified.quantity_factor is null or identified.quantity_factor = 1
                    then identified.unit_price
                else identified.unit_price / identified.quantity_factor
            end
        )::numeric(38, 4) as unit_price,
        (identified.quantity * identified.unit_price)::numeric(38, 4) as revenue,
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
