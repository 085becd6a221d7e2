"""How fast the forecast stage is: `python -m benchmarks.forecast [--quick] [--parts NAME ...] [--series NUMBER ...]`.

`scale`: up to 100,000 weekly series of 104 weeks, mixed as a retailer's are, from selection to forecasts with quantiles
eight weeks ahead, on two spawned workers whose start counts; the resident set of each worker, sampled ten times a
second; and whether the processor's time per series stays what it is on a quarter of them. The pooled model has part in
most classes of these series; so the largest number is forecast once more by what is left of each class's first
candidate without it. `--series 1000000` is a million instead.

`overhead`: the stage's own work around each fit, in one process: `run_series` beside the same models in a plain loop
and beside StatsForecast with one job, on the same series. Contenders take turns; the best of the rounds counts. What a
peer needs its series in (a long frame) is made before its time begins. Here and beside the peers, seconds are those of
the processor, child processes (Prophet's Stan) included: all contenders run on one core, and neighbours disturb less.

`peers`: the engine beside Prophet and AutoARIMA on the same 200 series, each in one process: products of a shop by week
(M5), and monthly series of the M3 competition. The engine's time is that of its whole path, selection and ranges
included: on the 200 alone, where the trial of 600 windows by ten methods is most of it, and on all 3,000 of the shop or
1,428 of M3, per series; and that of a night between two selections, forecasts and ranges by methods that stand. Prophet
makes ranges too, AutoARIMA does not. Prophet is left out where it is not installed, and the part where its series are
absent.

`start`: a new process, from its start to the forecasts of a panel of 20 series; the median of three.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np
import psutil

from benchmarks.accuracy_sets import NoDataError, SeriesSet, m3_monthly, shop_weekly
from benchmarks.forecast_peers import (
    bare_calls,
    by_auto_arima,
    by_prophet,
    by_statsforecast,
    has_prophet,
    long_frame,
)
from benchmarks.forecast_series import WEEKS, retail_series
from benchmarks.forecast_workers import Workers, forecast_panel, one_thread, panel_of, shape_of, workers
from benchmarks.report import PROJECT, Figure, print_report
from inventra_pipelines.domain.forecast.demand.panel import Panel
from inventra_pipelines.domain.forecast.engine import Order, forecast_panels
from inventra_pipelines.domain.forecast.methods.registry import CANDIDATES, POOLED_MEMBERS, members_of
from inventra_pipelines.domain.forecast.methods.work import SeriesWork, run_series
from inventra_pipelines.domain.forecast.selection.trial import CASES_PER_CHUNK, select_methods

Made = TypeVar("Made")

_HORIZON, _SEASON, _ACTIVE_WEEKS = 8, 52, 26
# The first candidates of the classes without their pooled members.
_SERIES_METHODS = {
    name: "+".join(member for member in members_of(methods[0]) if member not in POOLED_MEMBERS)
    for name, methods in CANDIDATES.items()
}
_START = """
import numpy as np
from inventra_pipelines.domain.forecast.engine import Order, forecast_panels
from inventra_pipelines.domain.forecast.demand.panel import plain_panel
from inventra_pipelines.domain.forecast.selection.trial import Shape, select_methods

