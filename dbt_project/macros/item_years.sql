{#-
  The body of a CTE: one row per tenant, item and Sunday of `sundays`, windows of whole weeks, for every item sold at
  least once up to it: what it sold in the 52 weeks that end on it, weeks since its first and latest sale, and units of
  the two halves by which it grows.
-#}
{% macro item_years(sundays) -%}
    with

    windows as (

        {{ window_rows(sundays) }}

    ),

    weekly as (

        select * from {{ ref('fct_item_weeks') }}
        where {{ in_windows(sundays, 'week_ends_on', reach_back=357) }}

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
            earlier_sale.week_ends_on as earlier_sale_on,
            calendar.week_ends_on::date as week_ends_on

        from windows
        inner join {{ ref('dim_items') }} as items on windows.tenant_id = items.tenant_id
        left join lateral (
            select sales.week_ends_on
            from {{ ref('fct_item_weeks') }} as sales
            where
                sales.tenant_id = items.tenant_id
                and sales.item_id = items.item_id
                and sales.week_ends_on < windows.first_on - 51 * 7
            order by sales.week_ends_on desc
            limit 1
        ) as earlier_sale on true
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
            (item_weeks.week_ends_on - item_weeks.first_sold_on) / 7 + 1 as weeks_since_first_sale,
            coalesce(sum(weekly.units_sold) over last_52_weeks, 0) as units_52w,
            case
                when
                    count(weekly.revenue) over last_52_weeks
                    = count(weekly.units_sold) over last_52_weeks
                    then coalesce(sum(weekly.revenue) over last_52_weeks, 0)
            end as revenue_52w,
            coalesce(sum(weekly.units_sold * weekly.units_sold) over last_52_weeks, 0)
                as units_squared,
            case
                when
                    count(weekly.gross_margin) over last_52_weeks
                    = count(weekly.units_sold) over last_52_weeks
                    then sum(weekly.gross_margin) over last_52_weeks
            end as gross_margin_52w,
            count(weekly.units_sold) over last_52_weeks as weeks_active,
            sum(coalesce(weekly.units_sold, 0)) over so_far as units_so_far,
            coalesce(
                max(weekly.week_ends_on) over so_far, item_weeks.earlier_sale_on
            ) as last_sale_on

        from item_weeks
        left join weekly
            on
                item_weeks.tenant_id = weekly.tenant_id
                and item_weeks.item_id = weekly.item_id
                and item_weeks.week_ends_on = weekly.week_ends_on
        window
            so_far as (
                partition by item_weeks.window_id, item_weeks.tenant_id, item_weeks.item_id
                order by item_weeks.week_ends_on
                rows unbounded preceding
            ),
            last_52_weeks as (
                partition by item_weeks.window_id, item_weeks.tenant_id, item_weeks.item_id
                order by item_weeks.week_ends_on
                rows between 51 preceding and current row
            )

    ),

    -- A half is 13 weeks, or half of those since the first sale where they are fewer than 26.
    compared as (

        select
            *,
            units_so_far - lag(units_so_far, least(weeks_since_first_sale / 2, 13), 0.0) over sequence
                as units_later_half,
            lag(units_so_far, least(weeks_since_first_sale / 2, 13), 0.0) over sequence
            - lag(units_so_far, least(weeks_since_first_sale / 2, 13) * 2, 0.0) over sequence
                as units_earlier_half

        from rolling
        window sequence as (partition by window_id, tenant_id, item_id order by as_of_on)

    )

    select
        tenant_id,
        item_id,
        as_of_on,
        revenue_52w,
        gross_margin_52w,
        units_52w,
        units_squared,
        weeks_active,
        weeks_since_first_sale,
        least(weeks_since_first_sale, 52) as weeks,
        (as_of_on - last_sale_on) / 7 as weeks_since_last_sale,
        units_later_half,
        units_earlier_half

    from compared
    where as_of_on >= first_on
{%- endmacro %}
