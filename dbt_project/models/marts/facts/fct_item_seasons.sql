{%- set sundays = sundays_of(var('as_of')) -%}

with

windows as (

    {{ window_rows(sundays) }}

),

items as (

    select * from {{ ref('dim_items') }}
    where
        first_sold_on is not null
        and {{ in_tenants() }}

),

-- Those with two years of 52 weeks: the first week holds the first sale or is later.
tenants as (

    select
        items.tenant_id,
        min(items.first_sold_on) as first_sold_on

    from items
    inner join windows on items.tenant_id = windows.tenant_id
    group by items.tenant_id
    having min(items.first_sold_on) <= max(windows.last_on) - 721

),

weekly as (

    select
        sales.tenant_id,
        sales.item_id,
        sales.week_ends_on,
        sales.units_sold

    from {{ ref('fct_item_weeks') }} as sales
    inner join tenants on sales.tenant_id = tenants.tenant_id
    where {{ in_windows(sundays, 'sales.week_ends_on', reach_back=721) }}

),

-- The same week of the year after stands 52 weeks later.
both_years as (

    select
        tenant_id,
        item_id,
        week_ends_on,
        units_sold as units,
        0 as units_before

    from weekly

    union all

    select
        tenant_id,
        item_id,
        week_ends_on + 364 as week_ends_on,
        0 as units,
        units_sold as units_before

    from weekly

),

pairs as (

    select
        tenant_id,
        item_id,
        week_ends_on,
        sum(units) as units,
        sum(units_before) as units_before,
        sum(units) * sum(units) as units_squared,
        sum(units) * sum(units) + sum(units_before) * sum(units_before) as both_squared,
        sum(units) * sum(units_before) as units_crossed

    from both_years
    group by tenant_id, item_id, week_ends_on

),

business as (

    select
        tenant_id,
        week_ends_on,
        sum(units) as units,
        sum(units_before) as units_before

    from pairs
    group by tenant_id, week_ends_on

),

-- The 52 weeks that end on each Sunday that has two years, and their shares of each year.
weeks as (

    select
        windows.tenant_id,
        calendar.as_of_on::date as as_of_on,
        business.week_ends_on,
        business.units / nullif(sum(business.units) over year, 0) as share_of_year,
        business.units_before / nullif(sum(business.units_before) over year, 0) as share_before

    from windows
    inner join tenants on windows.tenant_id = tenants.tenant_id
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '7 days'
    ) as calendar (as_of_on) on true
    inner join business
        on
            windows.tenant_id = business.tenant_id
            and business.week_ends_on
            between calendar.as_of_on::date - 51 * 7 and calendar.as_of_on::date
    where calendar.as_of_on::date - 721 >= tenants.first_sold_on
    window year as (partition by windows.tenant_id, calendar.as_of_on)

),

-- What units of a week are multiplied by: one over its index. A week of hardly any sales says too
-- little of its season to divide by.
weights as (

    select
        tenant_id,
        as_of_on,
        week_ends_on,
        case
            when share_of_year is not null and share_before is not null
                then round(1 / greatest((share_of_year + share_before) * 26, 0.1), 6)
        end as weight

    from weeks

),

-- Numeric sums are the same in any order.
sums as (

    select
        weights.tenant_id,
        weights.as_of_on,
        pairs.item_id,
        sum(pairs.units) as units,
        sum(pairs.units_before) as units_before,
        sum(pairs.both_squared) as both_squared,
        sum(pairs.units_crossed) as units_crossed,
        sum(pairs.units * weights.weight) as deseasonalised,
        sum(pairs.units_squared * weights.weight * weights.weight) as deseasonalised_squared

    from weights
    inner join pairs
        on
            weights.tenant_id = pairs.tenant_id
            and weights.week_ends_on = pairs.week_ends_on
    group by weights.tenant_id, weights.as_of_on, pairs.item_id

),

-- Variation around each year's own mean, and what the years have in common of it.
varied as (

    select
        sums.*,
        least((sums.as_of_on - items.first_sold_on) / 7 + 1, 52) as weeks,
        items.first_sold_on <= sums.as_of_on - 721 as has_two_years,
        sums.both_squared
        - (sums.units * sums.units + sums.units_before * sums.units_before) / 52 as variation,
        sums.units_crossed - sums.units * sums.units_before / 52 as common_variation

    from sums
    inner join items
        on
            sums.tenant_id = items.tenant_id
            and sums.item_id = items.item_id

)

select
    tenant_id,
    item_id,
    as_of_on,
    case
        when has_two_years and variation > 0.000001
            then greatest(2 * common_variation / variation, 0)
    end::double precision as seasonal_strength,
    case
        when weeks > 1 and deseasonalised > 0
            then
                sqrt(greatest(
                    (deseasonalised_squared - deseasonalised * deseasonalised / weeks)
                    / (weeks - 1),
                    0
                )::double precision)
                / (deseasonalised / weeks)::double precision
    end as deseasonalised_variation

from varied
