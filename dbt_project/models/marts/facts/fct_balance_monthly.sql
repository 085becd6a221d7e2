with

items as (

    select
        tenant_id,
        item_id,
        coalesce(nullif(trim(category), ''), 'uncategorised') as category

    from {{ ref('dim_items') }}

),

last_sales as (

    select
        tenant_id,
        max(last_sold_on) as sold_on

    from {{ ref('dim_items') }}
    group by tenant_id

),

demand as (

    select
        sales.tenant_id,
        coalesce(items.category, 'uncategorised') as category,
        sales.month_begins_on,
        sum(sales.units_sold) as units,
        case when count(sales.revenue) = count(*) then sum(sales.revenue) end as revenue

    from {{ ref('fct_item_months') }} as sales
    left join items
        on
            sales.tenant_id = items.tenant_id
            and sales.item_id = items.item_id
    group by sales.tenant_id, coalesce(items.category, 'uncategorised'), sales.month_begins_on

),

received as (

    select
        tenant_id,
        item_id,
        date_trunc('month', received_on::timestamp)::date as month_begins_on,
        count(*) filter (where quantity_received is null) as unknown_receipts,
        sum(quantity_received) as units

    from {{ ref('int_supply') }}
    where received_on is not null
    group by tenant_id, item_id, month_begins_on

),

receipts as (

    select
        received.tenant_id,
        coalesce(items.category, 'uncategorised') as category,
        received.month_begins_on,
        case when sum(received.unknown_receipts) = 0 then sum(received.units) end as units

    from received
    left join items
        on
            received.tenant_id = items.tenant_id
            and received.item_id = items.item_id
    group by
        received.tenant_id, coalesce(items.category, 'uncategorised'), received.month_begins_on

),

last_counts as (

    select
        tenant_id,
        max(month_begins_on) as month_begins_on

    from {{ ref('fct_stock_months') }}
    group by tenant_id

),

counts as (

    select
        *,
        lead(month_begins_on) over (
            partition by tenant_id, item_id, location_id
            order by month_begins_on
        ) as next_begins_on

    from {{ ref('fct_stock_months') }}

),

-- A count holds until the month of the next one, and no longer than the tenant counts at all.
in_force as (

    select
        counts.tenant_id,
        counts.item_id,
        calendar.month_begins_on::date as month_begins_on,
        counts.quantity_on_hand,
        counts.stock_value

    from counts
    inner join last_counts on counts.tenant_id = last_counts.tenant_id
    inner join lateral generate_series(
        counts.month_begins_on::timestamp,
        coalesce(
            counts.next_begins_on - interval '1 month', last_counts.month_begins_on::timestamp
        ),
        interval '1 month'
    ) as calendar (month_begins_on) on true

),

stock as (

    select
        in_force.tenant_id,
        coalesce(items.category, 'uncategorised') as category,
        in_force.month_begins_on,
        sum(in_force.quantity_on_hand) as units,
        sum(in_force.stock_value) as stock_value

    from in_force
    left join items
        on
            in_force.tenant_id = items.tenant_id
            and in_force.item_id = items.item_id
    group by
        in_force.tenant_id, coalesce(items.category, 'uncategorised'), in_force.month_begins_on

),

plans as (

    select
        planned.tenant_id,
        coalesce(items.category, 'uncategorised') as category,
        date_trunc('month', planned.planned_on::timestamp)::date as month_begins_on,
        case when count(planned.quantity_planned) = count(*) then sum(planned.quantity_planned) end
            as units

    from {{ ref('int_supply_plans') }} as planned
    left join items
        on
            planned.tenant_id = items.tenant_id
            and planned.item_id = items.item_id
    group by planned.tenant_id, coalesce(items.category, 'uncategorised'), month_begins_on

),

-- A period that spans two months is parted by its days.
adjustments as (

    select
        adjustments.tenant_id,
        coalesce(items.category, 'uncategorised') as category,
        calendar.month_begins_on::date as month_begins_on,
        sum(
            adjustments.quantity
            * (
                least(
                    adjustments.ends_on,
                    (calendar.month_begins_on + interval '1 month')::date - 1
                )
                - greatest(adjustments.starts_on, calendar.month_begins_on::date)
                + 1
            )
            / (adjustments.ends_on - adjustments.starts_on + 1)
        ) as units

    from {{ ref('int_demand_adjustments') }} as adjustments
    inner join lateral generate_series(
        date_trunc('month', adjustments.starts_on::timestamp),
        adjustments.ends_on::timestamp,
        interval '1 month'
    ) as calendar (month_begins_on) on true
    left join items
        on
            adjustments.tenant_id = items.tenant_id
            and adjustments.item_id = items.item_id
    where
        adjustments.status = 'approved'
        and adjustments.ends_on >= adjustments.starts_on
    group by
        adjustments.tenant_id, coalesce(items.category, 'uncategorised'), month_begins_on

),

forecasts as (

    select
        forecasts.tenant_id,
        coalesce(items.category, 'uncategorised') as category,
        forecasts.month_begins_on,
        forecasts.cutoff_on,
        sum(forecasts.units) as units

    from {{ ref('int_forecasts_monthly') }} as forecasts
    left join items
        on
            forecasts.tenant_id = items.tenant_id
            and forecasts.item_id = items.item_id
    group by
        forecasts.tenant_id,
        coalesce(items.category, 'uncategorised'),
        forecasts.month_begins_on,
        forecasts.cutoff_on

),

