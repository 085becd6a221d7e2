with

windows as (

    {{ window_rows(var('as_of')) }}

),

item_days as (

    select distinct
        windows.window_id,
        windows.tenant_id,
        sales.item_id,
        sales.sold_on

    from {{ ref('fct_sales_daily') }} as sales
    inner join windows
        on
            sales.tenant_id = windows.tenant_id
            and sales.sold_on between windows.first_on - 27 and windows.last_on
    where
        sales.units_sold > 0
        and {{ in_as_of('sales.sold_on', reach_back=27) }}

),

neighbours as (

    select
        *,
        lag(sold_on) over sequence as previous_on,
        lead(sold_on) over sequence as next_on

    from item_days
    window sequence as (partition by window_id, item_id order by sold_on)

),

-- Days on which an item counts as sold in 28 days: from a sale until 28 days after the last one
-- that is near enough.
bounds as (

    select
        window_id,
        tenant_id,
        item_id,
        sold_on as begins_on,
        next_on is null or next_on > sold_on + 28 as is_last,
        previous_on is null or previous_on + 28 < sold_on as is_first

    from neighbours

),

spells as (

    select
        window_id,
        tenant_id,
        item_id,
        begins_on,
        lead(begins_on) over sequence as last_sold_on,
        is_first,
        is_last

    from bounds
    where
        is_first
        or is_last
    window sequence as (partition by window_id, item_id order by begins_on)

),

active as (

    select
        window_id,
        tenant_id,
        item_id,
        begins_on,
        case when is_last then begins_on else last_sold_on end + 28 as ends_on

    from spells
    where is_first

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
