with

-- From the first day on that is rebuilt: a later day's total holds the counts of earlier ones.
windows as (

    {{ since_touched_rows('counted_on') }}

),

count_changes as (

    {{ stock_changes(['quantity_on_hand', 'stock_value'], since_touched('facts.counted_on')) }}

),

-- All of a day's counts together.
changes_by_day as (

    select
        window_id,
        item_id,
        day_on,
        max(counted_on) as counted_on,
        sum(locations) as locations,
        sum(quantity_on_hand_known) as known,
        sum(quantity_on_hand) as on_hand,
        sum(stock_value_known) as valued,
        sum(stock_value) as stock_value

    from count_changes
    group by window_id, item_id, day_on

),

running as (

    select
        window_id,
        item_id,
        day_on,
        counted_on,
        sum(locations) over sequence as locations,
        sum(known) over sequence as known,
        sum(on_hand) over sequence as on_hand,
        sum(valued) over sequence as valued,
        sum(stock_value) over sequence as stock_value

    from changes_by_day
    window sequence as (partition by item_id, window_id order by day_on)

),

-- As `fct_item_stock_states` has it: none on hand beside an unknown count is not known to be none.
item_values as (

    select
        window_id,
        item_id,
        day_on,
        counted_on,
        case when on_hand > 0 or known = locations then valued else 0 end as valued,
        case when on_hand > 0 or known = locations then stock_value else 0 end as stock_value

    from running

),

value_changes as (

    select
        window_id,
        day_on,
        counted_on,
        valued - lag(valued, 1, 0.0) over sequence as valued,
        stock_value - lag(stock_value, 1, 0.0) over sequence as stock_value

    from item_values
    window sequence as (partition by item_id, window_id order by day_on)

),

total_changes as (

    select
        windows.tenant_id,
        value_changes.day_on,
        max(value_changes.counted_on) as counted_on,
        sum(value_changes.valued) as valued,
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

    from total_changes
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
