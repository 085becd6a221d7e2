"""What the forecast stage reads: demand history, and the vintages whose actuals have arrived.

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

_VINTAGES = """
    select tenant_id, item_id, location_id, cutoff_on, target_on, lag, mean, q10, q90, baseline
    from forecast.forecasts
    where tenant_id = %(tenant_id)s and target_on between %(first)s and %(last)s
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


def vintages(connection: psycopg.Connection, tenant_id: str, as_of_on: date) -> pl.DataFrame:
    """Forecasts of any cutoff whose target week ended in the last quarter to a day, that day included."""
    parameters = {
        "tenant_id": tenant_id,
        "first": as_of_on - timedelta(weeks=ACCURACY_WEEKS) + timedelta(1),
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
        "first": as_of_on - timedelta(weeks=ACCURACY_WEEKS) + timedelta(1),
        "last": as_of_on,
    }
    return read_frame(connection, _CONSENSUS_DUE, parameters)
