"""Checks of the forecast stage: sound numbers, and no active item without them.

Belongs here: judging the rows that were written, before the stages after it read them.
"""

from collections.abc import Mapping, Sequence

import polars as pl
import psycopg
from dagster import AssetCheckResult, AssetCheckSeverity

from inventra_pipelines.assets.keys import FORECASTS
from inventra_pipelines.db.writes import Window, days_of
from inventra_pipelines.domain.forecast.frames import UNPLACED
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
    """Every adjustment that is in force changes a forecast; of those that do not, a warning names the first.

    Args:
        unplaced: Frames of UNPLACED.
    """
    adjustment = ["tenant_id", "item_id", "location_id", "starts_on", "step"]
    rows = pl.concat([pl.DataFrame(schema=UNPLACED), *unplaced]).unique(adjustment).sort(adjustment)
    metadata: dict[str, int | str] = {"without_effect": rows.height}
    if rows.height:
        one = rows.row(0, named=True)
        metadata["first_of_them"] = (
            f"{one['item_id']} at {one['location_id'] or 'every location'} from {one['starts_on']} by {one['step']}: "
            f"{one['problem']}; correct it in demand_adjustments"
        )
    return AssetCheckResult(
        asset_key=FORECASTS,
        check_name="adjustments_count",
        passed=metadata["without_effect"] == 0,
        severity=AssetCheckSeverity.WARN,
        metadata=metadata,
    )
