with recursive

windows as (

    {{ window_rows(var('as_of')) }}

),

-- Those that ever had a lot: most tenants have none.
places as (

    {{ places('places', ref('int_stock_lots')) }}

),

counts as (

    select
        windows.window_id,
        windows.first_on as day_on,
        windows.last_on,
        places.tenant_id,
        places.item_id,
        places.location_id,
        opening.counted_on,
        opening.quantity_on_hand

    from windows
    inner join places on windows.tenant_id = places.tenant_id
    inner join lateral (
        select
            facts.counted_on,
            facts.quantity_on_hand

        from {{ ref('fct_stock_daily') }} as facts
        where
            facts.tenant_id = places.tenant_id
            and facts.item_id = places.item_id
            and facts.location_id = places.location_id
            and facts.counted_on <= windows.first_on
        order by facts.counted_on desc
        limit 1
    ) as opening on true

    union all

    select
        windows.window_id,
        facts.counted_on as day_on,
        windows.last_on,
        facts.tenant_id,
        facts.item_id,
        facts.location_id,
        facts.counted_on,
        facts.quantity_on_hand

    from windows
    inner join {{ ref('fct_stock_daily') }} as facts
        on
            windows.tenant_id = facts.tenant_id
            and windows.first_on < facts.counted_on
            and windows.last_on >= facts.counted_on
    inner join places
        on
            facts.tenant_id = places.tenant_id
            and facts.item_id = places.item_id
            and facts.location_id = places.location_id
    where {{ in_as_of('facts.counted_on') }}

),

-- A count holds until the day before the next one, with the lots that it has or without any.
in_force as (

    select
        *,
        coalesce(lead(day_on) over sequence - 1, last_on) as until_on

    from counts
    window sequence as (partition by item_id, location_id, window_id order by day_on)

),

lots_by_day as (

    select
        lots.tenant_id,
        lots.item_id,
        lots.expires_on,
        lots.units,
        in_force.day_on + generate_series(0, in_force.until_on - in_force.day_on) as as_of_on

    from in_force
    inner join {{ ref('int_stock_lots') }} as lots
        on
            in_force.tenant_id = lots.tenant_id
            and in_force.item_id = lots.item_id
            and in_force.location_id = lots.location_id
            and in_force.counted_on = lots.counted_on
    where in_force.quantity_on_hand is not null

),

states as (

    select
        tenant_id,
        item_id,
        as_of_on,
        on_hand,
        unit_cost,
        units_28d

    from {{ ref('fct_item_stock_states') }}
    where {{ in_as_of('as_of_on') }}

),

-- The first day on which a lot may still be sold is the one after, the last the one before it
-- expires.
demanded as (

    select
        lots_by_day.tenant_id,
        lots_by_day.item_id,
        lots_by_day.as_of_on,
        lots_by_day.expires_on,
        lots_by_day.expires_on <= lots_by_day.as_of_on as is_expired,
        lots_by_day.units,
        greatest(lots_by_day.units, 0) as units_there,
        states.on_hand,
        states.unit_cost,
        states.units_28d * greatest(lots_by_day.expires_on - lots_by_day.as_of_on - 1, 0) / 28
            as demand_until

    from lots_by_day
    inner join states
        on
            lots_by_day.tenant_id = states.tenant_id
            and lots_by_day.item_id = states.item_id
            and lots_by_day.as_of_on = states.as_of_on

),

-- Units below zero, of a lot or of what has no expiry, were sold of the lots that expire first: of
-- all lots no more is left than is on hand.
queued as (

    select
        *,
        sum(units_there) over first_to_expire as units_so_far,
        least(on_hand, sum(units) over item) as units_left,
        sum(units_there) over item - least(on_hand, sum(units) over item) as units_owed

    from demanded
    window
        item as (partition by tenant_id, item_id, as_of_on),
        first_to_expire as (partition by tenant_id, item_id, as_of_on order by expires_on)

),

-- Of the lots up to one, what is there beyond the demand until it expires is not sold in time,
-- whichever of them it is; of all lots, the most of these.
left_over as (

    select
        tenant_id,
        item_id,
        as_of_on,
        on_hand,
        unit_cost,
        greatest(max(units_left), 0) as dated_units,
        greatest(max(units_so_far - units_owed) filter (where is_expired), 0) as expired_units,
        greatest(max(units_so_far - units_owed - demand_until), 0) as unsold_units,
        min(expires_on) filter (where not is_expired and units > 0) as next_expires_on

    from queued
    group by tenant_id, item_id, as_of_on, on_hand, unit_cost

)

select
    tenant_id,
    item_id,
    as_of_on,
    dated_units::numeric(38, 4) as dated_units,
    case when on_hand is not null then greatest(on_hand, 0) - dated_units end::numeric(38, 4)
        as undated_units,
    next_expires_on,
    expired_units::numeric(38, 4) as expired_units,
    (expired_units * unit_cost)::numeric(38, 4) as expired_value,
    (unsold_units - expired_units)::numeric(38, 4) as expiring_units,
    ((unsold_units - expired_units) * unit_cost)::numeric(38, 4) as expiring_value

from left_over
order by tenant_id, as_of_on, item_id
