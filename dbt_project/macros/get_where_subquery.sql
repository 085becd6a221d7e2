{#-
  What a test reads. `where: touched(sold_on)` and `where: as_of(as_of_on)` restrict it to the windows that are rebuilt,
  so that it is cheap enough for every night; any other text is a condition as dbt has it.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where') or '' -%}
    {%- set name = where.split('(')[0] -%}
    {%- set column = where.split('(')[-1].rstrip(')') -%}
    {%- if name == 'touched' -%}
        (select * from {{ relation }} where {{ in_touched(column) }}) as subquery
    {%- elif name == 'as_of' -%}
        (select * from {{ relation }} where {{ in_as_of(column) }}) as subquery
    {%- elif where -%}
        (select * from {{ relation }} where {{ where }}) as subquery
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
