"""Forecasts of a list of (tenant, cutoff): their panels, the selections in force, and the rows that are kept.

Belongs here: from a tenant's frames to the rows of forecast.forecasts, corrections, runs and, where a selection is
made, models, boosters and backtests. Reading and writing tables is the asset's.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.demand.corrections import (
    Corrections,
    correct,
    correction_rows,
    shares_out_of_stock,
)
from inventra_pipelines.domain.forecast.demand.grains import choose_grains, with_daily_values
from inventra_pipelines.domain.forecast.demand.panel import WEEK_DAYS, Panel, fingerprint, weekly_panel
from inventra_pipelines.domain.forecast.demand.regressors import PROMOTION_DAYS, PROMOTIONS, regressors
from inventra_pipelines.domain.forecast.engine import Order, PanelForecast, forecast_panels
from inventra_pipelines.domain.forecast.forecast_rows import forecast_rows
from inventra_pipelines.domain.forecast.frames import (
    DEMAND,
    RUNS,
    SERIES_KEY,
    checked_demand,
)
from inventra_pipelines.domain.forecast.levels.hierarchy_forecasts import hierarchy_rows
from inventra_pipelines.domain.forecast.levels.tenant_levels import PastVintage, forecast_levels
from inventra_pipelines.domain.forecast.methods.work import MapWork
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.ranges import Realised
from inventra_pipelines.domain.forecast.selection.trial import ENGINE_VERSION, Shape, select_methods
from inventra_pipelines.domain.tenant import ForecastConfig

RUN_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "inventra/forecast/runs")

PAST = {"cutoff_on": pl.Date, "item_id": pl.String, "location_id": pl.String, "lag": pl.Int32, "mean": pl.Float64}
_SERIES_AT_A_TIME = 100_000


@dataclass(frozen=True)
class Inputs:
    """What is known of a tenant; days after a cutoff may be among it, and are not read for it.

    Attributes:
        demand: tenant_id, item_id, location_id, sold_on, units_sold (units per day, at least 0).
        stock_outs: item_id, location_id, first_on, last_on: spells without stock; None where stock is not known.
        categories: item_id, category.
        promotions: item_id, location_id, starts_on, ends_on, landed_on: what is planned, every version.
        promotion_days: item_id, location_id, sold_on: days on which sales were on promotion.
        holidays: Days on which the tenant does not trade.
    """

    demand: pl.DataFrame
    stock_outs: pl.DataFrame | None = None
    categories: pl.DataFrame | None = None
    promotions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROMOTIONS))
    promotion_days: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROMOTION_DAYS))
    holidays: Collection[date] = ()


@dataclass(frozen=True)
class ForecastRequest:
    """One forecast to make.

    Attributes:
        tenant_id: The tenant.
        cutoff_on: Last day that may be read.
        selected_on: Day as of which its methods are selected, on or before the cutoff.
        config: The tenant's settings.
        config_version: Version of its configuration.
        realised: By class, how past ranges came true as of the selection.
        past: cutoff_on, item_id, location_id, lag, mean of a few vintages whose horizon was over by then.
    """

    tenant_id: str
    cutoff_on: date
    selected_on: date
    config: ForecastConfig
    config_version: str
    realised: dict[str, Realised] = field(default_factory=dict)
    past: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAST))


@dataclass(frozen=True)
class Vintage:
    """Rows of one tenant and cutoff, each sorted by its key, and the selection they were made by."""

    request: ForecastRequest
    forecasts: pl.DataFrame
    corrections: pl.DataFrame
    hierarchy: pl.DataFrame
    run: pl.DataFrame
    selection: Selection


@dataclass(frozen=True)
class _Prepared:
    panel: Panel
    corrections: Corrections
    grains: np.ndarray
    shape: Shape


def selection_day(cutoff_on: date, drifted_on: Sequence[date] = ()) -> date:
    """Day as of which the methods of a cutoff are selected: the first of its month, or the day after a drift was seen.

    It depends on the cutoff and on what was seen before it alone, so that a replay selects as the first run did.

    Args:
        cutoff_on: The cutoff.
        drifted_on: Days on which a drift began to be seen.
    """
    since = [day + timedelta(1) for day in drifted_on if day < cutoff_on]
    return max([cutoff_on.replace(day=1), *since])


def first_drift_day(cutoff_on: date) -> date:
    """The first day on which drift, where it began to be seen then, matters to a cutoff (see `selection_day`)."""
    return cutoff_on.replace(day=1) - timedelta(1)


def forecast_tenants(
    inputs: Mapping[str, Inputs],
    requests: Sequence[ForecastRequest],
    known: Mapping[tuple[str, date], Selection],
    map_work: MapWork = map,
) -> list[Vintage]:
    """Forecasts every requested tenant and cutoff, in order; the work of all goes through five calls of `map_work`.

    A selection is taken from `known` where it was made by this engine on the very same panel, else made.

    Args:
        inputs: By tenant.
        requests: What to forecast.
        known: Selections by tenant and day that were made with the request's configuration.
        map_work: Like the builtin `map`, results in order; may run work in other processes or machines. The result does
            not depend on it.

    Raises:
        PermanentError: The demand is malformed.
        UnsoundForecastError: A forecast broke its promises (finite, not negative, quantiles rising).
    """
    checked = {tenant: replace(one, demand=checked_demand(one.demand)) for tenant, one in inputs.items()}
    nothing = Inputs(pl.DataFrame(schema=DEMAND))
    wanted = {(request.tenant_id, request.selected_on): request for request in requests}
    prepared = {key: _prepare(checked.get(key[0], nothing), key[1], request.config) for key, request in wanted.items()}
    selections = {
        key: known[key]
        for key, one in prepared.items()
        if key in known
        and known[key].engine_version == ENGINE_VERSION
        and known[key].data_fingerprint == fingerprint(one.panel)
    }
    missing = [key for key in prepared if key not in selections]
    made = select_methods([(prepared[key].panel, prepared[key].shape, key[1]) for key in missing], map_work)
    selections |= dict(zip(missing, made, strict=True))
    vintages: list[Vintage] = []
    past: dict[tuple[str, date], PastVintage] = {}
    for batch in _batches(checked, requests):
        ready = [
            prepared[request.tenant_id, request.cutoff_on]
            if (request.tenant_id, request.cutoff_on) in prepared
            else _prepare(checked.get(request.tenant_id, nothing), request.cutoff_on, request.config)
            for request in batch
        ]
        orders = [
            Order(
                one.panel, one.shape, selections[request.tenant_id, request.selected_on], one.grains, request.realised
            )
            for one, request in zip(ready, batch, strict=True)
        ]
        for request, one, order, forecast in zip(batch, ready, orders, forecast_panels(orders, map_work), strict=True):
            own = checked.get(request.tenant_id, nothing)
            vintages.append(_vintage(request, own, one, order.selection, forecast, _past(request, own, past)))
    return vintages


def _past(request: ForecastRequest, inputs: Inputs, kept: dict[tuple[str, date], PastVintage]) -> list[PastVintage]:
    """The request's past vintages with the panels of their time; one with open weeks then or now tells nothing."""
    found = []
    for (cutoff_on,), means in sorted(request.past.partition_by("cutoff_on", as_dict=True).items()):
        key = request.tenant_id, cutoff_on
        if key not in kept:
            ends_on = cutoff_on + timedelta(weeks=request.config.horizon_weeks)
            panel, later = (_prepare(inputs, day, request.config).panel for day in (cutoff_on, ends_on))
            kept[key] = PastVintage(cutoff_on, means, panel, later)
        if not kept[key].panel.open_periods and not kept[key].later.open_periods:
            found.append(kept[key])
    return found


