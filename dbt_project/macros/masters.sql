{#- Masters: what is known of an item or supplier after each file, by the latest value of every column. -#}

{#-
  Versions of masters, as the body of a CTE: one row per code and batch that changed it, with every column's last value
  that is not empty, in the order in which the rows landed. A later row that lacks a column, or leaves it empty, erases
  nothing.

  `landed` is a CTE of the rows since the tenants' first partition day, with `code` and the columns, which are given with
  their types; what was known before is read from the table itself.
-#}
{% macro latest_values(landed, code, columns) -%}
    {%- set names = columns | join(', ') %}
    with

    codes as (

        select distinct tenant_id, {{ code }} from {{ landed }}

    ),

    starts as (

        {{ first_days(var('as_of')) }}

    ),

    known_before as (

        {% if is_incremental() -%}
        select before.*
        from codes
        inner join starts on codes.tenant_id = starts.tenant_id
        cross join lateral (
            select
                tenant_id, {{ code }}, landed_on, batch_id, ''::text as sheet, 0 as row_number,
                {{ names }}
            from {{ this }} as stored
            where
                stored.tenant_id = codes.tenant_id
                and stored.{{ code }} = codes.{{ code }}
                and stored.landed_on < starts.first_on
            order by stored.landed_on desc, stored.batch_id desc
            limit 1
        ) as before

        union all

        {% endif -%}
        select
            tenant_id, {{ code }}, landed_on, batch_id, sheet, row_number,
            {{ names }}
        from {{ landed }}

    ),

    compared as (

        select
            *,
            lag(({{ names }})) over (
                partition by tenant_id, {{ code }}
                order by landed_on, batch_id, sheet, row_number
            ) is not distinct from ({{ names }}) as is_repeated
        from known_before

    ),

    -- Most files repeat what is known: the rest is few rows.
    numbered as (

        select
            *
            {%- for column in columns %},
            count({{ column }}) over history as {{ column }}_count
            {%- endfor %}
        from compared
        where not is_repeated
        window history as (
            partition by tenant_id, {{ code }}
            order by landed_on, batch_id, sheet, row_number
        )

    ),

    filled as (

        select
            tenant_id, {{ code }}, landed_on, batch_id, sheet, row_number
            {%- for column in columns %},
            max({{ column }}) over (
                partition by tenant_id, {{ code }}, {{ column }}_count
            ) as {{ column }}
            {%- endfor %}
        from numbered

    ),

    last_of_batch as (

        select distinct on (tenant_id, {{ code }}, landed_on, batch_id) *
        from filled
        order by
            tenant_id, {{ code }}, landed_on, batch_id, sheet desc, row_number desc

    ),

    versions as (

        select
            *,
            row_number() over history = 1
            or lag(({{ names }})) over history is distinct from ({{ names }}) as is_change
        from last_of_batch
        window history as (
            partition by tenant_id, {{ code }}
            order by landed_on, batch_id
        )

    )

    select
        versions.tenant_id, versions.{{ code }}, versions.landed_on, versions.batch_id
        {%- for column, type in columns.items() %},
        versions.{{ column }}::{{ type }} as {{ column }}
        {%- endfor %}
    from versions
    inner join starts on versions.tenant_id = starts.tenant_id
    where
        versions.is_change
        and versions.landed_on >= starts.first_on
{%- endmacro %}


{#-
  Stored items that the windows may end or change, though nothing in the windows may name them any more: their first or
  latest sale lay there, or their last word in the master, or nothing but counts, orders and returns speaks of them.
-#}
{% macro may_end_items() -%}
    (
        {{ in_touched('first_sold_on', dates='sold_on') }}
        or {{ in_touched('last_sold_on', dates='sold_on') }}
        or {{ since_as_of('described_on') }}
        or (
            last_sold_on is null
            and not is_in_master
            and {{ in_tenants() }}
        )
    )
{%- endmacro %}
