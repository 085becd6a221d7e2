"""Whether the forecasts of a demand class err more than they used to, or to another side, beyond what chance explains.

Belongs here: the rows of forecast.drift and the rule that calls a class drifting. What becomes of them is in
`domain/alerts/drift.py`.
"""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from inventra_pipelines.domain.forecast.accuracy.measures import over, tracking_signals
from inventra_pipelines.domain.forecast.accuracy.vintages import SERIES, summed
from inventra_pipelines.domain.forecast.frames import DRIFT

RECENT_WEEKS = 4
LEAST_RECENT_WEEKS, LEAST_USUAL_WEEKS, LEAST_SERIES = 3, 4, 10

# Chance of either test under steady demand with independent weeks. Nightly vintages share days between weeks, and a few
# items carry a class of rare large sales: of 900 made-up classes each of 12 to 300 items with steady demand and nightly
# vintages, 0 were called drifting with Poisson demand, 3 with negative binomial (shape 0.3 a day) and 8 with lumpy.
SIGNIFICANCE = 0.0001
# Recent weeks that lie above every usual one: t alone takes one week of a rare large sale for a rise of all.
LEAST_ABOVE = 3
# A change that is certain but smaller than this calls for nothing.
LEAST_RATIO = 1.2
LEAST_BIAS_CHANGE = 0.1
# A week that erred less than this share of the usual counts as this, so that its logarithm is one.
_LEAST_QUOTIENT = 0.01

_CLASS = ["tenant_id", "demand_class"]
_UNITS = ("forecasts", "actual_units", "absolute_error", "error")
_FIGURES = ("recent_error", "usual_error", "ratio", "tracking_signal")


