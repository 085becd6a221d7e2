with

sales as (

    select * from {{ ref('fct_sales_daily') }}
    where {{ in_touched_periods('sold_on', period='month', dates='sold_on') }}

),

monthly as (

    select
        tenant_id,
        item_id,
        date_trunc('month', sold_on::timestamp)::date as month_begins_on,
        sum(units_sold)::numeric(38, 4) as units_sold,
        sum(units_returned)::numeric(38, 4) as units_returned,
        case when count(revenue) = count(*) then sum(revenue) end::numeric(38, 4) as revenue,
        case when count(returns_value) = count(*) then sum(returns_value) end::numeric(38, 4)
            as returns_value

    from sales
    group by tenant_id, item_id, month_begins_on

)

select * from monthly
