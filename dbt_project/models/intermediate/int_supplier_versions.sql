{%- set columns = {
    'name': 'text',
    'lead_time_days': 'integer',
    'minimum_order_value': 'numeric(38, 4)',
} -%}
with

landed as (

    select * from {{ ref('stg_suppliers') }}
    where {{ since_as_of('landed_on') }}

),

versions as (

    {{ latest_values('landed', 'supplier_code', columns) }}

)

select
    tenant_id,
    supplier_code,
    landed_on,
    batch_id,
    name,
    lead_time_days,
    minimum_order_value

from versions
