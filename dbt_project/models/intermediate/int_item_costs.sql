with

versions as (

    select * from {{ ref('int_item_versions') }}

),

-- Items whose master changed in the windows, and those whose change there is gone.
changed as (

    select
        tenant_id,
        item_id

    from versions
    where {{ since_as_of('landed_on') }}

    {% if is_incremental() %}
        union

        select
            tenant_id,
            item_id

        from {{ this }}
        where {{ since_as_of('landed_on') }}
    {% else %}
        group by tenant_id, item_id
    {% endif %}

),

daily as (

    select distinct on (versions.tenant_id, versions.item_id, versions.landed_on)
        versions.tenant_id,
        versions.item_id,
        versions.landed_on,
        versions.unit_cost

    from versions
    inner join changed
        on
            versions.tenant_id = changed.tenant_id
            and versions.item_id = changed.item_id
    where versions.unit_cost is not null
    order by
        versions.tenant_id asc,
        versions.item_id asc,
        versions.landed_on asc,
        versions.batch_id desc

),

compared as (

    select
        *,
        lag(unit_cost) over (
            partition by tenant_id, item_id
            order by landed_on
        ) as previous_unit_cost

    from daily

),

changes as (

    select
        *,
        row_number() over (
            partition by tenant_id, item_id
            order by landed_on
        ) as version_number,
        lead(landed_on) over (
            partition by tenant_id, item_id
            order by landed_on
        ) as next_landed_on

    from compared
    where previous_unit_cost is distinct from unit_cost

)

select
    tenant_id,
    item_id,
    version_number::integer as version_number,
    unit_cost,
    landed_on,
    -- The first cost that is known holds for all days before it.
    case when version_number > 1 then landed_on end as valid_from_on,
    next_landed_on - 1 as valid_to_on

from changes
