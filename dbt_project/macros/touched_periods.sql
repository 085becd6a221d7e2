{#- Tables by week or month: whatever day of a period is rebuilt, all of the period is. -#}

{#-
  Rows of the weeks (Monday to Sunday) or months in which the touched days of `dates` lie; `column` may be such a day or
  any day that stands for its period.
-#}
{% macro in_touched_periods(column, period, dates) -%}
    {{ in_windows(touched_periods(dates, period), column) }}
{%- endmacro %}


{#- The windows of `dates` that are rebuilt, widened to whole weeks or months. -#}
{% macro touched_periods(dates, period) -%}
    {%- set whole = [] -%}
    {%- for window in touched_windows(dates) -%}
        {%- do whole.append({
            'tenant_id': window.tenant_id,
            'first': period_bounds(window.first, period)[0],
            'last': period_bounds(window.last, period)[1],
        }) -%}
    {%- endfor -%}
    {{ return(whole) }}
{%- endmacro %}


{#- The first and last day of the week or month of a day. -#}
{% macro period_bounds(value, period) -%}
    {%- set day = modules.datetime.date.fromisoformat(value | string) -%}
    {%- if period == 'week' -%}
        {%- set first = day - modules.datetime.timedelta(days=day.weekday()) -%}
        {%- set last = first + modules.datetime.timedelta(days=6) -%}
    {%- elif period == 'month' -%}
        {%- set first = day.replace(day=1) -%}
        {#- 31 days after the first of a month always lie in the next one. -#}
        {%- set last = (first + modules.datetime.timedelta(days=31)).replace(day=1)
            - modules.datetime.timedelta(days=1) -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("a period is 'week' or 'month', not '" ~ period ~ "'") }}
    {%- endif -%}
    {{ return([first.isoformat(), last.isoformat()]) }}
{%- endmacro %}
