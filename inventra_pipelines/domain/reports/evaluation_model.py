"""What an evaluation's page and its JSON say.

Belongs here: the evaluation as one value, its plain form, and the series that are shown as examples. How the page looks
is `evaluation_page.py`; the figures are `forecast/evaluation/scores.py`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from inventra_pipelines.domain.forecast.demand.classes import DORMANT
from inventra_pipelines.domain.forecast.demand.periods import PeriodDemand
from inventra_pipelines.domain.forecast.evaluation.plan import Plan
from inventra_pipelines.domain.forecast.evaluation.rolling_origin import OriginForecast
from inventra_pipelines.domain.forecast.evaluation.scores import Scores
from inventra_pipelines.domain.forecast.frames import QUANTILES

# The engine, the seasonal naive forecast and the other baselines as people call them.
METHOD_WORDS = {
    "engine": "Inventra",
    "SeasonalNaive": "seasonal naive",
    "SES": "exponential smoothing",
    "WindowAverage4": "moving average of 4",
    "DOT": "Theta (DOT)",
    "AutoETS": "AutoETS",
}
_EXAMPLES = 4
_HISTORY_SHOWN = 4


@dataclass(frozen=True)
class Example:
    """One series as of the latest origin: units per period before it, what came, the forecast and its 80 % range."""

    series_id: str
    demand_class: str
    why: str
    history: list[float]
    actuals: list[float]
    means: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Evaluation:
    """How good forecasts of a file's demand would have been.

    Attributes:
        file_name: Of the file.
        period: What a period is called: day, week, month, quarter or year.
        horizon: Periods ahead.
        season: Season in periods.
        series: Series that ever sold in the periods.
        series_evaluated: Series that were forecast at some origin.
        periods: Complete periods.
        first_on: Last day of the first period.
        last_on: Last day of the last one.
        origins: Last day that was known at each origin, the earliest first.
        scores: The figures.
        notes: What was left out, sampled or not as it stood, in words.
        examples: Series to look at.
    """

    file_name: str
    period: str
    horizon: int
    season: int
    series: int
    series_evaluated: int
    periods: int
    first_on: date
    last_on: date
    origins: list[date]
    scores: Scores
    notes: list[str]
    examples: list[Example]

    @property
    def headline(self) -> str:
        """The answer in a sentence."""
        engine, naive = self.scores.engine, self.scores.naive
        if engine.wape is None or naive.wape is None:
            return "Nothing was sold after the origins: no error can be told as a share of units sold."
        of_units = f"{engine.wape:.1%} of units sold against {naive.wape:.1%}"
        change = self.change
        if change is None:
            return f"Repeating the past makes hardly an error here; Inventra's is {of_units}."
        words = f"{abs(change):.0%} {'less' if change <= 0 else 'more'} than repeating the past"
        return f"On the average series, forecasts err {words} (RMSSE); over all of them the error is {of_units}."

    @property
    def change(self) -> float | None:
        """The engine's RMSSE over that of the seasonal naive forecast, less 1; of WAPE where no series has a RMSSE."""
        engine, naive = self.scores.engine, self.scores.naive
        for own, other in ((engine.rmsse, naive.rmsse), (engine.wape, naive.wape)):
            if own is not None and other:
                return own / other - 1
        return None

    def as_dict(self) -> dict[str, Any]:
        """Plain values without the examples; dates as ISO text."""
        plain = asdict(self)
        del plain["examples"]
        plain |= {"first_on": self.first_on.isoformat(), "last_on": self.last_on.isoformat()}
        return plain | {"origins": [day.isoformat() for day in self.origins], "headline": self.headline}


def evaluation_of(
    file_name: str,
    demand: PeriodDemand,
    plan: Plan,
    forecasts: Sequence[OriginForecast],
    scores: Scores,
    *,
    horizon: int,
    season: int,
    notes: Sequence[str],
) -> Evaluation:
    """Puts an evaluation together; `notes` come before those of the demand and the plan."""
    ends = demand.ends
    rows = np.unique(np.concatenate([made.rows for made in forecasts]))
    noun = demand.frequency.noun
    told = [*notes, *demand.left_out, *plan.notes]
    if len(ends) - plan.offsets[0] <= season:
        told.append(
            f"the season of {season} {noun}s is longer than the history: seasonal naive repeats the last {noun}, "
            "and there is no MASE"
        )
    return Evaluation(
        file_name,
        noun,
        horizon,
        season,
        len(demand.panel.item_ids),
        len(rows),
        len(ends),
        ends[0],
        ends[-1],
        [ends[len(ends) - 1 - offset] for offset in reversed(plan.offsets)],
        scores,
        told,
        examples_of(demand, forecasts[0], horizon, season),
    )


def examples_of(demand: PeriodDemand, made: OriginForecast, horizon: int, season: int) -> list[Example]:
    """The series that sold most, and those whose error is larger than that of a quarter, half and three quarters.

    None of them is chosen for how it looks: the ranks alone decide. Dormant series have no part in it.
    """
    active = np.flatnonzero((made.classes != DORMANT) & (made.scales.one_step_rmse > 0))
    if not len(active):
        active = np.arange(len(made.rows))
    top = max(float(made.actuals.max(initial=0.0)), float(made.means.max(initial=0.0)), 1e-300)
    scales = np.where(made.scales.one_step_rmse > 0, made.scales.one_step_rmse, top) / top
    errors = np.sqrt((((made.actuals - made.means) / top) ** 2).mean(axis=1)) / scales
    values = demand.panel.values / max(float(demand.panel.values.max(initial=0.0)), 1e-300)
    largest = active[np.argmax(values[made.rows[active]].sum(axis=1))]
    order = active[np.argsort(errors[active], kind="stable")]
    ranked = {"largest": int(largest)}
    for share, words in ((0.25, "first quartile of error"), (0.5, "median error"), (0.75, "third quartile of error")):
        near = [place for place in _outwards(order, share) if place not in ranked.values()]
        if near:
            ranked[words] = near[0]
    return [_example(demand, made, place, why, horizon, season) for why, place in list(ranked.items())[:_EXAMPLES]]


def _outwards(order: np.ndarray, share: float) -> list[int]:
    middle = int(share * (len(order) - 1))
    return [int(order[place]) for place in sorted(range(len(order)), key=lambda place: abs(place - middle))]


def _example(demand: PeriodDemand, made: OriginForecast, place: int, why: str, horizon: int, season: int) -> Example:
    row = int(made.rows[place])
    end = demand.panel.periods - made.offset
    shown = min(int(made.ages[place]), max(_HISTORY_SHOWN * horizon, min(season + horizon, 60)))
    names = list(QUANTILES)
    return Example(
        demand.panel.item_ids[row],
        str(made.classes[place]),
        why,
        demand.panel.values[row, end - shown : end].tolist(),
        made.actuals[place].tolist(),
        made.means[place].tolist(),
        made.quantiles[names.index("q10"), place].tolist(),
        made.quantiles[names.index("q90"), place].tolist(),
    )
