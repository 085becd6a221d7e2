with

arrivals as (

    select * from {{ ref('fct_feed_arrivals') }}
    where {{ in_as_of('as_of_on') }}

),

coverage as (

    select * from {{ ref('fct_item_coverage') }}
    where {{ in_as_of('as_of_on') }}

),

explained as (

    select * from {{ ref('fct_stock_explained') }}
    where {{ in_as_of('as_of_on') }}

),

masters as (

    select * from {{ ref('fct_master_completeness') }}
    where {{ in_as_of('as_of_on') }}

),

-- Since when sales carry a customer or a document: what a source never has is not missed.
carried as (

    select
        tenant_id,
        min(sold_on) filter (where with_customer > 0) as customers_since,
        min(sold_on) filter (where with_document > 0) as documents_since

    from {{ ref('fct_sales_quality_daily') }}
    where {{ in_tenants() }}
    group by tenant_id

),

sales as (

    select
        arrivals.tenant_id,
        arrivals.as_of_on,
        sum(lines.lines) as lines,
        sum(
            lines.duplicate_lines
            + lines.superseded_lines
            + lines.unconverted_lines
            + lines.unpriced_lines
        ) as faulty_lines,
        sum(lines.counted_lines) as counted_lines,
        sum(lines.with_customer) as with_customer,
        sum(lines.with_document) as with_document

    from arrivals
    inner join {{ ref('fct_sales_quality_daily') }} as lines
        on
            arrivals.tenant_id = lines.tenant_id
            and lines.sold_on between arrivals.as_of_on - 27 and arrivals.as_of_on
    where
        arrivals.dataset = 'sales'
        and {{ in_as_of('lines.sold_on', reach_back=27) }}
    group by arrivals.tenant_id, arrivals.as_of_on

),

stock as (

    select
        arrivals.tenant_id,
        arrivals.as_of_on,
        sum(counts.counts) as counts,
        sum(counts.with_cost) as with_cost

    from arrivals
    inner join {{ ref('fct_stock_quality_daily') }} as counts
        on
            arrivals.tenant_id = counts.tenant_id
            and counts.counted_on between arrivals.as_of_on - 27 and arrivals.as_of_on
    where
        arrivals.dataset = 'stock'
        and {{ in_as_of('counts.counted_on', reach_back=27) }}
    group by arrivals.tenant_id, arrivals.as_of_on

),

order_lines as (

    select
        tenant_id,
        ordered_on,
        count(*) as lines,
        count(expected_on) as with_expected_day,
        count(supplier_code) as with_supplier,
        count(*) filter (
            where
            quantity_ordered is not null
            and coalesce(expected_on >= ordered_on, true)
            and coalesce(received_on >= ordered_on, true)
        ) as sound_lines

    from {{ ref('fct_supply_lines') }}
    where {{ in_as_of('ordered_on', reach_back=27) }}
    group by tenant_id, ordered_on

),

orders as (

    select
        arrivals.tenant_id,
        arrivals.as_of_on,
        sum(order_lines.lines) as lines,
        sum(order_lines.with_expected_day) as with_expected_day,
        sum(order_lines.with_supplier) as with_supplier,
        sum(order_lines.sound_lines) as sound_lines

    from arrivals
    inner join order_lines
        on
            arrivals.tenant_id = order_lines.tenant_id
            and order_lines.ordered_on between arrivals.as_of_on - 27 and arrivals.as_of_on
    where arrivals.dataset = 'purchase_orders'
    group by arrivals.tenant_id, arrivals.as_of_on

),

parts as (

    select
        arrivals.*,
        case arrivals.dataset
            when 'sales'
                then (
                    select avg(filled.part)
                    from (
                        values
                        (
                            case
                                when carried.customers_since <= arrivals.as_of_on
                                    then sales.with_customer / nullif(sales.counted_lines, 0)
                            end
                        ),
                        (
                            case
                                when carried.documents_since <= arrivals.as_of_on
                                    then sales.with_document / nullif(sales.counted_lines, 0)
                            end
                        )
                    ) as filled (part)
                )
            when 'stock' then stock.with_cost / nullif(stock.counts, 0)
            when 'items'
                then
                    (masters.with_cost + masters.with_supplier + masters.with_lead_time)
                    / 3.0 / nullif(masters.items, 0)
            when 'purchase_orders'
                then (orders.with_expected_day + orders.with_supplier) / 2.0 / orders.lines
        end as completeness,
        1 - arrivals.days_missing::numeric / nullif(arrivals.days_expected, 0) as freshness,
        case arrivals.dataset
            when 'sales' then 1 - sales.faulty_lines / nullif(sales.lines, 0)
            when 'stock'
                then explained.counts_explained::numeric / nullif(explained.counts_compared, 0)
            when 'purchase_orders' then orders.sound_lines / orders.lines
        end as consistency,
        1 - arrivals.rows_rejected_28d::numeric / nullif(arrivals.rows_read_28d, 0) as validity,
        case arrivals.dataset
            when 'stock' then coverage.items_with_stock::numeric / nullif(coverage.items_sold, 0)
            when 'items'
                then
                    (coverage.items_with_master + coverage.items_with_cost)
                    / 2.0 / nullif(coverage.items_sold, 0)
        end as coverage

    from arrivals
    left join carried on arrivals.tenant_id = carried.tenant_id
    left join sales
        on
            arrivals.tenant_id = sales.tenant_id
            and arrivals.as_of_on = sales.as_of_on
    left join stock
        on
            arrivals.tenant_id = stock.tenant_id
            and arrivals.as_of_on = stock.as_of_on
    left join orders
        on
            arrivals.tenant_id = orders.tenant_id
            and arrivals.as_of_on = orders.as_of_on
    left join masters
        on
            arrivals.tenant_id = masters.tenant_id
            and arrivals.as_of_on = masters.as_of_on
    left join explained
        on
            arrivals.tenant_id = explained.tenant_id
            and arrivals.as_of_on = explained.as_of_on
    left join coverage
        on
            arrivals.tenant_id = coverage.tenant_id
            and arrivals.as_of_on = coverage.as_of_on

)

select
    parts.tenant_id,
    parts.as_of_on,
    parts.dataset,
    parts.completeness::double precision as completeness,
    parts.freshness::double precision as freshness,
    parts.consistency::double precision as consistency,
    parts.validity::double precision as validity,
    parts.coverage::double precision as coverage,
    means.score::double precision as score,
    parts.last_on,
    parts.days_since_last,
    parts.rows_read_day,
    parts.rows_expected,
    parts.rows_read_day / nullif(parts.rows_expected, 0) as rows_share,
    parts.rows_read_day < parts.thin_feed_share * parts.rows_expected as is_low

from parts
inner join lateral (
    select avg(available.part) as score
    from (
        values
        (parts.completeness),
        (parts.freshness),
        (parts.consistency),
        (parts.validity),
        (parts.coverage)
    ) as available (part)
) as means on true
