"""Daily sales put on a calendar, and in trailing weeks that end on a given day."""

from datetime import date, timedelta

import polars as pl

from inventra_pipelines.domain.reports.model import DailyReport
from inventra_pipelines.domain.sums import known_sum

DAYS = 91


def daily_series(report: DailyReport) -> pl.DataFrame:
    """Every day of the 91 that end on the report's day: day_on, revenue, units_sold, average_7d.

    Revenue and units are null where nothing was sold, and revenue alone where the price of a sale is not known; the
    average of seven days takes the former as zero from the first day with sales on, and is null before, and where one
    of the seven is not known.
    """
    first = report.day - timedelta(days=DAYS - 1)
    calendar = pl.DataFrame({"sold_on": pl.date_range(first, report.day, eager=True)})
    daily = report.daily_sales.group_by("sold_on").agg(known_sum("revenue"), pl.col("units_sold").sum())
    joined = calendar.join(daily, on="sold_on", how="left", maintain_order="left").rename({"sold_on": "day_on"})
    has_sales = pl.col("units_sold").is_not_null()
    revenue = pl.when(has_sales.cum_sum() > 0).then(pl.when(has_sales).then(pl.col("revenue")).otherwise(0.0))
    return joined.with_columns(average_7d=revenue.rolling_mean(7).round(2))


def weekly_series(report: DailyReport, last_on: date) -> pl.DataFrame:
    """Whole weeks within the 91 days that end on `last_on`: week_ends_on, revenue, units_sold, days_with_sales.

    Revenue is null where that of a day with sales is.
    """
    daily = daily_series(report).filter(pl.col("day_on") <= last_on)
    back = (pl.lit(last_on) - pl.col("day_on")).dt.total_days() // 7
    weeks = (
        daily.with_columns(weeks_back=back)
        .group_by("weeks_back")
        .agg(
            pl.when(pl.col("revenue").count() == pl.col("units_sold").count())
            .then(pl.col("revenue").sum().round(4))
            .alias("revenue"),
            pl.col("units_sold").sum().round(4),
            days_with_sales=pl.col("units_sold").count(),
            days=pl.len(),
        )
        .filter(pl.col("days") == 7)
        .sort("weeks_back", descending=True)
    )
    ends = pl.lit(last_on) - pl.duration(days=7 * pl.col("weeks_back"))
    return weeks.select(ends.cast(pl.Date).alias("week_ends_on"), "revenue", "units_sold", "days_with_sales")
