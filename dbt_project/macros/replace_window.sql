{#-
  The incremental strategy `replace_window`: lock, delete the windows, insert, in one transaction.

  A model says under `meta` which windows are its own: `window` is touched, as_of, since_touched and since_as_of (from a
  tenant's first such day on), items and customers (stored ones that the windows may end) or tenants (all rows of the
  tenants in either), `window_column` the date that the windows speak of; `dates` names the days that touched windows speak
  of where the column has another name; with `period` it stands for a week or month. With a `unique_key`, rows of the same
  key are deleted outside of the windows too, for rows whose day can move. The window filter in a model's SQL stands in
  every build, the first one included.
-#}

{% macro model_window_predicate() -%}
    {%- set meta = config.get('meta') -%}
    {%- if meta.window == 'touched' and meta.period -%}
        {{ in_touched_periods(meta.window_column, meta.period, meta.dates) }}
    {%- elif meta.window == 'touched' -%}
        {{ in_touched(meta.window_column) }}
    {%- elif meta.window == 'as_of' -%}
        {{ in_as_of(meta.window_column) }}
    {%- elif meta.window == 'since_touched' -%}
        {{ since_touched(meta.window_column, meta.dates) }}
    {%- elif meta.window == 'since_as_of' -%}
        {{ since_as_of(meta.window_column) }}
    {%- elif meta.window == 'items' -%}
        {{ may_end_items() }}
    {%- elif meta.window == 'customers' -%}
        {{ may_end_customers() }}
    {%- elif meta.window == 'tenants' -%}
        {{ in_tenants() }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            'meta.window must be touched, as_of, since_touched, since_as_of, items, customers or tenants'
        ) }}
    {%- endif -%}
{%- endmacro %}


{% macro get_incremental_replace_window_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set new_rows = arg_dict['temp_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set key = arg_dict['unique_key'] -%}

    delete from {{ target }}
    where {{ model_window_predicate() }};

    {%- if key %}
    delete from {{ target }} as old
    using {{ new_rows }} as new
    where
        {%- for column in key %}
        {{ 'and ' if not loop.first }}old.{{ column }} = new.{{ column }}
        {%- endfor %};
    {%- endif %}

    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ new_rows }}
{%- endmacro %}


{#-
  Opens a table's transaction: its advisory lock of each tenant, in one order, before the first row is read. The key is
  the one that every other writer of the project's tables takes.
-#}
{% macro begin_write() -%}
    {%- if model.config.materialized == 'incremental' -%}
        {%- for tenant_id in window_tenants() %}
    select pg_advisory_xact_lock(
        hashtextextended({{ text_literal(this.schema ~ '.' ~ this.identifier ~ '|' ~ tenant_id) }}, 0)
    );
        {%- endfor %}
        {%- if has_long_window() %}
    set local work_mem = '192MB';
    {#- Rows made this minute have no statistics: the planner takes them for one and joins row by row. -#}
    set local enable_nestloop = off;
        {%- endif %}
    {%- endif -%}
{%- endmacro %}


{#- Views answer with the rights of who asks; a table that was rebuilt at length gets fresh statistics. -#}
{% macro end_write() -%}
    {%- if model.config.materialized == 'view' -%}
    alter view {{ this }} set (security_invoker = true)
    {%- elif has_long_window() -%}
    analyze {{ this }}
    {%- endif -%}
{%- endmacro %}


{#-
  The new rows as a temporary view, which the insert reads once, in place of dbt's temporary table, which would be written
  and read again (2 of 8 seconds for 540,000 sales lines). Not where the strategy or the model itself reads the
  new rows or the old ones after the delete: those have a `unique_key`.
-#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- if temporary and config.get('incremental_strategy') == 'replace_window' and not config.get('unique_key') -%}
    create temporary view {{ relation }} as (
        {{ sql }}
    )
    {%- else -%}
    {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
    {%- endif -%}
{%- endmacro %}
