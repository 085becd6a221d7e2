"""What the forecast stage reads: demand history, and the vintages whose actuals have arrived.

Belongs here: SQL and its parameters. What is done with the frames is `domain/forecast/`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.forecast.vintages import JUDGED_WEEKS
from inventra_pipelines.domain.tenant import TenantConfig

_DEMAND = """
    select tenant_id, item_id, location_id, sold_on, units_sold
    from marts.fct_sales_daily
    where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and units_sold <> 0
"""

_VINTAGES = """
    select
        tenant_id, item_id, location_id, cutoff_on, target_on, lag, demand_class,
        mean, q10, q50, q80, q90, q95, q98, baseline
    from forecast.forecasts
    where tenant_id = %(tenant_id)s and target_on between %(first)s and %(last)s
"""

_CATEGORIES = "select tenant_id, item_id, category from marts.dim_items where tenant_id = %(tenant_id)s"


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


def vintages(connection: psycopg.Connection, tenant_id: str, as_of_on: date) -> pl.DataFrame:
    """Forecasts of any cutoff whose target week ended in the last quarter to a day, that day included."""
    parameters = {
        "tenant_id": tenant_id,
        "first": as_of_on - timedelta(weeks=JUDGED_WEEKS) + timedelta(1),
        "last": as_of_on,
    }
    return read_frame(connection, _VINTAGES, parameters)


def categories(connection: psycopg.Connection, tenant_id: str) -> pl.DataFrame:
    """The present category of each item: tenant_id, item_id, category (null where the master has none)."""
    return read_frame(connection, _CATEGORIES, {"tenant_id": tenant_id})
