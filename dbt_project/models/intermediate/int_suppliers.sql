with

suppliers as (

    select * from {{ ref('stg_suppliers') }}

),

latest as (

    select distinct on (tenant_id, supplier_code)
        tenant_id,
        supplier_code,
        name,
        lead_time_days,
        minimum_order_value

    from suppliers
    order by
        tenant_id asc,
        supplier_code asc,
        landed_on desc,
        batch_id desc,
        sheet desc,
        row_number desc

)

select * from latest
