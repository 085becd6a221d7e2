{%- set measures = [
    'revenue',
    'units_sold',
    'returns_value',
    'promotion_units',
    'promotion_revenue',
    'revenue_costed',
    'gross_margin',
    'unpriced_sale_lines',
    'unpriced_return_lines',
] -%}
with

windows as (

    {{ window_rows(var('as_of')) }}

),

periods as (

    {{ periods() }}

),

comparisons (comparison) as (

    values
    ('current'),
    ('previous'),
    ('year_before')

),

ends as (

    select
        windows.tenant_id,
        as_of_days.day::date as as_of_on,
        periods.period,
        periods.days,
        comparisons.comparison,
        (
            case
                when comparisons.comparison = 'current' then as_of_days.day
                when comparisons.comparison = 'year_before' then as_of_days.day - interval '1 year'
                when periods.period = 'mtd' then as_of_days.day - interval '1 month'
                else as_of_days.day - make_interval(days => periods.days)
            end
        )::date as to_on

    from windows
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '1 day'
    ) as as_of_days (day) on true
    cross join periods
    cross join comparisons
    -- The period before a year to date is the one of the year before.
    where
        periods.period != 'ytd'
        or comparisons.comparison != 'previous'

),

ranges as (

    select
        *,
        case period
            when 'mtd' then date_trunc('month', to_on::timestamp)::date
            when 'ytd' then date_trunc('year', to_on::timestamp)::date
            else to_on - days + 1
        end as from_on

    from ends

),

calendar as (

    {{ period_days() }}

),

totals as (

    select * from {{ ref('fct_sales_totals_daily') }}
    where {{ in_as_of('sold_on', reach_back=period_reach()) }}

),

-- By how much two days differ was sold after the one and up to the other. Materialized, like what
-- it is joined with: else the planner pairs all days of a tenant before it compares them.
so_far as materialized (

    select
        {% for measure in measures %}
            coalesce(sum(totals.{{ measure }}) over days_so_far, 0) as {{ measure }},
        {% endfor %}
        calendar.tenant_id,
        calendar.day_on

    from calendar
    left join totals
        on
            calendar.tenant_id = totals.tenant_id
            and calendar.day_on = totals.sold_on
    window days_so_far as (partition by calendar.tenant_id order by calendar.day_on)

),

first_days as materialized (

    select
        tenants.tenant_id,
        first_sale.sold_on as first_sold_on,
        first_promotion.sold_on as first_promotion_on

    from (select distinct tenant_id from windows) as tenants
    left join lateral (
        select daily.sold_on from {{ ref('fct_sales_totals_daily') }} as daily
        where
            daily.tenant_id = tenants.tenant_id
            and daily.units_sold > 0
        order by daily.sold_on
        limit 1
    ) as first_sale on true
    left join lateral (
        select daily.sold_on from {{ ref('fct_sales_totals_daily') }} as daily
        where
            daily.tenant_id = tenants.tenant_id
            and daily.promotion_units > 0
        order by daily.sold_on
        limit 1
    ) as first_promotion on true

),

-- The days whose sums give the sums of a period and of its halves, and how: added or taken off.
points as materialized (

    select
        ranges.*,
        points.day_on,
        points.of_whole,
        points.of_earlier_half,
        points.of_later_half

    from ranges
    cross join lateral (
        values
        (ranges.from_on - 1, -1, -1, 0),
        (ranges.from_on - 1 + (ranges.to_on - ranges.from_on + 1) / 2, 0, 1, 0),
        (ranges.to_on - (ranges.to_on - ranges.from_on + 1) / 2, 0, 0, -1),
        (ranges.to_on, 1, 0, 1)
    ) as points (day_on, of_whole, of_earlier_half, of_later_half)

),

summed as (

    select
        points.tenant_id,
        points.as_of_on,
        points.period,
        points.comparison,
        points.from_on,
        points.to_on,
        {% for measure in measures %}
            sum(points.of_whole * so_far.{{ measure }}) as {{ measure }},
        {% endfor %}
        sum(points.of_earlier_half * so_far.revenue) as revenue_earlier_half,
        sum(points.of_later_half * so_far.revenue) as revenue_later_half

    from points
    inner join so_far
        on
            points.tenant_id = so_far.tenant_id
            and points.day_on = so_far.day_on
    group by
        points.tenant_id,
        points.as_of_on,
        points.period,
        points.comparison,
        points.from_on,
        points.to_on

),

-- What there is of a period is shown; it is compared with whole periods alone.
judged as (

    select
        summed.*,
        case summed.comparison
            when 'current' then first_days.first_sold_on <= summed.to_on
            else first_days.first_sold_on <= summed.from_on
        end as is_known,
        summed.unpriced_sale_lines = 0 as is_priced,
        first_days.first_promotion_on <= summed.to_on as has_promotions,
        first_days.first_sold_on <= summed.from_on and summed.from_on < summed.to_on as has_halves

    from summed
    inner join first_days on summed.tenant_id = first_days.tenant_id

)

select
    tenant_id,
    as_of_on,
    period,
    comparison,
    from_on,
    to_on,
    case when is_known and is_priced then revenue end::numeric(38, 4) as revenue,
    case when is_known then units_sold end::numeric(38, 4) as units_sold,
    case when is_known and unpriced_return_lines = 0 then returns_value end::numeric(38, 4)
        as returns_value,
    case when is_known and has_promotions then promotion_units end::numeric(38, 4)
        as promotion_units,
    case when is_known and is_priced and has_promotions then promotion_revenue end::numeric(38, 4)
        as promotion_revenue,
    case when is_known and is_priced then revenue_costed end::numeric(38, 4) as revenue_costed,
    case when is_known and is_priced and revenue_costed > 0 then gross_margin end::numeric(38, 4)
        as gross_margin,
    case when has_halves and is_priced then revenue_earlier_half end::numeric(38, 4)
        as revenue_earlier_half,
    case when has_halves and is_priced then revenue_later_half end::numeric(38, 4)
        as revenue_later_half,
    case when is_known then unpriced_sale_lines + unpriced_return_lines end::bigint
        as unpriced_lines

from judged
