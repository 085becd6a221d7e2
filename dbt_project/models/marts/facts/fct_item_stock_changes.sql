with

-- From the first day on that is rebuilt: how an item stood before it decides what changes on it.
windows as (

    {{ since_touched_rows('counted_on') }}

),

quantity_changes as (

    {{ stock_changes(['quantity_on_hand'], since_touched('facts.counted_on'), reach_back=1) }}

),

-- All of a day's counts together.
changes_by_day as (

    select
        window_id,
        item_id,
        day_on,
        sum(locations) as locations,
        sum(quantity_on_hand_known) as known,
        sum(quantity_on_hand) as on_hand

    from quantity_changes
    group by window_id, item_id, day_on

),

running as (

    select
        window_id,
        item_id,
        day_on,
        sum(locations) over sequence as locations,
        sum(known) over sequence as known,
        sum(on_hand) over sequence as on_hand

    from changes_by_day
    window sequence as (partition by item_id, window_id order by day_on)

),

states as (

    select
        window_id,
        item_id,
        day_on,
        case
            when known > 0 and on_hand > 0 then 'in_stock'
            when known = locations then 'out_of_stock'
            else 'unknown'
        end as stock_state

    from running

),

followed as (

    select
        *,
        lag(stock_state) over (
            partition by item_id, window_id
            order by day_on
        ) as state_before

    from states

)

select
    windows.tenant_id,
    followed.item_id,
    followed.day_on as changed_on,
    followed.stock_state

from followed
inner join windows on followed.window_id = windows.window_id
where
    followed.day_on >= windows.first_on
    and followed.stock_state is distinct from followed.state_before
