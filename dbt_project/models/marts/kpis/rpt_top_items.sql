{#- The planner takes CTEs for small and would sort a million rows to join a few thousand. -#}
{{ config(pre_hook='set local enable_mergejoin = off') }}
{%- set ranks = 10 -%}
{%- set days = 28 -%}
with

windows as (

    {{ window_rows(var('as_of')) }}

),

sales as (

    select
        windows.window_id,
        facts.item_id,
        facts.sold_on,
        facts.units_sold,
        facts.revenue

    from {{ ref('fct_sales_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on - {{ 2 * days - 1 }} and windows.last_on
    where
        facts.units_sold > 0
        and {{ in_as_of('facts.sold_on', reach_back=2 * days - 1) }}

),

-- What was sold enters the period on its day and leaves it that many days later.
steps as (

    select
        sales.window_id,
        sales.item_id,
        steps.day_on,
        steps.sign * sales.units_sold as units,
        steps.sign * sales.revenue as revenue,
        steps.sign * (sales.revenue is null)::integer as unpriced

    from sales
    cross join lateral (
        values
        (sales.sold_on, 1),
        (sales.sold_on + {{ days }}, -1)
    ) as steps (day_on, sign)

),

-- Of the days between a short window and what it is compared with, none is asked for: what happens
-- on them happens on the next one that is.
changes as (

    select
        steps.window_id,
        steps.item_id,
        case
            when steps.day_on <= windows.first_on - {{ days }} then windows.first_on - {{ days }}
            when steps.day_on > windows.last_on - {{ days }}
                then greatest(steps.day_on, windows.first_on)
            else steps.day_on
        end as asked_on,
        sum(steps.units) as units,
        sum(steps.revenue) as revenue,
        sum(steps.unpriced) as unpriced

    from steps
    inner join windows on steps.window_id = windows.window_id
    where steps.day_on <= windows.last_on
    group by steps.window_id, steps.item_id, asked_on

),

states as (

    select
        window_id,
        item_id,
        asked_on,
        lead(asked_on) over sequence as until_on,
        sum(units) over sequence as units,
        case when sum(unpriced) over sequence = 0 then sum(revenue) over sequence end as revenue

    from changes
    window sequence as (partition by item_id, window_id order by asked_on)

),

-- By the day first: a sort by what is the same in all rows takes twice as long.
ranked as (

    select
        windows.window_id,
        windows.tenant_id,
        states.item_id,
        days.day::date as day_on,
        windows.first_on,
        states.units,
        states.revenue,
        case
            when count(*) over same_day = count(states.revenue) over same_day
                then sum(states.revenue) over same_day
        end as revenue_total,
        row_number() over (
            partition by days.day, windows.window_id
            order by states.revenue desc nulls last, states.item_id asc
        ) as revenue_rank

    from states
    inner join windows on states.window_id = windows.window_id
    inner join lateral generate_series(
        states.asked_on::timestamp,
        least(states.until_on - 1, windows.last_on)::timestamp,
        interval '1 day'
    ) as days (day) on true
    where
        states.units > 0
        -- Of a short window, the days between it and what it is compared with are not asked for.
        and (days.day >= windows.first_on or days.day <= windows.last_on - {{ days }})
    window same_day as (partition by days.day, windows.window_id)

)

select
    ranked.tenant_id,
    ranked.day_on as as_of_on,
    ranked.revenue_rank::integer as revenue_rank,
    ranked.item_id,
    ranked.revenue::numeric(38, 4) as revenue,
    ranked.units::numeric(38, 4) as units_sold,
    (ranked.revenue / nullif(ranked.revenue_total, 0))::double precision as revenue_share,
    earlier.revenue_rank::integer as revenue_rank_previous

from ranked
left join ranked as earlier
    on
        ranked.window_id = earlier.window_id
        and ranked.item_id = earlier.item_id
        and ranked.day_on - {{ days }} = earlier.day_on
        and earlier.revenue is not null
where
    ranked.revenue_rank <= {{ ranks }}
    and ranked.revenue is not null
    and ranked.day_on >= ranked.first_on
