"""What the forecast stage reads: demand history, promotions, and the vintages whose actuals have arrived.

Belongs here: SQL and its parameters. What is done with the frames is `domain/forecast/`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.forecast.accuracy.vintages import JUDGED_WEEKS
from inventra_pipelines.domain.tenant import TenantConfig

_DEMAND = """
    select tenant_id, item_id, location_id, sold_on, units_sold
    from marts.fct_sales_daily
    where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and units_sold <> 0
"""

# A version that takes the promotion back has no last day.
_PROMOTIONS = """
    select
        tenant_id,
        item_id,
        location_id,
        starts_on,
        case when not is_cancelled then ends_on end as ends_on,
        landed_on
    from intermediate.int_promotion_versions
    where tenant_id = %(tenant_id)s and landed_on <= %(last)s
"""

# The totals know whether there are any: most tenants have none, and nothing of their demand is read.
_PROMOTION_DAYS = """
    select tenant_id, item_id, location_id, sold_on
    from intermediate.int_demand_daily
    where
        tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and is_on_promotion
        and exists (
            select from marts.fct_sales_totals_daily
            where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and promotion_units > 0
        )
"""

_VINTAGES = """
    select
        tenant_id, item_id, location_id, cutoff_on, target_on, lag, demand_class,
        mean, q10, q50, q80, q90, q95, q98, baseline
    from forecast.forecasts
    where tenant_id = %(tenant_id)s and target_on between %(first)s and %(last)s
"""

# A spell without stock begins the day after a count of none, and ends before the next count or the next sale, which
# needed stock whatever had been counted.
_STOCK_OUTS = """
    with counts as (
        select
            item_id, location_id, counted_on, is_out_of_stock,
            lead(counted_on) over (partition by item_id, location_id order by counted_on) as next_counted_on
        from marts.fct_stock_daily
        where tenant_id = %(tenant_id)s and counted_on <= %(last)s
    )

    select
        counts.item_id,
        counts.location_id,
        counts.counted_on + 1 as first_on,
        least(counts.next_counted_on - 1, sales.sold_on - 1, %(last)s::date) as last_on
    from counts
    left join lateral (
        select min(own.sold_on) as sold_on
        from marts.fct_sales_daily as own
        where
            own.tenant_id = %(tenant_id)s
            and own.item_id = counts.item_id
            and own.location_id = counts.location_id
            and own.sold_on > counts.counted_on
            and own.sold_on < coalesce(counts.next_counted_on, %(last)s::date + 1)
            and own.units_sold > 0
    ) as sales on true
    where
        counts.is_out_of_stock
        and coalesce(counts.next_counted_on, %(last)s::date) > %(first)s
"""

# Versions in force at a cutoff of the window, of periods that are not over by the first one.
_ADJUSTMENTS = """
    select
        tenant_id, item_id, location_id, starts_on, ends_on, step, quantity, cap, status, landed_on, replaced_on
    from intermediate.int_demand_adjustment_versions
    where
        tenant_id = %(tenant_id)s
        and landed_on <= %(last)s
        and (replaced_on is null or replaced_on > %(first)s)
        and greatest(starts_on, ends_on) > %(first)s
"""

_CONSENSUS_DUE = """
    select *
    from forecast.consensus
    where tenant_id = %(tenant_id)s and target_on between %(first)s and %(last)s
