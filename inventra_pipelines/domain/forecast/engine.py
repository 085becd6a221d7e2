"""Forecasts of a list of (tenant, cutoff): panel, choice of methods, backtests, forecasts, ranges, frames.

Belongs here: the order of the steps, and how the work of all cutoffs goes through one pool. Every step is a module
beside this one; reading and writing tables is the asset's.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.backtests import (
    Cases,
    actual_units,
    build_cases,
    window_offsets,
)
from inventra_pipelines.domain.forecast.chunks import Chunk, ChunkResult, MapChunks, run_chunks
from inventra_pipelines.domain.forecast.frames import DEMAND, checked_demand
from inventra_pipelines.domain.forecast.methods import BASELINE, METHODS
from inventra_pipelines.domain.forecast.panel import Panel, fingerprint, weekly_panel
from inventra_pipelines.domain.forecast.results import CutoffOutcome, ForecastResult, result_frames
from inventra_pipelines.domain.forecast.selection import Choice, Trial, choose_methods, plan_trial
from inventra_pipelines.domain.tenant import ForecastConfig

RUN_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "inventra/forecast/runs")
METHOD_NAMES = (*METHODS, BASELINE)

# Half a second of work or less each: enough chunks to keep a pool level, few enough to cost nothing in pickling.
TRIAL_CASES_PER_CHUNK = 400
CASES_PER_CHUNK = 3000


@dataclass(frozen=True)
class ForecastRequest:
    """One forecast to make: a tenant, the last day that may be read, and its configuration with its version."""

    tenant_id: str
    cutoff_on: date
    config: ForecastConfig
    config_version: str


@dataclass(frozen=True)
class _Prepared:
    """A request with its panel and its cases."""

    request: ForecastRequest
    panel: Panel
    cases: Cases


def forecast_cutoffs(
    demand: pl.DataFrame,
    requests: Sequence[ForecastRequest],
    map_chunks: MapChunks = map,
    cases_per_chunk: int = CASES_PER_CHUNK,
) -> list[ForecastResult]:
    """Forecasts every requested tenant and cutoff; the work of all goes through two calls of `map_chunks`.

    Args:
        demand: tenant_id, item_id, location_id, sold_on, units_sold (units per day, at least 0). May hold other tenants
            and days after a cutoff; neither changes the result of a request.
        requests: What to forecast.
        map_chunks: Like the builtin `map`, results in order; may run chunks in spawned processes. The result does not
            depend on it, nor on `cases_per_chunk`.
        cases_per_chunk: Series x origins x methods per work item.

    Returns:
        One result per request, in order. A tenant without an active item has empty frames and a completed run.

    Raises:
        PermanentError: The demand is malformed.
        UnsoundForecastError: A forecast broke its promises (finite, not negative, quantiles rising).
    """
    typed = checked_demand(demand)
    tenants = {str(key[0]): frame for key, frame in typed.partition_by("tenant_id", as_dict=True).items()}
    none = pl.DataFrame(schema=DEMAND)
    prepared = [_prepare(tenants.get(request.tenant_id, none), request) for request in requests]
    choices = _choose_all(prepared, map_chunks, min(cases_per_chunk, TRIAL_CASES_PER_CHUNK))
    methods = [_methods_of(one.cases, chosen) for one, chosen in zip(prepared, choices, strict=True)]
    chunks = [_with_baseline(one, names) for one, names in zip(prepared, methods, strict=True)]
    made = run_chunks(chunks, map_chunks, cases_per_chunk)
    return [_finish(one, chosen, result) for one, chosen, result in zip(prepared, choices, made, strict=True)]


def _prepare(demand: pl.DataFrame, request: ForecastRequest) -> _Prepared:
    config = request.config
    panel = weekly_panel(demand, request.cutoff_on, config.history_weeks)
    offsets = [0, *window_offsets(config.horizon_weeks, config.backtest_windows)]
    return _Prepared(request, panel, build_cases(panel, offsets, config.active_weeks))


def _choose_all(prepared: list[_Prepared], map_chunks: MapChunks, cases_per_chunk: int) -> list[dict[str, Choice]]:
    trials = [plan_trial(one.cases) for one in prepared]
    chunks = [
        _chunk(one, one.cases.select(trial.positions), trial.methods)
        for one, trial in zip(prepared, trials, strict=True)
    ]
    made = run_chunks(chunks, map_chunks, cases_per_chunk)
    return [_choose(one, trial, result) for one, trial, result in zip(prepared, trials, made, strict=True)]


def _choose(one: _Prepared, trial: Trial, result: ChunkResult) -> dict[str, Choice]:
    actuals = actual_units(one.panel, one.cases.select(trial.positions), one.request.config.horizon_weeks)
    return choose_methods(one.cases, trial, result.means, actuals)


def _methods_of(cases: Cases, choices: dict[str, Choice]) -> np.ndarray:
    return np.array([choices[name].method for name in cases.classes], dtype=object)


def _with_baseline(one: _Prepared, methods: np.ndarray) -> Chunk:
    """Every case twice in turn: by its method and by the baseline."""
    twice = np.repeat(np.arange(len(methods)), 2)
    names = methods[twice]
    names[1::2] = BASELINE
    return _chunk(one, one.cases.select(twice), names)


def _chunk(one: _Prepared, cases: Cases, methods: np.ndarray) -> Chunk:
    config = one.request.config
    ids = {name: index for index, name in enumerate(METHOD_NAMES)}
    return Chunk(
        one.panel.values,
        one.panel.lengths,
        cases.rows,
        cases.offsets,
        np.array([ids[name] for name in methods], dtype=np.int64),
        METHOD_NAMES,
        config.horizon_weeks,
        config.season_weeks,
    )


def _finish(one: _Prepared, choices: dict[str, Choice], result: ChunkResult) -> ForecastResult:
    request = one.request
    data_fingerprint = fingerprint(one.panel)
    identity = "|".join((request.tenant_id, request.cutoff_on.isoformat(), request.config_version, data_fingerprint))
    outcome = CutoffOutcome(
        tenant_id=request.tenant_id,
        cutoff_on=request.cutoff_on,
        config_version=request.config_version,
        config=request.config,
        run_id=str(uuid.uuid5(RUN_NAMESPACE, identity)),
        data_fingerprint=data_fingerprint,
        panel=one.panel,
        cases=one.cases,
        choices=choices,
        forecasts=result.means[0::2],
        baselines=result.means[1::2],
        models_used=result.models_used[0::2],
        fallback_reasons=result.fallback_reasons[0::2],
    )
    return result_frames(outcome)
