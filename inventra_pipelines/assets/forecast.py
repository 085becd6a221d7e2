"""Forecast: weekly demand per item with ranges, per cutoff, and how earlier cutoffs fared.

Belongs here: the one asset of the stage. The methods are `domain/forecast/`, what is read is `db/reads/forecast.py` and
`db/reads/selections.py`.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

import polars as pl
import psycopg
from dagster import AssetCheckResult, AssetCheckSpec, AssetExecutionContext, MaterializeResult, asset
from sqlalchemy import Table

from inventra_pipelines.assets.keys import FORECASTS, ITEM_CLASSES, SALES_FACTS, STOCK_FACTS
from inventra_pipelines.automation.partitions import PARTITIONS, SINGLE_RUN, TENANTS, windows_of
from inventra_pipelines.checks.forecast import (
    adjustments_count,
    every_active_item_forecast,
    promotions_count,
    ranges_are_sound,
)
from inventra_pipelines.db import forecast_log, tables
from inventra_pipelines.db.reads import forecast as reads
from inventra_pipelines.db.reads import selections as state
from inventra_pipelines.db.writes import Window, days_of, replace_window, split_windows
from inventra_pipelines.domain.forecast.accuracy.by_lag import measure
from inventra_pipelines.domain.forecast.accuracy.step_accuracy import actual_weeks, step_accuracy
from inventra_pipelines.domain.forecast.consensus import consensus
from inventra_pipelines.domain.forecast.selection.ranges import Realised
from inventra_pipelines.domain.forecast.selection.stored_selections import backtest_rows, booster_rows, model_rows
from inventra_pipelines.domain.forecast.tenant_forecasts import (
    ForecastRequest,
    Inputs,
    Vintage,
    first_drift_day,
    forecast_tenants,
    selection_day,
)
from inventra_pipelines.resources.postgres import Postgres
from inventra_pipelines.resources.worker_pool import WorkerPool

# A year of nights is 374 vintages of 30,000 rows a tenant: written by pieces, one piece in memory.
_DAYS_AT_A_TIME = 16


@asset(
    key=FORECASTS,
    group_name="forecast",
    deps=[SALES_FACTS, ITEM_CLASSES, STOCK_FACTS],
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
    kinds={"python", "postgres"},
    check_specs=[
        AssetCheckSpec("ranges_are_sound", asset=FORECASTS, blocking=True, description="Finite, >= 0, rising."),
        AssetCheckSpec("every_active_item_forecast", asset=FORECASTS, blocking=True, description="None is missing."),
        AssetCheckSpec("adjustments_count", asset=FORECASTS, description="What planners adjusted meets a forecast."),
        AssetCheckSpec("promotions_count", asset=FORECASTS, description="What is on promotion exists."),
    ],
)
def forecasts(
    context: AssetExecutionContext, postgres: Postgres, worker_pool: WorkerPool
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """The vintage of each partition's day: mean and quantiles per item, location and week ahead."""
    windows = windows_of(context.partition_keys)
    stage = _Stage(postgres, worker_pool, context.run_id)
    with postgres.connect() as connection:
        forecast_log.queue(connection, days_of(windows), run_id=context.run_id)
    totals: Counter[str] = Counter()
    try:
        for piece in _pieces(windows):
            totals.update(stage.run(piece))
    except BaseException as error:
        with postgres.connect() as connection:
            forecast_log.fail(connection, days_of(windows), run_id=context.run_id, error=error)
        raise
    yield MaterializeResult(
        asset_key=FORECASTS, metadata={"dagster/row_count": totals.pop("rows", 0), **dict(sorted(totals.items()))}
    )
    with postgres.connect(read_only=True) as connection:
        yield ranges_are_sound(connection, windows)
        yield every_active_item_forecast(connection, windows, TENANTS)
        yield promotions_count(connection, windows)
    yield adjustments_count(stage.unplaced)