units = np.random.default_rng(1).poisson(5.0, (20, 104)).astype(float)
panel = plain_panel([str(row) for row in range(20)], units, np.full(20, 104), 52, 8)
shape = Shape(8, 52, 3, 26, {})
selection, = select_methods([(panel, shape, None)], map)
forecast, = forecast_panels([Order(panel, shape, selection)], map)
assert np.isfinite(forecast.quantiles).all() and forecast.means.shape == (20, 8)
"""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    series: Sequence[int]
    fitted: int
    rounds: int
    peer_series: int
    peer_panel: int | None
    starts: int


FULL = Size(series=(25_000, 50_000, 100_000), fitted=2_000, rounds=3, peer_series=200, peer_panel=None, starts=3)
QUICK = Size(series=(40,), fitted=10, rounds=1, peer_series=2, peer_panel=4, starts=1)


@dataclass
class _Peak:
    """The largest resident set of any worker, sampled while a block runs."""

    pool: Workers
    megabytes: float = 0.0

    def __enter__(self) -> "_Peak":
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._done.wait(0.1):
            try:
                sizes = [process.memory_info().rss / 1e6 for process in self.pool.processes()]
            except psutil.Error:
                continue
            self.megabytes = max([self.megabytes, *sizes])


def _scale(size: Size) -> Iterator[Figure]:
    assortment = retail_series(max(size.series))
    per_series = {}
    for count in size.series:
        is_last = count == max(size.series)
        of = f"weekly_series_{count}"
        seconds, processor_seconds, peak = _forecast_on_workers(assortment[:count], {})
        per_series[count] = processor_seconds / count
        yield Figure(of, seconds, "s", 300 if is_last else None)
        yield Figure(f"{of}_processor_seconds", processor_seconds, "s")
        yield Figure(f"{of}_peak_memory_of_a_worker", peak, "MB", 1000 if is_last else None)
    few, many = min(size.series), max(size.series)
    if few != many:
        yield Figure(f"processor_time_per_series_{many}_times_{few}", per_series[many] / per_series[few], "x", 1.2)
    seconds, processor_seconds, peak = _forecast_on_workers(assortment, _SERIES_METHODS)
    of = f"weekly_series_{many}_by_series_methods"
    yield Figure(of, seconds, "s", 300)
    yield Figure(f"{of}_processor_seconds", processor_seconds, "s")
    yield Figure(f"{of}_peak_memory_of_a_worker", peak, "MB", 1000)


def _forecast_on_workers(series: Sequence[np.ndarray], asked_for: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and the largest worker's megabytes."""
    shape = shape_of(_HORIZON, _SEASON, _ACTIVE_WEEKS, asked_for=asked_for)
    panel = panel_of(series, _SEASON, _HORIZON)
    started, processor_started = time.perf_counter(), _processor_seconds()
    with workers() as pool, _Peak(pool) as peak:
        selection, forecast = forecast_panel(panel, shape, pool.map_work)
        seconds = time.perf_counter() - started
    processor_seconds = _processor_seconds() - processor_started
    assert len(forecast.means) == len(series) and np.isfinite(forecast.quantiles).all()
    classes = Counter(forecast.cases.classes.tolist())
    chosen = ", ".join(f"{number} {name} by {selection.choices[name].method}" for name, number in classes.items())
    sys.stderr.write(f"{len(series)} series in {seconds:.1f} s, {peak.megabytes:.0f} MB a worker: {chosen}\n")
    return seconds, processor_seconds, peak.megabytes


def _work(panel: Panel, method: str) -> SeriesWork:
    count = len(panel.item_ids)
    nothing = np.zeros(count, dtype=np.int64)
    shape = shape_of(_HORIZON, _SEASON, _ACTIVE_WEEKS)
    return SeriesWork(panel.values, panel.lengths, np.arange(count), nothing, nothing, (method,), _HORIZON, shape.grain)


def _by_run_series(work: SeriesWork) -> np.ndarray:
    return run_series([work], map, CASES_PER_CHUNK)[0].means


def _overhead(size: Size) -> Iterator[Figure]:
    assortment = retail_series(size.fitted * 12)
    kinds = {"smooth": ("DOT+CES", lambda sold: sold == 1), "intermittent": ("IMAPA", lambda sold: sold < 0.6)}
    for kind, (method, belongs) in kinds.items():
        whole = [units for units in assortment if len(units) == WEEKS and belongs((units > 0).mean())]
        series = whole[: size.fitted]
        panel, frame = panel_of(series, _SEASON, _HORIZON), long_frame(series)
        work = _work(panel, method)
        contenders: dict[str, Callable[[], np.ndarray]] = {
            "run_series": partial(_by_run_series, work),
            "bare_calls": partial(bare_calls, series, method, _HORIZON, _SEASON),
            "statsforecast": partial(by_statsforecast, frame, method, _HORIZON, _SEASON),
        }
        best = _best_of(contenders, size.rounds)
        of = f"{kind}_{len(series)}_series_{method}"
        for name, seconds in best.items():
            yield Figure(f"{of}_{name}", seconds, "s")
        for name in ("bare_calls", "statsforecast"):
            yield Figure(f"{of}_times_{name}", best["run_series"] / best[name], "x", 1.15)


def _best_of(contenders: dict[str, Callable[[], np.ndarray]], rounds: int) -> dict[str, float]:
    """The best time of each; that all of them forecast the same is held first, which also warms them up."""
    made = [contender() for contender in contenders.values()]
    for other in made[1:]:
        np.testing.assert_allclose(np.maximum(other, 0), made[0], rtol=1e-6, atol=1e-6)
    best = dict.fromkeys(contenders, float("inf"))
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            best[name] = min(best[name], _timed(contenders[name])[1])
    return best


def _processor_seconds() -> float:
    """Of this process and of the children that have ended."""
    return time.process_time() + sum(os.times()[2:4])


def _timed(make: Callable[[], Made]) -> tuple[Made, float]:
    started = _processor_seconds()
    made = make()
    return made, _processor_seconds() - started


