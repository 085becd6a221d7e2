{#-
  The bodies of CTEs: by how much what is known of an item changes on a day, so that sums of changes up to a day are what
  holds on it. All that was before a window's first day is one change, on that day. `windows` has to be a CTE of
  `window_rows(var('as_of'))`. Columns: window_id, item_id, day_on and those that each macro names.
-#}

{#- sold_on (of the day's sales, not a change), units_28d, units_90d: units sold in as many days to the day. -#}
{% macro sales_changes() -%}
    {#- 90 days before a window reach the oldest sale that counts on its first day. -#}
    {%- set reach_back = 89 -%}
    with

    opening as (

        select
            windows.window_id,
            facts.item_id,
            windows.first_on as day_on,
            max(facts.sold_on) as sold_on,
            sum(facts.units_sold) filter (where facts.sold_on > windows.first_on - 28)
                as units_28d,
            sum(facts.units_sold) as units_90d
        from {{ ref('fct_sales_daily') }} as facts
        inner join windows
            on
                facts.tenant_id = windows.tenant_id
                and facts.sold_on between windows.first_on - {{ reach_back }}
                and windows.first_on
        where
            facts.units_sold > 0
            and {{ in_as_of('facts.sold_on', reach_back=reach_back) }}
        group by windows.window_id, facts.item_id, windows.first_on

    ),

    -- The latest sale of items that were not sold in those days.
    sold_before as (

        select
            windows.window_id,
            items.item_id,
            windows.first_on as day_on,
            earlier.sold_on
        from windows
        inner join {{ ref('dim_items') }} as items
            on
                windows.tenant_id = items.tenant_id
                and items.first_sold_on < windows.first_on - {{ reach_back }}
        left join opening
            on
                windows.window_id = opening.window_id
                and items.item_id = opening.item_id
        inner join lateral (
            select demand.sold_on from {{ ref('int_demand_daily') }} as demand
            where
                demand.tenant_id = windows.tenant_id
                and demand.item_id = items.item_id
                and demand.units_sold > 0
                and demand.sold_on < windows.first_on - {{ reach_back }}
            order by demand.sold_on desc
            limit 1
        ) as earlier on true
        where opening.item_id is null

    )

    select * from opening

    union all

    select
        window_id,
        item_id,
        day_on,
        sold_on,
        null as units_28d,
        null as units_90d
    from sold_before

    union all

    select
        windows.window_id,
        facts.item_id,
        facts.sold_on as day_on,
        facts.sold_on,
        facts.units_sold as units_28d,
        facts.units_sold as units_90d
    from {{ ref('fct_sales_daily') }} as facts
    inner join windows
        on
            facts.tenant_id = windows.tenant_id
            and facts.sold_on between windows.first_on + 1 and windows.last_on
    where
        facts.units_sold > 0
        and {{ in_as_of('facts.sold_on') }}

    -- Units leave a sum of days when they are too old.
    {% for days in (28, 90) %}
        union all

        select
            windows.window_id,
            facts.item_id,
            facts.sold_on + {{ days }} as day_on,
            null as sold_on,
            {{ '-facts.units_sold' if days == 28 else 'null' }} as units_28d,
            {{ '-facts.units_sold' if days == 90 else 'null' }} as units_90d
        from {{ ref('fct_sales_daily') }} as facts
        inner join windows
            on
                facts.tenant_id = windows.tenant_id
                and facts.sold_on between windows.first_on - {{ days - 1 }}
                and windows.last_on - {{ days }}
        where
            facts.units_sold > 0
            and {{ in_as_of('facts.sold_on', reach_back=days - 1) }}
    {% endfor %}
{%- endmacro %}


{#- received and, of the last 30, 60 and 90 days to the day, received_30d, received_60d, received_90d: units that came in. -#}
{% macro receipt_changes() -%}
    {%- set layers = (30, 60, 90) -%}
    select
        windows.window_id,
        lines.item_id,
        greatest(lines.received_on, windows.first_on) as day_on,
        {% for days in layers %}
            sum(lines.quantity_received)
                filter (where lines.received_on > windows.first_on - {{ days + 1 }})
                as received_{{ days }}d,
        {% endfor %}
        sum(lines.quantity_received) as received
    from {{ ref('int_supply') }} as lines
    inner join windows
        on
            lines.tenant_id = windows.tenant_id
            and lines.received_on <= windows.last_on
    where {{ in_tenants('lines.tenant_id') }}
    group by windows.window_id, lines.item_id, day_on

    {% for left in layers %}
        union all

        select
            windows.window_id,
            lines.item_id,
            lines.received_on + {{ left + 1 }} as day_on,
            {% for days in layers %}
                {{ '-lines.quantity_received' if days == left else 'null' }}
                    as received_{{ days }}d,
            {% endfor %}
            null as received
        from {{ ref('int_supply') }} as lines
        inner join windows
            on
                lines.tenant_id = windows.tenant_id
                and lines.received_on between windows.first_on - {{ left }}
                and windows.last_on - {{ left + 1 }}
        where {{ in_as_of('lines.received_on', reach_back=left) }}
    {% endfor %}
{%- endmacro %}


{#- ordered: units of purchase and work orders that have not come in. -#}
{% macro order_changes() -%}
    with

    lines as (

        select
            windows.window_id,
            windows.last_on,
            supply.item_id,
            greatest(supply.ordered_on, windows.first_on) as ordered_on,
            supply.received_on,
            coalesce(
                case
                    when supply.is_open then supply.quantity_open else supply.quantity_ordered
                end, 0
            ) as units
        from {{ ref('int_supply') }} as supply
        inner join windows
            on
                supply.tenant_id = windows.tenant_id
                and supply.ordered_on <= windows.last_on
        where
            {{ in_tenants('supply.tenant_id') }}
            and (
                supply.received_on is null
                or supply.received_on > greatest(supply.ordered_on, windows.first_on)
            )

    )

    select
        window_id,
        item_id,
        ordered_on as day_on,
        units as ordered
    from lines

    union all

    select
        window_id,
        item_id,
        received_on as day_on,
        -units as ordered
    from lines
    where received_on <= last_on
{%- endmacro %}
