{{ config(tags=['nightly']) }}

-- Every part of the data quality lies between 0 and 1, and the score between the worst and best.
select
    tenant_id,
    as_of_on,
    dataset

from {{ ref('rpt_data_quality') }}
where
    {{ in_as_of('as_of_on') }}
    and (
        least(completeness, freshness, consistency, validity, coverage) < 0
        or greatest(completeness, freshness, consistency, validity, coverage) > 1
        or score < least(completeness, freshness, consistency, validity, coverage) - 0.000001
        or score > greatest(completeness, freshness, consistency, validity, coverage) + 0.000001
        or rows_read_day < 0
        or rows_share < 0
    )