def _pieces(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Pieces of a month at most: what is selected as of a month's first day has what was measured before it."""
    days = sorted(days_of(windows), key=lambda one: (one[1].replace(day=1), one[0], one[1]))
    for _, month in groupby(days, key=lambda one: one[1].replace(day=1)):
        yield from split_windows(_windows(month), _DAYS_AT_A_TIME)


def _windows(days: Iterable[tuple[str, date]]) -> list[Window]:
    return windows_of(f"{day.isoformat()}|{tenant_id}" for tenant_id, day in days)


@dataclass(frozen=True)
class _Stage:
    """A run of the stage: makes, writes and measures the vintages of some days at a time.

    `unplaced` gathers the adjustments that should have counted and do not, as `consensus` gives them.
    """

    postgres: Postgres
    worker_pool: WorkerPool
    run_id: str
    unplaced: list[pl.DataFrame] = field(default_factory=list)

    def run(self, windows: list[Window]) -> Counter[str]:
        """Days after one on which drift began, or now does not, are made again by methods selected on what was seen."""
        counts: Counter[str] = Counter()
        while windows:
            with self._logged(days_of(windows)) as made:
                drifts = self._drifts(windows)
                with self.postgres.connect(read_only=True) as connection:
                    demand = reads.demand(connection, windows, TENANTS)
                made.extend(self._forecast(windows, demand, drifts))
                counts.update(self._write(windows, demand, made))
                seen = self._drifts(windows)
            windows = [
                Window(window.tenant_id, first + timedelta(1), window.last)
                for window in windows
                for first in [min(set(seen[window.tenant_id]) ^ set(drifts[window.tenant_id]), default=window.last)]
                if window.first <= first < window.last
            ]
        return counts

    def _drifts(self, windows: list[Window]) -> dict[str, Sequence[date]]:
        with self.postgres.connect(read_only=True) as connection:
            return {
                tenant_id: state.drifted_on(
                    connection,
                    tenant_id,
                    first_drift_day(min(window.first for window in windows if window.tenant_id == tenant_id)),
                    max(window.last for window in windows if window.tenant_id == tenant_id),
                )
                for tenant_id in {window.tenant_id for window in windows}
            }

    def _forecast(
        self, windows: list[Window], demand: pl.DataFrame, drifts: dict[str, Sequence[date]]
    ) -> list[Vintage]:
        with self.postgres.connect(read_only=True) as connection:
            planned = reads.promotions(connection, windows)
            promoted = reads.promotion_days(connection, windows, TENANTS)
            inputs = {
                tenant_id: Inputs(
                    demand.filter(pl.col("tenant_id") == tenant_id),
                    reads.stock_outs(connection, tenant_id, windows, TENANTS),
                    reads.categories(connection, tenant_id),
                    planned.filter(pl.col("tenant_id") == tenant_id),
                    promoted.filter(pl.col("tenant_id") == tenant_id),
                    TENANTS[tenant_id].analytics.holidays.keys(),
                )
                for tenant_id in drifts
            }
            seen: dict[tuple[str, date], tuple[dict[str, Realised], pl.DataFrame]] = {}
            requests = [
                self._request(connection, tenant_id, day, selection_day(day, drifts[tenant_id]), seen)
                for tenant_id, day in days_of(windows)
            ]
            wanted = {(one.tenant_id, one.selected_on, one.config_version) for one in requests}
            known = state.selections(connection, sorted(wanted))
        return forecast_tenants(inputs, requests, known, self.worker_pool.map)

    def _request(
        self,
        connection: psycopg.Connection,
        tenant_id: str,
        day: date,
        selected_on: date,
        seen: dict[tuple[str, date], tuple[dict[str, Realised], pl.DataFrame]],
    ) -> ForecastRequest:
        """A day's request; what was known on the day of its selection is read once."""
        tenant = TENANTS[tenant_id]
        if (tenant_id, selected_on) not in seen:
            seen[tenant_id, selected_on] = (
                state.realised(connection, tenant_id, selected_on),
                state.past_vintages(connection, tenant_id, selected_on, tenant.forecast.horizon_weeks),
            )
        known = seen[tenant_id, selected_on]
        return ForecastRequest(tenant_id, day, selected_on, tenant.forecast, tenant.config_version, *known)

    def _write(self, windows: list[Window], demand: pl.DataFrame, vintages: list[Vintage]) -> dict[str, int]:
        rows = pl.concat([one.forecasts for one in vintages])
        runs = pl.concat([one.run for one in vintages])
        with self.postgres.connect() as connection:
            self._write_selections(connection, vintages)
            planned = consensus(rows, reads.adjustments(connection, windows), days_of(windows))
            written = {
                tables.forecasts: rows,
                tables.corrections: pl.concat([one.corrections for one in vintages]),
                tables.hierarchy: pl.concat([one.hierarchy for one in vintages]),
                tables.runs: runs,
                tables.consensus: planned.rows,
            }
            for table, frame in written.items():
                self._replace(connection, table, frame, windows, "cutoff_on")
            self.unplaced.append(planned.unplaced)
            # Read after the write: a vintage of this piece may be due on a later day of it.
            self._measure(connection, windows, demand)
        return {
            "rows": rows.height,
            "items": int(runs["items"].sum()),
            "fallbacks": int(runs["fallbacks"].sum()),
            "corrections": int(runs["corrections"].sum()),
            "adjusted": planned.rows.height,
            "adjustments_unplaced": planned.unplaced.height,
        }

    def _write_selections(self, connection: psycopg.Connection, vintages: list[Vintage]) -> None:
        """Selections that were made: those that were read have no scores, and stand."""
        fresh = {(one.request.tenant_id, one.request.selected_on): one for one in vintages if one.selection.is_fresh}
        for (tenant_id, day), one in sorted(fresh.items()):
            version = one.request.config_version
            for table, frame in {
                tables.models: model_rows(one.selection, tenant_id=tenant_id, config_version=version),
                tables.boosters: booster_rows(one.selection, tenant_id=tenant_id),
                tables.backtests: backtest_rows(one.selection, tenant_id=tenant_id),
            }.items():
                self._replace(connection, table, frame, [Window(tenant_id, day, day)], "selected_on")

    def _measure(self, connection: psycopg.Connection, windows: list[Window], demand: pl.DataFrame) -> None:
        measured, steps = [], []
        for tenant_id, day in days_of(windows):
            own = demand.filter(pl.col("tenant_id") == tenant_id)
            found = measure(
                reads.vintages(connection, tenant_id, day),
                own,
                reads.categories(connection, tenant_id),
                day,
                TENANTS[tenant_id].forecast.history_weeks,
            )
            measured.append(found)
            due = reads.consensus_due(connection, tenant_id, day)
            steps.append(step_accuracy(due, actual_weeks(due, own, day), day))
        for table, parts in (
            (tables.accuracy, [one.accuracy for one in measured]),
            (tables.item_accuracy, [one.item_accuracy for one in measured]),
            (tables.drift, [one.drift for one in measured]),
            (tables.step_accuracy, steps),
        ):
            self._replace(connection, table, pl.concat(parts), windows, "as_of_on")

    def _replace(
        self, connection: psycopg.Connection, table: Table, frame: pl.DataFrame, windows: list[Window], column: str
    ) -> None:
        replace_window(connection, table, frame, windows=windows, window_column=column, run_id=self.run_id)

    @contextmanager
    def _logged(self, days: list[tuple[str, date]]) -> Iterator[list[Vintage]]:
        """Notes that days run, and that they are done; what was made is put into the list."""
        made: list[Vintage] = []
        with self.postgres.connect() as connection:
            forecast_log.enter(connection, days, run_id=self.run_id, state="running")
        began = time.monotonic()
        yield made
        counts = [(one.run.item(0, "items"), one.run.item(0, "fallbacks")) for one in made]
        with self.postgres.connect() as connection:
            forecast_log.enter(
                connection,
                days,
                run_id=self.run_id,
                state="completed",
                seconds=time.monotonic() - began,
                counts=counts,
            )
