"""Checks of the forecast stage: sound numbers, and no active item without them.

Belongs here: judging the frames that were written, before the stages after it read them.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import polars as pl
from dagster import AssetCheckResult

from inventra_pipelines.assets.keys import FORECASTS
from inventra_pipelines.domain.forecast.engine import ForecastRequest

_QUANTILES = ("q10", "q50", "q80", "q90", "q95", "q98")


def count_unsound(forecasts: pl.DataFrame) -> int:
    """Rows with a mean or quantile that is not finite or negative, or with quantiles that do not rise."""
    sound = pl.all_horizontal(
        *((pl.col(name).is_finite() & (pl.col(name) >= 0)).fill_null(False) for name in ("mean", *_QUANTILES)),
        *(pl.col(low) <= pl.col(high) for low, high in pairwise(_QUANTILES)),
    )
    return forecasts.filter(~sound).height


def count_missing(demand: pl.DataFrame, forecasts: pl.DataFrame, requests: Sequence[ForecastRequest]) -> int:
    """Items and locations that sold within the tenant's `active_weeks` and lack a forecast of some week ahead."""
    missing = 0
    for request in requests:
        since = request.cutoff_on - timedelta(weeks=request.config.active_weeks)
        of_tenant = pl.col("tenant_id") == request.tenant_id
        sold = (
            demand.filter(of_tenant & (pl.col("sold_on") > since) & (pl.col("sold_on") <= request.cutoff_on))
            .filter(pl.col("units_sold") > 0)
            .select("item_id", "location_id")
            .unique()
        )
        complete = (
            forecasts.filter(of_tenant & (pl.col("cutoff_on") == request.cutoff_on))
            .group_by("item_id", "location_id")
            .agg(pl.col("lag").n_unique().alias("lags"))
            .filter(pl.col("lags") == request.config.horizon_weeks)
        )
        missing += sold.join(complete, on=["item_id", "location_id"], how="anti").height
    return missing


def ranges_are_sound(rows: int, unsound: int) -> AssetCheckResult:
    """Every mean and quantile is finite and not negative, and the quantiles rise."""
    return AssetCheckResult(
        asset_key=FORECASTS,
        check_name="ranges_are_sound",
        passed=unsound == 0,
        metadata={"rows": rows, "unsound": unsound},
    )


def every_active_item_forecast(missing: int) -> AssetCheckResult:
    """No item that sold lately is without a forecast."""
    return AssetCheckResult(
        asset_key=FORECASTS,
        check_name="every_active_item_forecast",
        passed=missing == 0,
        metadata={"without_forecast": missing},
    )
