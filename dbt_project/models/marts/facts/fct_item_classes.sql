with

years as (

    {{ item_years(sundays_of(var('as_of'))) }}

),

tenants as (

    select * from {{ ref('int_tenants') }}

),

seasons as (

    select * from {{ ref('fct_item_seasons') }}
    where {{ in_as_of('as_of_on') }}

),

masters as (

    select * from {{ ref('dim_item_versions') }}
    where {{ in_tenants() }}

),

ranked as (

    select
        *,
        coalesce(sum(revenue_52w) over by_revenue - revenue_52w, 0) as revenue_before,
        sum(revenue_52w) over sunday as revenue_total,
        coalesce(sum(greatest(gross_margin_52w, 0)) over by_margin - gross_margin_52w, 0)
            as margin_before,
        sum(greatest(gross_margin_52w, 0)) over sunday as margin_total

    from years
    window
        sunday as (partition by tenant_id, as_of_on),
        by_revenue as (
            partition by tenant_id, as_of_on
            order by revenue_52w desc nulls last, item_id asc
            rows unbounded preceding
        ),
        by_margin as (
            partition by tenant_id, as_of_on
            order by gross_margin_52w desc nulls last, item_id asc
            rows unbounded preceding
        )

),

spread as (

    select
        ranked.*,
        seasons.seasonal_strength,
        seasons.deseasonalised_variation,
        case
            when ranked.weeks > 1 and ranked.units_52w > 0
                then
                    sqrt(greatest(
                        (
                            ranked.units_squared
                            - ranked.units_52w * ranked.units_52w / ranked.weeks
                        ) / (ranked.weeks - 1),
                        0
                    )::double precision)
                    / (ranked.units_52w / ranked.weeks)::double precision
        end as weekly_variation,
        case
            when ranked.weeks_active > 0
                then ranked.weeks::double precision / ranked.weeks_active
        end as adi,
        case
            when ranked.weeks_active > 1
                then
                    greatest(
                        (
                            ranked.units_squared
                            - ranked.units_52w * ranked.units_52w / ranked.weeks_active
                        ) / (ranked.weeks_active - 1),
                        0
                    )::double precision
                    / ((ranked.units_52w / ranked.weeks_active)::double precision ^ 2)
            when ranked.weeks_active = 1 then 0
        end as cv_squared,
        coalesce(masters.discontinued_on <= ranked.as_of_on, false) as is_discontinued

    from ranked
    left join seasons
        on
            ranked.tenant_id = seasons.tenant_id
            and ranked.as_of_on = seasons.as_of_on
            and ranked.item_id = seasons.item_id
    left join masters
        on
            ranked.tenant_id = masters.tenant_id
            and ranked.item_id = masters.item_id
            and (masters.valid_from_on is null or ranked.as_of_on >= masters.valid_from_on)
            and (masters.valid_to_on is null or ranked.as_of_on <= masters.valid_to_on)

),

classified as (

    select
        spread.tenant_id,
        spread.item_id,
        spread.as_of_on,
        case
            when spread.revenue_52w is null then null
            when spread.revenue_52w <= 0 then 'C'
            when spread.revenue_before < tenants.abc_thresholds[1]::numeric * spread.revenue_total
                then 'A'
            when spread.revenue_before < tenants.abc_thresholds[2]::numeric * spread.revenue_total
                then 'B'
            else 'C'
        end as abc_class,
        case
            when spread.gross_margin_52w is null then null
            when spread.gross_margin_52w <= 0 then 'C'
            when spread.margin_before < tenants.abc_thresholds[1]::numeric * spread.margin_total
                then 'A'
            when spread.margin_before < tenants.abc_thresholds[2]::numeric * spread.margin_total
                then 'B'
            else 'C'
        end as abc_margin_class,
        case
            when
                least(spread.weekly_variation, spread.deseasonalised_variation)
                <= tenants.xyz_thresholds[1]
                then 'X'
            when
                least(spread.weekly_variation, spread.deseasonalised_variation)
                <= tenants.xyz_thresholds[2]
                then 'Y'
            else 'Z'
        end as xyz_class,
        case
            when spread.weeks_active = 0 then 'dormant'
            when spread.weeks_since_last_sale >= tenants.dormant_weeks then 'dormant'
            when spread.weeks_since_first_sale < tenants.new_weeks then 'new'
            when spread.adi < 1.32 and spread.cv_squared < 0.49 then 'smooth'
            when spread.adi < 1.32 then 'erratic'
            when spread.cv_squared < 0.49 then 'intermittent'
            else 'lumpy'
        end as demand_class,
        case
            when spread.is_discontinued then 'obsolete'
            when spread.weeks_since_last_sale >= tenants.obsolete_weeks then 'obsolete'
            when spread.weeks_since_last_sale >= tenants.dormant_weeks then 'dormant'
            when spread.weeks_since_first_sale < tenants.new_weeks then 'new'
            when spread.units_later_half = spread.units_earlier_half then 'mature'
            when
                spread.units_later_half
                >= spread.units_earlier_half * (1 + tenants.growth_share)
                then 'growing'
            when
                spread.units_later_half
                <= spread.units_earlier_half * (1 - tenants.growth_share)
                then 'declining'
            else 'mature'
        end as life_cycle,
        spread.weekly_variation,
        spread.deseasonalised_variation,
        spread.seasonal_strength,
        spread.adi,
        spread.cv_squared,
        spread.revenue_52w::numeric(38, 4) as revenue_52w,
        spread.gross_margin_52w::numeric(38, 4) as gross_margin_52w,
        spread.units_52w::numeric(38, 4) as units_52w,
        spread.weeks_active

    from spread
    inner join tenants on spread.tenant_id = tenants.tenant_id

)

select * from classified
