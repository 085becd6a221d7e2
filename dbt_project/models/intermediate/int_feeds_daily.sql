with

batches as (

    select * from {{ ref('stg_batches') }}
    where state in ('loaded', 'partially_loaded', 'rejected')

),

daily as (

    select
        tenant_id,
        landed_on,
        dataset,
        count(*) as batches,
        sum(rows_read)::bigint as rows_read,
        sum(rows_accepted)::bigint as rows_accepted,
        sum(rows_rejected)::bigint as rows_rejected

    from batches
    group by tenant_id, landed_on, dataset

)

select * from daily
