with

demand as (

    select * from {{ ref('int_demand_daily') }}
    where {{ in_touched('sold_on') }}

),

costs as (

    select * from {{ ref('int_item_costs') }}
    where {{ in_tenants() }}

)

select
    demand.tenant_id,
    demand.item_id,
    demand.location_id,
    demand.sold_on,
    demand.units_sold,
    demand.units_returned,
    demand.units_net,
    demand.revenue,
    demand.returns_value,
    demand.net_revenue,
    demand.unpriced_sale_lines,
    demand.unpriced_return_lines,
    demand.orders,
    demand.customers,
    costs.unit_cost,
    (demand.units_sold * costs.unit_cost)::numeric(38, 4) as cost_of_goods,
    (demand.revenue - demand.units_sold * costs.unit_cost)::numeric(38, 4) as gross_margin

from demand
left join costs
    on
        demand.tenant_id = costs.tenant_id
        and demand.item_id = costs.item_id
        and (costs.valid_from_on is null or demand.sold_on >= costs.valid_from_on)
        and (costs.valid_to_on is null or demand.sold_on <= costs.valid_to_on)
