"""Measures of forecast accuracy, as expressions over the sums of `vintages.error_sums`.

Belongs here: the formulas, once, for every level at which they are shown.
"""

import polars as pl

from inventra_pipelines.domain.forecast.accuracy.vintages import summed
from inventra_pipelines.domain.forecast.frames import SERIES_KEY


def over(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """The quotient; null where the denominator is 0."""
    return pl.when(denominator != 0).then(numerator / denominator)


_BASELINE_WAPE = over(pl.col("baseline_absolute_error"), pl.col("actual_beside_baseline"))

# With forecast f and actual a of each forecast:
# wape = sum|f - a| / sum a and bias = sum(f - a) / sum a; above 0 the forecasts were too high.
# scaled_crps = sum of the mean over the stored quantiles of twice the pinball loss / sum a. The continuous ranked
#   probability score is the integral over all levels of twice the pinball loss (Gneiting and Ranjan 2011); the mean
#   over six of them, four above the median, approximates it with more weight on the upper end, which stock is for.
# coverage_80 = share of actuals within q10 and q90, ends included; coverage_95 = share of actuals up to q95.
# forecast_value_added = baseline_wape - wape of the forecasts that have a baseline (Gilliland 2010).
# Forecasts without a quantile, or without a baseline, are left out of both sides of the figures that need it.
FIGURES = {
    "wape": over(pl.col("absolute_error"), pl.col("actual_units")),
    "bias": over(pl.col("error"), pl.col("actual_units")),
    "scaled_crps": over(pl.col("quantile_loss"), pl.col("actual_beside_quantiles")),
    "coverage_80": over(pl.col("covered_80"), pl.col("ranged_80")),
    "coverage_95": over(pl.col("covered_95"), pl.col("ranged_95")),
    "baseline_wape": _BASELINE_WAPE,
    "forecast_value_added": _BASELINE_WAPE
    - over(pl.col("absolute_error_beside_baseline"), pl.col("actual_beside_baseline")),
}
# Of one series; a series whose own past never moved has no scale.
SERIES_FIGURES = {
    "mase": over(pl.col("scaled_absolute_error"), pl.col("scaled")),
    "rmsse": over(pl.col("scaled_squared_error"), pl.col("scaled")).sqrt(),
}


def series_means(cells: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """mase and rmsse by the columns `by`: the mean over the series of each group; null where none has a scale."""
    series = summed(cells, [*by, *(name for name in SERIES_KEY if name not in by)]).with_columns(**SERIES_FIGURES)
    counted = series.with_columns(series=pl.col("mase").is_not_null().cast(pl.Float64))
    sums = summed(counted, by, ("mase", "rmsse", "series"))
    return sums.select(*by, *(over(pl.col(name), pl.col("series")).alias(name) for name in SERIES_FIGURES))


def tracking_signals(cells: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """tracking_signal by the columns `by`: the sum of weekly errors over the mean of their absolute values.

    The error of a week is the mean of f - a over all forecasts whose target lies in it, so that however many vintages
    speak of a week, it counts once. With n weeks the signal lies between -n and n; at either end every week erred to
    the same side. Above 0 the forecasts were too high. Null where every week's error is 0. Source: Brown 1959,
    "Statistical Forecasting for Inventory Control", the sum of errors over the mean absolute deviation.
    """
    weeks = summed(cells, [*by, "week"], ("error", "forecasts")).with_columns(
        error=pl.col("error") / pl.col("forecasts"), weeks=pl.lit(1.0)
    )
    sums = summed(weeks.with_columns(absolute=pl.col("error").abs()), by, ("error", "absolute", "weeks"))
    return sums.select(*by, over(pl.col("error") * pl.col("weeks"), pl.col("absolute")).alias("tracking_signal"))
