-- Most tenants have no such day, and nothing else is read of theirs.
with

days_with_lots as (

    select distinct
        tenant_id,
        counted_on

    from {{ ref('stg_stock') }}
    where
        expires_on is not null
        and {{ in_touched('counted_on') }}

),

-- Whole days: a count without a lot takes the place of an earlier one with lots.
counts as (

    select stock.*
    from {{ ref('stg_stock') }} as stock
    inner join days_with_lots
        on
            stock.tenant_id = days_with_lots.tenant_id
            and stock.counted_on = days_with_lots.counted_on
    where {{ in_touched('stock.counted_on') }}

),

item_codes as (

    {{ item_codes('counts') }}

),

held as (

    {{ counts_that_hold() }}

)

select
    tenant_id,
    item_id,
    location_id,
    counted_on,
    expires_on,
    case when count(quantity_on_hand) = count(*) then sum(quantity_on_hand) end::numeric(38, 4)
        as units

from held
where expires_on is not null
group by tenant_id, item_id, location_id, counted_on, expires_on
