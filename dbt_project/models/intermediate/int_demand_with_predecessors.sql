with

demand as not materialized (

    select * from {{ ref('int_demand_daily') }}

),

own as (

    select
        tenant_id,
        item_id,
        location_id,
        sold_on,
        item_id as sold_as_item_id,
        units_sold,
        units_returned,
        units_net,
        revenue,
        net_revenue

    from demand

),

successions as (

    select * from {{ ref('int_item_successions') }}
    where not is_cycle

),

inherited as (

    select
        demand.tenant_id,
        successions.item_id,
        demand.location_id,
        demand.sold_on,
        demand.item_id as sold_as_item_id,
        demand.units_sold,
        demand.units_returned,
        demand.units_net,
        demand.revenue,
        demand.net_revenue

    from successions
    inner join demand
        on
            successions.tenant_id = demand.tenant_id
            and successions.predecessor_id = demand.item_id
            and (successions.effective_on is null or successions.effective_on > demand.sold_on)

)

select * from own

union all

select * from inherited
