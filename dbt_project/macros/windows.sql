{#- Windows: lists of {tenant_id, first, last} that the variables `touched` and `as_of` hold, as predicates. -#}

{#- A date literal; anything that is not an ISO date is an error, so no value reaches the SQL unread. -#}
{% macro date_literal(value, days=0) -%}
    {%- set day = modules.datetime.date.fromisoformat(value | string)
        + modules.datetime.timedelta(days=days) -%}
    date '{{ day.isoformat() }}'
{%- endmacro %}


{% macro text_literal(value) -%}
    '{{ dbt.escape_single_quotes(value | string) }}'
{%- endmacro %}


{#- Rows of the tenants and days of `windows`; `reach_back` and `reach_forward` add days before and after each one. -#}
{% macro in_windows(windows, column, reach_back=0, reach_forward=0) -%}
    {%- set parts = column.split('.') -%}
    {%- set tenant_id = (parts[:-1] + ['tenant_id']) | join('.') -%}
    {%- if not windows -%}
        false
    {%- else -%}
        (
            {%- for window in windows %}
            {{ 'or ' if not loop.first }}(
                {{ tenant_id }} = {{ text_literal(window.tenant_id) }}
                and {{ column }} between {{ date_literal(window.first, -reach_back) }}
                and {{ date_literal(window.last, reach_forward) }}
            )
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}


{#- The windows of business days that are rebuilt and speak of a date column, or of none by name. -#}
{% macro touched_windows(dates) -%}
    {%- set own = [] -%}
    {%- for window in var('touched') -%}
        {%- if window.get('column', dates) == dates -%}
            {%- do own.append(window) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(own) }}
{%- endmacro %}


{#-
  Rows of the business days that are rebuilt; a window that names a date column speaks of that column alone, and of
  columns that hold its days (`dates` names it).
-#}
{% macro in_touched(column, reach_back=0, reach_forward=0, dates=none) -%}
    {%- set own = touched_windows(dates or column.split('.')[-1]) -%}
    {{ in_windows(own, column, reach_back, reach_forward) }}
{%- endmacro %}


{#- Rows of the partition days that are rebuilt. -#}
{% macro in_as_of(column, reach_back=0) -%}
    {{ in_windows(var('as_of'), column, reach_back) }}
{%- endmacro %}


{#- The first day of the windows, per tenant: tenant_id, first_on. -#}
{% macro first_days(windows) -%}
    select
        tenant_id,
        min(first_on) as first_on
    from ({{ window_rows(windows) }}) as windows
    group by tenant_id
{%- endmacro %}


{#- Rows of the tenants of `windows`, from the first of their days on. -#}
{% macro since_windows(windows, column) -%}
    {%- set parts = column.split('.') -%}
    {%- set tenant_id = (parts[:-1] + ['tenant_id']) | join('.') -%}
    {%- set firsts = {} -%}
    {%- for window in windows -%}
        {%- set days = [window.first | string, firsts.get(window.tenant_id, window.first) | string] -%}
        {%- do firsts.update({window.tenant_id: days | min}) -%}
    {%- endfor -%}
    {%- if not firsts -%}
        false
    {%- else -%}
        (
            {%- for tenant, first in firsts | dictsort %}
            {{ 'or ' if not loop.first }}(
                {{ tenant_id }} = {{ text_literal(tenant) }}
                and {{ column }} >= {{ date_literal(first) }}
            )
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}


{#- Rows of the tenants whose partition days are rebuilt, from the first of those days on. -#}
{% macro since_as_of(column) -%}
    {{ since_windows(var('as_of'), column) }}
{%- endmacro %}


{#- Rows from the first business day on that is rebuilt: a row of a later day may hang on it. -#}
{% macro since_touched(column, dates=none) -%}
    {{ since_windows(touched_windows(dates or column.split('.')[-1]), column) }}
{%- endmacro %}


{#- One window per tenant, from the first business day on that is rebuilt: window_id, tenant_id, first_on, last_on. -#}
{% macro since_touched_rows(dates) -%}
    select
        row_number() over (order by tenant_id) as window_id,
        tenant_id,
        first_on,
        date '9999-12-31' as last_on
    from ({{ first_days(touched_windows(dates)) }}) as first_days
{%- endmacro %}


{#-
  Days that a cancellation may lie after its sale, the most of the windows' tenants: a number in the SQL, because the planner
  cannot estimate a range of days that a query decides. Where a tenant is not on record, the most that is allowed.
-#}
{% macro cancellation_reach() -%}
    {%- set reach = [90] -%}
    {%- if execute and window_tenants() -%}
        {%- set found = run_query(
            'select count(*), max(cancellation_window_days) from staging.stg_tenants where '
            ~ in_tenants()
        ) -%}
        {%- if found.rows[0][0] == window_tenants() | length -%}
            {%- do reach.append(found.rows[0][1]) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(reach[-1] | int) }}
{%- endmacro %}


{#- The tenants of all windows, sorted. -#}
{% macro window_tenants() -%}
    {%- set tenants = (var('touched') + var('as_of')) | map(attribute='tenant_id') -%}
    {{ return(tenants | unique | sort) }}
{%- endmacro %}


{#- Rows of the tenants of all windows, for tables that are keyed by tenant only. -#}
{% macro in_tenants(column='tenant_id') -%}
    {%- set tenants = window_tenants() -%}
    {%- if not tenants -%}
        false
    {%- else -%}
        {{ column }} in (
            {%- for tenant_id in tenants -%}
                {{ ', ' if not loop.first }}{{ text_literal(tenant_id) }}
            {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}


{#- The windows as rows, one per window: window_id, tenant_id, first_on, last_on. -#}
{% macro window_rows(windows) -%}
    {%- if not windows -%}
        select
            null::integer as window_id,
            null::text as tenant_id,
            null::date as first_on,
            null::date as last_on
        where false
    {%- else -%}
        {%- for window in windows %}
        {{ 'union all' if not loop.first }}
        select
            {{ loop.index }} as window_id,
            {{ text_literal(window.tenant_id) }} as tenant_id,
            {{ date_literal(window.first) }} as first_on,
            {{ date_literal(window.last) }} as last_on
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}


{#- The windows cut to whole weeks' last days: from the first Sunday in each to the last one. -#}
{% macro sundays_of(windows) -%}
    {%- set found = [] -%}
    {%- for window in windows -%}
        {%- set first = modules.datetime.date.fromisoformat(window.first | string) -%}
        {%- set last = modules.datetime.date.fromisoformat(window.last | string) -%}
        {%- set first = first + modules.datetime.timedelta(days=7 - first.isoweekday()) -%}
        {%- set last = last - modules.datetime.timedelta(days=last.isoweekday() % 7) -%}
        {%- if first <= last -%}
            {%- do found.append({
                'tenant_id': window.tenant_id,
                'first': first.isoformat(),
                'last': last.isoformat(),
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}


{#- Whether so much is rebuilt that fresh statistics repay their cost. -#}
{% macro has_long_window() -%}
    {%- set days = [] -%}
    {%- for window in var('touched') + var('as_of') -%}
        {%- set first = modules.datetime.date.fromisoformat(window.first | string) -%}
        {%- set last = modules.datetime.date.fromisoformat(window.last | string) -%}
        {%- do days.append((last - first).days) -%}
    {%- endfor -%}
    {{ return((days | sum) >= 14) }}
{%- endmacro %}
