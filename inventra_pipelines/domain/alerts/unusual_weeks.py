"""Items whose last seven days are far from their usual week and from what was forecast.

Belongs here: seven-day sums, the robust score and what it flags. What else is looked at is in `anomalies.py`.
"""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventra_pipelines.domain.planning.reasons import figure
from inventra_pipelines.domain.sums import known_sum
from inventra_pipelines.domain.tenant import AlertConfig

Floats = NDArray[np.float64]

HISTORY_WEEKS = 26
# A median of fewer weeks says little; a median of 0 (sold in less than half of them) says nothing of a usual week.
LEAST_WEEKS = 8
# Raw z above 2 together with residual z above 3 found injected faults best (F1 0.85).
RAW_Z_SHARE = 2 / 3
# The square root of a Poisson count has a standard deviation of a half, whatever its mean.
ROOT_OF_COUNT_STD = 0.5


def unusual_weeks(daily: pl.DataFrame, expected: pl.DataFrame, through_on: date, config: AlertConfig) -> pl.DataFrame:
    """Items whose seven days up to `through_on` score beyond the thresholds; see `anomalies` for the rule.

    Args:
        daily: item_id, sold_on, units_sold, revenue; one row per item and day with sales.
        expected: item_id, forecast, deviation as `expected_week` gives them.
        through_on: Last day of the week that is judged.
        config: Thresholds.

    Returns:
        item_id, kind, observed, expected, score, direction, money_at_risk, message.
    """
    items, sums = weekly_sums(daily, through_on, HISTORY_WEEKS + 1)
    judged = (~np.isnan(sums[:, 1:])).sum(axis=1) >= LEAST_WEEKS
    items, sums = items.filter(pl.Series(judged)), sums[judged]
    observed, history = sums[:, 0], sums[:, 1:]
    raw_z = robust_z(np.sqrt(observed), np.sqrt(history), ROOT_OF_COUNT_STD)
    return (
        items.with_columns(
            pl.Series("observed", observed),
            pl.Series("median", np.nanmedian(history, axis=1)),
            pl.Series("raw_z", raw_z),
        )
        .filter(pl.col("median") > 0)
        .join(expected, on="item_id", how="left", maintain_order="left")
        .with_columns(
            (
                (pl.col("observed") - pl.col("forecast"))
                / pl.max_horizontal("deviation", (1.05 * pl.col("forecast")).clip(1).sqrt())
            ).alias("residual_z")
        )
        .with_columns(pl.coalesce("residual_z", "raw_z").alias("score"))
        .filter(
            (pl.col("score").abs() > config.anomaly_z)
            & (pl.col("raw_z").abs() > config.anomaly_z * RAW_Z_SHARE)
            & (pl.col("raw_z").sign() == pl.col("score").sign())
        )
        .with_columns(pl.coalesce("forecast", "median").alias("expected"))
        .select(
            "item_id",
            pl.lit("sales_anomaly").alias("kind"),
            "observed",
            "expected",
            "score",
            direction().alias("direction"),
            ((pl.col("observed") - pl.col("expected")).abs() * pl.col("price")).alias("money_at_risk"),
            pl.format(
                "item {} sold {} units in seven days where {} were {} (median week {})",
                "item_id",
                figure(pl.col("observed")),
                figure(pl.col("expected")),
                pl.when(pl.col("forecast").is_null()).then(pl.lit("usual")).otherwise(pl.lit("forecast")),
                figure(pl.col("median")),
            ).alias("message"),
        )
    )


def expected_week(forecasts: pl.DataFrame | None, as_of_on: date) -> pl.DataFrame:
    """Latest forecast of the week that ends on the day, locations added up: item_id, forecast, deviation.

    The variance of a week is taken as an equal share of the cumulative variance up to its lag.
    """
    if forecasts is None or forecasts.is_empty():
        return pl.DataFrame(schema={"item_id": pl.String, "forecast": pl.Float64, "deviation": pl.Float64})
    return (
        forecasts.filter(pl.col("target_on") == as_of_on)
        .filter(pl.col("cutoff_on") == pl.col("cutoff_on").max())
        .group_by("item_id")
        .agg(
            pl.col("mean").cast(pl.Float64).sum().alias("forecast"),
            (pl.col("cumulative_std").cast(pl.Float64) ** 2 / pl.col("lag")).sum().sqrt().alias("deviation"),
        )
        .sort("item_id")
    )


def robust_z(observed: Floats, history: Floats, floor: float) -> Floats:
    """Score values against rows of history, NaN cells left out: (x - median) / max(1.4826 x MAD, floor).

    Args:
        observed: One value per row.
        history: Rows x periods, at least one number in each row.
        floor: Smallest scale.

    Source: Iglewicz and Hoaglin (1993), How to detect and handle outliers.
    """
    median = np.nanmedian(history, axis=1)
    mad = np.nanmedian(np.abs(history - median[:, None]), axis=1)
    return (observed - median) / np.maximum(1.4826 * mad, floor)


def weekly_sums(daily: pl.DataFrame, through_on: date, weeks: int) -> tuple[pl.DataFrame, Floats]:
    """Seven-day sums per item, column 0 ending on `through_on`, column k 7k days before; NaN before the first sale.

    Args:
        daily: item_id, sold_on, units_sold.
        through_on: Last day of column 0.
        weeks: Number of columns.

    Returns:
        The items in row order with the average price (`price`) of what they sold, null where not known, and the sums,
        items x weeks.
    """
    items = (
        daily.group_by("item_id")
        .agg((known_sum("revenue") / pl.col("units_sold").sum()).alias("price"), pl.col("sold_on").min())
        .sort("item_id")
    )
    week = ((pl.lit(through_on) - pl.col("sold_on")).dt.total_days() // 7).alias("week")
    cells = (
        daily.join(items.select("item_id").with_row_index("row"), on="item_id")
        .group_by("row", week)
        .agg(pl.col("units_sold").sum())
        .filter(pl.col("week") < weeks)
        .sort("row", "week")
    )
    sums = np.zeros((items.height, weeks))
    sums[cells.get_column("row").to_numpy(), cells.get_column("week").to_numpy()] = cells.get_column("units_sold")
    age = items.select((pl.lit(through_on) - pl.col("sold_on")).dt.total_days() // 7).to_series().to_numpy()
    sums[np.arange(weeks)[None, :] > age[:, None]] = np.nan
    return items.select("item_id", "price"), sums


def direction() -> pl.Expr:
    """Whether a score is above or below what was expected."""
    return pl.when(pl.col("score") > 0).then(pl.lit("high")).otherwise(pl.lit("low"))
