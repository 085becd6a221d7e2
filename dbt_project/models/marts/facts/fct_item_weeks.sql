with

sales as (

    select * from {{ ref('fct_sales_daily') }}
    where
        units_sold > 0
        and {{ in_touched_periods('sold_on', period='week', dates='sold_on') }}

),

weekly as (

    select
        tenant_id,
        item_id,
        sold_on + (7 - extract(isodow from sold_on)::integer) as week_ends_on,
        sum(units_sold)::numeric(38, 4) as units_sold,
        -- One sale at an unknown price or cost leaves the week's revenue or margin unknown.
        case when count(revenue) = count(*) then sum(revenue) end::numeric(38, 4) as revenue,
        case when count(gross_margin) = count(*) then sum(gross_margin) end::numeric(38, 4)
            as gross_margin

    from sales
    group by tenant_id, item_id, week_ends_on

)

select * from weekly
