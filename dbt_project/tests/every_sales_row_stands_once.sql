{{ config(tags=['nightly']) }}

-- The kinds of lines partition the rows of the files: as many lines as rows on every day,
-- and as much money in the tenant's currency, whatever units they are in.
with

rules as (

    select
        tenant_id,
        currency as own_currency,
        exchange_rates

    from {{ ref('stg_tenants') }}

),

rated as (

    select
        sales.tenant_id,
        sales.sold_on,
        sales.quantity * sales.unit_price * {{ exchange_rate('sales.currency') }} as revenue

    from {{ ref('stg_sales') }} as sales
    left join rules on sales.tenant_id = rules.tenant_id
    where {{ in_touched('sales.sold_on') }}

),

raw_rows as (

    select
        tenant_id,
        sold_on,
        count(*) as rows_read,
        count(revenue) as rows_priced,
        sum(revenue::numeric(38, 4)) as revenue

    from rated
    group by tenant_id, sold_on

),

lines as (

    select
        tenant_id,
        sold_on,
        count(*) as rows_read,
        count(revenue) as rows_priced,
        sum(revenue) as revenue

    from {{ ref('int_sales_lines') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

)

select
    coalesce(raw_rows.tenant_id, lines.tenant_id) as tenant_id,
    coalesce(raw_rows.sold_on, lines.sold_on) as sold_on

from raw_rows
full join lines
    on
        raw_rows.tenant_id = lines.tenant_id
        and raw_rows.sold_on = lines.sold_on
where
    raw_rows.rows_read is distinct from lines.rows_read
    or raw_rows.rows_priced is distinct from lines.rows_priced
    or raw_rows.revenue is distinct from lines.revenue
