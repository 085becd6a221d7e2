"""The engine on a set of series, and on the demo's sales as a tenant's, at the cutoffs of the protocol.

Belongs here: forecasting a set as it is done in production (methods are selected at the cutoff, the ranges come from
the same trial), and the figures of what came out. The series are `accuracy_sets.py`, the goals `accuracy.py`.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.accuracy_sets import SeriesSet
from benchmarks.forecast_workers import forecast_panel, panel_of, shape_of
from inventra_pipelines.domain.forecast.demand.panel import naive_scales, plain_panel, weekly_panel
from inventra_pipelines.domain.forecast.frames import QUANTILES, SERIES_KEY
from inventra_pipelines.domain.forecast.methods.work import MapWork
from inventra_pipelines.domain.forecast.selection.backtests import build_cases, seasonal_naive
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.tenant_forecasts import ForecastRequest, Inputs, forecast_tenants, selection_day
from inventra_pipelines.domain.tenant import ForecastConfig

_NAMES = list(QUANTILES)


@dataclass(frozen=True)
class Ranges:
    """How often actuals lay where the ranges said; ties count as inside.

    Attributes:
        series: Series that were judged.
        coverage_80: Share in q10..q90.
        up_to_q95: Share at or below q95.
        above_q90: Share above q90.
        q10_is_zero: Share with a lower end of zero, below which nothing can be: where it is 1, 90 % is what a range
            covers of which both ends are right.
    """

    series: int
    coverage_80: float
    up_to_q95: float
    above_q90: float
    q10_is_zero: float


def ranges_of(actuals: np.ndarray, quantiles: np.ndarray, series: int) -> Ranges:
    """Coverage over all cells.

    Args:
        actuals: Units, of any shape.
        quantiles: Quantile x that shape, in the order of QUANTILES.
        series: Series that they are of.
    """
    low, high, top = (quantiles[_NAMES.index(name)] for name in ("q10", "q90", "q95"))
    return Ranges(
        series,
        float(((actuals >= low) & (actuals <= high)).mean()),
        float((actuals <= top).mean()),
        float((actuals > high).mean()),
        float((low == 0).mean()),
    )


@dataclass(frozen=True)
class Outcome:
    """What came of a set's windows, one row per window and series.

    Attributes:
        means: Forecasts; zero for a series that never sold.
        baselines: Seasonal naive forecasts from whole histories.
        actuals: What came.
        mase_scales: In-sample seasonal naive error, NaN or 0 where there is none.
        rmsse_scales: In-sample one-step naive error (root mean square).
        classes: Demand class, empty for a series that never sold.
        series: Number of the series.
        quantiles: Quantile x row x lag.
    """

    means: np.ndarray
    baselines: np.ndarray
    actuals: np.ndarray
    mase_scales: np.ndarray
    rmsse_scales: np.ndarray
    classes: np.ndarray
    series: np.ndarray
    quantiles: np.ndarray

    def mase(self, forecasts: np.ndarray) -> float:
        """Mean over rows of the mean absolute error in scales; rows without a scale have no part."""
        usable = self.mase_scales > 0
        return float((np.abs(forecasts - self.actuals).mean(axis=1)[usable] / self.mase_scales[usable]).mean())

    def rmsse(self, forecasts: np.ndarray) -> float:
        """Mean over rows of the root mean squared error in scales."""
        usable = self.rmsse_scales > 0
        errors = np.sqrt(((forecasts - self.actuals) ** 2).mean(axis=1))
        return float((errors[usable] / self.rmsse_scales[usable]).mean())

    def smape(self, forecasts: np.ndarray) -> float:
        """Symmetric mean absolute percentage error of the M4 competition."""
        return float((200 * np.abs(forecasts - self.actuals) / (np.abs(forecasts) + np.abs(self.actuals))).mean())

    def ranges(self, demand_class: str | None = None) -> Ranges:
        """Of a class, or of all series that ever sold."""
        own = self.classes != "" if demand_class is None else self.classes == demand_class
        return ranges_of(self.actuals[own], self.quantiles[:, own], len(np.unique(self.series[own])))


def outcome_of(windows: list[SeriesSet], map_work: MapWork) -> Outcome:
    """Forecasts each window of a set and joins what came out."""
    parts = [_window(one, map_work) for one in windows]
    *rows, _ = Outcome.__dataclass_fields__
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in rows}
    return Outcome(**joined, quantiles=np.concatenate([part.quantiles for part in parts], axis=1))


def _window(one: SeriesSet, map_work: MapWork) -> Outcome:
    panel = panel_of(one.histories, one.season, one.horizon, one.most_periods, one.regressors)
    shape = shape_of(one.horizon, one.season, one.active_periods)
    selection, forecast = forecast_panel(panel, shape, map_work)
    series, rows = len(one.histories), forecast.cases.rows
    means = np.zeros((series, one.horizon))
    means[rows] = forecast.means
    quantiles = np.zeros((len(QUANTILES), series, one.horizon))
    quantiles[:, rows] = forecast.quantiles
    classes = np.full(series, "", dtype=object)
    classes[rows] = forecast.cases.classes
    steps = [np.diff(units) for units in one.histories]
    outcome = Outcome(
        means,
        _whole_seasonal_naive(one),
        one.actuals,
        np.array([np.abs(units[one.mase_season :] - units[: -one.mase_season]).mean() for units in one.histories]),
        np.array([np.sqrt((step**2).mean()) for step in steps]),
        classes,
        np.arange(series),
        quantiles,
    )
    _tell(f"{one.name} window {one.window}", selection, classes)
    return outcome


def _whole_seasonal_naive(one: SeriesSet) -> np.ndarray:
    """The product's baseline on whole histories, those before a first sale and beyond `most_periods` included."""
    periods = max(map(len, one.histories))
    values = np.stack([np.pad(units, (periods - len(units), 0)) for units in one.histories])
    lengths = np.array([len(units) for units in one.histories])
    panel = plain_panel([str(row) for row in range(len(values))], values, lengths, one.season, one.horizon)
    return seasonal_naive(panel, build_cases(panel, [0], periods), one.horizon, one.season)


