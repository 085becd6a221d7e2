{%- set sundays = sundays_of(var('as_of')) -%}

with

windows as (

    {{ window_rows(sundays) }}

),

tenants as (

    select * from {{ ref('int_tenants') }}

),

weekly as (

    select
        tenant_id,
        item_id,
        sold_on + (7 - extract(isodow from sold_on)::integer) as week_ends_on,
        sum(units_sold) as units,
        sum(revenue) as revenue

    from {{ ref('fct_sales_daily') }}
    where
        units_sold > 0
        and {{ in_windows(sundays, 'sold_on', reach_back=363) }}
    group by tenant_id, item_id, week_ends_on

),

-- Every week of every item, from its first sale or 51 weeks before the window, with or without a
-- sale.
item_weeks as (

    select
        windows.window_id,
        windows.first_on,
        items.tenant_id,
        items.item_id,
        items.first_sold_on,
        calendar.week_ends_on::date as week_ends_on

    from windows
    inner join {{ ref('dim_items') }} as items on windows.tenant_id = items.tenant_id
    inner join lateral generate_series(
        greatest(
            windows.first_on - 51 * 7,
            items.first_sold_on + (7 - extract(isodow from items.first_sold_on)::integer)
        )::timestamp,
        windows.last_on::timestamp,
        interval '7 days'
    ) as calendar (week_ends_on) on true
    where items.first_sold_on <= windows.last_on

),

-- Numeric sums slide with the frame; the 51 weeks before are those that the grid has.
rolling as (

    select
        item_weeks.window_id,
        item_weeks.first_on,
        item_weeks.tenant_id,
        item_weeks.item_id,
        item_weeks.first_sold_on,
        item_weeks.week_ends_on as as_of_on,
        coalesce(sum(weekly.units) over last_52_weeks, 0) as units_52w,
        coalesce(sum(weekly.revenue) over last_52_weeks, 0) as revenue_52w,
        coalesce(sum(weekly.units * weekly.units) over last_52_weeks, 0) as units_squared,
        count(weekly.units) over last_52_weeks as weeks_active,
        count(weekly.units) over last_26_weeks as weeks_active_26w

    from item_weeks
    left join weekly
        on
            item_weeks.tenant_id = weekly.tenant_id
            and item_weeks.item_id = weekly.item_id
            and item_weeks.week_ends_on = weekly.week_ends_on
    window
        last_52_weeks as (
            partition by item_weeks.window_id, item_weeks.tenant_id, item_weeks.item_id
            order by item_weeks.week_ends_on
            rows between 51 preceding and current row
        ),
        last_26_weeks as (
            partition by item_weeks.window_id, item_weeks.tenant_id, item_weeks.item_id
            order by item_weeks.week_ends_on
            rows between 25 preceding and current row
        )

),

measured as (

    select
        rolling.tenant_id,
        rolling.item_id,
        rolling.as_of_on,
        rolling.revenue_52w,
        rolling.units_52w,
        rolling.weeks_active,
        rolling.weeks_active_26w,
        (rolling.as_of_on - rolling.first_sold_on) / 7 + 1 as weeks_since_first_sale,
        least((rolling.as_of_on - rolling.first_sold_on) / 7 + 1, 52) as weeks,
        rolling.units_squared,
        coalesce(sum(rolling.revenue_52w) over ranking - rolling.revenue_52w, 0)
            as revenue_before,
        sum(rolling.revenue_52w) over (
            partition by rolling.tenant_id, rolling.as_of_on
        ) as revenue_total

    from rolling
    where rolling.as_of_on >= rolling.first_on
    window ranking as (
        partition by rolling.tenant_id, rolling.as_of_on
        order by rolling.revenue_52w desc, rolling.item_id asc
        rows unbounded preceding
    )

),

spread as (

    select
        *,
        case
            when weeks > 1 and units_52w > 0
                then
                    sqrt(greatest(
                        (units_squared - units_52w * units_52w / weeks) / (weeks - 1), 0
                    )::double precision)
                    / (units_52w / weeks)::double precision
        end as coefficient_of_variation,
        case when weeks_active > 0 then weeks::double precision / weeks_active end as adi,
        case
            when weeks_active > 1
                then
                    greatest(
                        (units_squared - units_52w * units_52w / weeks_active)
                        / (weeks_active - 1), 0
                    )::double precision
                    / ((units_52w / weeks_active)::double precision ^ 2)
            when weeks_active = 1 then 0
        end as cv_squared

    from measured

),

classified as (

    select
        spread.tenant_id,
        spread.item_id,
        spread.as_of_on,
        case
            when spread.revenue_52w <= 0 then 'C'
            when spread.revenue_before < tenants.abc_thresholds[1]::numeric * spread.revenue_total
                then 'A'
            when spread.revenue_before < tenants.abc_thresholds[2]::numeric * spread.revenue_total
                then 'B'
            else 'C'
        end as abc_class,
        case
            when spread.coefficient_of_variation <= tenants.xyz_thresholds[1] then 'X'
            when spread.coefficient_of_variation <= tenants.xyz_thresholds[2] then 'Y'
            else 'Z'
        end as xyz_class,
        case
            when spread.weeks_active_26w = 0 then 'dormant'
            when spread.weeks_since_first_sale < 8 then 'new'
            when spread.adi < 1.32 and spread.cv_squared < 0.49 then 'smooth'
            when spread.adi < 1.32 then 'erratic'
            when spread.cv_squared < 0.49 then 'intermittent'
            else 'lumpy'
        end as demand_class,
        spread.adi,
        spread.cv_squared,
        spread.revenue_52w::numeric(38, 4) as revenue_52w,
        spread.units_52w::numeric(38, 4) as units_52w,
        spread.weeks_active

    from spread
    inner join tenants on spread.tenant_id = tenants.tenant_id

)

select * from classified
