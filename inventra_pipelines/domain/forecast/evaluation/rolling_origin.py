"""What the engine and the baselines would have forecast at past origins, as production would have made it there.

Belongs here: the panel as it was known at an origin, and the forecasts made there. Which origins and series are tried
is `plan.py`, how good the forecasts were `scores.py`; a panel of a table is `demand/periods.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inventra_pipelines.domain.forecast.demand.corrections import correct
from inventra_pipelines.domain.forecast.demand.panel import Panel
from inventra_pipelines.domain.forecast.engine import Order, forecast_panels
from inventra_pipelines.domain.forecast.evaluation.plan import Plan
from inventra_pipelines.domain.forecast.methods.registry import BASELINE
from inventra_pipelines.domain.forecast.methods.work import MapWork, SeriesWork, run_series
from inventra_pipelines.domain.forecast.selection.backtests import seasonal_naive
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.trial import CASES_PER_CHUNK, Shape, select_methods

Report = Callable[[str], None]


@dataclass(frozen=True)
class Scales:
    """In-sample errors of naive forecasts, one per case; NaN where the history is too short for one."""

    seasonal_mae: np.ndarray
    one_step_mae: np.ndarray
    one_step_rmse: np.ndarray


@dataclass(frozen=True)
class OriginForecast:
    """Forecasts made at one origin, and what came; cases are the series that had sold before it.

    Attributes:
        offset: Periods from the origin to the last column of the panel.
        rows: Series of each case.
        classes: Demand class as of the origin.
        ages: Periods of history at the origin.
        actuals: Units, cases x lags.
        means: The engine's forecasts, cases x lags.
        quantiles: Its ranges, quantile x case x lag.
        baselines: By method, cases x lags; NaN rows where it was not tried on a series.
        scales: Denominators of scaled errors.
        models_used: What made the engine's forecasts.
        fallback_reasons: Why it was not the preferred method.
        selection: What its classes were forecast by.
    """

    offset: int
    rows: np.ndarray
    classes: np.ndarray
    ages: np.ndarray
    actuals: np.ndarray
    means: np.ndarray
    quantiles: np.ndarray
    baselines: dict[str, np.ndarray]
    scales: Scales
    models_used: list[str]
    fallback_reasons: list[str | None]
    selection: Selection


@dataclass(frozen=True)
class Origin:
    """An origin to forecast at: the panel as known there, what came after, and where it stands.

    Where the panel is a sample of more series, methods are chosen and trained on `whole`, as every night does it.
    """

    panel: Panel
    actuals: np.ndarray
    offset: int = 0
    whole: Panel | None = None


def evaluate_panel(
    panel: Panel,
    plan: Plan,
    shape: Shape,
    map_work: MapWork = map,
    *,
    history: int,
    damps: bool = True,
    report: Report = lambda step: None,
) -> list[OriginForecast]:
    """Forecasts at every origin of a plan, the latest first; `rows` are series of the panel.

    Args:
        panel: Of everything, also of what came after the origins.
        plan: Of `plan_evaluation`.
        shape: Horizon, season and what makes a series active.
        map_work: Like the builtin `map`; the result does not depend on it.
        history: Most periods that are looked at before an origin.
        damps: Whether one-off orders are damped in what methods read, as production does it.
        report: Told what is done next.
    """
    chosen = _series_of(panel, plan.rows)
    is_sample = len(plan.rows) < len(panel.lengths)
    places = {method: np.isin(plan.rows, rows) for method, rows in plan.baselines.items()}
    origins = [
        Origin(
            known_at(chosen, offset, shape.horizon, history),
            chosen.actuals[:, chosen.periods - offset : chosen.periods - offset + shape.horizon],
            offset,
            known_at(panel, offset, shape.horizon, history) if is_sample else None,
        )
        for offset in plan.offsets
    ]
    made = evaluate_origins(origins, shape, map_work, baselines=places, damps=damps, report=report)
    return [replace(one, rows=plan.rows[one.rows]) for one in made]


def evaluate_origin(
    panel: Panel,
    actuals: np.ndarray,
    shape: Shape,
    map_work: MapWork = map,
    *,
    baselines: Iterable[str] = (),
    damps: bool = True,
) -> OriginForecast:
    """Forecasts of what follows a panel: selection, forecasts and ranges as production makes them, and baselines.

    Args:
        panel: What is known; its phases reach a horizon beyond its last column.
        actuals: What came, series x horizon, in the panel's order.
        shape: Horizon, season and what makes a series active.
        map_work: Like the builtin `map`; the result does not depend on it.
        baselines: Further methods of the registry beside the seasonal naive one.
        damps: Whether one-off orders are damped in what methods read.
    """
    everything = np.ones(len(panel.lengths), dtype=bool)
    (made,) = evaluate_origins(
        [Origin(panel, actuals)], shape, map_work, baselines=dict.fromkeys(baselines, everything), damps=damps
    )
    return made


def evaluate_origins(
    origins: Sequence[Origin],
    shape: Shape,
    map_work: MapWork = map,
    *,
    baselines: Mapping[str, np.ndarray],
    damps: bool = True,
    report: Report = lambda step: None,
) -> list[OriginForecast]:
    """As `evaluate_origin`, at several at once; baselines are tried where their mask of the series is set."""
    panels = [correct(origin.panel, None, damps=damps)[0] for origin in origins]
    wholes = [
        panel if origin.whole is None else correct(origin.whole, None, damps=damps)[0]
        for origin, panel in zip(origins, panels, strict=True)
    ]
    report("choosing methods")
    selections = select_methods([(whole, shape, None) for whole in wholes], map_work)
    report("forecasting")
    orders = [Order(panel, shape, selection) for panel, selection in zip(panels, selections, strict=True)]
    forecasts = forecast_panels(orders, map_work)
    results = []
    for origin, selection, forecast in zip(origins, selections, forecasts, strict=True):
        rows = forecast.cases.rows
        naive = seasonal_naive(origin.panel, forecast.cases, shape.horizon, shape.season)
        results.append(
            OriginForecast(
                origin.offset,
                rows,
                forecast.cases.classes,
                forecast.cases.ages,
                origin.actuals[rows],
                forecast.means,
                forecast.quantiles,
                {BASELINE: naive},
                _scales(origin.panel, rows, shape.season),
                forecast.models_used,
                forecast.fallback_reasons,
                selection,
            )
        )
    for method, mask in baselines.items():
        report(f"baseline {method}")
        _add_baseline(results, [origin.panel for origin in origins], method, mask, shape, map_work)
    return results


def _add_baseline(
    results: list[OriginForecast],
    panels: list[Panel],
    method: str,
    mask: np.ndarray,
    shape: Shape,
    map_work: MapWork,
) -> None:
    """Fits a method to the series as they were sold, and adds its forecasts to each origin's."""
    works, places = [], []
    for one, panel in zip(results, panels, strict=True):
        tried = np.flatnonzero(mask[one.rows])
        none = np.zeros(len(tried), dtype=np.int64)
        works.append(
            SeriesWork(panel.values, panel.lengths, one.rows[tried], none, none, (method,), shape.horizon, shape.grain)
        )
        places.append(tried)
    for one, tried, made in zip(results, places, run_series(works, map_work, CASES_PER_CHUNK), strict=True):
        means = np.full(one.actuals.shape, np.nan)
        means[tried] = made.means
        one.baselines[method] = means


