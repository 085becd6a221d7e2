with

sales as (

    select * from {{ ref('stg_sales') }}

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

aliases as (

    select * from {{ ref('int_item_aliases') }}

),

identified as (

    select
        sales.*,
        {{ aliased_item_id('sales.item_code') }} as item_id,
        aliases.quantity_factor,
        rules.unit_factors,
        sales.quantity < 0
        and {{ matches_any('sales.document_id', 'rules.cancellation_document_patterns') }}
            as is_cancellation

    from sales
    left join rules on sales.tenant_id = rules.tenant_id
    left join aliases on {{ is_alias('sales.item_code') }}

)

select
    identified.tenant_id,
    identified.landed_on,
    identified.batch_id,
    identified.sheet,
    identified.row_number,
    identified.sold_on,
    identified.sold_at,
    identified.document_id,
    identified.line_number,
    identified.customer_code,
    identified.item_id,
    (
        identified.quantity
        * {{ units_per_unit(
            'identified.unit_of_measure', 'units.unit_of_measure', 'identified', 'identified',
        ) }}
    )::numeric(38, 4) as units,
    identified.is_cancellation

from identified
left join {{ ref('int_item_units') }} as units
    on
        identified.tenant_id = units.tenant_id
        and identified.item_id = units.item_id
