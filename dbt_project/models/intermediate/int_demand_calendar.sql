with

demand as not materialized (

    select * from {{ ref('int_demand_daily') }}

),

series as (

    select
        tenant_id,
        item_id,
        location_id,
        min(sold_on) as first_sold_on,
        max(sold_on) as last_sold_on

    from demand
    where units_sold > 0
    group by tenant_id, item_id, location_id

),

-- A series ends when its item is discontinued or half a year after its own latest sale, but never
-- before that sale, and never after the tenant's.
bounded as (

    select
        series.tenant_id,
        series.item_id,
        series.location_id,
        series.first_sold_on,
        least(
            latest.sold_on,
            greatest(
                series.last_sold_on,
                least(items.discontinued_on, series.last_sold_on + 26 * 7)
            )
        ) as last_on

    from series
    inner join {{ ref('int_items') }} as items
        on
            series.tenant_id = items.tenant_id
            and series.item_id = items.item_id
    inner join lateral (
        select own.sold_on from {{ ref('int_demand_daily') }} as own
        where
            own.tenant_id = series.tenant_id
            and own.units_sold > 0
        order by own.sold_on desc
        limit 1
    ) as latest on true

),

days as (

    select
        bounded.tenant_id,
        bounded.item_id,
        bounded.location_id,
        day.sold_at::date as sold_on

    from bounded
    cross join lateral generate_series(
        bounded.first_sold_on::timestamp, bounded.last_on::timestamp, interval '1 day'
    ) as day (sold_at)

)

select
    days.tenant_id,
    days.item_id,
    days.location_id,
    days.sold_on,
    coalesce(demand.units_sold, 0)::numeric(38, 4) as units_sold,
    coalesce(demand.units_returned, 0)::numeric(38, 4) as units_returned,
    coalesce(demand.units_net, 0)::numeric(38, 4) as units_net,
    case when demand.sold_on is null then 0 else demand.revenue end::numeric(38, 4) as revenue,
    case when demand.sold_on is null then 0 else demand.net_revenue end::numeric(38, 4)
        as net_revenue,
    in_force.is_out_of_stock

from days
left join demand
    on
        days.tenant_id = demand.tenant_id
        and days.item_id = demand.item_id
        and days.location_id = demand.location_id
        and days.sold_on = demand.sold_on
left join lateral (
    select stock.is_out_of_stock from {{ ref('int_stock_daily') }} as stock
    where
        stock.tenant_id = days.tenant_id
        and stock.item_id = days.item_id
        and stock.location_id = days.location_id
        and stock.counted_on <= days.sold_on
    order by stock.counted_on desc
    limit 1
) as in_force on true
