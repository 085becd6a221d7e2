-- A period's revenue, units and returns are those of its days, and its customers new or returning.
with

kpis as (

    select * from {{ ref('rpt_sales_kpis') }}
    where {{ in_as_of('as_of_on') }}

),

days as (

    select
        kpis.tenant_id,
        kpis.as_of_on,
        kpis.period,
        coalesce(sum(totals.revenue), 0) as revenue,
        coalesce(sum(totals.units_sold), 0) as units_sold,
        coalesce(sum(totals.returns_value), 0) as returns_value,
        sum(totals.gross_margin) as gross_margin,
        coalesce(sum(totals.sale_lines), 0) as sale_lines,
        coalesce(sum(totals.unpriced_sale_lines), 0) as unpriced_sale_lines,
        coalesce(sum(totals.unpriced_return_lines), 0) as unpriced_return_lines

    from kpis
    left join {{ ref('fct_sales_totals_daily') }} as totals
        on
            kpis.tenant_id = totals.tenant_id
            and totals.sold_on between kpis.from_on and kpis.to_on
    group by kpis.tenant_id, kpis.as_of_on, kpis.period

)

select
    kpis.tenant_id,
    kpis.as_of_on,
    kpis.period

from kpis
inner join days
    on
        kpis.tenant_id = days.tenant_id
        and kpis.as_of_on = days.as_of_on
        and kpis.period = days.period
where
    kpis.revenue != days.revenue
    or kpis.units_sold != days.units_sold
    or kpis.returns_value != days.returns_value
    or kpis.gross_margin != days.gross_margin
    or kpis.unpriced_lines != days.unpriced_sale_lines + days.unpriced_return_lines
    or (days.unpriced_sale_lines > 0 and num_nonnulls(kpis.revenue, kpis.gross_margin) > 0)
    or (days.unpriced_return_lines > 0 and kpis.returns_value is not null)
    or kpis.orders > days.sale_lines
    or kpis.active_customers != kpis.new_customers + kpis.returning_customers
    or kpis.returning_customers < 0
    or kpis.to_on != kpis.as_of_on
