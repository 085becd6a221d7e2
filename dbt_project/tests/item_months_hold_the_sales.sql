{{ config(tags=['nightly']) }}

-- The months of the days that are rebuilt hold all units and revenue of their days.
with

months as (

    select
        tenant_id,
        sum(units_sold) as units,
        case when count(revenue) = count(*) then sum(revenue) end as revenue

    from {{ ref('fct_item_months') }}
    where {{ in_touched_periods('month_begins_on', period='month', dates='sold_on') }}
    group by tenant_id

),

facts as (

    select
        tenant_id,
        sum(units_sold) as units,
        case when count(revenue) = count(*) then sum(revenue) end as revenue

    from {{ ref('fct_sales_daily') }}
    where {{ in_touched_periods('sold_on', period='month', dates='sold_on') }}
    group by tenant_id

)

select coalesce(facts.tenant_id, months.tenant_id) as tenant_id
from facts
full join months on facts.tenant_id = months.tenant_id
where
    facts.units is distinct from months.units
    or facts.revenue is distinct from months.revenue