def _peers(size: Size) -> Iterator[Figure]:
    for read, frequency in ((shop_weekly, "W"), (m3_monthly, "MS")):
        (whole,) = read()
        if size.peer_panel:
            whole = whole.every(len(whole.histories) // size.peer_panel)
        yield from _beside_peers(whole, frequency, size.peer_series)


def _beside_peers(whole: SeriesSet, frequency: str, peer_series: int) -> Iterator[Figure]:
    """Figures of a set; `frequency` is what pandas calls its period."""
    places = np.arange(0, len(whole.histories), len(whole.histories) // peer_series)[:peer_series]
    series, actuals = [whole.histories[place] for place in places], whole.actuals[places]
    horizon, season, lag = whole.horizon, whole.season, whole.mase_season
    scales = np.array([np.abs(units[lag:] - units[:-lag]).mean() for units in series])

    def mase(means: np.ndarray) -> float:
        return float((np.abs(means - actuals).mean(axis=1) / scales).mean())

    def ready(histories: Sequence[np.ndarray]) -> Order:
        panel = panel_of(histories, season, horizon)
        shape = shape_of(horizon, season, whole.active_periods)
        (selection,) = select_methods([(panel, shape, None)], map)
        return Order(panel, shape, selection)

    def by_engine(order: Order) -> np.ndarray:
        (forecast,) = forecast_panels([order], map)
        means = np.zeros((len(order.panel.item_ids), horizon))
        means[forecast.cases.rows] = forecast.means
        return means

    by_engine(ready(series[:3]))
    seconds_of: dict[str, float] = {}
    score_of: dict[str, float] = {}
    for histories, judged in ((series, np.arange(len(series))), (whole.histories, places)):
        of = f"{whole.name}_engine_{len(histories)}_series"
        order, selection_seconds = _timed(partial(ready, histories))
        means, forecast_seconds = _timed(partial(by_engine, order))
        seconds_of[of] = (selection_seconds + forecast_seconds) / len(histories)
        seconds_of[f"{of}_by_methods_that_stand"] = forecast_seconds / len(histories)
        score_of[of] = mase(means[judged])
        yield Figure(f"{of}_mase_of_the_{len(series)}", score_of[of], "x")
    for of, seconds in seconds_of.items():
        yield Figure(f"{of}_per_series", seconds * 1000, "ms")
    peers: dict[str, tuple[Callable[[], np.ndarray], float]] = {
        "auto_arima": (lambda: by_auto_arima(series, horizon, season), 20)
    }
    if has_prophet():
        by_prophet(series[:1], horizon, frequency)
        peers["prophet"] = (lambda: by_prophet(series, horizon, frequency), 50)
    else:
        sys.stderr.write("Prophet is left out: it is not installed\n")
    for name, (peer, faster) in peers.items():
        means, seconds = _timed(peer)
        yield Figure(f"{whole.name}_{name}_per_series", seconds / len(series) * 1000, "ms")
        yield Figure(f"{whole.name}_{name}_mase", mase(means), "x")
        for of, own in seconds_of.items():
            yield Figure(f"{of}_faster_than_{name}", seconds / len(series) / own, "x", faster, "at least")
        for of, own in score_of.items():
            yield Figure(f"{of}_mase_times_{name}", own / mase(means), "x", 1)


def _start(size: Size) -> Iterator[Figure]:
    taken, processor = [], []
    for _ in range(size.starts):
        started, processor_started = time.perf_counter(), _processor_seconds()
        subprocess.run([sys.executable, "-W", "ignore", "-c", _START], cwd=PROJECT, check=True)
        taken.append(time.perf_counter() - started)
        processor.append(_processor_seconds() - processor_started)
    yield Figure("start_to_first_forecast", median(taken), "s", 5)
    yield Figure("start_to_first_forecast_processor_seconds", median(processor), "s")


PARTS: dict[str, Callable[[Size], Iterator[Figure]]] = {
    "scale": _scale,
    "overhead": _overhead,
    "peers": _peers,
    "start": _start,
}


def _figures(parts: Sequence[str], size: Size) -> Iterator[Figure]:
    for part in parts:
        try:
            yield from PARTS[part](size)
        except NoDataError as error:
            sys.stderr.write(f"{part} is left out: {error}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few hundred series, no goals: proves that it runs")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), help="only these")
    parser.add_argument("--series", nargs="+", type=int, help="other numbers of series for `scale`, without goals")
    chosen = parser.parse_args(arguments)
    one_thread()
    size = QUICK if chosen.quick else FULL
    if chosen.series:
        size = replace(size, series=chosen.series)
    figures = list(_figures(chosen.parts or list(PARTS), size))
    if chosen.quick or chosen.series:
        figures = [replace(figure, goal=None) for figure in figures]
    print_report("forecast", figures, is_quick=chosen.quick)


if __name__ == "__main__":
    main()
