"""Runs the trial that a selection is made of, and the pooled member wherever it is needed.

Belongs here: the order of the trial's rounds (train, predict, fit series) for many panels at once. The rule of choice
is `choice.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from inventra_pipelines.domain.forecast.demand.classes import CLASSES, NEW_BELOW_PERIODS
from inventra_pipelines.domain.forecast.demand.panel import Panel, fingerprint
from inventra_pipelines.domain.forecast.methods.pooled import (
    MOST_TRAINING_ROWS,
    Booster,
    Prediction,
    as_trained,
    training_sample,
)
from inventra_pipelines.domain.forecast.methods.profiles import profile_forecasts
from inventra_pipelines.domain.forecast.methods.registry import BASELINE, CATEGORY_PROFILE, LIGHTGBM, is_pooled
from inventra_pipelines.domain.forecast.methods.windows import History
from inventra_pipelines.domain.forecast.methods.work import Grain, MapWork, SeriesWork, run_series, run_work
from inventra_pipelines.domain.forecast.selection.backtests import (
    Cases,
    actual_units,
    build_cases,
    seasonal_naive,
    window_offsets,
)
from inventra_pipelines.domain.forecast.selection.choice import (
    Choice,
    Selection,
    candidates_of,
    choose,
    method_score,
    sample_windows,
)
from inventra_pipelines.domain.forecast.selection.ranges import error_scales, pooled_spreads

# A change of the rules makes it another one, so that stored selections are not read under rules they were not made by.
ENGINE_VERSION = "5"

# Half a second to a few seconds of work each: enough chunks to keep a pool level, few enough to cost little pickling.
CASES_PER_CHUNK = 400
PREDICTIONS_PER_CHUNK = 5000

# Models that are only judged learn from a quarter as much as the one that stays: on public sets of months, quarters and
# weeks the same methods were chosen as with half as much, or one as good, in three quarters of a selection's time.
TRIAL_TRAINING_ROWS = 75_000


@dataclass(frozen=True)
class Shape:
    """What is forecast, whatever the panel: horizon and season in periods, and how it is backtested."""

    horizon: int
    season: int
    windows: int
    active_periods: int
    asked_for: Mapping[Any, str]

    @property
    def grain(self) -> Grain:
        """The forecast's own period."""
        return Grain("own", season=self.season)


def history_of(panel: Panel, shape: Shape, horizon: int | None = None) -> History:
    """What a pooled member may look at, to forecast a horizon, the shape's where it is not given."""
    horizon = shape.horizon if horizon is None else horizon
    return History(
        panel.values,
        panel.lengths,
        panel.phases[: panel.periods + horizon],
        None if panel.regressors is None else panel.regressors[:, : panel.periods + horizon],
        shape.season,
        horizon,
    )


def select_methods(panels: Sequence[tuple[Panel, Shape, date | None]], map_work: MapWork) -> list[Selection]:
    """Makes a selection for each panel; the work of all goes through three calls of `map_work`.

    Args:
        panels: Panels with their shapes and their cutoffs.
        map_work: Like the builtin `map`; the result does not depend on it.
    """
    trials = [_plan(panel, shape) for panel, shape, _ in panels]
    boosters = _train(trials, map_work)
    given = pooled_forecasts(
        [
            (trial.history.until(trial.panel.periods - offset), trial.panel.groups, *_at(trial, offset), booster)
            for trial, own in zip(trials, boosters, strict=True)
            for offset, booster in own.items()
            if offset > 0
        ],
        map_work,
    )
    works = [_work(trial, own, given) for trial, own in zip(trials, boosters, strict=True)]
    made = run_series(works, map_work, CASES_PER_CHUNK)
    return [
        _select(trial, work, result.means, own[0], selected_on)
        for trial, work, result, own, (_, _, selected_on) in zip(trials, works, made, boosters, panels, strict=True)
    ]


