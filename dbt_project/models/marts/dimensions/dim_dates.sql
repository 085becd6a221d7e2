with

tenants as (

    select * from {{ ref('int_tenants') }}

),

landed as (

    select
        tenant_id,
        min(landed_on) as first_on,
        max(landed_on) as last_on

    from {{ ref('fct_feeds_daily') }}
    group by tenant_id

),

-- The facts' own first and last days, by one look at an index each.
bounds as (

    select
        tenants.tenant_id,
        tenants.fiscal_year_begins_in,
        tenants.holidays,
        least(
            landed.first_on,
            (
                select min(sales.sold_on) from {{ ref('fct_sales_daily') }} as sales
                where sales.tenant_id = tenants.tenant_id
            ),
            (
                select min(stock.counted_on) from {{ ref('fct_stock_daily') }} as stock
                where stock.tenant_id = tenants.tenant_id
            )
        ) as first_on,
        greatest(
            landed.last_on,
            (
                select max(sales.sold_on) from {{ ref('fct_sales_daily') }} as sales
                where sales.tenant_id = tenants.tenant_id
            ),
            (
                select max(stock.counted_on) from {{ ref('fct_stock_daily') }} as stock
                where stock.tenant_id = tenants.tenant_id
            )
        ) as last_on

    from tenants
    left join landed on tenants.tenant_id = landed.tenant_id

),

days as (

    select
        bounds.tenant_id,
        bounds.fiscal_year_begins_in,
        bounds.holidays,
        calendar.day_on::date as day_on,
        extract(year from calendar.day_on)::integer as calendar_year,
        extract(month from calendar.day_on)::integer as month_number

    from bounds
    inner join lateral generate_series(
        bounds.first_on::timestamp,
        bounds.last_on + interval '1 year',
        interval '1 day'
    ) as calendar (day_on) on true

)

select
    tenant_id,
    day_on,
    calendar_year,
    extract(quarter from day_on)::integer as quarter_number,
    month_number,
    date_trunc('month', day_on::timestamp)::date as month_begins_on,
    extract(isoyear from day_on)::integer as iso_year,
    extract(week from day_on)::integer as iso_week,
    extract(isodow from day_on)::integer as iso_weekday,
    day_on + 7 - extract(isodow from day_on)::integer as week_ends_on,
    calendar_year
    + (fiscal_year_begins_in > 1 and month_number >= fiscal_year_begins_in)::integer
        as fiscal_year,
    (month_number - fiscal_year_begins_in + 12) % 12 + 1 as fiscal_period,
    holidays ->> to_char(day_on, 'YYYY-MM-DD') is not null as is_holiday,
    holidays ->> to_char(day_on, 'YYYY-MM-DD') as holiday

from days
