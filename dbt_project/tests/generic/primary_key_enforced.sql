{#- Fails unless Postgres itself holds the table to this primary key; a look at the catalog. -#}
{% test primary_key_enforced(model, columns) %}

with

keys as (

    select
        (
            select array_agg(attributes.attname::text order by attributes.attname)
            from pg_attribute as attributes
            where
                attributes.attrelid = constraints.conrelid
                and attributes.attnum = any(constraints.conkey)
        ) as columns

    from pg_constraint as constraints
    where
        constraints.contype = 'p'
        and constraints.conrelid = '{{ model }}'::regclass

)

select '{{ model }}' as table_name
where
    not exists (
        select 1 from keys
        where columns = array['{{ columns | sort | join("', '") }}']
    )

{% endtest %}
