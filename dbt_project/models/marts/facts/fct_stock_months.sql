with

counts as (

    select
        *,
        date_trunc('month', counted_on::timestamp)::date as month_begins_on

    from {{ ref('fct_stock_daily') }}
    where {{ in_touched_periods('counted_on', period='month', dates='counted_on') }}

),

firsts as (

    select
        tenant_id,
        item_id,
        location_id,
        month_begins_on,
        min(counted_on) as first_counted_on,
        max(counted_on) as last_counted_on

    from counts
    group by tenant_id, item_id, location_id, month_begins_on

)

select
    firsts.tenant_id,
    firsts.item_id,
    firsts.location_id,
    firsts.month_begins_on,
    firsts.first_counted_on,
    firsts.last_counted_on,
    counts.quantity_on_hand,
    counts.stock_value

from firsts
inner join counts
    on
        firsts.tenant_id = counts.tenant_id
        and firsts.item_id = counts.item_id
        and firsts.location_id = counts.location_id
        and firsts.last_counted_on = counts.counted_on
