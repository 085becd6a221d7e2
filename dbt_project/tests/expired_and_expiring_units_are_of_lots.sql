-- What has expired and what will is stock that has an expiry, and that is stock on hand.
select
    expiry.tenant_id,
    expiry.as_of_on,
    expiry.item_id

from {{ ref('fct_stock_expiry') }} as expiry
inner join {{ ref('fct_item_stock_states') }} as states
    on
        expiry.tenant_id = states.tenant_id
        and expiry.as_of_on = states.as_of_on
        and expiry.item_id = states.item_id
where
    {{ in_as_of('expiry.as_of_on') }}
    and (
        expiry.expired_units < 0
        or expiry.expiring_units < 0
        or expiry.expired_units + expiry.expiring_units > expiry.dated_units
        or expiry.dated_units + expiry.undated_units != greatest(states.on_hand, 0)
    )
