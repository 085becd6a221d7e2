"""What the forecast stage wrote on earlier days and reads again: selections, realised coverage, drift.

Belongs here: SQL and its parameters. What tenants sold is `forecast.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import polars as pl
import psycopg

from inventra_pipelines.db.engine import read_frame
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.ranges import Realised
from inventra_pipelines.domain.forecast.selection.stored_selections import read_selection

_MODELS = """
    select
        tenant_id, selected_on, demand_class, method, score, baseline_score, series, windows, reason,
        candidates::text as candidates, spread::text as spread, data_fingerprint, engine_version, config_version
    from forecast.models
    where tenant_id = %(tenant_id)s and selected_on = %(day)s and config_version = %(config_version)s
"""
_BOOSTERS = """
    select tenant_id, selected_on, name, booster, training_rows
    from forecast.boosters
    where tenant_id = %(tenant_id)s and selected_on = %(day)s
"""

# The latest day on which accuracy was measured before a selection, if that was not long ago.
_REALISED = """
    select
        node as demand_class,
        sum(forecasts)::bigint as forecasts,
        sum(coverage_80 * forecasts) / sum(forecasts) as coverage_80,
        sum(coverage_95 * forecasts) / sum(forecasts) as coverage_95
    from forecast.accuracy
    where
        tenant_id = %(tenant_id)s
        and level = 'class'
        and coverage_80 is not null
        and coverage_95 is not null
        and as_of_on = (
            select max(as_of_on)
            from forecast.accuracy
            where tenant_id = %(tenant_id)s and as_of_on < %(day)s and as_of_on >= %(day)s::date - 31
        )
    group by node
"""

# Days on which a class drifts that did not on the day before that is on record.
_DRIFTED_ON = """
    with days as (
        select
            as_of_on,
            is_drifting,
            lag(is_drifting, 1, false) over (partition by demand_class order by as_of_on) as was_drifting
        from forecast.drift
        where tenant_id = %(tenant_id)s and as_of_on between %(first)s::date - 31 and %(last)s
    )

    select distinct as_of_on from days where is_drifting and not was_drifting and as_of_on >= %(first)s
"""

# The latest vintages whose horizon was over by a day, at least four weeks apart.
_PAST_CUTOFFS = """
    select cutoff_on
    from forecast.runs
    where tenant_id = %(tenant_id)s and horizon_weeks = %(horizon_weeks)s and cutoff_on + 7 * horizon_weeks <= %(day)s
    order by cutoff_on desc
    limit 120
"""
_PAST = """
    select cutoff_on, item_id, location_id, lag, mean
    from forecast.forecasts
    where tenant_id = %(tenant_id)s and cutoff_on = any(%(cutoffs)s)
    order by cutoff_on, item_id, location_id, lag
"""
_PAST_VINTAGES = 3
_PAST_STEP = timedelta(weeks=4)


def selections(
    connection: psycopg.Connection, wanted: Iterable[tuple[str, date, str]]
) -> dict[tuple[str, date], Selection]:
    """The selections that are kept of (tenant, day, configuration version), by tenant and day."""
    kept = {}
    for tenant_id, day, config_version in wanted:
        parameters = {"tenant_id": tenant_id, "day": day, "config_version": config_version}
        models = read_frame(connection, _MODELS, parameters)
        if models.height:
            kept[tenant_id, day] = read_selection(models, read_frame(connection, _BOOSTERS, parameters))
    return kept


def realised(connection: psycopg.Connection, tenant_id: str, selected_on: date) -> dict[str, Realised]:
    """How past ranges came true as of the day before a selection, by class."""
    frame = read_frame(connection, _REALISED, {"tenant_id": tenant_id, "day": selected_on})
    return {
        row["demand_class"]: Realised(int(row["forecasts"]), row["coverage_80"], row["coverage_95"])
        for row in frame.to_dicts()
    }


def drifted_on(connection: psycopg.Connection, tenant_id: str, first: date, last: date) -> Sequence[date]:
    """Days of a span on which a class of the tenant began to drift."""
    frame = read_frame(connection, _DRIFTED_ON, {"tenant_id": tenant_id, "first": first, "last": last})
    days: list[date] = frame["as_of_on"].cast(pl.Date).sort().to_list()
    return days


def past_vintages(
    connection: psycopg.Connection, tenant_id: str, selected_on: date, horizon_weeks: int
) -> pl.DataFrame:
    """Vintages that reconciliation is judged by as of a selection: cutoff_on, item_id, location_id, lag, mean."""
    parameters = {"tenant_id": tenant_id, "day": selected_on, "horizon_weeks": horizon_weeks}
    cutoffs: list[date] = []
    for day in read_frame(connection, _PAST_CUTOFFS, parameters)["cutoff_on"].cast(pl.Date).to_list():
        if len(cutoffs) < _PAST_VINTAGES and (not cutoffs or cutoffs[-1] - day >= _PAST_STEP):
            cutoffs.append(day)
    frame = read_frame(connection, _PAST, {"tenant_id": tenant_id, "cutoffs": cutoffs})
    return frame.with_columns(pl.col("lag").cast(pl.Int32))
