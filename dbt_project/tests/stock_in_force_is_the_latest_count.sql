-- The stock of each window's last day, counted item by item from the facts, is what the KPIs say.
with

days as (

    select
        tenant_id,
        last_on as as_of_on

    from ({{ window_rows(var('as_of')) }}) as windows

),

in_force as (

    select distinct on (days.tenant_id, days.as_of_on, facts.item_id, facts.location_id)
        days.tenant_id,
        days.as_of_on,
        facts.item_id,
        facts.quantity_on_hand,
        facts.stock_value

    from days
    inner join {{ ref('fct_stock_daily') }} as facts
        on
            days.tenant_id = facts.tenant_id
            and days.as_of_on >= facts.counted_on
    order by
        days.tenant_id asc,
        days.as_of_on asc,
        facts.item_id asc,
        facts.location_id asc,
        facts.counted_on desc

),

items as (

    select
        tenant_id,
        as_of_on,
        item_id,
        sum(quantity_on_hand) as quantity_on_hand,
        sum(stock_value) as stock_value

    from in_force
    group by tenant_id, as_of_on, item_id
    -- None on hand beside an unknown count is not known to be none.
    having sum(quantity_on_hand) > 0 or count(quantity_on_hand) = count(*)

),

stock as (

    select
        tenant_id,
        as_of_on,
        sum(quantity_on_hand) as stock_units,
        sum(stock_value) as stock_value,
        count(*) filter (where quantity_on_hand > 0) as items_in_stock,
        count(*) filter (where quantity_on_hand <= 0) as items_out_of_stock

    from items
    group by tenant_id, as_of_on

)

select
    kpis.tenant_id,
    kpis.as_of_on

from {{ ref('rpt_daily_kpis') }} as kpis
inner join days
    on
        kpis.tenant_id = days.tenant_id
        and kpis.as_of_on = days.as_of_on
left join stock
    on
        kpis.tenant_id = stock.tenant_id
        and kpis.as_of_on = stock.as_of_on
where
    kpis.stock_units is distinct from stock.stock_units
    or kpis.stock_value is distinct from stock.stock_value
    or kpis.items_in_stock is distinct from stock.items_in_stock
    or kpis.items_out_of_stock is distinct from stock.items_out_of_stock
    or kpis.items_dead > kpis.items_in_stock
