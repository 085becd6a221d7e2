with

-- From the first day on that is rebuilt: a later day's total holds the counts of earlier ones.
windows as (

    {{ since_touched_rows('counted_on') }}

),

value_changes as (

    {{ stock_changes(['stock_value'], since_touched('facts.counted_on')) }}

),

changes_by_day as (

    select
        windows.tenant_id,
        value_changes.day_on,
        max(value_changes.counted_on) as counted_on,
        sum(value_changes.stock_value_known) as valued,
        sum(value_changes.stock_value) as stock_value

    from value_changes
    inner join windows on value_changes.window_id = windows.window_id
    group by windows.tenant_id, value_changes.day_on

),

totals as (

    select
        tenant_id,
        day_on,
        counted_on,
        sum(valued) over so_far as places_valued,
        sum(stock_value) over so_far as stock_value

    from changes_by_day
    window so_far as (partition by tenant_id order by day_on)

)

select
    tenant_id,
    counted_on,
    places_valued::bigint as places_valued,
    case when places_valued > 0 then stock_value end::numeric(38, 4) as stock_value

from totals
-- What was in force when the window opens is no count of that day.
where counted_on = day_on
