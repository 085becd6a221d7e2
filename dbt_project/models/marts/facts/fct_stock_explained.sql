{#- 28 days of counts, and 35 more for the counts before them. -#}
{%- set compared_days = 28 -%}
{%- set reach_back = 27 + 35 -%}

with

windows as (

    {{ window_rows(var('as_of')) }}

),

spans as (

    select
        window_id,
        tenant_id,
        first_on - {{ reach_back }} as reach_on,
        first_on - {{ compared_days - 1 }} as first_on,
        last_on

    from windows

),

-- The last counts before the days that are compared, if they are not too old.
openings as (

    select
        spans.window_id,
        spans.tenant_id,
        counts.item_id,
        counts.location_id,
        max(counts.counted_on) as counted_on

    from {{ ref('fct_stock_daily') }} as counts
    inner join spans
        on
            counts.tenant_id = spans.tenant_id
            and counts.counted_on >= spans.reach_on
            and counts.counted_on < spans.first_on
    where {{ in_as_of('counts.counted_on', reach_back=reach_back) }}
    group by spans.window_id, spans.tenant_id, counts.item_id, counts.location_id

),

counts as (

    select
        openings.window_id,
        openings.item_id,
        openings.location_id,
        openings.counted_on as day_on,
        counts.quantity_on_hand

    from openings
    inner join {{ ref('fct_stock_daily') }} as counts
        on
            openings.tenant_id = counts.tenant_id
            and openings.item_id = counts.item_id
            and openings.location_id = counts.location_id
            and openings.counted_on = counts.counted_on
    where {{ in_as_of('counts.counted_on', reach_back=reach_back) }}

    union all

    select
        spans.window_id,
        counts.item_id,
        counts.location_id,
        counts.counted_on as day_on,
        counts.quantity_on_hand

    from {{ ref('fct_stock_daily') }} as counts
    inner join spans
        on
            counts.tenant_id = spans.tenant_id
            and counts.counted_on between spans.first_on and spans.last_on
    where {{ in_as_of('counts.counted_on', reach_back=compared_days - 1) }}

),

moves as (

    select
        tenant_id,
        item_id,
        location_id,
        sold_on as moved_on,
        units_returned - units_sold as units

    from {{ ref('fct_sales_daily') }}
    where {{ in_as_of('sold_on', reach_back=reach_back) }}

    union all

    select
        tenant_id,
        item_id,
        location_id,
        sold_on as moved_on,
        units_adjusted as units

    from {{ ref('int_stock_adjustments_daily') }}
    where {{ in_as_of('sold_on', reach_back=reach_back) }}

    union all

    select
        tenant_id,
        item_id,
        location_id,
        received_on as moved_on,
        coalesce(quantity_received, 0) as units

    from {{ ref('int_supply') }}
    where {{ in_as_of('received_on', reach_back=reach_back) }}

),

-- What changes the stock of a day, and the counts at its end. Before a place's first count nothing
-- that moves matters.
events as (

    select
        window_id,
        item_id,
        location_id,
        day_on,
        true as is_count,
        quantity_on_hand,
        0::numeric as units

    from counts

    union all

    select
        spans.window_id,
        moves.item_id,
        moves.location_id,
        moves.moved_on as day_on,
        false as is_count,
        null as quantity_on_hand,
        moves.units

    from moves
    inner join spans
        on
            moves.tenant_id = spans.tenant_id
            and moves.moved_on between spans.reach_on and spans.last_on
    left join openings
        on
            spans.window_id = openings.window_id
            and moves.item_id = openings.item_id
            and moves.location_id = openings.location_id
    where
        moves.moved_on >= spans.first_on
        or moves.moved_on > openings.counted_on

),

-- All that moved up to a day's end, the day included.
moved as (

    select
        *,
        sum(units) over (
            partition by item_id, location_id, window_id
            order by day_on
        ) as units_moved

    from events

),

compared as (

    select
        window_id,
        day_on,
        quantity_on_hand - units_moved as unexplained,
        lag(quantity_on_hand - units_moved) over sequence as unexplained_before,
        lag(day_on) over sequence as opening_on

    from moved
    where is_count
    window sequence as (partition by item_id, location_id, window_id order by day_on)

),

daily as (

    select
        window_id,
        day_on,
        count(*) as compared,
        count(*) filter (where unexplained = unexplained_before) as explained

    from compared
    where
        opening_on >= day_on - 35
        and unexplained is not null
        and unexplained_before is not null
    group by day_on, window_id

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
