with

-- Customers that the windows name, and those that they may have ended.
candidates as (

    select
        tenant_id,
        customer_code

    from {{ ref('fct_customers_monthly') }}
    where {{ in_touched_periods('month_on', 'month', dates='sold_on') }}

    {% if is_incremental() %}
        union

        select
            tenant_id,
            customer_code

        from {{ this }}
        where {{ may_end_customers() }}
    {% endif %}

),

customers as (

    select
        months.tenant_id,
        months.customer_code,
        min(months.first_bought_on) as first_bought_on,
        max(months.last_bought_on) as last_bought_on,
        count(*) filter (where months.units_sold > 0) as months_active,
        sum(months.orders) as orders,
        sum(months.units_sold) as units_sold,
        case when count(months.revenue) = count(*) then sum(months.revenue) end as revenue,
        sum(months.units_returned) as units_returned,
        case when count(months.returns_value) = count(*) then sum(months.returns_value) end
            as returns_value

    from candidates
    inner join {{ ref('fct_customers_monthly') }} as months
        on
            candidates.tenant_id = months.tenant_id
            and candidates.customer_code = months.customer_code
    group by months.tenant_id, months.customer_code

)

select
    tenant_id,
    customer_code,
    first_bought_on,
    last_bought_on,
    months_active,
    orders::bigint as orders,
    units_sold::numeric(38, 4) as units_sold,
    revenue::numeric(38, 4) as revenue,
    units_returned::numeric(38, 4) as units_returned,
    returns_value::numeric(38, 4) as returns_value

from customers