def _tell(what: str, selection: Selection, classes: np.ndarray) -> None:
    """Says on stderr what was chosen and why, for whoever asks where a figure comes from."""
    for name, series in sorted(Counter(classes.tolist()).items()):
        if name:
            ranges = selection.spreads[name].source
            reason = selection.choices[name].reason
            sys.stderr.write(f"{what}, {name} ({series} series, ranges of {ranges}): {reason}\n")


@dataclass(frozen=True)
class TenantOutcome:
    """What came of a tenant's weekly cutoffs.

    Attributes:
        rmsse: Mean over items and cutoffs.
        baseline_rmsse: The baseline's.
        items_better: Share of the items that were active at a cutoff whose squared error is below the baseline's.
        bias: Forecast less actual, as a share of actual.
        ranges: By class, and of all as `all`.
    """

    rmsse: float
    baseline_rmsse: float
    items_better: float
    bias: float
    ranges: dict[str, Ranges]


def tenant_outcome(demand: pl.DataFrame, last_on: date, cutoffs: int, map_work: MapWork) -> TenantOutcome:
    """Forecasts a tenant at weekly cutoffs before a day, each by the selection that is in force at it.

    Only weeks that end up to `last_on` are judged: the first cutoff before it has one, the eighth all eight.

    Args:
        demand: Columns of DEMAND, of one tenant.
        last_on: Last day of the demand.
        cutoffs: Number of cutoffs.
        map_work: Runs the work.
    """
    config, tenant_id = ForecastConfig(), demand["tenant_id"][0]
    days = [last_on - timedelta(weeks=back) for back in range(1, cutoffs + 1)]
    requests = [ForecastRequest(tenant_id, day, selection_day(day), config, "benchmark") for day in days]
    vintages = forecast_tenants({tenant_id: Inputs(demand)}, requests, {}, map_work)
    for vintage in vintages:
        classes = vintage.forecasts.filter(pl.col("lag") == 1)["demand_class"].to_numpy().astype(object)
        _tell(f"{tenant_id} as of {vintage.request.cutoff_on}", vintage.selection, classes)
    judged = pl.concat(
        [
            _with_actuals(vintage.forecasts.filter(pl.col("target_on") <= last_on), demand, config)
            for vintage in vintages
        ]
    )
    return _tenant_figures(judged)


def _with_actuals(forecasts: pl.DataFrame, demand: pl.DataFrame, config: ForecastConfig) -> pl.DataFrame:
    """Forecasts of one cutoff with `actual` and the in-sample one-step naive error as `naive_scale`."""
    cutoff_on: date = forecasts["cutoff_on"][0]
    weeks_ahead = (pl.col("sold_on") - pl.lit(cutoff_on)).dt.total_days()
    actuals = (
        demand.with_columns(lag=((weeks_ahead + 6) // 7).cast(pl.Int32))
        .filter(pl.col("lag") > 0)
        .group_by([*SERIES_KEY, "lag"])
        .agg(actual=pl.col("units_sold").sum())
    )
    panel = weekly_panel(demand, cutoff_on, config.history_weeks)
    scales = pl.DataFrame(
        {
            "item_id": panel.item_ids,
            "location_id": panel.location_ids,
            "naive_scale": naive_scales(panel.values, panel.lengths),
        }
    )
    return (
        forecasts.join(actuals, on=[*SERIES_KEY, "lag"], how="left")
        .join(scales, on=SERIES_KEY, how="left")
        .with_columns(pl.col("actual").fill_null(0.0))
        .sort([*SERIES_KEY, "lag"])
    )


def _tenant_figures(judged: pl.DataFrame) -> TenantOutcome:
    squares = judged.with_columns(
        error=(pl.col("mean") - pl.col("actual")) ** 2, baseline_error=(pl.col("baseline") - pl.col("actual")) ** 2
    )
    scalable = squares.filter(pl.col("naive_scale").is_finite() & (pl.col("naive_scale") > 0))
    per_series = scalable.group_by([*SERIES_KEY, "cutoff_on"]).agg(
        rmsse=pl.col("error").mean().sqrt() / pl.col("naive_scale").first(),
        baseline_rmsse=pl.col("baseline_error").mean().sqrt() / pl.col("naive_scale").first(),
    )
    per_item = (
        squares.filter(pl.col("demand_class") != "dormant")
        .group_by(SERIES_KEY)
        .agg(pl.col("error").sum(), pl.col("baseline_error").sum())
    )
    classes = {"all": judged} | {str(name): own for (name,), own in judged.group_by(["demand_class"])}
    return TenantOutcome(
        float(per_series["rmsse"].to_numpy().mean()),
        float(per_series["baseline_rmsse"].to_numpy().mean()),
        float((per_item["error"] < per_item["baseline_error"]).to_numpy().mean()),
        float((judged["mean"] - judged["actual"]).to_numpy().sum() / judged["actual"].to_numpy().sum()),
        {
            name: ranges_of(
                own["actual"].to_numpy(),
                np.stack([own[quantile].to_numpy() for quantile in _NAMES]),
                own.select(SERIES_KEY).unique().height,
            )
            for name, own in sorted(classes.items())
        },
    )