@dataclass(frozen=True)
class _Trial:
    """A panel's sampled windows, and the methods that each is tried by."""

    panel: Panel
    shape: Shape
    history: History
    windows: Cases
    positions: np.ndarray
    methods: np.ndarray


def _plan(panel: Panel, shape: Shape) -> _Trial:
    cases = build_cases(panel, window_offsets(shape.horizon, shape.windows), shape.active_periods)
    windows = cases.select(sample_windows(cases))
    listed = [candidates_of(name, shape.season, panel.periods, shape.asked_for) for name in windows.classes]
    positions = np.repeat(np.arange(len(windows)), [len(names) for names in listed])
    methods = np.array([name for names in listed for name in names], dtype=object)
    return _Trial(panel, shape, history_of(panel, shape), windows, positions.astype(np.int64), methods)


def _train(trials: list[_Trial], map_work: MapWork) -> list[dict[int, Booster]]:
    """A booster per origin with windows to predict and one for the panel's end (0), by offset, of each trial."""
    offsets = [[0, *np.unique(trial.windows.offsets).tolist()] for trial in trials]
    needs_one = [any(is_pooled(str(name)) for name in set(trial.methods.tolist())) for trial in trials]
    works = [
        training_sample(
            trial.history.until(trial.panel.periods - offset), TRIAL_TRAINING_ROWS if offset else MOST_TRAINING_ROWS
        )
        for trial, own, needed in zip(trials, offsets, needs_one, strict=True)
        for offset in own
        if needed
    ]
    made = iter(map_work(run_work, works))
    nothing = Booster(None, 0, "no class may choose it")
    return [
        {offset: next(made) if needed else nothing for offset in own}
        for own, needed in zip(offsets, needs_one, strict=True)
    ]


def _at(trial: _Trial, offset: int) -> tuple[np.ndarray, np.ndarray]:
    at = trial.windows.offsets == offset
    return trial.windows.rows[at], np.full(at.sum(), trial.panel.periods - offset)


def pooled_forecasts(
    wanted: Sequence[tuple[History, np.ndarray, np.ndarray, np.ndarray, Booster]], map_work: MapWork
) -> list[dict[str, np.ndarray]]:
    """Forecasts by the pooled members, NaN where there is none, of (history, groups, rows, ends, booster) each."""
    works, places = [], []
    results = [
        {
            LIGHTGBM: np.full((len(rows), history.horizon), np.nan),
            CATEGORY_PROFILE: profile_forecasts(history, groups, rows, NEW_BELOW_PERIODS),
        }
        for history, groups, rows, _, _ in wanted
    ]
    for index, (history, _, rows, ends, booster) in enumerate(wanted):
        if booster.text is None or not len(rows):
            continue
        seen = as_trained(history, booster.text)
        for start in range(0, len(rows), PREDICTIONS_PER_CHUNK):
            part = slice(start, start + PREDICTIONS_PER_CHUNK)
            kept, places_in = np.unique(rows[part], return_inverse=True)
            works.append(Prediction(booster.text, seen.rows(kept), places_in, ends[part]))
            places.append((index, part))
    for (index, part), means in zip(places, map_work(run_work, works), strict=True):
        results[index][LIGHTGBM][part] = means
    return results


def _work(trial: _Trial, boosters: dict[int, Booster], given: list[dict[str, np.ndarray]]) -> SeriesWork:
    """The series methods' share of a trial, with what the pooled members gave for each of its cases."""
    by_window = {
        name: np.full((len(trial.windows), trial.shape.horizon), np.nan) for name in (LIGHTGBM, CATEGORY_PROFILE)
    }
    for offset in boosters:
        if offset > 0:
            made = given.pop(0)
            for name, means in made.items():
                by_window[name][trial.windows.offsets == offset] = means
    names = tuple(sorted(set(trial.methods.tolist())))
    ids = {name: index for index, name in enumerate(names)}
    return SeriesWork(
        trial.panel.values,
        trial.panel.lengths,
        trial.windows.rows[trial.positions],
        trial.windows.offsets[trial.positions],
        np.array([ids[name] for name in trial.methods], dtype=np.int64),
        names,
        trial.shape.horizon,
        trial.shape.grain,
        {name: means[trial.positions] for name, means in by_window.items()},
    )


