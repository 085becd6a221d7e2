{{ config(tags=['nightly']) }}

-- The weeks of the days that are rebuilt hold all units and revenue of their days.
with

weeks as (

    select
        tenant_id,
        sum(units_sold) as units,
        case when count(revenue) = count(*) then sum(revenue) end as revenue

    from {{ ref('fct_item_weeks') }}
    where {{ in_touched_periods('week_ends_on', period='week', dates='sold_on') }}
    group by tenant_id

),

facts as (

    select
        tenant_id,
        sum(units_sold) as units,
        case when count(revenue) = count(*) then sum(revenue) end as revenue

    from {{ ref('fct_sales_daily') }}
    where
        units_sold > 0
        and {{ in_touched_periods('sold_on', period='week', dates='sold_on') }}
    group by tenant_id

)

select coalesce(facts.tenant_id, weeks.tenant_id) as tenant_id
from facts
full join weeks on facts.tenant_id = weeks.tenant_id
where
    facts.units is distinct from weeks.units
    or facts.revenue is distinct from weeks.revenue
