{#- Stock as changes of it from count to count, and the places that it is counted at. -#}

{#-
  The body of a recursive CTE `name`: every tenant_id, item_id and location_id of a relation whose primary key begins with
  these, by one index probe each instead of reading all its rows. `windows` names the tenants.
-#}
{% macro places(name, relation) -%}
    (
        select
            tenants.tenant_id,
            next_place.item_id,
            next_place.location_id
        from (select distinct tenant_id from windows) as tenants
        inner join lateral (
            select
                facts.item_id,
                facts.location_id
            from {{ relation }} as facts
            where facts.tenant_id = tenants.tenant_id
            order by facts.item_id, facts.location_id
            limit 1
        ) as next_place on true
    )

    union all

    select
        {{ name }}.tenant_id,
        next_place.item_id,
        next_place.location_id
    from {{ name }}
    inner join lateral (
        select
            facts.item_id,
            facts.location_id
        from {{ relation }} as facts
        where
            facts.tenant_id = {{ name }}.tenant_id
            and (facts.item_id, facts.location_id) > ({{ name }}.item_id, {{ name }}.location_id)
        order by facts.item_id, facts.location_id
        limit 1
    ) as next_place on true
{%- endmacro %}


{#-
  The body of a CTE: each count of the windows as the change from the one before it at its item and location, so that
  sums of changes up to a day are the stock in force on it. `windows` has to be a CTE with window_id, tenant_id, first_on
  and last_on, and `is_within` a predicate of `facts.counted_on` that holds on its days, for the planner.

  The count in force `reach_back` days before a window's first day stands on that day as `day_on`, whenever it was made.
  Columns: window_id, item_id, day_on, counted_on, locations (1 where one is counted for the first time), and of each of
  `columns` its change, and `<column>_known`: 1, 0 or -1 as it begins or ceases to be known.
-#}
{% macro stock_changes(columns, is_within, reach_back=0) -%}
    with recursive

    stocked as (

        {{ places('stocked', ref('fct_stock_daily')) }}

    ),

    counts as (

        select
            windows.window_id,
            windows.first_on - {{ reach_back }} as day_on,
            opening.item_id,
            opening.location_id,
            opening.counted_on,
            opening.{{ columns | join(', opening.') }}
        from windows
        inner join stocked on windows.tenant_id = stocked.tenant_id
        inner join lateral (
            select facts.* from {{ ref('fct_stock_daily') }} as facts
            where
                facts.tenant_id = stocked.tenant_id
                and facts.item_id = stocked.item_id
                and facts.location_id = stocked.location_id
                and facts.counted_on <= windows.first_on - {{ reach_back }}
            order by facts.counted_on desc
            limit 1
        ) as opening on true

        union all

        select
            windows.window_id,
            facts.counted_on as day_on,
            facts.item_id,
            facts.location_id,
            facts.counted_on,
            facts.{{ columns | join(', facts.') }}
        from {{ ref('fct_stock_daily') }} as facts
        inner join windows
            on
                facts.tenant_id = windows.tenant_id
                and facts.counted_on > windows.first_on - {{ reach_back }}
                and facts.counted_on <= windows.last_on
        where {{ is_within }}

    )

    select
        window_id,
        item_id,
        day_on,
        counted_on,
        (lag(counted_on) over sequence is null)::integer as locations
        {%- for column in columns %},
        coalesce({{ column }}, 0) - coalesce(lag({{ column }}) over sequence, 0) as {{ column }},
        ({{ column }} is not null)::integer
        - (lag({{ column }}) over sequence is not null)::integer as {{ column }}_known
        {%- endfor %}
    from counts
    window sequence as (partition by item_id, location_id, window_id order by day_on)
{%- endmacro %}
