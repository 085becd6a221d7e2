{%- set sundays = sundays_of(var('as_of')) -%}

with

windows as (

    {{ window_rows(sundays) }}

),

days as (

    select
        windows.tenant_id,
        tenants.lead_time_history_days,
        sundays.day::date as as_of_on

    from windows
    inner join {{ ref('int_tenants') }} as tenants on windows.tenant_id = tenants.tenant_id
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '7 days'
    ) as sundays (day) on true

),

-- A confirmation that came after the goods says nothing of the time that they took.
receipts as (

    select
        tenant_id,
        coalesce(supplier_code, '') as supplier_code,
        item_id,
        received_on,
        received_on
        - case when confirmed_on <= received_on then confirmed_on else ordered_on end as lead_days,
        coalesce(quantity_received, quantity_ordered) as units

    from {{ ref('fct_supply_lines') }}
    where
        {{ in_tenants() }}
        and received_on >= ordered_on
        and coalesce(quantity_received, quantity_ordered) > 0

),

receipts_by_days as (

    select
        tenant_id,
        supplier_code,
        item_id,
        received_on,
        lead_days,
        sum(units) as units,
        count(*) as lines

    from receipts
    group by tenant_id, supplier_code, item_id, received_on, lead_days

),

-- How many units took how many days, of each item and of all of a supplier's.
spread as (

    select
        days.tenant_id,
        days.as_of_on,
        receipts.supplier_code,
        coalesce(receipts.item_id, '') as item_id,
        receipts.lead_days,
        sum(receipts.units) as units,
        sum(receipts.lines) as lines

    from days
    inner join receipts_by_days as receipts
        on
            days.tenant_id = receipts.tenant_id
            and days.as_of_on >= receipts.received_on
            and days.as_of_on - days.lead_time_history_days < receipts.received_on
    group by
        days.tenant_id,
        days.as_of_on,
        receipts.supplier_code,
        receipts.lead_days,
        grouping sets ((receipts.item_id), ())

),

ranked as (

    select
        *,
        sum(units) over (
            partition by tenant_id, as_of_on, supplier_code, item_id
            order by lead_days
        ) as units_within,
        sum(units) over (partition by tenant_id, as_of_on, supplier_code, item_id) as units_in_all

    from spread

),

learned as (

    select
        tenant_id,
        as_of_on,
        supplier_code,
        item_id,
        sum(lead_days * units) / sum(units) as mean,
        sum(lead_days * lead_days * units) / sum(units) as mean_square,
        min(lead_days) filter (where units_within >= 0.5 * units_in_all) as p50,
        min(lead_days) filter (where units_within >= 0.9 * units_in_all) as p90,
        sum(units) as units,
        sum(lines) as lines

    from ranked
    group by tenant_id, as_of_on, supplier_code, item_id

)

select
    tenant_id,
    as_of_on,
    supplier_code,
    item_id,
    mean::double precision as lead_time_days_mean,
    sqrt(greatest(mean_square - mean * mean, 0)::double precision) as lead_time_days_std,
    p50::integer as lead_time_days_p50,
    p90::integer as lead_time_days_p90,
    units::numeric(38, 4) as units_received,
    lines::bigint as lines

from learned
