with recursive

items as (

    select
        tenant_id,
        item_id,
        replaces_item_id,
        coalesce(launched_on, first_sold_on) as effective_on

    from {{ ref('int_items') }}

),

chains as (

    select
        tenant_id,
        item_id,
        replaces_item_id as predecessor_id,
        1 as depth,
        effective_on,
        array[item_id, replaces_item_id] as chain,
        replaces_item_id = item_id as is_cycle

    from items
    where replaces_item_id is not null

    union all

    -- A predecessor's own predecessor counts until the earlier of the two took its place.
    select
        chains.tenant_id,
        chains.item_id,
        items.replaces_item_id as predecessor_id,
        chains.depth + 1 as depth,
        least(chains.effective_on, items.effective_on) as effective_on,
        chains.chain || items.replaces_item_id as chain,
        items.replaces_item_id = any(chains.chain) as is_cycle

    from chains
    inner join items
        on
            chains.tenant_id = items.tenant_id
            and chains.predecessor_id = items.item_id
    where
        not chains.is_cycle
        and items.replaces_item_id is not null

)

select
    tenant_id,
    item_id,
    predecessor_id,
    depth,
    effective_on,
    is_cycle

from chains
