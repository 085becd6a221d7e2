{#- Lines are judged for 90 days from the last day on which they would have been on time. -#}
{%- set judged_days = 90 -%}

with

windows as (

    {{ window_rows(var('as_of')) }}

),

calendar as (

    select
        windows.window_id,
        windows.tenant_id,
        days.day::date as day_on

    from windows
    inner join lateral generate_series(
        windows.first_on::timestamp, windows.last_on::timestamp, interval '1 day'
    ) as days (day) on true

),

costs as (

    select * from {{ ref('int_item_costs') }}
    where {{ in_tenants() }}

),

supply as (

    select
        windows.window_id,
        windows.first_on,
        windows.last_on,
        lines.ordered_on,
        lines.expected_on,
        lines.received_on,
        greatest(lines.ordered_on, windows.first_on) as from_on,
        lines.expected_on + tenants.on_time_days as due_on,
        lines.quantity_ordered,
        coalesce(lines.quantity_received, lines.quantity_ordered) as quantity_received,
        case when lines.is_open then lines.quantity_open else lines.quantity_ordered end
        * costs.unit_cost as value_open

    from {{ ref('fct_supply_lines') }} as lines
    inner join windows
        on
            lines.tenant_id = windows.tenant_id
            and lines.ordered_on <= windows.last_on
    inner join {{ ref('int_tenants') }} as tenants on lines.tenant_id = tenants.tenant_id
    left join costs
        on
            lines.tenant_id = costs.tenant_id
            and lines.item_id = costs.item_id
            and (costs.valid_from_on is null or lines.ordered_on >= costs.valid_from_on)
            and (costs.valid_to_on is null or lines.ordered_on <= costs.valid_to_on)
    where
        {{ in_tenants('lines.tenant_id') }}
        -- Neither open on a day of the window nor judged on one: most lines of a long history.
        and (
            lines.received_on is null
            or lines.received_on > windows.first_on
            or lines.expected_on + tenants.on_time_days + {{ judged_days }} > windows.first_on
        )

),

ordered_since as (

    select
        windows.window_id,
        earliest.ordered_on

    from windows
    inner join lateral (
        select lines.ordered_on from {{ ref('fct_supply_lines') }} as lines
        where
            lines.tenant_id = windows.tenant_id
            and lines.ordered_on <= windows.last_on
        order by lines.ordered_on
        limit 1
    ) as earliest on true

),

-- A line counts in each measure from one day until, not with, another; without an end it counts on.
counted as (

    select
        window_id,
        first_on,
        last_on,
        'open' as measure,
        from_on as day_on,
        received_on as until_on,
        1 as units

    from supply

    union all

    select
        window_id,
        first_on,
        last_on,
        'late' as measure,
        greatest(expected_on + 1, from_on) as day_on,
        received_on as until_on,
        1 as units

    from supply
    where expected_on is not null

    union all

    select
        window_id,
        first_on,
        last_on,
        'valued' as measure,
        from_on as day_on,
        received_on as until_on,
        1 as units

    from supply
    where value_open is not null

    union all

    select
        window_id,
        first_on,
        last_on,
        'value' as measure,
        from_on as day_on,
        received_on as until_on,
        value_open as units

    from supply
    where value_open is not null

    union all

    select
        window_id,
        first_on,
        last_on,
        'due' as measure,
        greatest(due_on, from_on) as day_on,
        due_on + {{ judged_days }} as until_on,
        1 as units

    from supply
    where
        due_on is not null
        and quantity_ordered is not null

    union all

    select
        window_id,
        first_on,
        last_on,
        'on_time' as measure,
        greatest(due_on, from_on) as day_on,
        due_on + {{ judged_days }} as until_on,
        1 as units

    from supply
    where
        received_on <= due_on
        and quantity_received >= quantity_ordered

    union all

    select
        window_id,
        first_on,
        last_on,
        'units_due' as measure,
        greatest(due_on, from_on) as day_on,
        due_on + {{ judged_days }} as until_on,
        quantity_ordered as units

    from supply
    where
        due_on is not null
        and quantity_ordered is not null

    union all

    select
        window_id,
        first_on,
        last_on,
        'units_filled' as measure,
        greatest(due_on, received_on, from_on) as day_on,
        due_on + {{ judged_days }} as until_on,
        least(quantity_received, quantity_ordered) as units

    from supply
    where
        due_on is not null
        and received_on is not null
        and quantity_ordered is not null

),

steps as (

    select
        window_id,
        measure,
        day_on,
        units

    from counted
    where
        day_on <= last_on
        and (until_on is null or until_on > day_on)

    union all

    select
        window_id,
        measure,
        until_on as day_on,
        -units as units

    from counted
    where
        until_on > day_on
        and until_on <= last_on

),

steps_by_day as (

    select
        window_id,
        day_on,
        sum(units) filter (where measure = 'open') as open_lines,
        sum(units) filter (where measure = 'late') as late_lines,
        sum(units) filter (where measure = 'valued') as valued_lines,
        sum(units) filter (where measure = 'value') as open_value,
        sum(units) filter (where measure = 'due') as due_lines,
        sum(units) filter (where measure = 'on_time') as on_time_lines,
        sum(units) filter (where measure = 'units_due') as units_due,
        sum(units) filter (where measure = 'units_filled') as units_filled

    from steps
    group by window_id, day_on

),

days as (

    select
        calendar.tenant_id,
        calendar.day_on as as_of_on,
        ordered_since.ordered_on <= calendar.day_on as has_supply,
        coalesce(sum(steps_by_day.open_lines) over so_far, 0) as open_lines,
        coalesce(sum(steps_by_day.late_lines) over so_far, 0) as late_lines,
        coalesce(sum(steps_by_day.valued_lines) over so_far, 0) as valued_lines,
        coalesce(sum(steps_by_day.open_value) over so_far, 0) as open_value,
        coalesce(sum(steps_by_day.due_lines) over so_far, 0) as due_lines,
        coalesce(sum(steps_by_day.on_time_lines) over so_far, 0) as on_time_lines,
        coalesce(sum(steps_by_day.units_due) over so_far, 0) as units_due,
        coalesce(sum(steps_by_day.units_filled) over so_far, 0) as units_filled

    from calendar
    left join steps_by_day
        on
            calendar.window_id = steps_by_day.window_id
            and calendar.day_on = steps_by_day.day_on
    left join ordered_since on calendar.window_id = ordered_since.window_id
    window so_far as (partition by calendar.window_id order by calendar.day_on)

)

select
    tenant_id,
    as_of_on,
    case when has_supply then open_lines end::bigint as open_order_lines,
    case when has_supply then late_lines end::bigint as late_order_lines,
    case
        when has_supply and (valued_lines > 0 or open_lines = 0) then open_value
    end::numeric(38, 4) as open_order_value,
    case when has_supply then due_lines end::bigint as due_order_lines_90d,
    (on_time_lines / nullif(due_lines, 0))::double precision as on_time_in_full_rate_90d,
    (units_filled / nullif(units_due, 0))::double precision as fill_rate_90d

from days
