{#-
  What a tenant's configuration makes of codes and units. `rules` is the alias of a row of `stg_tenants`, `aliases` that
  of a row of `int_item_aliases`; either may be absent.

  Where an item is identified, its source is joined with both:

      left join rules on counts.tenant_id = rules.tenant_id
      left join aliases on {{ is_alias('counts.item_code') }}
-#}

{#-
  The rule part of an item's id: its code, trimmed, each of the tenant's patterns replaced once, in their order, in
  upper case and padded with zeros where the tenant says so. Patterns take time: where a table is large, call it once
  for each code that differs.
-#}
{% macro normalized_item_id(item_code, rules='rules') -%}
    {%- set trimmed -%}
        case
            when cardinality({{ rules }}.item_code_matches) > 0
                then (
                    with recursive replaced (code, steps) as (
                        select trim({{ item_code }}), 0
                        union all
                        select
                            regexp_replace(
                                code,
                                {{ rules }}.item_code_matches[steps + 1],
                                {{ rules }}.item_code_replacements[steps + 1]
                            ),
                            steps + 1
                        from replaced
                        where steps < cardinality({{ rules }}.item_code_matches)
                    )
                    select code from replaced
                    order by steps desc
                    limit 1
                )
            else trim({{ item_code }})
        end
    {%- endset -%}
    {%- set code -%}
        case when {{ rules }}.item_code_case = 'upper' then upper({{ trimmed }}) else {{ trimmed }} end
    {%- endset -%}
    case
        when {{ rules }}.item_code_pad_to is null then {{ code }}
        else lpad({{ code }}, greatest(length({{ code }}), {{ rules }}.item_code_pad_to), '0')
    end
{%- endmacro %}


{#- The join of a source with `int_item_aliases`: the alias that its code, by the rules, is. -#}
{% macro is_alias(item_code, rules='rules', aliases='aliases') -%}
    {{ rules }}.tenant_id = {{ aliases }}.tenant_id
    and {{ normalized_item_id(item_code, rules) }} = {{ aliases }}.alias_id
{%- endmacro %}


{#- An item's id: the item that its code is an alias of, or its code by the rules. -#}
{% macro aliased_item_id(item_code, rules='rules', aliases='aliases') -%}
    coalesce({{ aliases }}.item_id, {{ normalized_item_id(item_code, rules) }})
{%- endmacro %}


{#-
  Units of the item in one stated unit: what its alias says; or 1 where no unit is stated, or the item's own; or the
  tenant's factor of the unit. Null where none of these knows: it is not guessed.
-#}
{% macro units_per_unit(unit_of_measure, own_unit, rules='rules', aliases='aliases') -%}
    case
        when {{ aliases }}.quantity_factor is not null then nullif({{ aliases }}.quantity_factor, 0)
        when coalesce(trim({{ unit_of_measure }}), '') = '' then 1
        when lower(trim({{ unit_of_measure }})) = lower(trim({{ own_unit }})) then 1
        else ({{ rules }}.unit_factors ->> lower(trim({{ unit_of_measure }})))::numeric
    end
{%- endmacro %}


{#-
  The tenant's currency for one unit of that of a price: 1 where none is stated, or the tenant's own; or the tenant's rate
  of it. Null where it has none: it is not guessed.
-#}
{% macro exchange_rate(currency, rules='rules') -%}
    case
        when coalesce(trim({{ currency }}), '') = '' then 1
        when upper(trim({{ currency }})) = {{ rules }}.own_currency then 1
        else ({{ rules }}.exchange_rates ->> upper(trim({{ currency }})))::numeric
    end
{%- endmacro %}


{#- A location's id: its code, or `main` where the source has none. -#}
{% macro normalized_location_id(location_code) -%}
    coalesce(nullif(trim({{ location_code }}), ''), 'main')
{%- endmacro %}


{#- Whether a value matches one of a list of regular expressions; false where either is absent. -#}
{% macro matches_any(value, patterns) -%}
    coalesce({{ value }} ~ any({{ patterns }}), false)
{%- endmacro %}
