with

closing as (

    select * from {{ ref('int_stock_daily') }}

),

-- Look-ups by item and day: a reader who names a tenant and a day reads no other days.
moved as (

    select
        closing.tenant_id,
        closing.item_id,
        closing.location_id,
        closing.counted_on,
        closing.quantity_on_hand as closing,
        opening.counted_on as opening_on,
        opening.quantity_on_hand as opening,
        bought.units as units_bought,
        made.units as units_made,
        sold.units_sold,
        sold.units_returned,
        adjusted.units_adjusted

    from closing
    left join lateral (
        select
            stock.counted_on,
            stock.quantity_on_hand

        from {{ ref('int_stock_daily') }} as stock
        where
            stock.tenant_id = closing.tenant_id
            and stock.item_id = closing.item_id
            and stock.location_id = closing.location_id
            and stock.counted_on < closing.counted_on
        order by stock.counted_on desc
        limit 1
    ) as opening on true
    left join lateral (
        select sum(coalesce(lines.quantity_received, lines.quantity_ordered)) as units
        from {{ ref('int_supply_lines') }} as lines
        where
            lines.tenant_id = closing.tenant_id
            and lines.item_id = closing.item_id
            and lines.location_id = closing.location_id
            and lines.received_on > opening.counted_on
            and lines.received_on <= closing.counted_on
    ) as bought on true
    left join lateral (
        select
            sum(
                coalesce(
                    orders.quantity_completed,
                    orders.quantity_ordered - coalesce(orders.quantity_scrapped, 0)
                )
            ) as units

        from {{ ref('int_work_orders') }} as orders
        where
            orders.tenant_id = closing.tenant_id
            and orders.item_id = closing.item_id
            and orders.location_id = closing.location_id
            and orders.completed_on > opening.counted_on
            and orders.completed_on <= closing.counted_on
    ) as made on true
    left join lateral (
        select
            sum(demand.units_sold) as units_sold,
            sum(demand.units_returned) as units_returned

        from {{ ref('int_demand_daily') }} as demand
        where
            demand.tenant_id = closing.tenant_id
            and demand.item_id = closing.item_id
            and demand.location_id = closing.location_id
            and demand.sold_on > opening.counted_on
            and demand.sold_on <= closing.counted_on
    ) as sold on true
    left join lateral (
        select sum(adjustments.units_adjusted) as units_adjusted
        from {{ ref('int_stock_adjustments_daily') }} as adjustments
        where
            adjustments.tenant_id = closing.tenant_id
            and adjustments.item_id = closing.item_id
            and adjustments.location_id = closing.location_id
            and adjustments.sold_on > opening.counted_on
            and adjustments.sold_on <= closing.counted_on
    ) as adjusted on true

),

known as (

    select
        tenant_id,
        item_id,
        location_id,
        counted_on,
        opening_on,
        opening,
        case
            when opening_on is not null then coalesce(units_bought, 0) + coalesce(units_made, 0)
        end as receipts,
        case when opening_on is not null then coalesce(units_sold, 0) end as units_sold,
        case when opening_on is not null then coalesce(units_returned, 0) end as units_returned,
        case when opening_on is not null then coalesce(units_adjusted, 0) end as units_adjusted,
        closing

    from moved

),

expected as (

    select
        *,
        opening + receipts - units_sold + units_returned + units_adjusted as expected_closing

    from known

)

select
    tenant_id,
    item_id,
    location_id,
    counted_on,
    opening_on,
    opening,
    receipts,
    units_sold,
    units_returned,
    units_adjusted,
    expected_closing,
    closing,
    closing - expected_closing as difference

from expected
