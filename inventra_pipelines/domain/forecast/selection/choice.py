"""Which method a panel's demand classes are forecast by: a rolling-origin trial of each class's candidates.

Belongs here: the sample that is tried, the scores, the rule of choice, and what a selection holds. The candidates are
listed in `methods/registry.py`; the trial is run by `trial.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from inventra_pipelines.domain.forecast.demand.classes import CLASSES, DORMANT
from inventra_pipelines.domain.forecast.frames import QUANTILES
from inventra_pipelines.domain.forecast.methods.pooled import Booster
from inventra_pipelines.domain.forecast.methods.registry import BASELINE, registered_candidates
from inventra_pipelines.domain.forecast.selection.backtests import Cases, in_scales
from inventra_pipelines.domain.forecast.selection.ranges import LEVELS, Spread

# Windows tried per class: errors of 600 of them place a 98th percentile within .6 points.
TRIAL_CASES = 600
LEAST_TRIAL_SERIES = 10

# A challenger must beat the first of the list by this share of its score, and by so many standard errors of the
# series' mean differences. Less is noise of the sample: without the second rule Theta won one of nine weekly cutoffs of
# a year of gift sales on 80 windows, where it was 2 % worse than IMAPA on 8,966.
MARGIN = 0.002
STANDARD_ERRORS = 2.0


@dataclass(frozen=True)
class Choice:
    """The method chosen for a class, its mean RMSSE and the baseline's on the same windows, and why it was chosen."""

    demand_class: str
    method: str
    score: float | None
    baseline_score: float | None
    series: int
    windows: int
    candidates: dict[str, float]
    reason: str


@dataclass(frozen=True)
class MethodScore:
    """A candidate's figures on the trial's windows of a class; None where there is no denominator.

    `rmsse` and `mase` are means over windows, scaled by the one-step naive error before each; `wape` and `bias`
    (forecast less actual) are shares of all units; `scaled_crps` is the sum of twice the pinball losses
    of the quantiles over their number, as a share of all units.
    """

    demand_class: str
    method: str
    series: int
    windows: int
    rmsse: float | None
    mase: float | None
    wape: float | None
    bias: float | None
    coverage_80: float | None
    coverage_95: float | None
    scaled_crps: float | None
    is_chosen: bool


@dataclass(frozen=True)
class Selection:
    """What a panel's classes are forecast by, from a day on.

    Attributes:
        selected_on: Cutoff of the panel that it was made on; None for a panel without dates.
        choices: By class.
        spreads: By class.
        booster: The pooled member's model, trained on the whole panel; without text where nothing needs it.
        scores: Of every candidate of every class.
        data_fingerprint: Of the panel.
        engine_version: Of the program's rules; another version selects anew.
        is_fresh: Whether it was made now, not read from what is kept.
    """

    selected_on: date | None
    choices: dict[str, Choice]
    spreads: dict[str, Spread]
    booster: Booster
    scores: list[MethodScore]
    data_fingerprint: str
    engine_version: str
    is_fresh: bool = True


def candidates_of(demand_class: str, season: int, periods: int, asked_for: Mapping[Any, str]) -> tuple[str, ...]:
    """What is tried for a class: the one method that a tenant asked for, or the registry's candidates."""
    if demand_class in asked_for:
        return (asked_for[demand_class],)
    return registered_candidates(demand_class, season, periods)


def sample_windows(cases: Cases, most: int = TRIAL_CASES) -> np.ndarray:
    """Positions of the windows to try: those of each class evenly spread over series and origins."""
    positions = []
    for demand_class in CLASSES:
        pool = np.flatnonzero((cases.offsets > 0) & (cases.classes == demand_class))
        if len(pool) > most:
            pool = pool[np.linspace(0, len(pool) - 1, most, dtype=np.int64)]
        positions.append(pool)
    return np.sort(np.concatenate(positions)) if positions else np.array([], dtype=np.int64)


