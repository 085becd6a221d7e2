-- A customer's months are its orders' lines, and its months are the customer.
with

orders as (

    select
        tenant_id,
        customer_code,
        case when count(revenue) = count(*) then sum(revenue) end as revenue,
        sum(units_sold) as units_sold,
        min(sold_on) as first_bought_on,
        max(sold_on) as last_bought_on

    from {{ ref('fct_orders_daily') }}
    where customer_code != ''
    group by tenant_id, customer_code

),

months as (

    select
        tenant_id,
        customer_code,
        case when count(revenue) = count(*) then sum(revenue) end as revenue,
        sum(units_sold) as units_sold,
        case when count(returns_value) = count(*) then sum(returns_value) end
            as returns_value

    from {{ ref('fct_customers_monthly') }}
    group by tenant_id, customer_code

)

select
    coalesce(months.tenant_id, customers.tenant_id) as tenant_id,
    coalesce(months.customer_code, customers.customer_code) as customer_code

from months
full join {{ ref('dim_customers') }} as customers
    on
        months.tenant_id = customers.tenant_id
        and months.customer_code = customers.customer_code
full join orders
    on
        customers.tenant_id = orders.tenant_id
        and customers.customer_code = orders.customer_code
where
    months.revenue is distinct from customers.revenue
    or months.returns_value is distinct from customers.returns_value
    or customers.revenue
    is distinct from case when orders.units_sold is null then 0 else orders.revenue end
    or customers.units_sold is distinct from coalesce(orders.units_sold, 0)
    or customers.first_bought_on is distinct from orders.first_bought_on
    or customers.last_bought_on is distinct from orders.last_bought_on
