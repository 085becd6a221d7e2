{#-
  The body of a CTE: the runs of an item's sales in which each is no more than `days` days after the one before: window_id,
  item_id, first_sold_on, last_sold_on. A run that begins before the `days` days to a window's first one is seen from these
  on. `windows` names a CTE with window_id, tenant_id, first_on and last_on, `is_within` is a predicate of `facts.sold_on`
  that holds on its days and on `days` - 1 before them, for the planner.
-#}
{% macro sale_runs(days, windows, is_within) -%}
    with

    -- Sales of as many days in a row are of one run, however many there are.
    blocks as (

        select
            spans.window_id,
            facts.item_id,
            (facts.sold_on - spans.first_on + {{ days - 1 }}) / {{ days }} as block,
            min(facts.sold_on) as first_sold_on,
            max(facts.sold_on) as last_sold_on
        from {{ ref('fct_sales_daily') }} as facts
        inner join {{ windows }} as spans
            on
                facts.tenant_id = spans.tenant_id
                and facts.sold_on > spans.first_on - {{ days }}
                and facts.sold_on <= spans.last_on
        where
            facts.units_sold > 0
            and {{ is_within }}
        group by facts.item_id, spans.window_id, block

    ),

    followed as (

        select
            *,
            coalesce(
                first_sold_on > lag(last_sold_on) over sequence + {{ days }}, true
            )::integer as begins
        from blocks
        window sequence as (partition by item_id, window_id order by block)

    ),

    numbered as (

        select
            *,
            sum(begins) over (
                partition by item_id, window_id
                order by block
            ) as run
        from followed

    )

    select
        window_id,
        item_id,
        min(first_sold_on) as first_sold_on,
        max(last_sold_on) as last_sold_on
    from numbered
    group by item_id, window_id, run
{%- endmacro %}
