-- The layers of an item are the units on hand, and those of a day the value of the stock.
select
    tenant_id,
    as_of_on

from {{ ref('fct_item_stock_states') }}
where
    {{ in_as_of('as_of_on') }}
    and greatest(on_hand, 0)
    != units_0_30d + units_31_60d + units_61_90d + units_over_90d + units_unknown_age

union all

select
    tenant_id,
    as_of_on

from {{ ref('rpt_stock_kpis') }}
where
    {{ in_as_of('as_of_on') }}
    and stock_value
    is distinct from value_0_30d + value_31_60d + value_61_90d + value_over_90d + value_unknown_age
