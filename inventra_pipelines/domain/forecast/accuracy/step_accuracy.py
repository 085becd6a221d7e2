"""What each step of the planners' adjustments added to the accuracy of the forecast, once its weeks are over.

Belongs here: the rows of forecast.step_accuracy. What the engine adds to the naive forecast is `by_lag.py`, and how
adjustments become a consensus `consensus.py`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from inventra_pipelines.domain.forecast.consensus import STEPS
from inventra_pipelines.domain.forecast.frames import SERIES_KEY, STEP_ACCURACY

# The quarter that the accuracy of forecasts speaks of, too.
WEEKS = 13


def step_accuracy(consensus_rows: pl.DataFrame, actuals: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    """Error of the adjusted forecasts before and after each step, over those whose week ended in the last 13 weeks.

    Forecast value added in the sense of Gilliland (2010, The Business Forecasting Deal): each step is held against the
    one before it, on the same forecasts. With forecast f and actual a, wape = sum|f - a| / sum a, and
    value_added = wape_before - wape_after, above 0 where the step made the forecast better. The steps are sales,
    marketing, finance, planner and cap, in this order, each upon what those before it made, never below 0; `consensus`
    is all of them, from the engine's mean to what is planned with, and their value added is its. A figure without a
    denominator is null.

    Args:
        consensus_rows: Rows of forecast.consensus, of any tenants and cutoffs.
        actuals: tenant_id, item_id, location_id, target_on, actual (units of the seven days that end on target_on); a
            week that has no row is one without sales.
        as_of_on: Day as of which accuracy is measured; weeks that end after it are left out.

    Returns:
        Rows of forecast.step_accuracy, by tenant in the order of the steps; none for a tenant without a forecast that
        is due. forecasts counts the same rows for every step.
    """
    key = ["tenant_id", *SERIES_KEY, "target_on"]
    judged = (
        consensus_rows.filter(pl.col("target_on").is_between(as_of_on - timedelta(weeks=WEEKS, days=-1), as_of_on))
        .join(actuals.select(*key, pl.col("actual").cast(pl.Float64)), on=key, how="left", validate="m:1")
        .with_columns(pl.col("actual").fill_null(0.0))
        .sort([*key, "cutoff_on"])
    )
    figures = [
        judged.group_by("tenant_id", maintain_order=True).agg(
            as_of_on=pl.lit(as_of_on, dtype=pl.Date),
            step=pl.lit(step),
            forecasts=pl.len(),
            actual_units=pl.col("actual").sum(),
            wape_before=_wape(before),
            wape_after=_wape(after),
        )
        for step, before, after in _steps()
    ]
    return (
        pl.concat(figures)
        .with_columns(value_added=pl.col("wape_before") - pl.col("wape_after"))
        .select(pl.col(name).cast(dtype) for name, dtype in STEP_ACCURACY.items())
        .sort("tenant_id", maintain_order=True)
    )


def _steps() -> Iterator[tuple[str, pl.Expr, pl.Expr]]:
    """Name of each step, with the forecast before and after it."""
    baseline, planned = pl.col("baseline"), pl.col("consensus")
    reached = [baseline, *(pl.sum_horizontal("baseline", *STEPS[: taken + 1]).clip(0) for taken in range(len(STEPS)))]
    for step, (before, after) in zip((*STEPS, "cap"), pairwise([*reached, planned]), strict=True):
        yield step, before, after
    yield "consensus", baseline, planned


def _wape(forecast: pl.Expr) -> pl.Expr:
    total = pl.col("actual").sum()
    return (forecast - pl.col("actual")).abs().sum() / pl.when(total > 0).then(total)


def actual_weeks(due: pl.DataFrame, demand: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    """Demand of the target weeks in which there was any: tenant_id, item_id, location_id, target_on, actual.

    Cutoffs may stand on different weekdays, so that target weeks overlap; each is joined by its own seven days.

    Args:
        due: Rows with tenant_id and target_on.
        demand: tenant_id, item_id, location_id, sold_on, units_sold (units per day).
        as_of_on: Days after it are not read.
    """
    days = due.select("tenant_id", "target_on").unique()
    spread = pl.concat(days.with_columns(sold_on=pl.col("target_on") - pl.duration(days=back)) for back in range(7))
    key = ["tenant_id", *SERIES_KEY, "target_on"]
    return (
        demand.filter(pl.col("sold_on") <= as_of_on)
        .join(spread, on=["tenant_id", "sold_on"], how="inner")
        .sort([*key, "sold_on"])
        .group_by(key, maintain_order=True)
        .agg(actual=pl.col("units_sold").cast(pl.Float64).sum())
    )
