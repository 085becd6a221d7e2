with

identified as (

    select * from {{ ref('int_item_versions') }}
    where {{ in_tenants() }}

),

described as (

    select distinct on (tenant_id, item_id) *
    from identified
    order by
        tenant_id asc,
        item_id asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

),

sold as (

    select
        tenant_id,
        item_id,
        min(sold_on) filter (where units_sold > 0) as first_sold_on,
        max(sold_on) filter (where units_sold > 0) as last_sold_on

    from {{ ref('int_demand_daily') }}
    where {{ in_tenants() }}
    group by tenant_id, item_id

),

stocked as (

    select distinct
        tenant_id,
        item_id

    from {{ ref('int_stock_daily') }}
    where {{ in_tenants() }}

),

ordered as (

    select distinct
        tenant_id,
        item_id

    from {{ ref('int_supply_lines') }}
    where {{ in_tenants() }}

),

items as (

    select
        tenant_id,
        item_id

    from described

    union

    select
        tenant_id,
        item_id

    from sold

    union

    select
        tenant_id,
        item_id

    from stocked

    union

    select
        tenant_id,
        item_id

    from ordered

),

joined as (

    select
        items.tenant_id,
        items.item_id,
        described.name,
        described.category,
        described.unit_cost,
        described.unit_price,
        described.supplier_code,
        described.lead_time_days,
        described.minimum_order_quantity,
        described.pack_quantity,
        described.low_stock_threshold,
        described.launched_on,
        described.discontinued_on,
        sold.first_sold_on,
        sold.last_sold_on,
        described.item_id is not null as is_in_master

    from items
    left join described
        on
            items.tenant_id = described.tenant_id
            and items.item_id = described.item_id
    left join sold
        on
            items.tenant_id = sold.tenant_id
            and items.item_id = sold.item_id

),

unnamed as (

    select
        tenant_id,
        item_id,
        last_sold_on

    from joined
    where
        name is null
        and last_sold_on is not null

),

-- What the sales documents call an item that the master does not name.
sold_as as (

    select distinct on (lines.tenant_id, lines.item_id)
        lines.tenant_id,
        lines.item_id,
        lines.description

    from {{ ref('int_sales_lines') }} as lines
    inner join unnamed
        on
            lines.tenant_id = unnamed.tenant_id
            and lines.item_id = unnamed.item_id
            and lines.sold_on = unnamed.last_sold_on
    where
        lines.line_kind = 'sale'
        and lines.description is not null
    order by
        lines.tenant_id asc,
        lines.item_id asc,
        lines.sold_at desc,
        lines.landed_on desc,
        lines.batch_id desc,
        lines.sheet desc,
        lines.row_number desc

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
    joined.launched_on,
    joined.discontinued_on,
    joined.first_sold_on,
    joined.last_sold_on,
    joined.is_in_master

from joined
left join sold_as
    on
        joined.tenant_id = sold_as.tenant_id
        and joined.item_id = sold_as.item_id
