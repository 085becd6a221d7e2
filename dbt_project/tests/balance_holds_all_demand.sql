-- The categories of the balance hold between them all that was sold, month by month.
with

balance as (

    select
        tenant_id,
        month_begins_on,
        sum(demand_units) as units,
        case when count(demand_revenue) = count(demand_units) then sum(demand_revenue) end
            as revenue

    from {{ ref('fct_balance_monthly') }}
    group by tenant_id, month_begins_on

),

facts as (

    select
        tenant_id,
        date_trunc('month', sold_on::timestamp)::date as month_begins_on,
        sum(units_sold) as units,
        case when count(revenue) = count(*) then sum(revenue) end as revenue

    from {{ ref('fct_sales_daily') }}
    group by tenant_id, month_begins_on

)

select
    facts.tenant_id,
    facts.month_begins_on

from facts
left join balance
    on
        facts.tenant_id = balance.tenant_id
        and facts.month_begins_on = balance.month_begins_on
where
    facts.units is distinct from balance.units
    or facts.revenue is distinct from balance.revenue
