"""Units of forecasting work that a worker process can do alone, and their results.

Belongs here: what crosses the process boundary and the function that runs on the other side. Like all that worker
processes import, this has no frame library. Training and prediction of the pooled member are units of `pooled.py`.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np

from inventra_pipelines.domain.forecast.methods.registry import POOLED_MEMBERS, members_of
from inventra_pipelines.domain.forecast.methods.series import Made, SeriesForecast, forecast_series, time_limits

Result_co = TypeVar("Result_co", covariant=True)


class Work(Protocol[Result_co]):
    """Something that a process can do alone."""

    def run(self) -> Result_co:
        """Do it; the result depends on nothing else."""
        ...


# Like the builtin `map`, results in order; may run the work in other processes or on other machines.
MapWork = Callable[[Callable[[Work[Any]], Any], Iterable[Work[Any]]], Iterable[Any]]


def run_work(work: Work[Result_co]) -> Result_co:
    """The one function that is sent to workers."""
    return work.run()


@dataclass(frozen=True)
class Grain:
    """In which periods a series is modelled, beside those it is forecast in.

    Attributes:
        name: day, week or month, as `model_used` says where it is not the forecast's own period.
        split: Columns of the values per period of the forecast; 7 where days make a week.
        fold: Periods of the forecast per period that is modelled; 4 where weeks make a month.
        season: Season in periods that are modelled; 1 is none.
    """

    name: str
    split: int = 1
    fold: int = 1
    season: int = 1

    @property
    def is_own(self) -> bool:
        """Whether a series is modelled in the periods of the forecast."""
        return self.split == 1 and self.fold == 1


@dataclass(frozen=True)
class SeriesWork:
    """Cases to forecast: each is a series of `values`, as of some columns before the last, by a method.

    Attributes:
        values: Units, series x columns, right-aligned.
        lengths: Columns of each series.
        rows: Series of each case.
        offsets: Columns before the last one at which each case stands; later ones are not read for it.
        method_ids: Index into `methods` of each case.
        methods: Names of methods.
        horizon: Periods to forecast.
        grain: What the columns are, and in which periods they are modelled.
        given: Forecasts by pooled members, cases x horizon, NaN where there is none.
    """

    values: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray
    offsets: np.ndarray
    method_ids: np.ndarray
    methods: tuple[str, ...]
    horizon: int
    grain: Grain
    given: dict[str, np.ndarray] = field(default_factory=dict)

    def run(self) -> "SeriesResult":
        """Forecasts every case; a model that several methods of a series share is fitted once."""
        columns = self.values.shape[1]
        means = np.empty((len(self.rows), self.horizon))
        models_used: list[str] = []
        reasons: list[str | None] = []
        place, made = (-1, -1), Made()
        with warnings.catch_warnings(), np.errstate(all="ignore"), time_limits():
            warnings.simplefilter("ignore")
            for case, (row, offset, method_id) in enumerate(
                zip(self.rows.tolist(), self.offsets.tolist(), self.method_ids.tolist(), strict=True)
            ):
                if place != (row, offset):
                    place, made = (row, offset), {}
                for name, given in self.given.items():
                    if name not in made and np.isfinite(given[case]).all():
                        made[name] = given[case]
                units = self.values[row, columns - self.lengths[row] : columns - offset]
                result = _forecast(units, self.methods[method_id], self.horizon, self.grain, made)
                means[case] = result.mean
                models_used.append(result.model_used)
                reasons.append(result.fallback_reason)
        return SeriesResult(means, models_used, reasons)

    def select(self, part: slice) -> "SeriesWork":
        """Some of the cases, with no more series than they need."""
        kept, rows = np.unique(self.rows[part], return_inverse=True)
        return replace(
            self,
            values=self.values[kept],
            lengths=self.lengths[kept],
            rows=rows,
            offsets=self.offsets[part],
            method_ids=self.method_ids[part],
            given={name: given[part] for name, given in self.given.items()},
        )


@dataclass(frozen=True)
class SeriesResult:
    """Forecasts in the order of the cases: means (cases x horizon), what made each, and fallback reasons."""

    means: np.ndarray
    models_used: list[str]
    fallback_reasons: list[str | None]


def _forecast(units: np.ndarray, method: str, horizon: int, grain: Grain, made: Made) -> SeriesForecast:
    if grain.is_own:
        return forecast_series(np.ascontiguousarray(units), method, horizon, grain.season, made)
    # Pooled members know the forecast's own periods only.
    own = "+".join(name for name in members_of(method) if name not in POOLED_MEMBERS) or "IMAPA"
    if grain.split > 1:
        result = forecast_series(np.ascontiguousarray(units), own, horizon * grain.split, grain.season)
        mean = result.mean.reshape(horizon, grain.split).sum(axis=1)
    else:
        result = forecast_series(folded(units, grain.fold), own, -(-horizon // grain.fold), grain.season)
        mean = np.repeat(result.mean / grain.fold, grain.fold)[:horizon]
    return SeriesForecast(mean, f"{result.model_used} by {grain.name}", result.fallback_reason)


def folded(units: np.ndarray, fold: int) -> np.ndarray:
    """Sums of `fold` periods each, the last sum ending with the last period; an incomplete first one is left out.

    A series shorter than one sum is one sum, scaled up to its length.
    """
    whole = len(units) // fold
    if whole == 0:
        return np.array([units.sum() * fold / len(units)])
    sums: np.ndarray = units[len(units) - whole * fold :].reshape(whole, fold).sum(axis=1)
    return sums


def run_series(works: Sequence[SeriesWork], map_work: MapWork, cases_per_chunk: int) -> list[SeriesResult]:
    """Runs works of any size through one call of `map_work`, in parts of `cases_per_chunk`; a result per work."""
    parts = (part for work in works for part in _split(work, cases_per_chunk))
    results = iter(map_work(run_work, parts))
    joined = []
    for work in works:
        count = -(-len(work.rows) // cases_per_chunk)
        joined.append(_join([next(results) for _ in range(count)], work.horizon))
    return joined


def _split(work: SeriesWork, cases_per_chunk: int) -> Iterator[SeriesWork]:
    for start in range(0, len(work.rows), cases_per_chunk):
        yield work.select(slice(start, start + cases_per_chunk))


def _join(results: list[SeriesResult], horizon: int) -> SeriesResult:
    return SeriesResult(
        np.concatenate([result.means for result in results]) if results else np.empty((0, horizon)),
        [name for result in results for name in result.models_used],
        [reason for result in results for reason in result.fallback_reasons],
    )
