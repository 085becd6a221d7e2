-- Every counted item has one status: their numbers and the parts of the stock add up to the whole.
with

states as (

    select
        tenant_id,
        as_of_on,
        count(*) as items,
        sum(on_hand) as units,
        sum(stock_value) as stock_value

    from {{ ref('fct_item_stock_states') }}
    where {{ in_as_of('as_of_on') }}
    group by tenant_id, as_of_on

)

select
    kpis.tenant_id,
    kpis.as_of_on

from {{ ref('rpt_stock_kpis') }} as kpis
left join states
    on
        kpis.tenant_id = states.tenant_id
        and kpis.as_of_on = states.as_of_on
where
    {{ in_as_of('kpis.as_of_on') }}
    and (
        kpis.items_counted is distinct from states.items
        or kpis.stock_units is distinct from states.units
        or kpis.stock_value is distinct from states.stock_value
        or kpis.items_counted != kpis.items_unknown + kpis.items_in_stock + kpis.items_out_of_stock
        or kpis.items_in_stock
        != kpis.items_dead + kpis.items_urgent + kpis.items_low + kpis.items_understocked
        + kpis.items_overstocked + kpis.items_healthy
    )