"""

# Methods are selected as of the first of a month.
_SELECTION_WEEKS = 5

_CATEGORIES = "select tenant_id, item_id, category from marts.dim_items where tenant_id = %(tenant_id)s"


def demand(
    connection: psycopg.Connection, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]
) -> pl.DataFrame:
    """Units sold per tenant, item, location and day, as far back as the windows' tenants look.

    Returns:
        tenant_id, item_id, location_id, sold_on, units_sold (Decimal).
    """
    return pl.concat(
        read_frame(connection, _DEMAND, _looked_at(tenant_id, windows, tenants))
        for tenant_id in sorted({window.tenant_id for window in windows})
    )


def stock_outs(
    connection: psycopg.Connection, tenant_id: str, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]
) -> pl.DataFrame:
    """Spells without stock of a tenant's items and locations: item_id, location_id, first_on, last_on.

    None for a tenant whose stock is not known. What is said of days up to a day depends on counts and sales up to it
    alone.
    """
    spells = read_frame(connection, _STOCK_OUTS, _looked_at(tenant_id, windows, tenants))
    return spells.filter(pl.col("last_on") >= pl.col("first_on"))


def _looked_at(tenant_id: str, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]) -> dict[str, str | date]:
    """The days that forecasts of a tenant's days in the windows look at, its selections included."""
    own = [window for window in windows if window.tenant_id == tenant_id]
    weeks = tenants[tenant_id].forecast.history_weeks + _SELECTION_WEEKS
    return {
        "tenant_id": tenant_id,
        "first": min(window.first for window in own) - timedelta(weeks=weeks),
        "last": max(window.last for window in own),
    }


def promotions(connection: psycopg.Connection, windows: Sequence[Window]) -> pl.DataFrame:
    """Every version of the tenants' promotions that had landed by the last day of the windows, past and to come.

    Returns:
        tenant_id, item_id, location_id (null for every location of the item), starts_on, ends_on (null in a version
        that takes the promotion back), landed_on; one row per tenant, item, location, first day and landing day.
    """
    lasts: dict[str, date] = {}
    for window in windows:
        lasts[window.tenant_id] = max(window.last, lasts.get(window.tenant_id, window.last))
    return pl.concat(
        read_frame(connection, _PROMOTIONS, {"tenant_id": tenant_id, "last": last})
        for tenant_id, last in sorted(lasts.items())
    )


def promotion_days(
    connection: psycopg.Connection, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]
) -> pl.DataFrame:
    """Days on which sales of an item at a location were under a promotion, as far back as `demand` looks.

    Returns:
        tenant_id, item_id, location_id, sold_on; no rows of tenants whose sales never state a promotion.
    """
    frames = []
    for tenant_id in sorted({window.tenant_id for window in windows}):
        own = [window for window in windows if window.tenant_id == tenant_id]
        parameters = {
            "tenant_id": tenant_id,
            "first": min(window.first for window in own) - timedelta(weeks=tenants[tenant_id].forecast.history_weeks),
            "last": max(window.last for window in own),
        }
        frames.append(read_frame(connection, _PROMOTION_DAYS, parameters))
    return pl.concat(frames)


def vintages(connection: psycopg.Connection, tenant_id: str, as_of_on: date) -> pl.DataFrame:
    """Forecasts of any cutoff whose target week ended in the last quarter to a day, that day included."""
    parameters = {
        "tenant_id": tenant_id,
        "first": as_of_on - timedelta(weeks=JUDGED_WEEKS) + timedelta(1),
        "last": as_of_on,
    }
    return read_frame(connection, _VINTAGES, parameters)


def adjustments(connection: psycopg.Connection, windows: Sequence[Window]) -> pl.DataFrame:
    """Planners' adjustments that concern the vintages of the windows, every version that was in force at one of them.

    Returns:
        tenant_id, item_id, location_id, starts_on, ends_on, step, quantity, cap (Decimal, units of the period), status,
        landed_on, replaced_on (null for the latest version); no row twice.
    """
    return pl.concat(read_frame(connection, _ADJUSTMENTS, window.__dict__) for window in windows).unique(
        maintain_order=True
    )


def consensus_due(connection: psycopg.Connection, tenant_id: str, as_of_on: date) -> pl.DataFrame:
    """Consensus forecasts of any cutoff whose target week ended in the last quarter to a day, that day included."""
    parameters = {
        "tenant_id": tenant_id,
        "first": as_of_on - timedelta(weeks=JUDGED_WEEKS) + timedelta(1),
        "last": as_of_on,
    }
    return read_frame(connection, _CONSENSUS_DUE, parameters)


def categories(connection: psycopg.Connection, tenant_id: str) -> pl.DataFrame:
    """The present category of each item: tenant_id, item_id, category (null where the master has none)."""
    return read_frame(connection, _CATEGORIES, {"tenant_id": tenant_id})
