with

windows as (

    {{ window_rows(var('as_of')) }}

),

sale_runs as (

    {{ sale_runs(28, 'windows', in_as_of('facts.sold_on', reach_back=27)) }}

),

-- Days on which an item counts as sold in 28 days.
active as (

    select
        runs.window_id,
        windows.tenant_id,
        runs.item_id,
        runs.first_sold_on as begins_on,
        runs.last_sold_on + 28 as ends_on

    from sale_runs as runs
    inner join windows on runs.window_id = windows.window_id

),

-- Since when something is known of an item.
known_since (tenant_id, item_id, what, known_on) as (

    select
        tenant_id,
        item_id,
        'master' as what,
        min(landed_on) as known_on

    from {{ ref('int_item_versions') }}
    where {{ in_tenants() }}
    group by tenant_id, item_id

    union all

    select
        tenant_id,
        item_id,
        'cost' as what,
        min(landed_on) as known_on

    from {{ ref('int_item_costs') }}
    where {{ in_tenants() }}
    group by tenant_id, item_id

    union all

    select
        tenant_id,
        item_id,
        'stock' as what,
        min(first_counted_on) as known_on

    from {{ ref('fct_stock_months') }}
    where {{ in_tenants() }}
    group by tenant_id, item_id

),

covered as (

    select
        window_id,
        'sold' as what,
        begins_on,
        ends_on

    from active

    union all

    select
        active.window_id,
        known_since.what,
        greatest(active.begins_on, known_since.known_on) as begins_on,
        active.ends_on

    from active
    inner join known_since
        on
            active.tenant_id = known_since.tenant_id
            and active.item_id = known_since.item_id
            and active.ends_on > known_since.known_on

),

steps as (

    select
        window_id,
        what,
        begins_on as day_on,
        1 as step

    from covered

    union all

    select
        window_id,
        what,
        ends_on as day_on,
        -1 as step

    from covered

),

steps_by_day as (

    select
        window_id,
        day_on,
        sum(step) filter (where what = 'sold') as sold,
        sum(step) filter (where what = 'master') as with_master,
        sum(step) filter (where what = 'cost') as with_cost,
        sum(step) filter (where what = 'stock') as with_stock

    from steps
    group by window_id, day_on

),

days as (

    select
        windows.window_id,
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
    coalesce(sum(steps_by_day.sold), 0)::bigint as items_sold,
    coalesce(sum(steps_by_day.with_master), 0)::bigint as items_with_master,
    coalesce(sum(steps_by_day.with_cost), 0)::bigint as items_with_cost,
    coalesce(sum(steps_by_day.with_stock), 0)::bigint as items_with_stock

from days
left join steps_by_day
    on
        days.window_id = steps_by_day.window_id
        and days.as_of_on >= steps_by_day.day_on
group by days.tenant_id, days.as_of_on
