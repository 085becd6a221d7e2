with

-- Items that the windows name, and those that they may have ended.
touched as (

    select
        tenant_id,
        item_id

    from {{ ref('int_demand_daily') }}
    where {{ in_touched('sold_on') }}

    union

    select
        tenant_id,
        item_id

    from {{ ref('int_item_versions') }}
    where {{ since_as_of('landed_on') }}

    {% if is_incremental() %}
        union

        select
            tenant_id,
            item_id

        from {{ this }}
        where {{ may_end_items() }}
    {% endif %}

),

-- A count or an order says no more of an item than that there is one.
mentioned as (

    select
        tenant_id,
        item_id

    from {{ ref('int_stock_daily') }}
    where {{ in_touched('counted_on') }}

    union

    select
        tenant_id,
        item_id

    from {{ ref('int_supply_lines') }}
    where {{ in_touched('ordered_on') }}

    union

    select
        tenant_id,
        item_id

    from {{ ref('int_work_orders') }}
    where {{ in_as_of('landed_on') }}

),

candidates as (

    select * from touched

    union

    select
        mentioned.tenant_id,
        mentioned.item_id

    from mentioned
    {% if is_incremental() %}
        where
            not exists (
                select 1 from {{ this }} as known
                where
                    known.tenant_id = mentioned.tenant_id
                    and known.item_id = mentioned.item_id
            )
    {% endif %}

),

joined as (

    select
        candidates.tenant_id,
        candidates.item_id,
        described.name,
        described.category,
        described.unit_cost,
        described.unit_price,
        described.supplier_code,
        described.lead_time_days,
        described.minimum_order_quantity,
        described.pack_quantity,
        described.low_stock_threshold,
        described.shelf_life_days,
        described.replaces_item_code,
        described.launched_on,
        described.discontinued_on,
        described.landed_on as described_on,
        first_sale.sold_on as first_sold_on,
        last_sale.sold_on as last_sold_on,
        described.item_id is not null as is_in_master

    from candidates
    left join lateral (
        select versions.* from {{ ref('int_item_versions') }} as versions
        where
            versions.tenant_id = candidates.tenant_id
            and versions.item_id = candidates.item_id
        order by versions.landed_on desc, versions.batch_id desc
        limit 1
    ) as described on true
    left join lateral (
        select demand.sold_on from {{ ref('int_demand_daily') }} as demand
        where
            demand.tenant_id = candidates.tenant_id
            and demand.item_id = candidates.item_id
            and demand.units_sold > 0
        order by demand.sold_on
        limit 1
    ) as first_sale on true
    left join lateral (
        select demand.sold_on from {{ ref('int_demand_daily') }} as demand
        where
            demand.tenant_id = candidates.tenant_id
            and demand.item_id = candidates.item_id
            and demand.units_sold > 0
        order by demand.sold_on desc
        limit 1
    ) as last_sale on true
    where
        described.item_id is not null
        or first_sale.sold_on is not null
        or exists (
            select 1 from {{ ref('int_demand_daily') }} as demand
            where
                demand.tenant_id = candidates.tenant_id
                and demand.item_id = candidates.item_id
        )
        or exists (
            select 1 from {{ ref('int_stock_daily') }} as stock
            where
                stock.tenant_id = candidates.tenant_id
                and stock.item_id = candidates.item_id
        )
        or exists (
            select 1 from {{ ref('int_supply_lines') }} as supply
            where
                supply.tenant_id = candidates.tenant_id
                and supply.item_id = candidates.item_id
        )
        or exists (
            select 1 from {{ ref('int_work_orders') }} as work_orders
            where
                work_orders.tenant_id = candidates.tenant_id
                and work_orders.item_id = candidates.item_id
        )

),

unnamed as (

    select distinct
        tenant_id,
        last_sold_on

    from joined
    where
        name is null
        and last_sold_on is not null

),

-- What the sales documents call an item that the master does not name. A day's lines are read once,
-- however many items were sold last on it.
sold_as as (

    select
        unnamed.tenant_id,
        unnamed.last_sold_on,
        lines.item_id,
        lines.description

    from unnamed
    inner join lateral (
        select distinct on (sold.item_id)
            sold.item_id,
            sold.description

        from {{ ref('int_sales_lines') }} as sold
        where
            sold.tenant_id = unnamed.tenant_id
            and sold.sold_on = unnamed.last_sold_on
            and sold.line_kind = 'sale'
            and sold.description is not null
        order by
            sold.item_id asc,
            sold.sold_at desc,
            sold.landed_on desc,
            sold.batch_id desc,
            sold.sheet desc,
            sold.row_number desc
    ) as lines on true

)

select
    joined.tenant_id,
    joined.item_id,
    coalesce(joined.name, sold_as.description) as name,
    joined.category,
    joined.unit_cost,
    joined.unit_price,
    joined.supplier_code,
    joined.lead_time_days,
    joined.minimum_order_quantity,
    joined.pack_quantity,
    joined.low_stock_threshold,
    joined.shelf_life_days,
    {{ aliased_item_id('joined.replaces_item_code') }} as replaces_item_id,
    joined.launched_on,
    joined.discontinued_on,
    joined.first_sold_on,
    joined.last_sold_on,
    joined.described_on,
    joined.is_in_master

from joined
left join sold_as
    on
        joined.tenant_id = sold_as.tenant_id
        and joined.item_id = sold_as.item_id
        and joined.last_sold_on = sold_as.last_sold_on
left join {{ ref('stg_tenants') }} as rules on joined.tenant_id = rules.tenant_id
left join {{ ref('int_item_aliases') }} as aliases
    on {{ is_alias('joined.replaces_item_code') }}
