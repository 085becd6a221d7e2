{#- 28 days of counts, and 35 more for the counts before them. -#}
{%- set reach_back = 27 + 35 -%}

with

windows as (

    {{ window_rows(var('as_of')) }}

),

-- What changes the stock of a day, and the counts at its end.
events as (

    select
        tenant_id,
        item_id,
        location_id,
        counted_on as day_on,
        true as is_count,
        quantity_on_hand,
        0::numeric as units_moved

    from {{ ref('fct_stock_daily') }}
    where {{ in_as_of('counted_on', reach_back=reach_back) }}

    union all

    select
        tenant_id,
        item_id,
        location_id,
        sold_on as day_on,
        false as is_count,
        null as quantity_on_hand,
        units_returned - units_sold as units_moved

    from {{ ref('fct_sales_daily') }}
    where {{ in_as_of('sold_on', reach_back=reach_back) }}

    union all

    select
        tenant_id,
        item_id,
        location_id,
        sold_on as day_on,
        false as is_count,
        null as quantity_on_hand,
        units_adjusted as units_moved

    from {{ ref('int_stock_adjustments_daily') }}
    where {{ in_as_of('sold_on', reach_back=reach_back) }}

    union all

    select
        tenant_id,
        item_id,
        location_id,
        received_on as day_on,
        false as is_count,
        null as quantity_on_hand,
        coalesce(quantity_received, 0) as units_moved

    from {{ ref('int_supply') }}
    where {{ in_as_of('received_on', reach_back=reach_back) }}

),

-- All that moved up to a day's end, the day included.
moved as (

    select
        windows.window_id,
        events.item_id,
        events.location_id,
        events.day_on,
        events.is_count,
        events.quantity_on_hand,
        sum(events.units_moved) over (
            partition by windows.window_id, events.item_id, events.location_id
            order by events.day_on
        ) as units_moved

    from events
    inner join windows
        on
            events.tenant_id = windows.tenant_id
            and events.day_on between windows.first_on - {{ reach_back }} and windows.last_on

),

counts as (

    select
        window_id,
        day_on,
        quantity_on_hand,
        quantity_on_hand - units_moved as unexplained,
        lag(quantity_on_hand - units_moved) over sequence as unexplained_before,
        lag(day_on) over sequence as opening_on

    from moved
    where is_count
    window sequence as (partition by window_id, item_id, location_id order by day_on)

),

daily as (

    select
        window_id,
        day_on,
        count(*) as compared,
        count(*) filter (where unexplained = unexplained_before) as explained

    from counts
    where
        opening_on >= day_on - 35
        and unexplained is not null
        and unexplained_before is not null
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
    coalesce(sum(daily.compared), 0)::bigint as counts_compared,
    coalesce(sum(daily.explained), 0)::bigint as counts_explained

from days
left join daily
    on
        days.window_id = daily.window_id
        and daily.day_on between days.as_of_on - 27 and days.as_of_on
group by days.tenant_id, days.as_of_on
