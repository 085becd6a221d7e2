{#-
  Stored customers that the windows may end or change, though no row of their months names them any more: the months that
  are rebuilt lie between their first and latest sale, or they only ever returned.
-#}
{% macro may_end_customers() -%}
    {%- set months = touched_periods('sold_on', 'month') -%}
    {%- if not months -%}
        false
    {%- else -%}
        (
            {%- for month in months %}
            {{ 'or ' if not loop.first }}(
                tenant_id = {{ text_literal(month.tenant_id) }}
                and coalesce(first_bought_on, {{ date_literal(month.first) }})
                <= {{ date_literal(month.last) }}
                and coalesce(last_bought_on, {{ date_literal(month.last) }})
                >= {{ date_literal(month.first) }}
            )
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}
