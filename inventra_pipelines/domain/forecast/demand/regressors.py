"""What a forecasting method may know of each period beside its demand: how much of it is on promotion or a holiday.

Belongs here: shares of days per series and period, as they were known on a cutoff. Which promotions there are is read
by `db/reads/forecast.py`; the demand in the same periods is `panel.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.frames import SERIES_KEY

# What the last axis of the regressors holds.
REGRESSORS = ("promotion_share", "holiday_share")

PROMOTIONS = {
    "item_id": pl.String,
    "location_id": pl.String,
    "starts_on": pl.Date,
    "ends_on": pl.Date,
    "landed_on": pl.Date,
}
PROMOTION_DAYS = {"item_id": pl.String, "location_id": pl.String, "sold_on": pl.Date}


def regressors(
    item_ids: Sequence[str],
    location_ids: Sequence[str],
    cutoff_on: date,
    periods: int,
    horizon: int,
    period_days: int,
    *,
    promotions: pl.DataFrame,
    promotion_days: pl.DataFrame,
    holidays: Iterable[date],
) -> np.ndarray | None:
    """Shares of each period's days that are on promotion and that are holidays, as known on the cutoff D.

    Periods are buckets of p days that end on the cutoff: period k before it covers (D - p(k+1), D - pk], period h after
    it (D + p(h-1), D + ph]. A promotion counts in its latest version that had landed by the cutoff, in the past and in
    the future; days with sales under a promotion count besides, up to the cutoff. A day that several of them speak of
    counts once. So the regressors of an earlier origin, as a backtest needs them, are those of its own cutoff: the past
    periods of a later one know more than was known then.

    Args:
        item_ids: Item of each series.
        location_ids: Location of each series; no two series have both the same.
        cutoff_on: Last day of the last period of the past.
        periods: Periods of the past.
        horizon: Periods of the future.
        period_days: Days of a period.
        promotions: item_id, location_id (null for every location of the item), starts_on, ends_on (null in a version
            that takes the promotion back), landed_on of one tenant.
        promotion_days: item_id, location_id, sold_on of one tenant: days with sales under a promotion.
        holidays: Holidays of the tenant, past and future, for all series alike.

    Returns:
        float32, series x (periods + horizon) x `REGRESSORS`, in the order of the series and from the oldest period on;
        None where every share is 0, so that there is nothing to regress on.
    """
    buckets = periods + horizon
    days = buckets * period_days
    first_on = cutoff_on - timedelta(days=periods * period_days - 1)
    series = pl.DataFrame(
        {"item_id": item_ids, "location_id": location_ids, "row": range(len(item_ids))},
        schema={"item_id": pl.String, "location_id": pl.String, "row": pl.Int64},
    )
    spans = _promotion_spans(series, cutoff_on, promotions, promotion_days).select(
        "row", *((pl.col(name) - pl.lit(first_on)).dt.total_days() for name in ("starts_on", "ends_on"))
    )
    rows, starts, ends = (spans[name].to_numpy() for name in spans.columns)
    # The series' days lie in a row, one series behind the other: its periods are then those of a single calendar.
    begins = rows * days + np.clip(starts, 0, days)
    on_promotion = _covered_days(begins, rows * days + np.clip(ends + 1, 0, days), len(item_ids) * buckets, period_days)
    dates = np.array([(day - first_on).days for day in holidays if 0 <= (day - first_on).days < days], dtype=np.int64)
    on_holiday = _covered_days(dates, dates + 1, buckets, period_days)
    if not on_promotion.any() and not on_holiday.any():
        return None
    covered = np.empty((len(item_ids), buckets, len(REGRESSORS)), dtype=np.float32)
    covered[..., 0] = on_promotion.reshape(len(item_ids), buckets)
    covered[..., 1] = on_holiday
    return covered / np.float32(period_days)


def _promotion_spans(
    series: pl.DataFrame, cutoff_on: date, promotions: pl.DataFrame, promotion_days: pl.DataFrame
) -> pl.DataFrame:
    """First and last days on promotion, as known on the cutoff: row, starts_on, ends_on; they may overlap."""
    known = (
        promotions.select(pl.col(name).cast(dtype) for name, dtype in PROMOTIONS.items())
        .filter(pl.col("landed_on") <= cutoff_on)
        .sort("landed_on", maintain_order=True)
        .unique([*SERIES_KEY, "starts_on"], keep="last")
        .filter(pl.col("ends_on") >= pl.col("starts_on"))
    )
    sold = (
        promotion_days.select(pl.col(name).cast(dtype) for name, dtype in PROMOTION_DAYS.items())
        .filter(pl.col("sold_on") <= cutoff_on)
        .with_columns(starts_on="sold_on", ends_on="sold_on")
    )
    columns = ("row", "starts_on", "ends_on")
    return pl.concat(
        [
            known.join(series, on=SERIES_KEY).select(columns),
            known.filter(pl.col("location_id").is_null()).join(series, on="item_id").select(columns),
            sold.join(series, on=SERIES_KEY).select(columns),
        ]
    )


def _covered_days(begins: np.ndarray, ends: np.ndarray, buckets: int, bucket_days: int) -> np.ndarray:
    """Days of each bucket that a span [begin, end) covers; bucket b begins on day b x bucket_days."""
    is_span = begins < ends
    begins, ends = begins[is_span], ends[is_span]
    if not begins.size:
        return np.zeros(buckets)
    order = np.argsort(begins, kind="stable")
    begins, reach = begins[order], np.maximum.accumulate(ends[order])
    # Spans that touch become one, so that no day counts twice.
    is_apart = begins[1:] > reach[:-1]
    edges = np.stack([begins[np.r_[True, is_apart]], reach[np.r_[is_apart, True]]], axis=1)
    lengths = edges[:, 1] - edges[:, 0]
    before = np.cumsum(lengths) - lengths
    covered_by = np.stack([before, before + lengths], axis=1)
    boundaries = np.arange(buckets + 1) * bucket_days
    return np.diff(np.interp(boundaries, edges.ravel(), covered_by.ravel()))
