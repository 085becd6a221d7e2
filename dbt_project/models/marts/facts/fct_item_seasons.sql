{%- set sundays = sundays_of(var('as_of')) -%}

with

windows as (

    {{ window_rows(sundays) }}

),

items as (

    select * from {{ ref('dim_items') }}
    where {{ in_tenants() }}

),

weekly as (

    select * from {{ ref('fct_item_weeks') }}
    where {{ in_windows(sundays, 'week_ends_on', reach_back=721) }}

),

tenants as (

    select
        tenant_id,
        min(first_sold_on) as first_sold_on

    from items
    group by tenant_id

),

-- Sundays with two years of 52 weeks: the first week holds the first sale or is later.
sundays as (

    select
        windows.tenant_id,
        calendar.as_of_on::date as as_of_on

    from windows
    inner join tenants on windows.tenant_id = tenants.tenant_id
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '7 days'
    ) as calendar (as_of_on) on true
    where calendar.as_of_on::date - tenants.first_sold_on >= 721

),

-- Weeks 52 apart are the same week of the year, 0 the one that ends on the Sunday. Numeric sums are
-- the same in any order.
pairs as (

    select
        sundays.tenant_id,
        sundays.as_of_on,
        weekly.item_id,
        (sundays.as_of_on - weekly.week_ends_on) / 7 % 52 as week_of_year,
        coalesce(
            sum(weekly.units_sold) filter (where sundays.as_of_on - weekly.week_ends_on < 364), 0
        ) as units,
        coalesce(
            sum(weekly.units_sold) filter (where sundays.as_of_on - weekly.week_ends_on >= 364), 0
        ) as units_before

    from sundays
    inner join weekly
        on
            sundays.tenant_id = weekly.tenant_id
            and weekly.week_ends_on between sundays.as_of_on - 721 and sundays.as_of_on
    group by sundays.tenant_id, sundays.as_of_on, weekly.item_id, week_of_year

),

business as (

    select
        tenant_id,
        as_of_on,
        week_of_year,
        sum(units) / nullif(sum(sum(units)) over year, 0) * 52 as index_of_year,
        sum(units_before) / nullif(sum(sum(units_before)) over year, 0) * 52 as index_before

    from pairs
    group by tenant_id, as_of_on, week_of_year
    window year as (partition by tenant_id, as_of_on)

),

-- A week of hardly any sales says too little of its season to divide by.
indexes as (

    select
        tenant_id,
        as_of_on,
        week_of_year,
        greatest(round((index_of_year + index_before) / 2, 6), 0.1) as seasonal_index

    from business
    where
        index_of_year is not null
        and index_before is not null

),

sums as (

    select
        pairs.tenant_id,
        pairs.as_of_on,
        pairs.item_id,
        sum(pairs.units) as units,
        sum(pairs.units_before) as units_before,
        sum(pairs.units * pairs.units) as units_squared,
        sum(pairs.units_before * pairs.units_before) as units_before_squared,
        sum(pairs.units * pairs.units_before) as units_crossed,
        sum(round(pairs.units / indexes.seasonal_index, 6)) as deseasonalised,
        sum(round(pairs.units / indexes.seasonal_index, 6) ^ 2) as deseasonalised_squared

    from pairs
    left join indexes
        on
            pairs.tenant_id = indexes.tenant_id
            and pairs.as_of_on = indexes.as_of_on
            and pairs.week_of_year = indexes.week_of_year
    group by pairs.tenant_id, pairs.as_of_on, pairs.item_id

),

-- Variation around each year's own mean, of both years and of what they have in common.
varied as (

    select
        sums.*,
        least((sums.as_of_on - items.first_sold_on) / 7 + 1, 52) as weeks,
        items.first_sold_on <= sums.as_of_on - 721 as has_two_years,
        sums.units_squared + sums.units_before_squared
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
