with

landed as not materialized (

    select * from {{ ref('stg_promotions') }}

),

codes as (

    select distinct
        tenant_id,
        item_code

    from landed

),

rules as (

    select * from {{ ref('stg_tenants') }}

),

aliases as (

    select * from {{ ref('int_item_aliases') }}

),

-- Where all promotions land every night, codes are few, and rules take time: `distinct` keeps the
-- planner from following them for each row.
items as (

    select distinct
        codes.tenant_id,
        codes.item_code,
        {{ aliased_item_id('codes.item_code') }} as item_id

    from codes
    left join rules on codes.tenant_id = rules.tenant_id
    left join aliases on {{ is_alias('codes.item_code') }}

),

identified as (

    select
        landed.tenant_id,
        landed.landed_on,
        landed.batch_id,
        landed.sheet,
        landed.row_number,
        landed.starts_on,
        items.item_id,
        -- None of its own: the promotion holds at all of them, not at `main`.
        nullif(trim(landed.location_code), '') as location_id,
        coalesce(landed.ends_on, landed.starts_on) as last_on,
        nullif(trim(landed.promotion), '') as title,
        coalesce(lower(trim(landed.status)) in ('cancelled', 'canceled'), false) as is_cancelled

    from landed
    inner join items
        on
            landed.tenant_id = items.tenant_id
            and landed.item_code = items.item_code

),

last_of_day as (

    select distinct on (tenant_id, item_id, location_id, starts_on, landed_on) *
    from identified
    order by
        tenant_id asc,
        item_id asc,
        location_id asc,
        starts_on asc,
        landed_on asc,
        batch_id desc,
        sheet desc,
        row_number desc

),

compared as (

    select
        *,
        lag(last_on) over history as last_on_before,
        lag(title) over history as title_before,
        lag(is_cancelled) over history as is_cancelled_before

    from last_of_day
    window
        history as (
            partition by tenant_id, item_id, location_id, starts_on
            order by landed_on
        )

)

select
    tenant_id,
    item_id,
    location_id,
    starts_on,
    landed_on,
    last_on as ends_on,
    title as promotion,
    is_cancelled

from compared
-- Such files mostly repeat what is known.
where
    last_on is distinct from last_on_before
    or title is distinct from title_before
    or is_cancelled is distinct from is_cancelled_before
