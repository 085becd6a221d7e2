"""Which past origins are tried on which series, so that an evaluation takes a bounded time.

Belongs here: the origins, and the series that are forecast at them by the engine and by dear baselines. The forecasts
are `rolling_origin.py`.
"""

from dataclasses import dataclass, field

import numpy as np

from inventra_pipelines.domain.forecast.demand.classes import NEW_BELOW_PERIODS
from inventra_pipelines.domain.forecast.demand.panel import Panel
from inventra_pipelines.domain.forecast.selection.trial import Shape
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import PermanentError

# What the engine is held against beside the seasonal naive forecast, which takes no fitting.
BASELINES = ("SES", "WindowAverage4", "DOT", "AutoETS")
MOST_ORIGINS = 4

# Processor seconds per series and period of history, and the most seconds that one of them may take in all. Measured
# on 84 to 730 periods: DOT takes .02 to .03 ms a period, AutoETS .1 to .7.
_SECONDS_PER_PERIOD = {"DOT": 0.00003, "AutoETS": 0.0006}
_ENGINE_SECONDS_PER_PERIOD = 0.00006
_MOST_SECONDS = {"DOT": 60.0, "AutoETS": 40.0}
# About a minute and a half of two cores, beside the trials, which do not grow with the number of series.
MOST_ENGINE_SECONDS = 180.0
_LEAST_SAMPLE = 200


@dataclass(frozen=True)
class Plan:
    """Which origins are tried, and which series.

    Attributes:
        offsets: Periods from each origin to the end, the latest first.
        rows: Series that are evaluated, in rising order.
        baselines: By method, the series that it is tried on.
        notes: What was left out for want of history or time, in words.
    """

    offsets: list[int]
    rows: np.ndarray
    baselines: dict[str, np.ndarray]
    notes: list[str] = field(default_factory=list)


def origin_offsets(periods: int, horizon: int, season: int, most: int = MOST_ORIGINS) -> list[int]:
    """Periods before the last one at which origins stand, the latest first; every one has a whole horizon after it.

    They lie a horizon apart where two seasons and three horizons of history are left before the first; else half a
    horizon, and as many as leave three horizons, which is what the engine's own trial needs; at least one.

    Raises:
        PermanentError: There is no history left before the latest.
    """
    if periods - most * horizon >= max(3 * horizon, 2 * season + 1):
        return [horizon * (number + 1) for number in range(most)]
    step = max(1, horizon // 2)
    offsets = [horizon + step * number for number in range(most)]
    kept = [offset for offset in offsets if periods - offset >= 3 * horizon] or offsets[:1]
    if periods - kept[0] < min(horizon, NEW_BELOW_PERIODS // 2):
        longest = max(periods - NEW_BELOW_PERIODS // 2, periods // 2)
        remedy = (
            f"take a --horizon of at most {longest}, or a shorter --freq"
            if longest > 0
            else "take a longer file, or a shorter --freq"
        )
        raise PermanentError(
            f"a horizon of {horizon} leaves no history to forecast from: the file has {counted(periods, 'period')}",
            remedy,
        )
    return kept


def plan_evaluation(
    panel: Panel, shape: Shape, *, origins: int = MOST_ORIGINS, history: int, most_series: int | None = None
) -> Plan:
    """The origins, and the series whose forecasts take a bounded time; sampled ones lie evenly in order of units.

    Args:
        panel: Of everything.
        shape: Horizon and season.
        origins: Most origins.
        history: Most periods that are looked at before one.
        most_series: Most series to evaluate; None is as many as the time allows.

    Raises:
        PermanentError: There is too little history for the horizon.
    """
    offsets = origin_offsets(panel.periods, shape.horizon, shape.season, origins)
    notes = []
    known = np.flatnonzero(panel.lengths > min(offsets))
    if not len(known):
        raise PermanentError(
            f"no series sold in the {history} periods before the last {shape.horizon}",
            "correct the last dates where one is wrong, take a shorter --horizon, or a longer file",
        )
    if len(known) < len(panel.lengths):
        notes.append(
            f"{len(panel.lengths) - len(known):,} series first sold within the last {shape.horizon} periods: "
            "nothing to forecast them from"
        )
    periods = np.minimum(panel.lengths, history).astype(np.float64)
    rows = known
    most = _affordable(periods[known], len(offsets), _ENGINE_SECONDS_PER_PERIOD, MOST_ENGINE_SECONDS)
    most = most if most_series is None else most_series
    if most < len(known):
        rows = _evenly(panel, known, most)
        notes.append(f"{len(rows):,} of {len(known):,} series evaluated, evenly drawn in order of units sold")
    tried = {}
    for method in BASELINES:
        tried[method] = rows
        if method in _SECONDS_PER_PERIOD:
            limit = _MOST_SECONDS[method]
            least = 1 if method == "AutoETS" else _LEAST_SAMPLE
            affordable = _affordable(periods[rows], len(offsets), _SECONDS_PER_PERIOD[method], limit, least)
            if method == "AutoETS" and affordable < len(rows):
                del tried[method]
                notes.append(f"AutoETS is left out: on {len(rows):,} series it takes minutes")
            elif affordable < len(rows):
                tried[method] = _evenly(panel, rows, affordable)
                notes.append(f"{method} alone is tried on {len(tried[method]):,} of the series only: it is dear")
    return Plan(offsets, rows, tried, notes)


def _affordable(
    periods: np.ndarray, origins: int, seconds_per_period: float, most_seconds: float, least: int = _LEAST_SAMPLE
) -> int:
    """How many of such series fit into the seconds, at least so many."""
    per_series = float(periods.mean()) * seconds_per_period * origins
    return max(least, int(most_seconds / max(per_series, 1e-12)))


def _evenly(panel: Panel, rows: np.ndarray, most: int) -> np.ndarray:
    tops = max(float(panel.values.max(initial=0.0)), 1e-300)
    order = rows[np.argsort((panel.values[rows] / tops).sum(axis=1), kind="stable")]
    return np.sort(order[np.linspace(0, len(order) - 1, min(most, len(order)), dtype=np.int64)])