def known_at(panel: Panel, offset: int, horizon: int, history: int) -> Panel:
    """A panel as it was so many periods before its end: at most `history` periods, from each first sale in them on.

    Series that had not sold in them by then stay, with a length of 0.
    """
    end = panel.periods - offset
    begin = max(0, end - history)
    values = panel.values[:, begin:end]
    sold = values > 0
    lengths = np.where(sold.any(axis=1), values.shape[1] - sold.argmax(axis=1), 0)
    regressors = None if panel.regressors is None else panel.regressors[:, begin : end + horizon]
    return replace(
        panel,
        values=values,
        actuals=values,
        lengths=lengths,
        phases=panel.phases[begin : end + horizon],
        regressors=regressors,
        open_periods=0,
        daily=np.zeros((0, 0)),
        daily_rows=np.array([], dtype=np.int64),
    )


def _series_of(panel: Panel, rows: np.ndarray) -> Panel:
    def names(of: list[str]) -> list[str]:
        return [of[row] for row in rows.tolist()]

    return replace(
        panel,
        item_ids=names(panel.item_ids),
        location_ids=names(panel.location_ids),
        values=panel.values[rows],
        actuals=panel.actuals[rows],
        lengths=panel.lengths[rows],
        groups=panel.groups[rows],
        regressors=None if panel.regressors is None else panel.regressors[rows],
    )


def _scales(panel: Panel, rows: np.ndarray, season: int) -> Scales:
    values, lengths = panel.values[rows], panel.lengths[rows]
    # Relative to each series' largest period: squares of what a 64-bit float holds fit into one.
    tops = np.maximum(values.max(axis=1, initial=0.0), 1e-300)
    shares = values / tops[:, None]
    return Scales(
        _naive_errors(shares, lengths, season, 1) * tops,
        _naive_errors(shares, lengths, 1, 1) * tops,
        np.sqrt(_naive_errors(shares, lengths, 1, 2)) * tops,
    )


def _naive_errors(values: np.ndarray, lengths: np.ndarray, lag: int, power: int) -> np.ndarray:
    """Mean of |y(t) - y(t - lag)| to a power over each series' own history; NaN where it has no such pair."""
    periods = values.shape[1]
    if periods <= lag:
        return np.full(len(lengths), np.nan)
    steps = np.abs(values[:, lag:] - values[:, :-lag]) ** power
    inside = np.arange(lag, periods)[None, :] >= (periods - lengths + lag)[:, None]
    counts = inside.sum(axis=1)
    sums = np.where(inside, steps, 0.0).sum(axis=1)
    errors: np.ndarray = np.divide(sums, counts, out=np.full(len(lengths), np.nan), where=counts > 0)
    return errors


class CountedWork:
    """A `map_work` that tells how many units of a round are done."""

    def __init__(self, map_work: MapWork, tell: Callable[[int, int], None]) -> None:
        self._map_work, self._tell = map_work, tell

    def __call__(self, function: Callable[[Any], Any], works: Iterable[Any]) -> Iterator[Any]:
        """Like the builtin `map`."""
        listed = list(works)
        self._tell(0, len(listed))
        for done, result in enumerate(self._map_work(function, listed), 1):
            self._tell(done, len(listed))
            yield result