def choose(
    demand_class: str,
    candidates: tuple[str, ...],
    windows: Cases,
    errors: dict[str, np.ndarray],
    forecast_by: Mapping[str, np.ndarray] | None = None,
) -> Choice:
    """The choice for a class, from the errors that its candidates and the baseline made on its windows.

    The score is the mean over windows of RMSSE; windows without a scale have no part in it. The first candidate stands
    unless another one is better by MARGIN and beyond chance.

    Args:
        demand_class: The class.
        candidates: Methods, the first of them the one that stands.
        windows: The windows' cases.
        errors: Method or BASELINE -> actual less forecast, windows x lags.
        forecast_by: Method -> whether it gave a forecast of its own at each window, all of them where it is not named.
            A method is held against the first one on these windows alone: elsewhere its fallback would be judged.
    """
    first, *challengers = candidates
    scalable = windows.naive_scales > 0
    if demand_class == DORMANT or not scalable.any():
        why = "nothing sold for long" if demand_class == DORMANT else "no window with history to try on"
        return Choice(demand_class, first, None, None, 0, 0, {}, f"{first} by default: {why}")
    series = windows.rows[scalable]
    scores = {
        name: np.sqrt((in_scales(made[scalable], windows.naive_scales[scalable]) ** 2).mean(axis=1))
        for name, made in errors.items()
    }
    everywhere = np.ones(len(series), dtype=bool)
    own = {name: (forecast_by or {}).get(name, scalable)[scalable] if name != first else everywhere for name in scores}
    # What was never tried has no score: the first one's would stand in its place.
    means = {name: _mean_beside(scores[first], score, own[name]) for name, score in scores.items() if own[name].any()}
    tried = [name for name in challengers if name in means]
    method = first
    for name in tried:
        gains = scores[first][own[name]] - scores[name][own[name]]
        if _is_better(gains, series[own[name]], means[first]) and means[name] < means[method]:
            method = name
    best = min((first, *tried), key=lambda name: means[name])
    if len(candidates) == 1:
        verdict = "asked for"
    elif method == best:
        verdict = "lowest RMSSE"
    else:
        verdict = f"{best} is not better by {MARGIN:.1%} and beyond chance"
    listed = ", ".join(f"{name} {means[name]:.3f}" for name in means)
    return Choice(
        demand_class,
        method,
        means[method],
        means[BASELINE],
        len(np.unique(series)),
        int(scalable.sum()),
        {name: round(mean, 6) for name, mean in means.items()},
        f"{method}: {verdict}; RMSSE on {int(scalable.sum())} windows: {listed}",
    )


def _mean_beside(first: np.ndarray, scores: np.ndarray, own: np.ndarray) -> float:
    """Mean score, with the first candidate's where a method was not tried: all are means over the same windows."""
    return float(np.where(own, scores, first).mean())


def _is_better(gains: np.ndarray, series: np.ndarray, reference: float) -> bool:
    """Whether the mean gain is above the margin and above chance; windows of one series are no independent ones."""
    names, places = np.unique(series, return_inverse=True)
    if len(names) < LEAST_TRIAL_SERIES:
        return False
    counts = np.bincount(places)
    deviations = np.bincount(places, weights=gains - gains.mean())
    error = float(np.sqrt((deviations**2).sum())) / counts.sum()
    return bool(gains.mean() > max(MARGIN * reference, STANDARD_ERRORS * error))


def method_score(
    choice: Choice,
    method: str,
    windows: Cases,
    errors: np.ndarray,
    actuals: np.ndarray,
    scales: np.ndarray,
    spread: Spread,
) -> MethodScore:
    """Figures of one method on its class's windows; its ranges are those of its own errors, pooled."""
    scalable = windows.naive_scales > 0
    scaled = in_scales(errors[scalable], windows.naive_scales[scalable])
    total = float(actuals.sum())
    forecasts = actuals - errors
    levels = np.array(list(QUANTILES.values()))
    steps = np.stack([np.interp(levels, LEVELS, column) for column in spread.lags.T], axis=1)
    ranges = np.maximum(forecasts[None] + scales[None, :, None] * steps[:, None, :], 0.0)
    over = actuals[None] - ranges
    pinball = np.maximum(levels[:, None, None] * over, (levels[:, None, None] - 1) * over).sum() * 2 / len(levels)

    def mean(figures: np.ndarray) -> float | None:
        return float(figures.mean()) if figures.size else None

    def share(units: float) -> float | None:
        return float(units / total) if total > 0 else None

    return MethodScore(
        choice.demand_class,
        method,
        len(np.unique(windows.rows)),
        len(windows),
        mean(np.sqrt((scaled**2).mean(axis=1))),
        mean(np.abs(scaled).mean(axis=1)),
        share(float(np.abs(errors).sum())),
        share(-float(errors.sum())),
        mean(((actuals >= ranges[0]) & (actuals <= ranges[3])).astype(float)),
        mean((actuals <= ranges[4]).astype(float)),
        share(float(pinball)),
        method == choice.method,
    )