def _batches(inputs: Mapping[str, Inputs], requests: Sequence[ForecastRequest]) -> Iterator[list[ForecastRequest]]:
    """Requests in order, so many at a time that their series fit into memory: one has a dozen kilobytes."""
    sizes = {tenant: one.demand.select(SERIES_KEY).n_unique() for tenant, one in inputs.items()}
    batch: list[ForecastRequest] = []
    series = 0
    for request in requests:
        own = sizes.get(request.tenant_id, 0)
        if batch and series + own > _SERIES_AT_A_TIME:
            yield batch
            batch, series = [], 0
        batch.append(request)
        series += own
    if batch:
        yield batch


def _prepare(inputs: Inputs, cutoff_on: date, config: ForecastConfig) -> _Prepared:
    raw = weekly_panel(inputs.demand, cutoff_on, config.history_weeks, config.horizon_weeks, inputs.holidays)
    shares = None
    if inputs.stock_outs is not None and config.fill_stock_outs:
        shares = shares_out_of_stock(raw, inputs.stock_outs, cutoff_on)
    panel, corrections = correct(raw, shares, damps=config.damp_one_offs)
    panel = replace(
        panel,
        groups=_groups(panel.item_ids, inputs.categories),
        regressors=_regressors(panel, inputs, cutoff_on, config.horizon_weeks),
    )
    grains = choose_grains(panel, inputs.demand, cutoff_on, config.period)
    panel = with_daily_values(panel, raw.values, inputs.demand, cutoff_on, grains)
    shape = Shape(
        config.horizon_weeks, config.season_weeks, config.backtest_windows, config.active_weeks, config.methods
    )
    return _Prepared(panel, corrections, grains, shape)


