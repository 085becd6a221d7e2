"""Forecasts of panels by a selection: methods by class, forecasts, ranges.

Belongs here: what happens to a panel once its methods are chosen, for one panel or many at once. How they are chosen is
`selection/trial.py`, panels of a tenant's days are made and turned to rows in `tenant_forecasts.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from inventra_pipelines.domain.forecast.demand.panel import WEEK_DAYS, Panel
from inventra_pipelines.domain.forecast.methods.work import Grain, MapWork, SeriesWork, run_series
from inventra_pipelines.domain.forecast.selection.backtests import Cases, build_cases, seasonal_naive
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.ranges import Realised, corrected_levels, error_scales, quantiles_of
from inventra_pipelines.domain.forecast.selection.trial import CASES_PER_CHUNK, Shape, history_of, pooled_forecasts

DAY = Grain("day", split=WEEK_DAYS, season=7)
WEEK = "week"
MONTH = Grain("month", fold=4, season=13)


@dataclass(frozen=True)
class PanelForecast:
    """Forecasts of a panel's series, in their order.

    Attributes:
        cases: What was known of each series at the end.
        means: Units, series x lags.
        quantiles: Units, quantile x series x lag.
        sums: Quantiles of the sum up to each lag, quantile x series x lag.
        deviations: Root mean square error of the sum up to each lag, series x lag.
        baselines: Seasonal naive forecast, series x lags.
        models_used: What made each series' forecast.
        fallback_reasons: Why it was not the preferred method.
    """

    cases: Cases
    means: np.ndarray
    quantiles: np.ndarray
    sums: np.ndarray
    deviations: np.ndarray
    baselines: np.ndarray
    models_used: list[str]
    fallback_reasons: list[str | None]


@dataclass(frozen=True)
class Order:
    """A panel to forecast by a selection.

    Attributes:
        panel: The panel.
        shape: Horizon, season and what makes a series active.
        selection: What its classes are forecast by; made on the same panel or an earlier one of the same series.
        grains: Name of the period that each series is modelled in; None means the forecast's own.
        realised: By class, how past ranges came true.
    """

    panel: Panel
    shape: Shape
    selection: Selection
    grains: np.ndarray | None = None
    realised: dict[str, Realised] = field(default_factory=dict)


def forecast_panels(
    orders: Sequence[Order], map_work: MapWork, cases_per_chunk: int = CASES_PER_CHUNK
) -> list[PanelForecast]:
    """Forecasts every series of every order; the work of all goes through two calls of `map_work`.

    Args:
        orders: What to forecast.
        map_work: Like the builtin `map`, results in order; may run work in other processes. The result does not depend
            on it, nor on `cases_per_chunk`.
        cases_per_chunk: Series per unit of work.
    """
    cases = [build_cases(order.panel, [0], order.shape.active_periods) for order in orders]
    given = pooled_forecasts(
        [
            (
                history_of(order.panel, order.shape, order.shape.horizon + order.panel.open_periods),
                order.panel.groups,
                own.rows,
                np.full(len(own), order.panel.periods),
                order.selection.booster,
            )
            for order, own in zip(orders, cases, strict=True)
        ],
        map_work,
    )
    planned = [_works(*of) for of in zip(orders, cases, given, strict=True)]
    made = iter(run_series([work for works in planned for work, _ in works], map_work, cases_per_chunk))
    forecasts = []
    for order, own, works in zip(orders, cases, planned, strict=True):
        means = np.zeros((len(own), order.shape.horizon + order.panel.open_periods))
        models_used: list[str] = [""] * len(own)
        reasons: list[str | None] = [None] * len(own)
        for _, places in works:
            result = next(made)
            means[places] = result.means
            for place, model, reason in zip(places.tolist(), result.models_used, result.fallback_reasons, strict=True):
                models_used[place], reasons[place] = model, reason
        forecasts.append(_with_ranges(order, own, means, models_used, reasons))
    return forecasts


def _works(order: Order, cases: Cases, given: dict[str, np.ndarray]) -> list[tuple[SeriesWork, np.ndarray]]:
    """The series methods' share, one work per grain, and the places of its cases."""
    methods = [order.selection.choices[name].method for name in cases.classes]
    names = tuple(sorted(set(methods)))
    ids = {name: index for index, name in enumerate(names)}
    method_ids = np.array([ids[name] for name in methods], dtype=np.int64)
    grains = np.full(len(cases), WEEK) if order.grains is None else order.grains[cases.rows]
    works = []
    for name, grain in ((WEEK, order.shape.grain), (DAY.name, DAY), (MONTH.name, MONTH)):
        places = np.flatnonzero(grains == name)
        if not len(places):
            continue
        rows, values, lengths = cases.rows[places], order.panel.values, order.panel.lengths
        if name == DAY.name:
            rows, values = np.searchsorted(order.panel.daily_rows, rows), order.panel.daily
            lengths = np.minimum(order.panel.lengths[order.panel.daily_rows] * WEEK_DAYS, values.shape[1])
        work = SeriesWork(
            values,
            lengths,
            rows,
            cases.offsets[places],
            method_ids[places],
            names,
            order.shape.horizon + order.panel.open_periods,
            grain,
            {member: means[places] for member, means in given.items()},
        )
        works.append((work, places))
    return works


def _with_ranges(
    order: Order, cases: Cases, means: np.ndarray, models_used: list[str], reasons: list[str | None]
) -> PanelForecast:
    spreads, classes, horizon = order.selection.spreads, cases.classes, order.shape.horizon
    # Open periods are forecast and left out: their lags come first, and the errors of the later ones are known up to
    # the horizon.
    lags = np.minimum(np.arange(horizon) + order.panel.open_periods, horizon - 1)
    means = means[:, order.panel.open_periods :]
    scales = error_scales(means, cases)
    levels = {name: corrected_levels(order.realised.get(name)) for name in set(classes.tolist())}
    of_lags = {name: spread.lags[:, lags] for name, spread in spreads.items()}
    of_sums = {name: spread.sums for name, spread in spreads.items()}
    deviations = np.stack([spreads[name].deviations for name in classes]) if len(cases) else np.zeros(means.shape)
    return PanelForecast(
        cases,
        means,
        quantiles_of(means, scales, classes, of_lags, levels),
        quantiles_of(np.cumsum(means, axis=1), scales, classes, of_sums, levels),
        scales[:, None] * deviations,
        seasonal_naive(order.panel, cases, horizon + order.panel.open_periods, order.shape.season)[
            :, order.panel.open_periods :
        ],
        models_used,
        reasons,
    )
