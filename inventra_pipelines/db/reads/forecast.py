"""What the forecast stage reads: demand history, promotions, and the vintages whose actuals have arrived.

Belongs here: SQL and its parameters. What is done with the frames is `domain/forecast/`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.db.writes import Window
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
    select tenant_id, item_id, location_id, cutoff_on, target_on, lag, mean, q10, q90, baseline
    from forecast.forecasts
    where tenant_id = %(tenant_id)s and target_on between %(first)s and %(last)s
"""

# Accuracy speaks of the targets of the last quarter: older ones say little of tonight's forecast.
ACCURACY_WEEKS = 13


def demand(
    connection: psycopg.Connection, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]
) -> pl.DataFrame:
    """Units sold per tenant, item, location and day, as far back as the windows' tenants look.

    Returns:
        tenant_id, item_id, location_id, sold_on, units_sold (Decimal).
    """
    frames = []
    for tenant_id in sorted({window.tenant_id for window in windows}):
        own = [window for window in windows if window.tenant_id == tenant_id]
        first = min(window.first for window in own)
        weeks = tenants[tenant_id].forecast.history_weeks
        parameters = {
            "tenant_id": tenant_id,
            "first": first - timedelta(weeks=weeks),
            "last": max(window.last for window in own),
        }
        frames.append(read_frame(connection, _DEMAND, parameters))
    return pl.concat(frames)


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
        "first": as_of_on - timedelta(weeks=ACCURACY_WEEKS) + timedelta(1),
        "last": as_of_on,
    }
    return read_frame(connection, _VINTAGES, parameters)
