"""How good the forecasts of each item turned out to be, and which items' forecasts missed by most units.

Belongs here: the figures of forecast.item_accuracy. Those by level and lag are in `by_lag.py`.
"""

from datetime import date

import polars as pl

from inventra_pipelines.domain.forecast.accuracy.measures import FIGURES, SERIES_FIGURES, tracking_signals
from inventra_pipelines.domain.forecast.accuracy.vintages import SERIES, UNKNOWN, summed
from inventra_pipelines.domain.forecast.frames import ITEM_ACCURACY


def item_accuracy(sums: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    """Accuracy by item and location over all lags of the targets of the quarter.

    error_units is the sum of |f - a| over all forecasts: a week that n vintages forecast counts n times, in
    actual_units too. wape, bias, baseline_wape and forecast_value_added are those of `measures.FIGURES`, mase and rmsse
    those of `measures.SERIES_FIGURES`, tracking_signal that of `measures.tracking_signals`. demand_class is that of
    the latest week forecast, null where it is not known. worst_rank counts from 1 in each tenant by error_units, most
    first, ties by item_id and location_id.

    Args:
        sums: As `vintages.error_sums` gives them.
        as_of_on: The day that they were made for.

    Returns:
        Rows of forecast.item_accuracy, sorted by tenant, item and location.
    """
    latest = (
        sums.sort([*SERIES, "week", "lag", "demand_class"])
        .unique(SERIES, keep="first", maintain_order=True)
        .select(*SERIES, pl.when(pl.col("demand_class") != UNKNOWN).then("demand_class").alias("demand_class"))
    )
    return (
        summed(sums, SERIES)
        .with_columns(**FIGURES, **SERIES_FIGURES)
        .join(latest, on=SERIES, how="left")
        .join(tracking_signals(sums, SERIES), on=SERIES, how="left")
        .sort(["tenant_id", "absolute_error", "item_id", "location_id"], descending=[False, True, False, False])
        .with_columns(
            as_of_on=pl.lit(as_of_on, dtype=pl.Date),
            error_units=pl.col("absolute_error"),
            worst_rank=pl.int_range(1, pl.len() + 1).over("tenant_id"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in ITEM_ACCURACY.items())
        .sort(SERIES)
    )
