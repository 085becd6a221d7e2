{{ config(tags=['nightly']) }}

-- The kinds of a day's lines add up to its lines, and no part has more than there are.
with

lines as (

    select
        tenant_id,
        sold_on,
        count(*) as lines

    from {{ ref('int_sales_lines') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

),

counted as (

    select
        tenant_id,
        sold_on,
        sum(lines) as lines,
        sum(
            counted_lines
            + cancelled_lines
            + adjustment_lines
            + service_lines
            + duplicate_lines
            + superseded_lines
            + unconverted_lines
        ) as of_kinds,
        bool_and(
            with_customer <= counted_lines
            and with_document <= counted_lines
            and greatest(cancelling_lines, negative_lines, unpriced_lines) <= lines
            and greatest(lines_without_customer, lines_without_description) <= lines
        ) as is_sound

    from {{ ref('fct_sales_quality_daily') }}
    where {{ in_touched('sold_on') }}
    group by tenant_id, sold_on

)

select
    coalesce(lines.tenant_id, counted.tenant_id) as tenant_id,
    coalesce(lines.sold_on, counted.sold_on) as sold_on

from lines
full join counted
    on
        lines.tenant_id = counted.tenant_id
        and lines.sold_on = counted.sold_on
where
    lines.lines is distinct from counted.lines
    or counted.of_kinds is distinct from counted.lines
    or not counted.is_sound
