{#-
  A stock-out that counts in four weeks began at most 27 + 90 days before their end, and its rate is that of the 28 days
  before it.
-#}
{%- set stockout_reach = 27 + 90 + 28 -%}

with

windows as (

    {{ window_rows(var('as_of')) }}

),

calendar as (

    select
        windows.window_id,
        windows.tenant_id,
        windows.first_on,
        days.day::date as day_on

    from windows
    inner join lateral generate_series(
        (windows.first_on - {{ stockout_reach - 28 }})::timestamp,
        windows.last_on::timestamp,
        interval '1 day'
    ) as days (day) on true

),

quantity_changes as (

    {{ stock_changes(['quantity_on_hand'], reach_back=stockout_reach - 28) }}

),

sold as (

    select
        windows.window_id,
        facts.item_id,
        facts.sold_on,
        facts.units_sold as units,
        facts.revenue

    from {{ ref('fct_sales_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on - {{ stockout_reach }} and windows.last_on
    where
        facts.units_sold > 0
        and {{ in_as_of('facts.sold_on', reach_back=stockout_reach) }}

),

neighbours as (

    select
        window_id,
        item_id,
        sold_on,
        lag(sold_on) over sequence as previous_on,
        lead(sold_on) over sequence as next_on

    from sold
    window sequence as (partition by window_id, item_id order by sold_on)

),

-- An item is selling from a sale until 90 days after the last one near enough: +1, then -1.
selling_steps as (

    select
        window_id,
        item_id,
        sold_on as day_on,
        1 as selling

    from neighbours
    where
        previous_on is null
        or previous_on + 90 < sold_on

    union all

    select
        window_id,
        item_id,
        sold_on + 90 as day_on,
        -1 as selling

    from neighbours
    where
        next_on is null
        or sold_on + 90 < next_on

),

item_changes as (

    select
        window_id,
        item_id,
        day_on,
        locations,
        quantity_on_hand_known as known,
        quantity_on_hand as on_hand,
        null::integer as selling

    from quantity_changes

    union all

    select
        window_id,
        item_id,
        day_on,
        null as locations,
        null as known,
        null as on_hand,
        selling

    from selling_steps

),

item_states as (

    select
        window_id,
        item_id,
        day_on,
        sum(known) over sequence = sum(locations) over sequence
        and sum(on_hand) over sequence <= 0 as is_out,
        sum(known) over sequence > 0 and sum(on_hand) over sequence > 0 as is_in,
        coalesce(sum(selling) over sequence, 0) > 0 as is_selling,
        lead(day_on) over sequence as next_on

    from item_changes
    window sequence as (partition by window_id, item_id order by day_on)

),

item_flags as (

    select
        window_id,
        item_id,
        day_on,
        coalesce(is_out, false) as is_out,
        (is_selling and (is_out or is_in))::integer as is_selling,
        (is_selling and is_out)::integer as is_selling_out

    from item_states
    where next_on is distinct from day_on

),

flag_changes as (

    select
        window_id,
        item_id,
        day_on,
        is_out,
        is_out and not lag(is_out, 1, false) over sequence as begins_out,
        not is_out and lag(is_out, 1, false) over sequence as ends_out,
        coalesce(is_selling, 0) - lag(coalesce(is_selling, 0), 1, 0) over sequence as selling,
        coalesce(is_selling_out, 0) - lag(coalesce(is_selling_out, 0), 1, 0) over sequence
            as selling_out

    from item_flags
    window sequence as (partition by window_id, item_id order by day_on)

),

flags_by_day as (

    select
        window_id,
        day_on,
        sum(selling) as selling,
        sum(selling_out) as selling_out

    from flag_changes
    where
        selling != 0
        or selling_out != 0
    group by window_id, day_on

),

-- A stock-out's last day is the one before the next count above zero, or its 90th.
stockouts as (

    select
        window_id,
        item_id,
        day_on as began_on,
        begins_out,
        least(
            lead(day_on) over (partition by window_id, item_id order by day_on),
            day_on + 90
        ) as ended_on

    from flag_changes
    where
        begins_out
        or ends_out

),

-- What the item sold in the 28 days before it ran out.
stockout_rates as (

    select
        stockouts.window_id,
        stockouts.began_on,
        stockouts.ended_on,
        sum(sold.units) as units_28d,
        sum(sold.revenue) as revenue_28d

    from stockouts
    inner join windows on stockouts.window_id = windows.window_id
    inner join sold
        on
            stockouts.window_id = sold.window_id
            and stockouts.item_id = sold.item_id
            and sold.sold_on between stockouts.began_on - 28 and stockouts.began_on - 1
    where
        stockouts.begins_out
        and stockouts.began_on > windows.first_on - {{ stockout_reach - 28 }}
    group by
        stockouts.window_id, stockouts.item_id, stockouts.began_on, stockouts.ended_on

),

lost_steps as (

    select
        window_id,
        began_on as day_on,
        units_28d,
        revenue_28d

    from stockout_rates

    union all

    select
        window_id,
        ended_on as day_on,
        -units_28d as units_28d,
        -revenue_28d as revenue_28d

    from stockout_rates

),

lost_by_day as (

    select
        window_id,
        day_on,
        sum(units_28d) as units_28d,
        sum(revenue_28d) as revenue_28d

    from lost_steps
    group by window_id, day_on

),

days as (

    select
        calendar.window_id,
        calendar.tenant_id,
        calendar.first_on,
        calendar.day_on,
        coalesce(sum(flags_by_day.selling) over so_far, 0) as items_selling,
        coalesce(sum(flags_by_day.selling_out) over so_far, 0) as items_selling_out,
        coalesce(sum(lost_by_day.units_28d) over so_far, 0) as lost_units,
        coalesce(sum(lost_by_day.revenue_28d) over so_far, 0) as lost_revenue

    from calendar
    left join flags_by_day
        on
            calendar.window_id = flags_by_day.window_id
            and calendar.day_on = flags_by_day.day_on
    left join lost_by_day
        on
            calendar.window_id = lost_by_day.window_id
            and calendar.day_on = lost_by_day.day_on
    window so_far as (partition by calendar.window_id order by calendar.day_on)

),

rolling as (

    select
        tenant_id,
        first_on,
        day_on as as_of_on,
        sum(items_selling) over four_weeks as item_days_28d,
        sum(items_selling_out) over four_weeks as item_days_out_28d,
        sum(lost_units) over four_weeks / 28 as lost_units_28d,
        sum(lost_revenue) over four_weeks / 28 as lost_revenue_28d

    from days
    window four_weeks as (
        partition by window_id
        order by day_on
        rows between 27 preceding and current row
    )

)

select
    tenant_id,
    as_of_on,
    item_days_28d::bigint as item_days_28d,
    item_days_out_28d::bigint as item_days_out_28d,
    lost_units_28d::numeric(38, 4) as lost_units_28d,
    lost_revenue_28d::numeric(38, 4) as lost_revenue_28d

from rolling
where as_of_on >= first_on
