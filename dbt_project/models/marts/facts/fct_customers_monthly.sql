with

bought as (

    select
        tenant_id,
        customer_code,
        date_trunc('month', sold_on::timestamp)::date as month_on,
        count(distinct nullif(document_id, '')) as documents,
        sum(units_sold) as units_sold,
        case when count(revenue) = count(*) then sum(revenue) end as revenue,
        min(sold_on) as first_bought_on,
        max(sold_on) as last_bought_on

    from {{ ref('fct_orders_daily') }}
    where
        customer_code != ''
        and {{ in_touched_periods('sold_on', 'month', dates='sold_on') }}
    group by tenant_id, customer_code, month_on

),

returned as (

    select
        tenant_id,
        customer_code,
        date_trunc('month', sold_on::timestamp)::date as month_on,
        -sum(quantity) as units_returned,
        case when count(revenue) = count(*) then -sum(revenue) end as returns_value

    from {{ ref('int_sales_lines') }}
    where
        line_kind = 'return'
        and customer_code != ''
        and {{ in_touched_periods('sold_on', 'month', dates='sold_on') }}
    group by tenant_id, customer_code, month_on

)

select
    coalesce(bought.tenant_id, returned.tenant_id) as tenant_id,
    coalesce(bought.customer_code, returned.customer_code) as customer_code,
    coalesce(bought.month_on, returned.month_on) as month_on,
    -- Sales without a document have an unknown number of them; who only returned has none.
    case when bought.documents is null then 0 when bought.documents > 0 then bought.documents end
        as orders,
    coalesce(bought.units_sold, 0)::numeric(38, 4) as units_sold,
    case when bought.tenant_id is null then 0 else bought.revenue end::numeric(38, 4) as revenue,
    coalesce(returned.units_returned, 0)::numeric(38, 4) as units_returned,
    case when returned.tenant_id is null then 0 else returned.returns_value end::numeric(38, 4)
        as returns_value,
    bought.first_bought_on,
    bought.last_bought_on

from bought
full outer join returned
    on
        bought.tenant_id = returned.tenant_id
        and bought.customer_code = returned.customer_code
        and bought.month_on = returned.month_on
