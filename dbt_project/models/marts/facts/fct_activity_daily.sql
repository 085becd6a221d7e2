{%- set codes = {'order': 'document_id', 'customer': 'customer_code'} -%}
with

first_days as (

    {{ first_days(touched_windows('sold_on')) }}

),

orders as (

    select * from {{ ref('fct_orders_daily') }}
    where {{ since_touched('sold_on') }}

),

activity as (

    {% for kind, code in codes.items() %}
        {{ 'union all' if not loop.first }}

        select distinct
            tenant_id,
            '{{ kind }}' as member_kind,
            {{ code }} as member,
            sold_on as active_on

        from orders
        where {{ code }} != ''
    {% endfor %}

),

followed as materialized (

    select
        *,
        lag(active_on) over (
            partition by tenant_id, member_kind, member
            order by active_on
        ) as previous_on

    from activity

),

-- When a member that comes up in these days was last active before them.
before as (

    {% for kind, code in codes.items() %}
        {{ 'union all' if not loop.first }}

        select
            followed.tenant_id,
            followed.member_kind,
            followed.member,
            max(orders.sold_on) as active_on

        from followed
        inner join first_days on followed.tenant_id = first_days.tenant_id
        inner join {{ ref('fct_orders_daily') }} as orders
            on
                followed.tenant_id = orders.tenant_id
                and followed.member = orders.{{ code }}
                and first_days.first_on > orders.sold_on
        where
            followed.member_kind = '{{ kind }}'
            and followed.previous_on is null
        group by followed.tenant_id, followed.member_kind, followed.member
    {% endfor %}

),

returned as (

    select
        followed.tenant_id,
        followed.member_kind,
        followed.active_on,
        followed.active_on - coalesce(followed.previous_on, before.active_on) as days_since

    from followed
    left join before
        on
            followed.previous_on is null
            and followed.tenant_id = before.tenant_id
            and followed.member_kind = before.member_kind
            and followed.member = before.member

)

select
    tenant_id,
    member_kind,
    active_on,
    coalesce(days_since, 0) as days_since,
    count(*) as members

from returned
group by tenant_id, member_kind, active_on, coalesce(days_since, 0)
