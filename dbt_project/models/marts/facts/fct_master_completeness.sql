with

windows as (

    {{ window_rows(var('as_of')) }}

),

versions as (

    select * from {{ ref('dim_item_versions') }}
    where {{ in_tenants() }}

),

-- Since when a supplier's master says how long it takes.
suppliers as (

    select
        tenant_id,
        supplier_code,
        min(landed_on) as lead_time_known_on

    from {{ ref('int_supplier_versions') }}
    where
        lead_time_days is not null
        and {{ in_tenants() }}
    group by tenant_id, supplier_code

),

-- From the day it landed until the next version, or until the item is discontinued.
spells as (

    select
        versions.tenant_id,
        versions.landed_on as begins_on,
        least(versions.valid_to_on + 1, versions.discontinued_on) as ends_on,
        (versions.unit_cost is not null)::integer as with_cost,
        (versions.supplier_code is not null)::integer as with_supplier,
        case
            when versions.lead_time_days is not null then versions.landed_on
            else greatest(versions.landed_on, suppliers.lead_time_known_on)
        end as lead_time_begins_on,
        versions.lead_time_days is not null or suppliers.lead_time_known_on is not null
            as has_lead_time

    from versions
    left join suppliers
        on
            versions.tenant_id = suppliers.tenant_id
            and versions.supplier_code = suppliers.supplier_code

),

steps as (

    select
        tenant_id,
        begins_on as day_on,
        1 as items,
        with_cost,
        with_supplier,
        0 as with_lead_time

    from spells
    where
        ends_on is null
        or ends_on > begins_on

    union all

    select
        tenant_id,
        ends_on as day_on,
        -1 as items,
        -with_cost as with_cost,
        -with_supplier as with_supplier,
        0 as with_lead_time

    from spells
    where ends_on > begins_on

    union all

    select
        tenant_id,
        lead_time_begins_on as day_on,
        0 as items,
        0 as with_cost,
        0 as with_supplier,
        1 as with_lead_time

    from spells
    where
        has_lead_time
        and (ends_on is null or ends_on > lead_time_begins_on)

    union all

    select
        tenant_id,
        ends_on as day_on,
        0 as items,
        0 as with_cost,
        0 as with_supplier,
        -1 as with_lead_time

    from spells
    where
        has_lead_time
        and ends_on > lead_time_begins_on

),

steps_by_day as (

    select
        tenant_id,
        day_on,
        sum(items) as items,
        sum(with_cost) as with_cost,
        sum(with_supplier) as with_supplier,
        sum(with_lead_time) as with_lead_time

    from steps
    group by tenant_id, day_on

),

days as (

    select
        windows.tenant_id,
        calendar.day_on::date as as_of_on

    from windows
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '1 day'
    ) as calendar (day_on) on true

)

select
    days.tenant_id,
    days.as_of_on,
    sum(steps_by_day.items)::bigint as items,
    sum(steps_by_day.with_cost)::bigint as with_cost,
    sum(steps_by_day.with_supplier)::bigint as with_supplier,
    sum(steps_by_day.with_lead_time)::bigint as with_lead_time

from days
inner join steps_by_day
    on
        days.tenant_id = steps_by_day.tenant_id
        and days.as_of_on >= steps_by_day.day_on
group by days.tenant_id, days.as_of_on
