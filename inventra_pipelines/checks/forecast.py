"""Checks of the forecast stage: sound numbers, and no active item without them.

Belongs here: judging the rows that were written, before the stages after it read them.
"""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl
import psycopg
from dagster import AssetCheckResult, AssetCheckSeverity

from inventra_pipelines.assets.keys import FORECASTS
from inventra_pipelines.db.writes import Window, days_of
from inventra_pipelines.domain.tenant import TenantConfig

# Postgres orders NaN and infinity above every number, so that one bound catches them.
_UNSOUND = """
    select count(*)
    from forecast.forecasts
    where
        tenant_id = %(tenant_id)s
        and cutoff_on between %(first)s and %(last)s
        and not coalesce(
            mean between 0 and 1e300 and 0 <= q10 and q10 <= q50 and q50 <= q80 and q80 <= q90 and q90 <= q95
            and q95 <= q98 and q98 <= 1e300,
            false
        )
"""
_MISSING = """
    select count(*) over () as missing, item_id, location_id
    from (
        select item_id, location_id
        from marts.fct_sales_daily
        where
            tenant_id = %(tenant_id)s
            and sold_on > %(day)s::date - 7 * %(active_weeks)s::int
            and sold_on <= %(day)s
            and units_sold > 0
        group by item_id, location_id
    ) as sold
    left join (
        select item_id, location_id, count(distinct lag) as lags
        from forecast.forecasts
        where tenant_id = %(tenant_id)s and cutoff_on = %(day)s
        group by item_id, location_id
    ) as forecast using (item_id, location_id)
    where coalesce(forecast.lags, 0) <> %(horizon_weeks)s
    order by item_id, location_id
    limit 1
"""
# Versions in force that a forecast of a window could know, each once.
_PROMOTIONS_WITHOUT_EFFECT = """
    select distinct item_id, location_id, starts_on, problem
    from (
        select
            promotion.item_id,
            promotion.location_id,
            promotion.starts_on,
            promotion.is_cancelled,
            case
                when promotion.ends_on < promotion.starts_on then 'it ends before it begins'
                when item.item_id is null then 'no such item is in the item list or was ever sold'
                when promotion.location_id is not null and location.location_id is null
                    then 'nothing was sold or counted at such a location'
            end as problem
        from (
            select distinct on (item_id, location_id, starts_on) *
            from intermediate.int_promotion_versions
            where tenant_id = %(tenant_id)s and landed_on <= %(last)s
            order by item_id, location_id, starts_on, landed_on desc
        ) as promotion
        left join marts.dim_items as item
            on promotion.tenant_id = item.tenant_id and promotion.item_id = item.item_id
        left join marts.dim_locations as location
            on promotion.tenant_id = location.tenant_id and promotion.location_id = location.location_id
        where greatest(promotion.starts_on, promotion.ends_on) > %(last)s
    ) as known
    where not is_cancelled and problem is not null
"""


def ranges_are_sound(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Every mean and quantile that was written is finite and not negative, and the quantiles rise."""
    unsound = 0
    for window in windows:
        row = connection.execute(_UNSOUND, window.__dict__).fetchone()
        unsound += int(row[0]) if row else 0
    return AssetCheckResult(
        asset_key=FORECASTS, check_name="ranges_are_sound", passed=unsound == 0, metadata={"unsound": unsound}
    )


def every_active_item_forecast(
    connection: psycopg.Connection, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]
) -> AssetCheckResult:
    """Each item and location that sold within the tenant's `active_weeks` has a forecast of every week ahead."""
    missing, first = 0, None
    for tenant_id, day in days_of(windows):
        config = tenants[tenant_id].forecast
        parameters = {"tenant_id": tenant_id, "day": day, **config.model_dump()}
        row = connection.execute(_MISSING, parameters).fetchone()
        if row:
            missing += int(row[0])
            first = first or f"{row[1]} at {row[2]}, tenant {tenant_id}, {day}"
    return AssetCheckResult(
        asset_key=FORECASTS,
        check_name="every_active_item_forecast",
        passed=missing == 0,
        metadata={"without_forecast": missing, **({"first_of_them": first} if first else {})},
    )


def adjustments_count(unplaced: Sequence[pl.DataFrame]) -> AssetCheckResult:
    """Every adjustment that is in force changes a forecast; a warning names each tenant's first that does not.

    Args:
        unplaced: Frames of UNPLACED.
    """
    found = [
        (
            one["tenant_id"],
            f"{one['item_id']} at {one['location_id'] or 'every location'} from {one['starts_on']} by {one['step']}",
            one["problem"],
        )
        for frame in unplaced
        for one in frame.iter_rows(named=True)
    ]
    return _without_effect("adjustments_count", found, "demand_adjustments")


def promotions_count(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Every promotion that is on or to come, as known on the last day, is of an item and a place that exist.

    A warning names each tenant's first that is not, or that ends before it begins: no forecast knows of such.
    """
    found = [
        (window.tenant_id, f"{item_id} at {location_id or 'every location'} from {starts_on}", problem)
        for window in windows
        for item_id, location_id, starts_on, problem in connection.execute(_PROMOTIONS_WITHOUT_EFFECT, window.__dict__)
    ]
    return _without_effect("promotions_count", found, "promotions")


def _without_effect(check_name: str, found: Iterable[tuple[str, str, str]], dataset: str) -> AssetCheckResult:
    """A warning about rows of a dataset: tenant, what it is, and what is wrong with it; a row counts once."""
    problems: dict[tuple[str, str], str] = {}
    for tenant_id, what, problem in sorted(found):
        problems.setdefault((tenant_id, what), problem)
    firsts: dict[str, str] = {}
    for (tenant_id, what), problem in problems.items():
        firsts.setdefault(tenant_id, f"{what}, tenant {tenant_id}: {problem}")
    metadata: dict[str, int | str] = {"without_effect": len(problems)}
    if firsts:
        metadata["first_of_them"] = f"{'; '.join(firsts.values())}; correct it in {dataset}"
    return AssetCheckResult(
        asset_key=FORECASTS,
        check_name=check_name,
        passed=not problems,
        severity=AssetCheckSeverity.WARN,
        metadata=metadata,
    )
