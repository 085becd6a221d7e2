"""Sales that are not as usual: an item's week, an item that stopped selling, a tenant's day.

Belongs here: which rows are judged and what comes of it. The statistics are in `unusual_weeks.py` and
`stopped_items.py`; what becomes an alert, and how severe it is, is `conditions.py`.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.alerts.stopped_items import stopped_items
from inventra_pipelines.domain.alerts.unusual_weeks import (
    HISTORY_WEEKS,
    LEAST_WEEKS,
    direction,
    expected_week,
    robust_z,
    unusual_weeks,
)
from inventra_pipelines.domain.sums import known_sum
from inventra_pipelines.domain.tenant import AlertConfig

ANOMALIES: dict[str, pl.DataType | type[pl.DataType]] = {
    "tenant_id": pl.String,
    "as_of_on": pl.Date,
    "item_id": pl.String,
    "kind": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "score": pl.Float64,
    "direction": pl.String,
    "money_at_risk": pl.Float64,
    "message": pl.String,
}
REVENUE_WEEKDAYS = 13


def anomalies(
    demand: pl.DataFrame,
    forecasts: pl.DataFrame | None,
    *,
    tenant_id: str,
    as_of_on: date,
    config: AlertConfig,
) -> pl.DataFrame:
    """Find what is unusual in a tenant's sales as of a day.

    Kind `sales_anomaly` of an item: its last seven days against the seven-day sums of the 26 weeks before (from its
    first sale on, at least 8, with a median above 0). The robust z compares square roots, which makes the spread of
    counts even: on plain sums one ordinary week in nine scored above 3, on roots one in 27. Where an earlier forecast
    of that week exists, z above two thirds of `anomaly_z` and a forecast residual above `anomaly_z` deviations are
    needed, on the same side, and the forecast is what was expected; else z above `anomaly_z`.
    Kind `sales_anomaly` with item '': the day's revenue against the same weekday of the 13 weeks before, as far as
    they are known.
    Kind `sales_stopped`: no sale for k of the tenant's selling days while the item sold on 8 days or more in the
    half year before, and p0^k < 0.001, p0 being its share of days without a sale (one day of each kind added). The
    score is -log10 of that probability, expected is a usual week. Such an item has no `sales_anomaly` as well.

    The seven days end on the last day with any sale, so that a closed day or a late file is no anomaly of every item;
    when that day lies more than `stale_after_days` back nothing is judged, and revenue only on a day with sales.

    Args:
        demand: One row per item (and location) and day with sales: item_id, sold_on, units_sold, revenue (null where
            not known). Rows after the day are not read.
        forecasts: Rows of `forecast.forecasts` of earlier cutoffs; used where target_on is the day, the latest cutoff
            first. None or empty: none yet.
        tenant_id: The tenant of both frames.
        as_of_on: The day.
        config: Thresholds.

    Returns:
        The columns of `ANOMALIES`, sorted by kind and item. `money_at_risk` is |observed - expected| at the average
        price of the item's sales in the window; null where the price of one of them is not known.
    """
    window = demand.filter(
        (pl.col("sold_on") <= as_of_on)
        & (pl.col("sold_on") > as_of_on - timedelta(days=7 * (HISTORY_WEEKS + 2)))
        & (pl.col("units_sold") > 0)
    )
    through_on = window.get_column("sold_on").max()
    if not isinstance(through_on, date) or (as_of_on - through_on).days > config.stale_after_days:
        return pl.DataFrame(schema=ANOMALIES)
    daily = (
        window.group_by("item_id", "sold_on")
        .agg(pl.col("units_sold").cast(pl.Float64).sum(), known_sum("revenue").cast(pl.Float64))
        .sort("item_id", "sold_on")
    )
    stopped = stopped_items(daily, through_on)
    unusual = unusual_weeks(daily, expected_week(forecasts, as_of_on), through_on, config)
    found = [stopped, unusual.join(stopped, on="item_id", how="anti")]
    if through_on == as_of_on:
        found.append(_unusual_revenue(daily, as_of_on, config))
    return (
        pl.concat(found)
        .with_columns(pl.lit(tenant_id).alias("tenant_id"), pl.lit(as_of_on).alias("as_of_on"))
        .with_columns(pl.col("observed", "expected", "score").round(4), pl.col("money_at_risk").round(2))
        .select(pl.col(name).cast(dtype) for name, dtype in ANOMALIES.items())
        .sort("kind", "item_id")
    )


def _unusual_revenue(daily: pl.DataFrame, as_of_on: date, config: AlertConfig) -> pl.DataFrame:
    by_day: dict[date, float | None] = dict(daily.group_by("sold_on").agg(known_sum("revenue")).iter_rows())
    before = [by_day.get(as_of_on - timedelta(days=7 * week), 0.0) for week in range(1, REVENUE_WEEKDAYS + 1)]
    first = min(by_day)
    known = [
        value
        for week, value in enumerate(before, 1)
        if value is not None and as_of_on - timedelta(days=7 * week) >= first
    ]
    observed = by_day[as_of_on]
    if observed is None or sum(value > 0 for value in known) < LEAST_WEEKS:
        return pl.DataFrame(
            schema={name: dtype for name, dtype in ANOMALIES.items() if name not in ("tenant_id", "as_of_on")}
        )
    median = float(np.median(known))
    score = robust_z(np.array([observed]), np.array([known]), max(0.1 * median, 0.01))[0]
    return (
        pl.DataFrame(
            {
                "item_id": [""],
                "kind": ["sales_anomaly"],
                "observed": [observed],
                "expected": [median],
                "score": [float(score)],
                "money_at_risk": [abs(observed - median)],
            }
        )
        .filter(pl.col("score").abs() > config.anomaly_z)
        .select(
            "item_id",
            "kind",
            "observed",
            "expected",
            "score",
            direction().alias("direction"),
            "money_at_risk",
            pl.format(
                "revenue of the day is {} where {} is usual on that weekday",
                pl.col("observed").round(0).cast(pl.Int128),
                pl.col("expected").round(0).cast(pl.Int128),
            ).alias("message"),
        )
    )
