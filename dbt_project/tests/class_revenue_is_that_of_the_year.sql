-- The items of a Sunday's classes hold between them all revenue of its 52 weeks.
with

classes as (

    select
        tenant_id,
        as_of_on,
        case when count(revenue_52w) = count(*) then sum(revenue_52w) end as revenue,
        sum(units_52w) as units

    from {{ ref('fct_item_classes') }}
    group by tenant_id, as_of_on

),

facts as (

    select
        classes.tenant_id,
        classes.as_of_on,
        case when count(sales.revenue) = count(*) then sum(sales.revenue) end as revenue,
        sum(sales.units_sold) as units

    from classes
    inner join {{ ref('fct_sales_daily') }} as sales
        on
            classes.tenant_id = sales.tenant_id
            and sales.sold_on between classes.as_of_on - 363 and classes.as_of_on
    group by classes.tenant_id, classes.as_of_on

)

select
    classes.tenant_id,
    classes.as_of_on

from classes
left join facts
    on
        classes.tenant_id = facts.tenant_id
        and classes.as_of_on = facts.as_of_on
where
    classes.revenue
    is distinct from case when facts.units is null then 0 else facts.revenue end
    or classes.units != coalesce(facts.units, 0)