def _regressors(panel: Panel, inputs: Inputs, cutoff_on: date, horizon: int) -> np.ndarray | None:
    """Promotions and holidays of the panel's weeks and of those ahead, open ones among them, as known on the cutoff.

    The trial's windows see the promotions that were known on the panel's cutoff, not those known at their origins.
    """
    return regressors(
        panel.item_ids,
        panel.location_ids,
        cutoff_on,
        panel.periods + panel.open_periods,
        horizon,
        WEEK_DAYS,
        promotions=inputs.promotions,
        promotion_days=inputs.promotion_days,
        holidays=inputs.holidays,
    )


def _groups(item_ids: list[str], categories: pl.DataFrame | None) -> np.ndarray:
    """Number of each series' category, by its name; -1 where it has none."""
    if categories is None or categories.is_empty():
        return np.full(len(item_ids), -1)
    named = dict(categories.select("item_id", "category").filter(pl.col("category").is_not_null()).iter_rows())
    numbers = {name: number for number, name in enumerate(sorted(set(named.values())))}
    return np.array([numbers[named[item_id]] if item_id in named else -1 for item_id in item_ids], dtype=np.int64)


def _vintage(
    request: ForecastRequest,
    inputs: Inputs,
    prepared: _Prepared,
    selection: Selection,
    forecast: PanelForecast,
    past: list[PastVintage],
) -> Vintage:
    categories = {} if inputs.categories is None else dict(inputs.categories.select("item_id", "category").iter_rows())
    hierarchy, made, forecast = forecast_levels(prepared.panel, forecast, past, categories, request.config.season_weeks)
    data_fingerprint = fingerprint(prepared.panel)
    identity = "|".join(
        (
            request.tenant_id,
            request.cutoff_on.isoformat(),
            request.config_version,
            data_fingerprint,
            selection.data_fingerprint,
            selection.engine_version,
            made.choice.method,
        )
    )
    run_id = str(uuid.uuid5(RUN_NAMESPACE, identity))
    rows = forecast_rows(
        prepared.panel,
        forecast,
        tenant_id=request.tenant_id,
        cutoff_on=request.cutoff_on,
        run_id=run_id,
        config_version=request.config_version,
    )
    changed = correction_rows(
        prepared.panel,
        prepared.corrections,
        tenant_id=request.tenant_id,
        cutoff_on=request.cutoff_on,
        period_days=WEEK_DAYS,
    )
    run = pl.DataFrame(
        {
            "run_id": [run_id],
            "tenant_id": [request.tenant_id],
            "cutoff_on": [request.cutoff_on],
            "state": ["completed"],
            "items": [len(forecast.cases)],
            "fallbacks": [sum(reason is not None for reason in forecast.fallback_reasons)],
            "corrections": [changed.height],
            "horizon_weeks": [request.config.horizon_weeks],
            "selected_on": [request.selected_on],
            "data_fingerprint": [data_fingerprint],
            "message": [_message(prepared.panel, selection, forecast, made.choice.reason)],
            "config_version": [request.config_version],
        },
        schema=RUNS,
    )
    levels = hierarchy_rows(request.tenant_id, request.cutoff_on, hierarchy, made)
    return Vintage(request, rows, changed, levels, run, selection)


def _message(panel: Panel, selection: Selection, forecast: PanelForecast, levels: str) -> str:
    if not len(forecast.cases):
        return "no item has sold yet"
    present = sorted(set(forecast.cases.classes.tolist()))
    borrowed = [
        f"{name} from {selection.spreads[name].source}" for name in present if selection.spreads[name].source != name
    ]
    parts = [f"ranges of {', '.join(borrowed)}: too few backtest windows of their own"] if borrowed else []
    if panel.open_periods:
        parts.append(f"the last {panel.open_periods} weeks are left out: their sales have not all come in")
    return "; ".join([*parts, f"levels: {levels}"])