def drift(sums: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    """Each class's error of the last 4 weeks beside that of the 9 weeks before.

    recent_error is the WAPE of the recent weeks, usual_error what it would have been had each lag erred by its WAPE of
    the weeks before: the two compare like with like while longer lags are still coming in. ratio is their quotient,
    tracking_signal that of `measures.tracking_signals` over the recent weeks. Lags that were not forecast in the weeks
    before are left out of all four. A class drifts where one of two things is beyond chance:

    - errors grew: ratio is at least 1.2, and so did the logarithm of the weekly quotient of error and usual error;
    - bias moved: the mean error of a forecast, less the usual one of its lag, changed by at least 10 % of the units
      that usually sell in a week, and so did its weekly values to that side.

    Beyond chance means that the mean of the recent weeks lies above that of the usual ones by Student's t at 0.01 %
    (half of it for bias, which has two sides), and three recent weeks above every usual one. The unit of both is the
    week, not the forecast: errors of items in a week, and of the vintages that speak of it, move together, and
    thousands of them would make every wobble significant.

    Args:
        sums: As `vintages.error_sums` gives them.
        as_of_on: The day that they were made for.

    Returns:
        Rows of forecast.drift, one per tenant and class with a judged forecast, sorted by them; `forecasts` counts
        those of both periods. Nothing drifts, and figures are null, where fewer than 3 recent or 4 usual weeks, fewer
        than 10 items and locations, or no usual sales are there to compare.
    """
    weekly, signals = _weekly(sums)
    series = sums.select(*SERIES, "demand_class").unique().group_by(_CLASS).agg(series=pl.len())
    classes = summed(sums, _CLASS, ("forecasts",))
    for frame in (series, signals):
        classes = classes.join(frame, on=_CLASS, how="left", maintain_order="left")
    rows = [
        (row["tenant_id"], as_of_on, row["demand_class"], int(row["forecasts"]), *_judged(weekly, row).values())
        for row in classes.rows(named=True)
    ]
    return pl.DataFrame(rows, schema=DRIFT, orient="row")


def _weekly(sums: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """By class and week: sums over the lags that can be compared, and what they would usually be; tracking signals."""
    by_lag = summed(sums, [*_CLASS, "lag", "week"])
    usual = summed(by_lag.filter(pl.col("week") >= RECENT_WEEKS), [*_CLASS, "lag"], _UNITS).select(
        *_CLASS,
        "lag",
        wape=over(pl.col("absolute_error"), pl.col("actual_units")),
        mean_error=over(pl.col("error"), pl.col("forecasts")),
    )
    compared = by_lag.join(usual, on=[*_CLASS, "lag"], how="inner", maintain_order="left").with_columns(
        usual_absolute_error=pl.col("actual_units") * pl.col("wape"),
        usual_error=pl.col("forecasts") * pl.col("mean_error"),
    )
    weekly = summed(compared, [*_CLASS, "week"], (*_UNITS, "usual_absolute_error", "usual_error"))
    return weekly, tracking_signals(compared.filter(pl.col("week") < RECENT_WEEKS), _CLASS)


def _judged(weekly: pl.DataFrame, row: dict[str, Any]) -> dict[str, Any]:
    """The figures of a class, whether it drifts, and why."""
    own = (pl.col("tenant_id") == row["tenant_id"]) & (pl.col("demand_class") == row["demand_class"])
    weeks = {column.name: column.to_numpy() for column in weekly.filter(own).iter_columns()}
    recent = weeks["week"] < RECENT_WEEKS
    about = f"forecasts of {row['demand_class']} items"
    lacking = _lacking(weeks, recent, row["series"])
    if lacking:
        reason = f"{about} cannot be compared yet: {lacking}"
        return {**dict.fromkeys(_FIGURES), "is_drifting": False, "reason": reason}

    def of_recent(name: str) -> float:
        return float(weeks[name][recent].sum())

    sold, usual_absolute = of_recent("actual_units"), of_recent("usual_absolute_error")
    recent_error, usual_error = (
        of_recent(name) / sold if sold else None for name in ("absolute_error", "usual_absolute_error")
    )
    ratio = of_recent("absolute_error") / usual_absolute if usual_absolute else None
    usual_units = weeks["actual_units"][~recent].sum() / weeks["forecasts"][~recent].sum()
    bias, usual_bias = (of_recent(name) / of_recent("forecasts") / usual_units for name in ("error", "usual_error"))
    grew = ratio is not None and ratio >= LEAST_RATIO and _errors_grew(weeks, recent)
    moved = abs(bias - usual_bias) >= LEAST_BIAS_CHANGE and _bias_moved(
        weeks, recent, float(np.sign(bias - usual_bias))
    )
    span = f"in the last {RECENT_WEEKS} weeks"
    if moved and not grew:
        reason = (
            f"{about} were {_leaning(bias)} {span}, as a share of what usually sells; {_leaning(usual_bias)} is usual"
        )
    elif recent_error is None or usual_error is None:
        reason = f"{about}: nothing was sold {span}"
    else:
        reason = f"{about} missed {_percent(recent_error)} of the units sold {span}; {_percent(usual_error)} is usual"
    figures = (recent_error, usual_error, ratio, row["tracking_signal"])
    return {**dict(zip(_FIGURES, figures, strict=True)), "is_drifting": grew or moved, "reason": reason}


def _lacking(weeks: dict[str, np.ndarray], recent: np.ndarray, series: int) -> str:
    """What keeps a class from being compared, or nothing."""
    if series < LEAST_SERIES:
        return f"{series} of at least {LEAST_SERIES} items and locations were forecast"
    now, before = int(recent.sum()), int((~recent).sum())
    if now < LEAST_RECENT_WEEKS or before < LEAST_USUAL_WEEKS:
        return (
            f"{now} recent and {before} earlier weeks were forecast, of at least {LEAST_RECENT_WEEKS} and "
            f"{LEAST_USUAL_WEEKS}"
        )
    return "" if weeks["actual_units"][~recent].any() else "nothing was sold in the weeks before"


def _errors_grew(weeks: dict[str, np.ndarray], recent: np.ndarray) -> bool:
    known = weeks["usual_absolute_error"] > 0
    quotients = weeks["absolute_error"][known] / weeks["usual_absolute_error"][known]
    return _is_beyond_chance(np.log(np.maximum(quotients, _LEAST_QUOTIENT)), recent[known], SIGNIFICANCE)


def _bias_moved(weeks: dict[str, np.ndarray], recent: np.ndarray, side: float) -> bool:
    excess = side * (weeks["error"] - weeks["usual_error"]) / weeks["forecasts"]
    return _is_beyond_chance(excess, recent, SIGNIFICANCE / 2)


def _is_beyond_chance(values: np.ndarray, recent: np.ndarray, chance: float) -> bool:
    """Whether weekly values rose.

    The spread is that of the usual weeks alone, so that a shift in the midst of the recent weeks does not hide itself.
    """
    now, before = values[recent], values[~recent]
    if len(now) < LEAST_RECENT_WEEKS or len(before) < LEAST_USUAL_WEEKS:
        return False
    deviation = before.std(ddof=1) * np.sqrt(1 / len(now) + 1 / len(before))
    is_far = now.mean() - before.mean() > stats.t.isf(chance, len(before) - 1) * deviation
    return bool(is_far and np.sort(now)[-LEAST_ABOVE] > before.max())


def _leaning(bias: float) -> str:
    share = _percent(abs(bias))
    return "even" if share == "0 %" else f"{share} too {'high' if bias > 0 else 'low'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
