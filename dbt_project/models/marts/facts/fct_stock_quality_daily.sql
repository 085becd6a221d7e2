with

counts as (

    select * from {{ ref('fct_stock_daily') }}
    where {{ in_touched('counted_on') }}

),

daily as (

    select
        tenant_id,
        counted_on,
        location_id,
        count(*) as counts,
        count(quantity_on_hand) as with_quantity,
        count(unit_cost) as with_cost

    from counts
    group by tenant_id, counted_on, location_id

)

select * from daily
