{#-
  The periods that the key figures speak of, as rows: period, days; those of a calendar month and year have no length of
  their own.
-#}
{% macro periods() -%}
    select
        period,
        days
    from (
        values
        ('day', 1),
        ('7d', 7),
        ('28d', 28),
        ('90d', 90),
        ('mtd', null),
        ('ytd', null)
    ) as periods (period, days)
{%- endmacro %}


{#- The day from which on what was on a day is no longer in a period of `periods()` that ends on it. -#}
{% macro leaves_period_on(day_on) -%}
    case periods.period
        when 'mtd'
            then (date_trunc('month', {{ day_on }}::timestamp) + interval '1 month')::date
        when 'ytd'
            then (date_trunc('year', {{ day_on }}::timestamp) + interval '1 year')::date
        else {{ day_on }} + periods.days
    end
{%- endmacro %}


{#- Days before a partition day that its periods reach: the year to date of the year before, from the end of a leap year. -#}
{% macro period_reach() -%}
    {{ return(731) }}
{%- endmacro %}


{#- Every day that the periods of the partition days reach, and the one before: tenant_id, day_on. -#}
{% macro period_days() -%}
    select
        spans.tenant_id,
        days.day::date as day_on
    from (
        select
            tenant_id,
            min(first_on) as first_on,
            max(last_on) as last_on
        from ({{ window_rows(var('as_of')) }}) as windows
        group by tenant_id
    ) as spans
    inner join lateral generate_series(
        spans.first_on::timestamp - interval '{{ period_reach() + 1 }} days',
        spans.last_on::timestamp,
        interval '1 day'
    ) as days (day) on true
{%- endmacro %}
