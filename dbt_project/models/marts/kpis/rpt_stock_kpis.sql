{#- Averages look at the days of a year. -#}
{%- set year = 364 -%}

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

availability as (

    select * from {{ ref('fct_stock_availability') }}
    where {{ in_as_of('as_of_on') }}

),

expiry_by_day as (

    select
        tenant_id,
        as_of_on,
        sum(expiring_value) as expiring_value,
        count(*) filter (where expiring_units > 0) as expiring_items,
        sum(expired_value) as expired_value

    from {{ ref('fct_stock_expiry') }}
    where {{ in_as_of('as_of_on') }}
    group by tenant_id, as_of_on

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

days as (

    select
        calendar.window_id,
        calendar.tenant_id,
        calendar.first_on,
        calendar.day_on,
        coalesce(stock.places_valued, 0) > 0 as is_valued,
        stock.stock_value,
        sales.cost_of_goods,
        sales.gross_margin,
        sales.unpriced_sale_lines as unpriced

    from calendar
    -- A count holds until the next one.
    left join lateral (
        select
            totals.places_valued,
            totals.stock_value
        from {{ ref('fct_stock_totals_daily') }} as totals
        where
            totals.tenant_id = calendar.tenant_id
            and totals.counted_on <= calendar.day_on
        order by totals.counted_on desc
        limit 1
    ) as stock on true
    left join {{ ref('fct_sales_totals_daily') }} as sales
        on
            calendar.tenant_id = sales.tenant_id
            and calendar.day_on = sales.sold_on

),

rolling as (

    select
        tenant_id,
        first_on,
        day_on as as_of_on,
        count(*) filter (where is_valued) over last_year as stock_days,
        avg(stock_value) filter (where is_valued) over last_year as average_stock_value,
        sum(cost_of_goods) filter (where is_valued) over last_year as cost_of_goods,
        case
            when coalesce(sum(unpriced) filter (where is_valued) over last_year, 0) = 0
                then sum(gross_margin) filter (where is_valued) over last_year
        end as gross_margin

    from days
    window last_year as (
        partition by window_id
        order by day_on
        rows between {{ year }} preceding and current row
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
        availability.item_days_28d,
        availability.item_days_out_28d,
        availability.lost_units_28d,
        availability.lost_revenue_28d,
        expiry_by_day.expiring_value,
        expiry_by_day.expiring_items,
        expiry_by_day.expired_value,
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
    left join availability
        on
            rolling.tenant_id = availability.tenant_id
            and rolling.as_of_on = availability.as_of_on
    left join expiry_by_day
        on
            rolling.tenant_id = expiry_by_day.tenant_id
            and rolling.as_of_on = expiry_by_day.as_of_on
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
    case when has_stock then 1 - item_days_out_28d::double precision / nullif(item_days_28d, 0) end
        as availability_28d,
    case when has_stock then lost_units_28d end::numeric(38, 4) as lost_units_28d,
    case when has_stock then lost_revenue_28d end::numeric(38, 4) as lost_revenue_28d,
    expiring_value::numeric(38, 4) as expiring_value,
    expiring_items,
    expired_value::numeric(38, 4) as expired_value

from known
