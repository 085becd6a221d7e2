{#- What a tenant's configuration makes of a code. `rules` is the alias of a row of `stg_tenants`, which may be absent. -#}

{#- An item's id: its code, trimmed, in upper case and padded with zeros where the tenant says so. -#}
{% macro normalized_item_id(item_code, rules='rules') -%}
    {%- set code -%}
        case when {{ rules }}.item_code_case = 'upper' then upper(trim({{ item_code }}))
        else trim({{ item_code }}) end
    {%- endset -%}
    lpad({{ code }}, greatest(length({{ code }}), {{ rules }}.item_code_pad_to), '0')
{%- endmacro %}


{#- A location's id: its code, or `main` where the source has none. -#}
{% macro normalized_location_id(location_code) -%}
    coalesce(nullif(trim({{ location_code }}), ''), 'main')
{%- endmacro %}


{#- Whether a value matches one of a list of regular expressions; false where either is absent. -#}
{% macro matches_any(value, patterns) -%}
    coalesce({{ value }} ~ any({{ patterns }}), false)
{%- endmacro %}
