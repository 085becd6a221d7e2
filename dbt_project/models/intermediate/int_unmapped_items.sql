with

sales as (

    select
        tenant_id,
        item_code,
        count(*) as lines,
        min(sold_on) as first_on,
        max(sold_on) as last_on

    from {{ ref('stg_sales') }}
    group by tenant_id, item_code

),

stock as (

    select
        tenant_id,
        item_code,
        count(*) as lines,
        min(counted_on) as first_on,
        max(counted_on) as last_on

    from {{ ref('stg_stock') }}
    group by tenant_id, item_code

),

purchase_orders as (

    select
        tenant_id,
        item_code,
        count(*) as lines,
        min(ordered_on) as first_on,
        max(ordered_on) as last_on

    from {{ ref('stg_purchase_orders') }}
    group by tenant_id, item_code

),

work_orders as (

    select
        tenant_id,
        item_code,
        count(*) as lines,
        min(released_on) as first_on,
        max(released_on) as last_on

    from {{ ref('stg_work_orders') }}
    group by tenant_id, item_code

),

codes as (

    select
        'sales' as dataset,
        sales.*

    from sales

    union all

    select
        'stock' as dataset,
        stock.*

    from stock

    union all

    select
        'purchase_orders' as dataset,
        purchase_orders.*

    from purchase_orders

    union all

    select
        'work_orders' as dataset,
        work_orders.*

    from work_orders

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

aliases as (

    select * from {{ ref('int_item_aliases') }}

),

identified as (

    select
        codes.*,
        {{ aliased_item_id('codes.item_code') }} as item_id

    from codes
    left join rules on codes.tenant_id = rules.tenant_id
    left join aliases on {{ is_alias('codes.item_code') }}
    where
        not {{ matches_any('codes.item_code', 'rules.service_item_patterns') }}
        and not {{ matches_any(
            normalized_item_id('codes.item_code'),
            'rules.service_item_patterns',
        ) }}

),

master as (

    select distinct
        tenant_id,
        item_id

    from {{ ref('int_item_versions') }}

)

select
    identified.tenant_id,
    identified.item_id,
    identified.dataset,
    array_agg(identified.item_code order by identified.item_code) as item_codes,
    sum(identified.lines)::bigint as lines,
    min(identified.first_on) as first_on,
    max(identified.last_on) as last_on

from identified
where
    exists (
        select 1 from master
        where master.tenant_id = identified.tenant_id
    )
    and not exists (
        select 1 from master
        where
            master.tenant_id = identified.tenant_id
            and master.item_id = identified.item_id
    )
group by identified.tenant_id, identified.item_id, identified.dataset
