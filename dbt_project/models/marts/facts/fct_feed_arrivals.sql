with

windows as (

    {{ window_rows(var('as_of')) }}

),

tenants as (

    select * from {{ ref('int_tenants') }}

),

feeds as (

    select * from {{ ref('int_feeds') }}

),

arrivals as (

    select * from {{ ref('fct_feeds_daily') }}
    where {{ in_tenants() }}

),

datasets as (

    select
        tenant_id,
        dataset,
        min(landed_on) as first_landed_on

    from arrivals
    group by tenant_id, dataset

),

days as (

    select
        datasets.tenant_id,
        datasets.dataset,
        datasets.first_landed_on,
        calendar.as_of_on::date as as_of_on

    from windows
    inner join datasets on windows.tenant_id = datasets.tenant_id
    inner join lateral generate_series(
        greatest(windows.first_on, datasets.first_landed_on)::timestamp,
        windows.last_on::timestamp,
        interval '1 day'
    ) as calendar (as_of_on) on true

),

-- The same weekday of the eight weeks before, those before the first file left out; a day without a
-- file has no rows.
usual as (

    select
        days.tenant_id,
        days.dataset,
        days.as_of_on,
        count(*) as weeks,
        percentile_cont(0.5) within group (order by coalesce(arrivals.rows_read, 0)) as rows_usual

    from days
    inner join lateral generate_series(1, 8) as weeks (weeks_ago) on true
    left join arrivals
        on
            days.tenant_id = arrivals.tenant_id
            and days.dataset = arrivals.dataset
            and days.as_of_on - 7 * weeks.weeks_ago = arrivals.landed_on
    where days.as_of_on - 7 * weeks.weeks_ago >= days.first_landed_on
    group by days.tenant_id, days.dataset, days.as_of_on

),

-- What landed in 28 days, and on the day itself.
recent as (

    select
        days.tenant_id,
        days.dataset,
        days.as_of_on,
        coalesce(
            sum(arrivals.rows_read) filter (where arrivals.landed_on = days.as_of_on), 0
        ) as rows_read_day,
        coalesce(sum(arrivals.rows_read), 0) as rows_read_28d,
        coalesce(sum(arrivals.rows_rejected), 0) as rows_rejected_28d

    from days
    left join arrivals
        on
            days.tenant_id = arrivals.tenant_id
            and days.dataset = arrivals.dataset
            and arrivals.landed_on between days.as_of_on - 27 and days.as_of_on
    group by days.tenant_id, days.dataset, days.as_of_on

),

-- The last day that the data reach: of sales or counts, else the last on which a file landed.
reached as (

    select
        days.tenant_id,
        days.dataset,
        days.as_of_on,
        case days.dataset
            when 'sales'
                then (
                    select max(lines.sold_on)
                    from {{ ref('fct_sales_quality_daily') }} as lines
                    where
                        lines.tenant_id = days.tenant_id
                        and lines.sold_on <= days.as_of_on
                )
            when 'stock'
                then (
                    select max(counts.counted_on)
                    from {{ ref('fct_stock_quality_daily') }} as counts
                    where
                        counts.tenant_id = days.tenant_id
                        and counts.counted_on <= days.as_of_on
                )
            else (
                select max(arrivals.landed_on)
                from arrivals
                where
                    arrivals.tenant_id = days.tenant_id
                    and arrivals.dataset = days.dataset
                    and arrivals.landed_on <= days.as_of_on
            )
        end as last_on

    from days

),

-- Days of the 28 before on which the feed was due; the day itself may bring yesterday's.
expected as (

    select
        reached.tenant_id,
        reached.dataset,
        reached.as_of_on,
        count(*) as days_expected,
        count(*) filter (where calendar.day_on::date > reached.last_on) as days_missing

    from reached
    inner join tenants on reached.tenant_id = tenants.tenant_id
    inner join feeds
        on
            reached.tenant_id = feeds.tenant_id
            and reached.dataset = feeds.dataset
    inner join lateral generate_series(
        (reached.as_of_on - 28)::timestamp,
        (reached.as_of_on - 1)::timestamp,
        interval '1 day'
    ) as calendar (day_on) on true
    where
        extract(isodow from calendar.day_on)::integer = any(feeds.expected_weekdays)
        and tenants.holidays ->> to_char(calendar.day_on, 'YYYY-MM-DD') is null
    group by reached.tenant_id, reached.dataset, reached.as_of_on

)

select
    recent.tenant_id,
    recent.dataset,
    recent.as_of_on,
    reached.last_on,
    recent.as_of_on - reached.last_on as days_since_last,
    case when reached.last_on is not null then expected.days_expected end as days_expected,
    case when reached.last_on is not null then expected.days_missing end as days_missing,
    recent.rows_read_day::bigint as rows_read_day,
    recent.rows_read_28d::bigint as rows_read_28d,
    recent.rows_rejected_28d::bigint as rows_rejected_28d,
    case when usual.weeks >= 4 then usual.rows_usual end as rows_expected,
    feeds.thin_feed_share::double precision as thin_feed_share

from recent
inner join reached
    on
        recent.tenant_id = reached.tenant_id
        and recent.dataset = reached.dataset
        and recent.as_of_on = reached.as_of_on
left join expected
    on
        recent.tenant_id = expected.tenant_id
        and recent.dataset = expected.dataset
        and recent.as_of_on = expected.as_of_on
left join usual
    on
        recent.tenant_id = usual.tenant_id
        and recent.dataset = usual.dataset
        and recent.as_of_on = usual.as_of_on
left join feeds
    on
        recent.tenant_id = feeds.tenant_id
        and recent.dataset = feeds.dataset
