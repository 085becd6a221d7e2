with

tenants as (

    select * from {{ ref('stg_tenants') }}

),

configs as (

    select * from {{ ref('stg_config_versions') }}

)

select
    tenants.tenant_id,
    feeds.dataset,
    array(
        select weekdays.position::integer
        from
            unnest(
                array[
                    'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'
                ]
            ) with ordinality as weekdays (name, position)
        where feeds.settings -> 'weekdays' @> to_jsonb(weekdays.name)
        order by weekdays.position
    ) as expected_weekdays,
    (configs.config -> 'alerts' ->> 'thin_feed_share')::numeric as thin_feed_share

from tenants
inner join configs
    on
        tenants.tenant_id = configs.tenant_id
        and tenants.config_version = configs.config_version
inner join lateral jsonb_each(configs.config -> 'feeds') as feeds (dataset, settings) on true
