-- Ranks have no gaps, revenue falls with them, and shares are of the tenant's revenue of 28 days.
with

top_items as (

    select
        *,
        row_number() over (
            partition by tenant_id, as_of_on
            order by revenue desc, item_id asc
        ) as expected_rank

    from {{ ref('rpt_top_items') }}
    where {{ in_as_of('as_of_on') }}

)

select
    top_items.tenant_id,
    top_items.as_of_on,
    top_items.revenue_rank

from top_items
inner join {{ ref('rpt_sales_kpis') }} as kpis
    on
        top_items.tenant_id = kpis.tenant_id
        and top_items.as_of_on = kpis.as_of_on
        and kpis.period = '28d'
where
    top_items.revenue_rank != top_items.expected_rank
    or top_items.revenue_rank > 10
    or abs(top_items.revenue_share * kpis.revenue::double precision - top_items.revenue) > 0.01
