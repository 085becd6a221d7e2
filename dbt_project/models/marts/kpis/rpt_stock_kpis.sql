{#-
  Averages look at the days of a year. A stock-out that counts in four weeks began at most 27 + 90 days before their end,
  and its rate is that of the 28 days before it.
-#}
{%- set year = 364 -%}
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
        (windows.first_on - {{ year }})::timestamp,
        windows.last_on::timestamp,
        interval '1 day'
    ) as days (day) on true

),

tenants as (

    select * from {{ ref('int_tenants') }}

),

states as (

    select
        *,
        on_hand > 0 as is_in_stock,
        -- Value of one unit on hand.
        stock_value / nullif(greatest(on_hand, 0), 0) as value_per_unit

    from {{ ref('fct_item_stock_states') }}
    where {{ in_as_of('as_of_on') }}

),

states_by_day as (

    select
        tenant_id,
        as_of_on,
        max(counted_on) as last_counted_on,
        count(*) as items_counted,
        count(*) filter (where is_in_stock) as items_in_stock,
        count(*) filter (where status = 'unknown') as items_unknown,
        count(*) filter (where status = 'out_of_stock') as items_out_of_stock,
        count(*) filter (where status = 'dead') as items_dead,
        count(*) filter (where status = 'urgent') as items_urgent,
        count(*) filter (where status = 'low') as items_low,
        count(*) filter (where status = 'understocked') as items_understocked,
        count(*) filter (where status = 'overstocked') as items_overstocked,
        count(*) filter (where status = 'healthy') as items_healthy,
        sum(on_hand) as stock_units,
        sum(stock_value) as stock_value,
        sum(stock_value) filter (where status = 'dead') as dead_stock_value,
        sum(stock_value) filter (where status = 'overstocked') as overstocked_value,
        sum(excess_units) as excess_units,
        sum(excess_value) as excess_value,
        sum(units_28d * unit_cost) filter (where stock_value is not null) as cost_of_demand_28d,
        sum(value_per_unit * units_0_30d)::numeric(38, 4) as value_0_30d,
        sum(value_per_unit * units_31_60d)::numeric(38, 4) as value_31_60d,
        sum(value_per_unit * units_61_90d)::numeric(38, 4) as value_61_90d,
        sum(value_per_unit * units_over_90d)::numeric(38, 4) as value_over_90d

    from states
    group by tenant_id, as_of_on

),

quantity_changes as (

    {{ stock_changes(['quantity_on_hand'], reach_back=stockout_reach - 28) }}

),

