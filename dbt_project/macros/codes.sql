{#- What the codes and units of a source mean: see `rules.sql` for the rules. -#}

{#-
  The body of a CTE: one row per tenant, item code and stated unit of `lines`, a CTE with `item_code` and
  `unit_of_measure`: `code_id`, the code by the rules, `item_id`, what it means, and `units_per_unit`, the units of the item in one stated unit, null where the unit is
  not known. Codes are few and rules take time: joined back on tenant, code and `stated_unit`, which is never null.
-#}
{% macro item_codes(lines) -%}
    select
        codes.tenant_id,
        codes.item_code,
        codes.stated_unit,
        {{ normalized_item_id('codes.item_code') }} as code_id,
        {{ aliased_item_id('codes.item_code') }} as item_id,
        {{ units_per_unit('codes.stated_unit', 'units.unit_of_measure') }} as units_per_unit
    from (
        select distinct
            tenant_id,
            item_code,
            coalesce(unit_of_measure, '') as stated_unit
        from {{ lines }}
    ) as codes
    left join {{ ref('stg_tenants') }} as rules on codes.tenant_id = rules.tenant_id
    left join {{ ref('int_item_aliases') }} as aliases on {{ is_alias('codes.item_code') }}
    left join {{ ref('int_item_units') }} as units
        on
            codes.tenant_id = units.tenant_id
            and units.item_id = {{ aliased_item_id('codes.item_code') }}
{%- endmacro %}
