with

versions as (

    select * from {{ ref('int_supplier_versions') }}

),

latest as (

    select distinct on (tenant_id, supplier_code)
        tenant_id,
        supplier_code,
        name,
        lead_time_days,
        minimum_order_value

    from versions
    order by
        tenant_id asc,
        supplier_code asc,
        landed_on desc,
        batch_id desc

)

select * from latest
