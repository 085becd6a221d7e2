-- Class A is the fewest best-selling items that reach its threshold: without the last of them it
-- is not reached.
with

classes as (

    select * from {{ ref('fct_item_classes') }}
    where revenue_52w > 0

),

totals as (

    select
        tenant_id,
        as_of_on,
        sum(revenue_52w) as revenue,
        sum(revenue_52w) filter (where abc_class = 'A') as revenue_a,
        min(revenue_52w) filter (where abc_class = 'A') as smallest_a,
        max(revenue_52w) filter (where abc_class != 'A') as largest_other

    from classes
    group by tenant_id, as_of_on

)

select
    totals.tenant_id,
    totals.as_of_on

from totals
inner join {{ ref('int_tenants') }} as tenants on totals.tenant_id = tenants.tenant_id
where
    totals.revenue_a < tenants.abc_thresholds[1]::numeric * totals.revenue
    or totals.revenue_a - totals.smallest_a >= tenants.abc_thresholds[1]::numeric * totals.revenue
    or totals.smallest_a < totals.largest_other