def _gave_own(trial: _Trial, work: SeriesWork) -> np.ndarray:
    """Whether each case's method has what it needs of the pooled members; else its fallback was forecast."""
    gave = np.ones(len(trial.methods), dtype=bool)
    for name, means in work.given.items():
        needs_it = np.array([is_pooled(str(method), name) for method in trial.methods], dtype=bool)
        gave &= ~needs_it | np.isfinite(means).all(axis=1)
    return gave


def _select(
    trial: _Trial, work: SeriesWork, means: np.ndarray, booster: Booster, selected_on: date | None
) -> Selection:
    windows, horizon = trial.windows, trial.shape.horizon
    actuals = actual_units(trial.panel, windows, horizon)
    baselines = seasonal_naive(trial.panel, windows, horizon, trial.shape.season)
    chosen_errors, chosen_scales = np.zeros(actuals.shape), np.ones(len(windows))
    pooled = np.zeros(len(windows), dtype=bool)
    gave_own = _gave_own(trial, work)
    choices: dict[str, Choice] = {}
    tried: dict[str, dict[str, np.ndarray]] = {}
    tried_on: dict[str, dict[str, np.ndarray]] = {}
    for name in CLASSES:
        inside = windows.classes == name
        candidates = candidates_of(name, trial.shape.season, trial.panel.periods, trial.shape.asked_for)
        if booster.text is None and name not in trial.shape.asked_for:
            # What no model could be trained for is no choice: a method that lacks a member is a fallback every time.
            candidates = tuple(method for method in candidates if not is_pooled(method))
        own = inside[trial.positions]
        errors = {
            method: actuals[inside] - means[own & (trial.methods == method)] for method in dict.fromkeys(candidates)
        }
        errors[BASELINE] = actuals[inside] - baselines[inside]
        tried[name] = errors
        by_itself = {method: gave_own[own & (trial.methods == method)] for method in dict.fromkeys(candidates)}
        if not by_itself[candidates[0]].any():
            # There was too little to learn from at the origins, not now: what was left of it there gives its ranges.
            by_itself[candidates[0]] = np.ones(inside.sum(), dtype=bool)
        tried_on[name] = by_itself
        choices[name] = choose(name, candidates, windows.select(inside), errors, by_itself)
        chosen = errors[choices[name].method]
        chosen_errors[inside] = chosen
        chosen_scales[inside] = error_scales(actuals[inside] - chosen, windows.select(inside))
        pooled[inside] = by_itself[choices[name].method]
    spreads = pooled_spreads(windows.classes[pooled], chosen_errors[pooled], chosen_scales[pooled])
    scores = []
    for name in CLASSES:
        inside = np.flatnonzero(windows.classes == name)
        for method, errors_of in tried[name].items():
            # A method's figures are of the windows that it forecast, not of those where another stood in.
            own = tried_on[name].get(method, np.ones(len(inside), dtype=bool))
            if not own.any():
                continue
            cases, sold = windows.select(inside[own]), actuals[inside[own]]
            scales = error_scales(sold - errors_of[own], cases)
            spread = pooled_spreads(cases.classes, errors_of[own], scales)[name]
            scores.append(method_score(choices[name], method, cases, errors_of[own], sold, scales, spread))
    if not any(is_pooled(choice.method) for choice in choices.values()):
        booster = Booster(None, booster.training_rows, booster.reason or "no class chose it")
    return Selection(selected_on, choices, spreads, booster, scores, fingerprint(trial.panel), ENGINE_VERSION)
