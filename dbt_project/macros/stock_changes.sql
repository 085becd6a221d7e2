{#-
  The body of a CTE: each count of the windows as the change from the one before it at its item and location, so that
  sums of changes up to a day are the stock in force on it. `windows` has to be a CTE of `window_rows(var('as_of'))`.

  The count in force `reach_back` days before a window's first day stands on that day as `day_on`, whenever it was made.
  Columns: window_id, item_id, day_on, counted_on; `locations`, `known`, `valued`, `costed` and `says_on_order` are +1, 0 or
  -1 as a location begins or ceases to have a count, its quantity, value, cost and orders; on_hand, available,
  on_order, stock_value, unit_costs are changes of these.
-#}
{% macro stock_changes(reach_back=0) -%}
    with recursive

    -- Every item and location with a count, by one index probe each instead of reading all counts.
    stocked as (

        (
            select tenants.tenant_id, counts.item_id, counts.location_id
            from (select distinct tenant_id from windows) as tenants
            inner join lateral (
                select facts.item_id, facts.location_id
                from {{ ref('fct_stock_daily') }} as facts
                where facts.tenant_id = tenants.tenant_id
                order by facts.item_id, facts.location_id
                limit 1
            ) as counts on true
        )

        union all

        select stocked.tenant_id, counts.item_id, counts.location_id
        from stocked
        inner join lateral (
            select facts.item_id, facts.location_id
            from {{ ref('fct_stock_daily') }} as facts
            where
                facts.tenant_id = stocked.tenant_id
                and (facts.item_id, facts.location_id) > (stocked.item_id, stocked.location_id)
            order by facts.item_id, facts.location_id
            limit 1
        ) as counts on true

    ),

    counts as (

        select
            windows.window_id,
            windows.first_on - {{ reach_back }} as day_on,
            opening.*
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
            facts.*
        from {{ ref('fct_stock_daily') }} as facts
        inner join windows
            on
                facts.tenant_id = windows.tenant_id
                and facts.counted_on > windows.first_on - {{ reach_back }}
                and facts.counted_on <= windows.last_on
        where {{ in_as_of('facts.counted_on', reach_back=reach_back) }}

    )

    select
        window_id,
        item_id,
        day_on,
        counted_on,
        (lag(counted_on) over sequence is null)::integer as locations
        {%- for flag, column in {
            'known': 'quantity_on_hand',
            'valued': 'stock_value',
            'costed': 'unit_cost',
            'says_on_order': 'quantity_on_order',
        }.items() %},
        ({{ column }} is not null)::integer
        - (lag({{ column }}) over sequence is not null)::integer as {{ flag }}
        {%- endfor %}
        {%- for change, column in {
            'on_hand': 'quantity_on_hand',
            'available': 'quantity_available',
            'on_order': 'quantity_on_order',
            'stock_value': 'stock_value',
            'unit_costs': 'unit_cost',
        }.items() %},
        coalesce({{ column }}, 0) - coalesce(lag({{ column }}) over sequence, 0) as {{ change }}
        {%- endfor %}
    from counts
    window sequence as (partition by window_id, item_id, location_id order by day_on)
{%- endmacro %}