-- Stacked and then spread: whoever reads a single tenant has nothing else computed.
parts as (

    select
        tenant_id,
        category,
        month_begins_on,
        'demand' as part,
        units,
        revenue as amount,
        null::date as cutoff_on

    from demand

    union all

    select
        tenant_id,
        category,
        month_begins_on,
        'receipts' as part,
        units,
        null as amount,
        null as cutoff_on

    from receipts

    union all

    select
        tenant_id,
        category,
        month_begins_on,
        'stock' as part,
        units,
        stock_value as amount,
        null as cutoff_on

    from stock

    union all

    select
        tenant_id,
        category,
        month_begins_on,
        'plans' as part,
        units,
        null as amount,
        null as cutoff_on

    from plans

    union all

    select
        tenant_id,
        category,
        month_begins_on,
        'adjustments' as part,
        units,
        null as amount,
        null as cutoff_on

    from adjustments

    union all

    select
        tenant_id,
        category,
        month_begins_on,
        'forecasts' as part,
        units,
        null as amount,
        cutoff_on

    from forecasts

),

months as (

    select
        tenant_id,
        category,
        month_begins_on,
        sum(units) filter (where part = 'demand') as demand_units,
        sum(amount) filter (where part = 'demand') as demand_revenue,
        sum(units) filter (where part = 'receipts') as receipt_units,
        bool_or(part = 'receipts') as has_receipts,
        sum(units) filter (where part = 'stock') as stock_units,
        sum(amount) filter (where part = 'stock') as stock_value,
        sum(units) filter (where part = 'plans') as planned_supply_units,
        bool_or(part = 'plans') as has_plans,
        sum(units) filter (where part = 'adjustments') as demand_adjustment_units,
        sum(units) filter (where part = 'forecasts') as forecast_units,
        max(cutoff_on) as cutoff_on

    from parts
    group by tenant_id, category, month_begins_on

),

-- Between the tenant's first and last month with any, a category without is one with none.
compared as (

    select
        months.*,
        months.month_begins_on between
        min(months.month_begins_on) filter (where months.demand_units is not null) over tenant
        and max(months.month_begins_on) filter (where months.demand_units is not null) over tenant
            as has_demand,
        not months.has_receipts
        and months.month_begins_on between
        min(months.month_begins_on) filter (where months.has_receipts) over tenant
        and max(months.month_begins_on) filter (where months.has_receipts) over tenant
            as has_no_receipts,
        not months.has_plans
        and months.month_begins_on between
        min(months.month_begins_on) filter (where months.has_plans) over tenant
        and max(months.month_begins_on) filter (where months.has_plans) over tenant
            as has_no_plans,
        -- All categories of a month are of one forecast.
        max(months.cutoff_on) over (
            partition by months.tenant_id, months.month_begins_on
        ) as forecast_cutoff_on,
        coalesce(
            last_sales.sold_on >= (months.month_begins_on + interval '1 month')::date - 1, false
        ) as is_over

    from months
    left join last_sales on months.tenant_id = last_sales.tenant_id
    window tenant as (partition by months.tenant_id)

),

filled as (

    select
        tenant_id,
        category,
        month_begins_on,
        coalesce(demand_units, case when has_demand then 0 end) as demand_units,
        case when demand_units is not null then demand_revenue when has_demand then 0 end
            as demand_revenue,
        case when has_no_receipts then 0 else receipt_units end as receipt_units,
        stock_units,
        stock_value,
        case when has_no_plans then 0 else planned_supply_units end as planned_supply_units,
        demand_adjustment_units,
        forecast_cutoff_on,
        coalesce(forecast_units, case when forecast_cutoff_on is not null then 0 end)
            as forecast_units,
        is_over

    from compared

),

-- A forecast is of the whole month: the demand of a part of it is not held against it.
planned as (

    select
        *,
        forecast_units + coalesce(demand_adjustment_units, 0) as planned_demand_units,
        case when is_over then demand_units end as whole_demand_units

    from filled

)

select
    tenant_id,
    category,
    month_begins_on,
    demand_units::numeric(38, 4) as demand_units,
    demand_revenue::numeric(38, 4) as demand_revenue,
    receipt_units::numeric(38, 4) as receipt_units,
    stock_units::numeric(38, 4) as stock_units,
    stock_value::numeric(38, 4) as stock_value,
    planned_supply_units::numeric(38, 4) as planned_supply_units,
    (receipt_units / nullif(planned_supply_units, 0))::double precision as supply_attainment,
    demand_adjustment_units::numeric(38, 4) as demand_adjustment_units,
    forecast_cutoff_on,
    forecast_units::numeric(38, 4) as forecast_units,
    planned_demand_units::numeric(38, 4) as planned_demand_units,
    case
        when planned_demand_units > 0
            then (whole_demand_units / planned_demand_units)::double precision
    end as demand_attainment,
    ((forecast_units - whole_demand_units) / nullif(whole_demand_units, 0))::double precision
        as forecast_bias,
    ((planned_demand_units - whole_demand_units) / nullif(whole_demand_units, 0))::double precision
        as planned_demand_bias

from planned
