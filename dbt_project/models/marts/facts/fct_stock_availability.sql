{#- What is sold counts for 90 days, and so many days of a stock-out do. -#}
{%- set days = 90 -%}
with

windows as (

    {{ window_rows(var('as_of')) }}

),

-- The four weeks to a window's first day begin before it.
spans as (

    select
        window_id,
        tenant_id,
        first_on as as_of_first_on,
        first_on - 27 as first_on,
        last_on

    from windows

),

calendar as (

    select
        spans.window_id,
        spans.tenant_id,
        spans.as_of_first_on,
        days.day::date as day_on

    from spans
    inner join lateral generate_series(
        spans.first_on::timestamp, spans.last_on::timestamp, interval '1 day'
    ) as days (day) on true

),

stock_changes as (

    select
        spans.window_id,
        spans.first_on,
        changes.item_id,
        changes.changed_on,
        changes.stock_state,
        lead(changes.changed_on) over (
            partition by changes.item_id, spans.window_id
            order by changes.changed_on
        ) as next_on

    from {{ ref('fct_item_stock_changes') }} as changes
    inner join spans
        on
            changes.tenant_id = spans.tenant_id
            and changes.changed_on <= spans.last_on
    where {{ in_tenants('changes.tenant_id') }}

),

sale_runs as (

    {{ sale_runs(days, 'spans', in_as_of('facts.sold_on', reach_back=27 + days - 1)) }}

),

-- An item is selling from a sale until 90 days after the last one near enough: +1, then -1.
selling_steps as (

    select
        runs.window_id,
        runs.item_id,
        greatest(runs.first_sold_on, spans.first_on) as day_on,
        1 as selling

    from sale_runs as runs
    inner join spans on runs.window_id = spans.window_id

    union all

    select
        window_id,
        item_id,
        last_sold_on + {{ days }} as day_on,
        -1 as selling

    from sale_runs

),

item_changes as (

    select
        window_id,
        item_id,
        greatest(changed_on, first_on) as day_on,
        case stock_state when 'in_stock' then 1 else 0 end
        - case lag(stock_state) over sequence when 'in_stock' then 1 else 0 end as is_in,
        case stock_state when 'out_of_stock' then 1 else 0 end
        - case lag(stock_state) over sequence when 'out_of_stock' then 1 else 0 end as is_out,
        null::integer as selling

    from stock_changes
    where
        next_on is null
        or next_on > first_on
    window sequence as (partition by item_id, window_id order by changed_on)

    union all

    select
        window_id,
        item_id,
        day_on,
        null as is_in,
        null as is_out,
        selling

    from selling_steps

),

item_states as (

    select
        window_id,
        item_id,
        day_on,
        coalesce(sum(is_in) over sequence, 0) as is_in,
        coalesce(sum(is_out) over sequence, 0) as is_out,
        coalesce(sum(selling) over sequence, 0) as is_selling,
        lead(day_on) over sequence as next_on

    from item_changes
    window sequence as (partition by item_id, window_id order by day_on)

),

item_flags as (

    select
        window_id,
        item_id,
        day_on,
        is_selling * (is_in + is_out) as is_selling,
        is_selling * is_out as is_selling_out

    from item_states
    where next_on is distinct from day_on

),

flag_changes as (

    select
        window_id,
        day_on,
        is_selling - lag(is_selling, 1, 0::bigint) over sequence as selling,
        is_selling_out - lag(is_selling_out, 1, 0::bigint) over sequence as selling_out

    from item_flags
    window sequence as (partition by item_id, window_id order by day_on)

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

-- What the item sold in the 28 days before it ran out. A stock-out's last day is the one before the
-- next change, or its 90th.
stockout_rates as (

    select
        stock_changes.window_id,
        stock_changes.changed_on as began_on,
        least(stock_changes.next_on, stock_changes.changed_on + {{ days }}) as ended_on,
        sum(demand.units_sold) as units_28d,
        sum(demand.revenue) as revenue_28d,
        count(*) filter (where demand.revenue is null) as unpriced

    from stock_changes
    inner join windows on stock_changes.window_id = windows.window_id
    inner join {{ ref('int_demand_daily') }} as demand
        on
            windows.tenant_id = demand.tenant_id
            and stock_changes.item_id = demand.item_id
            and stock_changes.changed_on - 28 <= demand.sold_on
            and stock_changes.changed_on > demand.sold_on
    where
        stock_changes.stock_state = 'out_of_stock'
        and stock_changes.changed_on > stock_changes.first_on - {{ days }}
        and demand.units_sold > 0
    group by
        stock_changes.window_id,
        stock_changes.item_id,
        stock_changes.changed_on,
        stock_changes.next_on

),

lost_steps as (

    select
        rates.window_id,
        greatest(rates.began_on, spans.first_on) as day_on,
        rates.units_28d,
        rates.revenue_28d,
        rates.unpriced

    from stockout_rates as rates
    inner join spans on rates.window_id = spans.window_id
    where rates.ended_on > spans.first_on

    union all

    select
        rates.window_id,
        rates.ended_on as day_on,
        -rates.units_28d as units_28d,
        -rates.revenue_28d as revenue_28d,
        -rates.unpriced as unpriced

    from stockout_rates as rates
    inner join spans on rates.window_id = spans.window_id
    where rates.ended_on > spans.first_on

),

lost_by_day as (

    select
        window_id,
        day_on,
        sum(units_28d) as units_28d,
        sum(revenue_28d) as revenue_28d,
        sum(unpriced) as unpriced

    from lost_steps
    group by window_id, day_on

),

days as (

    select
        calendar.window_id,
        calendar.tenant_id,
        calendar.as_of_first_on,
        calendar.day_on,
        coalesce(sum(flags_by_day.selling) over so_far, 0) as items_selling,
        coalesce(sum(flags_by_day.selling_out) over so_far, 0) as items_selling_out,
        coalesce(sum(lost_by_day.units_28d) over so_far, 0) as lost_units,
        coalesce(sum(lost_by_day.revenue_28d) over so_far, 0) as lost_revenue,
        coalesce(sum(lost_by_day.unpriced) over so_far, 0) as unpriced

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
        as_of_first_on,
        day_on as as_of_on,
        sum(items_selling) over four_weeks as item_days_28d,
        sum(items_selling_out) over four_weeks as item_days_out_28d,
        sum(lost_units) over four_weeks / 28 as lost_units_28d,
        case when sum(unpriced) over four_weeks = 0 then sum(lost_revenue) over four_weeks / 28 end
            as lost_revenue_28d

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
where as_of_on >= as_of_first_on