value_changes as (

    {{ stock_changes(['stock_value'], reach_back=year) }}

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

value_by_day as (

    select
        window_id,
        day_on,
        sum(stock_value_known) as valued,
        sum(stock_value) as stock_value

    from value_changes
    group by window_id, day_on

),

margin_by_day as (

    select
        windows.window_id,
        facts.sold_on as day_on,
        sum(facts.cost_of_goods) as cost_of_goods,
        sum(facts.gross_margin) as gross_margin

    from {{ ref('fct_sales_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on - {{ year }} and windows.last_on
    where {{ in_as_of('facts.sold_on', reach_back=year) }}
    group by windows.window_id, facts.sold_on

),

days as (

    select
        calendar.window_id,
        calendar.tenant_id,
        calendar.first_on,
        calendar.day_on,
        coalesce(sum(value_by_day.valued) over so_far, 0) > 0 as is_valued,
        sum(value_by_day.stock_value) over so_far as stock_value,
        coalesce(sum(flags_by_day.selling) over so_far, 0) as items_selling,
        coalesce(sum(flags_by_day.selling_out) over so_far, 0) as items_selling_out,
        coalesce(sum(lost_by_day.units_28d) over so_far, 0) as lost_units,
        coalesce(sum(lost_by_day.revenue_28d) over so_far, 0) as lost_revenue,
        margin_by_day.cost_of_goods,
        margin_by_day.gross_margin

    from calendar
    left join value_by_day
        on
            calendar.window_id = value_by_day.window_id
            and calendar.day_on = value_by_day.day_on
    left join flags_by_day
        on
            calendar.window_id = flags_by_day.window_id
            and calendar.day_on = flags_by_day.day_on
    left join lost_by_day
        on
            calendar.window_id = lost_by_day.window_id
            and calendar.day_on = lost_by_day.day_on
    left join margin_by_day
        on
            calendar.window_id = margin_by_day.window_id
            and calendar.day_on = margin_by_day.day_on
    window so_far as (partition by calendar.window_id order by calendar.day_on)

),

rolling as (

    select
        tenant_id,
        first_on,
        day_on as as_of_on,
        count(*) filter (where is_valued) over last_year as stock_days,
        avg(stock_value) filter (where is_valued) over last_year as average_stock_value,
        sum(cost_of_goods) filter (where is_valued) over last_year as cost_of_goods,
        sum(gross_margin) filter (where is_valued) over last_year as gross_margin,
        sum(items_selling) over four_weeks as days_selling,
        sum(items_selling_out) over four_weeks as days_selling_out,
        sum(lost_units) over four_weeks / 28 as lost_units,
        sum(lost_revenue) over four_weeks / 28 as lost_revenue

    from days
    window
        last_year as (
            partition by window_id
            order by day_on
            rows between {{ year }} preceding and current row
        ),
        four_weeks as (
            partition by window_id
            order by day_on
            rows between 27 preceding and current row
        )

),

-- Without a known quantity nothing is known of the stock, without a known cost nothing of its
-- value.
known as (

    select
        rolling.*,
        states_by_day.last_counted_on,
        states_by_day.items_counted,
        states_by_day.items_unknown,
        states_by_day.items_counted > states_by_day.items_unknown as has_stock,
        states_by_day.items_in_stock,
        states_by_day.items_out_of_stock,
        states_by_day.items_dead,
        states_by_day.items_urgent,
        states_by_day.items_low,
        states_by_day.items_understocked,
        states_by_day.items_overstocked,
        states_by_day.items_healthy,
        states_by_day.stock_units,
        states_by_day.stock_value,
        states_by_day.stock_value is not null as has_value,
        coalesce(states_by_day.dead_stock_value, 0) as dead_stock_value,
        coalesce(states_by_day.overstocked_value, 0) as overstocked_value,
        coalesce(states_by_day.excess_units, 0) as excess_units,
        coalesce(states_by_day.excess_value, 0) as excess_value,
        states_by_day.cost_of_demand_28d,
        coalesce(states_by_day.value_0_30d, 0) as value_0_30d,
        coalesce(states_by_day.value_31_60d, 0) as value_31_60d,
        coalesce(states_by_day.value_61_90d, 0) as value_61_90d,
        coalesce(states_by_day.value_over_90d, 0) as value_over_90d,
        tenants.carrying_cost_rate,
        365.0 / nullif(rolling.stock_days, 0) as years,
        case
            when rolling.average_stock_value > 0 and rolling.stock_days >= 90
                then rolling.average_stock_value
        end as turned_value

    from rolling
    inner join tenants on rolling.tenant_id = tenants.tenant_id
    left join states_by_day
        on
            rolling.tenant_id = states_by_day.tenant_id
            and rolling.as_of_on = states_by_day.as_of_on
    where rolling.as_of_on >= rolling.first_on

)

select
    tenant_id,
    as_of_on,
    last_counted_on,
    case when has_stock then stock_units end::numeric(38, 4) as stock_units,
    case when has_stock then stock_value end::numeric(38, 4) as stock_value,
    items_counted,
    case when has_stock then items_in_stock end as items_in_stock,
    items_unknown,
    case when has_stock then items_out_of_stock end as items_out_of_stock,
    case when has_stock then items_dead end as items_dead,
    case when has_stock then items_urgent end as items_urgent,
    case when has_stock then items_low end as items_low,
    case when has_stock then items_understocked end as items_understocked,
    case when has_stock then items_overstocked end as items_overstocked,
    case when has_stock then items_healthy end as items_healthy,
    case when has_value then dead_stock_value end::numeric(38, 4) as dead_stock_value,
    case when has_value then overstocked_value end::numeric(38, 4) as overstocked_value,
    case when has_stock then excess_units end::numeric(38, 4) as excess_units,
    case when has_value then excess_value end::numeric(38, 4) as excess_value,
    (stock_value * 28 / nullif(cost_of_demand_28d, 0))::double precision as days_of_cover,
    case when has_value then value_0_30d end::numeric(38, 4) as value_0_30d,
    case when has_value then value_31_60d end::numeric(38, 4) as value_31_60d,
    case when has_value then value_61_90d end::numeric(38, 4) as value_61_90d,
    case when has_value then value_over_90d end::numeric(38, 4) as value_over_90d,
    (stock_value - value_0_30d - value_31_60d - value_61_90d - value_over_90d)::numeric(38, 4)
        as value_unknown_age,
    (stock_value * carrying_cost_rate / 12)::numeric(38, 4) as carrying_cost_month,
    stock_days as stock_days_365d,
    average_stock_value::numeric(38, 4) as average_stock_value_365d,
    (cost_of_goods / turned_value * years)::double precision as turns_365d,
    (gross_margin / turned_value * years)::double precision as gmroi_365d,
    case when has_stock then (1 - days_selling_out / nullif(days_selling, 0)) end::double precision
        as availability_28d,
    case when has_stock then lost_units end::numeric(38, 4) as lost_units_28d,
    case when has_stock then lost_revenue end::numeric(38, 4) as lost_revenue_28d

from known
