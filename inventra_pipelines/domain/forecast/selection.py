"""Which method a tenant's demand classes are forecast by: a rolling-origin trial of each class's candidates.

Belongs here: the sample that is tried, the score, and the rule of choice. The candidates are listed in `methods.py`.
"""

from dataclasses import dataclass

import numpy as np

from inventra_pipelines.domain.forecast.backtests import Cases
from inventra_pipelines.domain.forecast.classes import CLASSES
from inventra_pipelines.domain.forecast.methods import BASELINE, CANDIDATES, DEAR

# Windows tried per class. The dear methods are tried on every second of them: at 3 ms a fit, Theta and CES on all would
# take longer than everything else together.
TRIAL_CASES = 160
LEAST_TRIAL_CASES = 10

# A challenger must beat the first of the list by this share of its score, and by so many standard errors of the paired
# differences. Less is noise of the sample: without the second rule Theta won one of nine weekly cutoffs of a year of
# gift sales on 80 windows, where it was 2 % worse than IMAPA on 8,966.
MARGIN = 0.02
STANDARD_ERRORS = 2.0


@dataclass(frozen=True)
class Trial:
    """Windows to try and by which methods: positions in the cases, and names of methods, of one length."""

    positions: np.ndarray
    methods: np.ndarray


@dataclass(frozen=True)
class Choice:
    """The method chosen for a class, its mean RMSSE and the baseline's on the same windows, and why it was chosen."""

    demand_class: str
    method: str
    score: float | None
    baseline_score: float | None
    series: int
    reason: str


def plan_trial(cases: Cases) -> Trial:
    """Spreads the trial of each class evenly over its windows that have a scale, in the order of series and origin."""
    positions: list[int] = []
    methods: list[str] = []
    usable = (cases.offsets > 0) & (cases.naive_scales > 0)
    for demand_class in CLASSES:
        pool = np.flatnonzero(usable & (cases.classes == demand_class))
        sample = pool[np.linspace(0, len(pool) - 1, min(TRIAL_CASES, len(pool)), dtype=np.int64)] if len(pool) else pool
        for count, position in enumerate(sample.tolist()):
            names = [name for name in CANDIDATES[demand_class] if name not in DEAR or count % 2 == 0]
            positions.extend([position] * (len(names) + 1))
            methods.extend([*names, BASELINE])
    return Trial(np.array(positions, dtype=np.int64), np.array(methods, dtype=object))


def choose_methods(cases: Cases, trial: Trial, forecasts: np.ndarray, actuals: np.ndarray) -> dict[str, Choice]:
    """The choice for every class, from the trial's forecasts and the actuals (both trial rows x horizon).

    The score is the mean over windows of RMSSE. A dear method is compared on the windows it was tried on, and its score
    is the first candidate's score on all windows plus the mean difference there.
    """
    scores = np.sqrt(((forecasts - actuals) ** 2).mean(axis=1)) / cases.naive_scales[trial.positions]
    classes = cases.classes[trial.positions]
    choices = {}
    for demand_class in CLASSES:
        inside = classes == demand_class
        choices[demand_class] = _choose(
            demand_class, trial.methods[inside], trial.positions[inside], scores[inside], cases.rows
        )
    return choices


def _choose(
    demand_class: str, methods: np.ndarray, positions: np.ndarray, scores: np.ndarray, rows: np.ndarray
) -> Choice:
    first, *challengers = (*CANDIDATES[demand_class], BASELINE)
    # A new item has no season: its seasonal naive would fall back to the last week, every time.
    eligible = [first, *challengers] if demand_class != "new" else [first, *challengers[:-1]]
    if not len(scores):
        return Choice(demand_class, first, None, None, 0, f"{first} by default: no window with history to try on")
    reference = dict(zip(positions[methods == first].tolist(), scores[methods == first].tolist(), strict=True))
    means = {first: float(np.mean(list(reference.values())))}
    method = first
    for name in challengers:
        own = methods == name
        gains = np.array([reference[position] for position in positions[own].tolist()]) - scores[own]
        means[name] = means[first] - float(gains.mean())
        if name in eligible and _is_better(gains, means[first]) and means[name] < means[method]:
            method = name
    best = min(eligible, key=lambda name: means[name])
    verdict = "lowest RMSSE" if method == best else f"{best} is not better by {MARGIN:.0%} and beyond chance"
    listed = ", ".join(f"{name} {means[name]:.3f}" for name in means)
    return Choice(
        demand_class,
        method,
        means[method],
        means[BASELINE],
        len(np.unique(rows[positions])),
        f"{method}: {verdict}; RMSSE on {len(reference)} windows: {listed}",
    )


def _is_better(gains: np.ndarray, reference: float) -> bool:
    """Whether the mean gain is above the margin and above chance; few windows prove nothing."""
    if len(gains) < LEAST_TRIAL_CASES:
        return False
    error = float(gains.std(ddof=1)) / len(gains) ** 0.5
    return bool(gains.mean() > max(MARGIN * reference, STANDARD_ERRORS * error))
