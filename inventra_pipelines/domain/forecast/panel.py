"""Daily demand of one tenant as a panel of weekly buckets that end on the cutoff.

Belongs here: bucketing, zero-filling, trimming, what counts as active, and the fingerprint of the panel.
The classes of its series are in `classes.py`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.frames import SERIES_KEY


@dataclass(frozen=True)
class Panel:
    """Weekly demand of a tenant's series as of a cutoff.

    Attributes:
        item_ids: Item of each series, sorted with `location_ids`.
        location_ids: Location of each series.
        values: Units per week, series x weeks; the last column is the week that ends on the cutoff. What lies before a
            series' first sale is zero and not part of it.
        lengths: Weeks from each series' first sale to the cutoff.
    """

    item_ids: list[str]
    location_ids: list[str]
    values: np.ndarray
    lengths: np.ndarray

    @property
    def weeks(self) -> int:
        """Weeks of the longest series."""
        return int(self.values.shape[1])


def weekly_panel(demand: pl.DataFrame, cutoff_on: date, history_weeks: int) -> Panel:
    """Sums the daily demand of one tenant into the trailing weeks that end on the cutoff.

    Week k before the cutoff D covers (D - 7(k+1), D - 7k]. Days after the cutoff, and weeks beyond `history_weeks`, are
    not read, so the result does not depend on how much older or newer demand was passed. Days without sales make
    zeros.

    Args:
        demand: item_id, location_id, sold_on, units_sold (units per day, at least 0) of one tenant.
        cutoff_on: Last day that is read.
        history_weeks: Most weeks kept.
    """
    weeks_back = (pl.lit(cutoff_on) - pl.col("sold_on")).dt.total_days() // 7
    weekly = (
        demand.filter((pl.col("sold_on") <= cutoff_on) & (pl.col("units_sold") > 0))
        .with_columns(weeks_back.alias("weeks_back"))
        .filter(pl.col("weeks_back") < history_weeks)
        .sort([*SERIES_KEY, "sold_on", "units_sold"])
        .group_by([*SERIES_KEY, "weeks_back"], maintain_order=True)
        .agg(pl.col("units_sold").sum())
    )
    series = weekly.select(SERIES_KEY).unique().sort(SERIES_KEY).with_row_index("row")
    cells = weekly.join(series, on=SERIES_KEY, how="left")
    rows, back = cells["row"].to_numpy(), cells["weeks_back"].to_numpy()
    weeks = int(back.max()) + 1 if cells.height else 0
    values = np.zeros((series.height, weeks))
    values[rows, weeks - 1 - back] = cells["units_sold"].to_numpy()
    lengths = np.zeros(series.height, dtype=np.int64)
    np.maximum.at(lengths, rows, back + 1)
    return Panel(series["item_id"].to_list(), series["location_id"].to_list(), values, lengths)


def active_rows(values: np.ndarray, active_weeks: int) -> np.ndarray:
    """Whether each series sold in the last `active_weeks` weeks of `values` (series x weeks)."""
    if values.shape[1] == 0:
        return np.zeros(values.shape[0], dtype=bool)
    return np.asarray((values[:, -active_weeks:] > 0).any(axis=1))


def naive_scales(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """In-sample RMSE of the one-step naive forecast of each series; NaN where a series has one week only.

    This is the denominator of RMSSE (Hyndman and Koehler 2006, squared as in the M5 competition).
    """
    weeks = values.shape[1]
    steps = np.diff(values, axis=1)
    inside = np.greater(np.arange(1, weeks)[None, :], (weeks - lengths)[:, None])
    counts = inside.sum(axis=1)
    squares = np.where(inside, steps**2, 0.0).sum(axis=1)
    scales: np.ndarray = np.sqrt(np.divide(squares, counts, out=np.full(len(lengths), np.nan), where=counts > 0))
    return scales


def fingerprint(panel: Panel) -> str:
    """SHA-256 over the sorted weekly panel: keys, lengths and units."""
    digest = hashlib.sha256()
    for item_id, location_id, length, units in zip(
        panel.item_ids, panel.location_ids, panel.lengths, panel.values, strict=True
    ):
        digest.update(f"{item_id}\x1f{location_id}\x1f{length}\x1e".encode())
        digest.update(units[panel.weeks - length :].astype("<f8").tobytes())
    return digest.hexdigest()
