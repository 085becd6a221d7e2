"""How good past forecasts turned out to be, by level and lag, once their weeks are over.

Belongs here: the figures of forecast.accuracy, and `measure`, which gives all that is said of past forecasts. Matching
vintages with demand is in `vintages.py`. Backtests, which look at the past as of one cutoff, are in
`selection/backtests.py`.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from inventra_pipelines.domain.forecast.accuracy.drift import drift
from inventra_pipelines.domain.forecast.accuracy.item_accuracy import item_accuracy
from inventra_pipelines.domain.forecast.accuracy.measures import FIGURES, series_means, tracking_signals
from inventra_pipelines.domain.forecast.accuracy.vintages import HISTORY_WEEKS, error_sums, judged, summed
from inventra_pipelines.domain.forecast.frames import ACCURACY

UNCATEGORISED = "uncategorised"
LEVELS = {
    "tenant": pl.lit(""),
    "class": pl.col("demand_class"),
    "category": pl.col("category"),
    "location": pl.col("location_id"),
}


@dataclass(frozen=True)
class Measured:
    """Rows of forecast.accuracy, item_accuracy and drift as of one day, each sorted by its key."""

    accuracy: pl.DataFrame
    item_accuracy: pl.DataFrame
    drift: pl.DataFrame


def measure(
    vintages: pl.DataFrame,
    demand: pl.DataFrame,
    categories: pl.DataFrame,
    as_of_on: date,
    history_weeks: int = HISTORY_WEEKS,
) -> Measured:
    """All that is said of past forecasts as of a day, from one join with what was sold.

    Args:
        vintages: Rows of forecast.forecasts; see `vintages.judged`, which leaves out those that are not due.
        demand: tenant_id, item_id, location_id, sold_on, units_sold (units per day).
        categories: tenant_id, item_id, category (null where there is none); an item may be missing.
        as_of_on: Day as of which forecasts are judged.
        history_weeks: Weeks before `as_of_on` of which demand is read.

    Raises:
        PermanentError: Demand is not complete, or a forecast that is due has no mean.
    """
    sums = error_sums(judged(vintages, demand, as_of_on, history_weeks), as_of_on)
    return Measured(accuracy(sums, categories, as_of_on), item_accuracy(sums, as_of_on), drift(sums, as_of_on))


def accuracy(sums: pl.DataFrame, categories: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    """Accuracy by lag of each tenant (node ''), demand class, category and location.

    The class is that of the vintage, 'unknown' where it has none; the category is the item's present one, else
    'uncategorised'. wape, bias, scaled_crps, coverage, baseline_wape and forecast_value_added are those of
    `measures.FIGURES`. mase and rmsse are means over series: of the mean over its forecasts of |f - a| over the MAE of
    the one-step naive forecast as of the cutoff, and of the root of the mean of (f - a)^2 over its MSE. For
    tracking_signal see `measures.tracking_signals`. A figure without a denominator is null.

    Args:
        sums: As `vintages.error_sums` gives them.
        categories: tenant_id, item_id, category.
        as_of_on: The day that they were made for.

    Returns:
        Rows of forecast.accuracy, sorted by tenant_id, level, node and lag; none for a lag without a finished week.
    """
    named = categories.select("tenant_id", "item_id", "category").unique(["tenant_id", "item_id"], keep="first")
    category = pl.when(pl.col("category").str.len_chars() > 0).then("category").otherwise(pl.lit(UNCATEGORISED))
    cells = sums.join(named, on=["tenant_id", "item_id"], how="left", maintain_order="left").with_columns(category)
    frames = [_at_level(cells.with_columns(node=node), level) for level, node in LEVELS.items()]
    return (
        pl.concat(frames)
        .with_columns(as_of_on=pl.lit(as_of_on, dtype=pl.Date))
        .select(pl.col(name).cast(dtype) for name, dtype in ACCURACY.items())
        .sort("tenant_id", "level", "node", "lag")
    )


def _at_level(cells: pl.DataFrame, level: str) -> pl.DataFrame:
    by = ["tenant_id", "node", "lag"]
    return (
        summed(cells, by)
        .with_columns(**FIGURES)
        .join(series_means(cells, by), on=by, how="left")
        .join(tracking_signals(cells, by), on=by, how="left")
        .with_columns(level=pl.lit(level))
    )
