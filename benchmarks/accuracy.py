"""How accurate the engine is: `python -m benchmarks.accuracy [--quick] [--set NAME ...]`.

The engine as it runs in production, with one setting for all sets and nothing fitted to any of them: methods are
selected at the cutoff by the product's own trial, of weekly data the last 156 weeks are looked at, of daily data the
last three years, of monthly data everything. Protocols are those of the published figures: the last periods of each
series are forecast once, errors are in units of the in-sample naive error of the whole history before, and means are
over series. `seasonal_naive_mase` is the proof of the protocol: our own baseline must give the published figure.

`mase`: scaled by the seasonal naive error, `m4_weekly` by the one-step one, as the competition does it. `rmsse`: scaled
by the one-step naive error. Pasta: ten windows of 28 days, each 28 days after the last; with the promotions of the days
to be forecast, which a shop plans itself, and once more without any.

Ranges, by set and demand class of at least 30 series: `coverage_80` is the share of actuals in q10..q90, `up_to_q95`
the share at or below q95. Ties count as inside. Where units are few, many ranges begin at zero and nothing can lie
below them: they cover 90 % when their upper end is right, so `above_q90` and the share of such ranges stand beside.
A dormant item is expected to sell nothing: the share of such that did not is no coverage and has no goal.

`gifts` is the demo's year of sales through the product's stage, at eight weekly cutoffs before its last day; the weeks
that are over by then are judged.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date

import numpy as np

from benchmarks.accuracy_runs import Outcome, Ranges, outcome_of, tenant_outcome
from benchmarks.accuracy_sets import SETS, NoDataError, SeriesSet, gifts_demand
from benchmarks.forecast_workers import Workers, workers
from benchmarks.report import Figure, between, print_report
from inventra_pipelines.domain.forecast.demand.classes import DORMANT
from inventra_pipelines.domain.forecast.methods.work import MapWork

GIFTS = "gifts"
_LAST_ON = date(2011, 12, 9)
_LEAST_SERIES = 30
_PROOF = 0.002
_COVERAGE_80 = (0.77, 0.83)
_UP_TO_Q95 = (0.93, 0.97)
# What --quick takes of a set.
_QUICK_SERIES, _QUICK_WINDOWS, _QUICK_PERIODS, _QUICK_CUTOFFS = 12, 1, 60, 1


def _range_figures(of: str, ranges: Ranges, *, has_goal: bool) -> Iterator[Figure]:
    yield between(f"{of}_coverage_80", ranges.coverage_80, "share", _COVERAGE_80 if has_goal else None)
    yield between(f"{of}_up_to_q95", ranges.up_to_q95, "share", _UP_TO_Q95 if has_goal else None)
    yield Figure(f"{of}_above_q90", ranges.above_q90, "share")
    yield Figure(f"{of}_ranges_from_zero", ranges.q10_is_zero, "share")


def _of_classes(of: str, ranges: dict[str, Ranges]) -> Iterator[Figure]:
    for name, own in ranges.items():
        if name != "all" and own.series >= _LEAST_SERIES:
            yield from _range_figures(f"{of}_{name}", own, has_goal=name != DORMANT)
    yield from _range_figures(f"{of}_all_classes", ranges["all"], has_goal=False)


def _set_figures(windows: Sequence[SeriesSet], outcome: Outcome, seconds: float) -> Iterator[Figure]:
    of, published = windows[0].name, windows[0].published
    yield Figure(f"{of}_series", len(windows[0].histories), "series")
    yield Figure(f"{of}_mase", outcome.mase(outcome.means), "x", published.mase)
    yield Figure(f"{of}_rmsse", outcome.rmsse(outcome.means), "x", published.rmsse)
    if of == "m4_weekly":
        yield Figure(f"{of}_smape", outcome.smape(outcome.means), "%")
    proof = published.seasonal_naive
    goal = None if proof is None else (proof - _PROOF, proof + _PROOF)
    yield between(f"{of}_seasonal_naive_mase", outcome.mase(outcome.baselines), "x", goal)
    yield Figure(f"{of}_seasonal_naive_rmsse", outcome.rmsse(outcome.baselines), "x")
    yield Figure(f"{of}_bias", float((outcome.means - outcome.actuals).sum() / outcome.actuals.sum()), "share")
    classes = sorted(set(outcome.classes.tolist()) - {""})
    yield from _of_classes(of, {"all": outcome.ranges()} | {name: outcome.ranges(name) for name in classes})
    yield Figure(f"{of}_select_and_forecast", seconds, "s")


def _of_set(name: str, map_work: MapWork, *, is_quick: bool) -> Iterator[Figure]:
    windows = SETS[name]()
    if is_quick:
        step = max(1, len(windows[0].histories) // _QUICK_SERIES)
        windows = [replace(one.every(step), most_periods=_QUICK_PERIODS) for one in windows[-_QUICK_WINDOWS:]]
    started = time.perf_counter()
    outcome = outcome_of(windows, map_work)
    yield from _set_figures(windows, outcome, time.perf_counter() - started)


def _of_gifts(map_work: MapWork, *, is_quick: bool) -> Iterator[Figure]:
    demand, cutoffs = gifts_demand(), 8
    if is_quick:
        items = demand["item_id"].unique().sort()
        some = items.gather_every(len(items) // _QUICK_SERIES).to_list()
        demand = demand.filter(demand["item_id"].is_in(some))
        cutoffs = _QUICK_CUTOFFS
    started = time.perf_counter()
    outcome = tenant_outcome(demand, _LAST_ON, cutoffs, map_work)
    seconds = time.perf_counter() - started
    yield Figure("gifts_items", demand["item_id"].n_unique(), "series")
    yield Figure("gifts_rmsse", outcome.rmsse, "x")
    yield Figure("gifts_seasonal_naive_rmsse", outcome.baseline_rmsse, "x")
    below = 1 - outcome.rmsse / outcome.baseline_rmsse
    yield Figure("gifts_rmsse_below_seasonal_naive", below, "share", 0.2, "at least")
    yield Figure("gifts_active_items_better_than_seasonal_naive", outcome.items_better, "share", 0.7, "at least")
    yield between("gifts_bias", outcome.bias, "share", (-0.02, 0.02))
    yield from _of_classes("gifts", outcome.ranges)
    yield Figure("gifts_select_and_forecast", seconds, "s")


def _figures(names: Sequence[str], *, is_quick: bool) -> Iterator[Figure]:
    # A dozen series are done before workers have started.
    with nullcontext(Workers(map, list)) if is_quick else workers() as pool:
        for name in names:
            try:
                if name == GIFTS:
                    yield from _of_gifts(pool.map_work, is_quick=is_quick)
                else:
                    yield from _of_set(name, pool.map_work, is_quick=is_quick)
            except NoDataError as error:
                sys.stderr.write(f"{name} is left out: {error}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few dozen series, no goals: proves that it runs")
    parser.add_argument("--set", nargs="+", choices=[*SETS, GIFTS], dest="names", help="only these")
    chosen = parser.parse_args(arguments)
    with np.errstate(all="ignore"):
        figures = list(_figures(chosen.names or [*SETS, GIFTS], is_quick=chosen.quick))
    if chosen.quick:
        figures = [replace(figure, goal=None) for figure in figures]
    print_report("accuracy", figures, is_quick=chosen.quick)


if __name__ == "__main__":
    main()
