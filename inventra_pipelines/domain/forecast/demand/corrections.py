"""Periods that are not read as they were sold: stock-outs filled, one-off orders and outliers damped.

Belongs here: finding such periods, what stands in for them, and the record of it. What was sold stays in the panel's
`actuals` (with stock-outs filled) and in the record; nothing is changed in the facts.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.demand.panel import WEEK_DAYS, Panel
from inventra_pipelines.domain.forecast.frames import CORRECTIONS, SERIES_KEY, rounded

OUT_OF_STOCK = "out_of_stock"
ONE_OFF = "one_off"

# A period that lacked stock for less than a quarter of its days hardly sold less.
LEAST_SHARE_OUT = 0.25
# Usual demand is the mean of the periods with stock among so many on either side.
NEIGHBOURS = 6

# A period is a one-off where it is above both: five times the series' 80th percentile of periods with sales, and twice
# its next highest period. A season's peak has its like in other periods, and a lumpy item its like among its orders;
# what is left is the one order that will not come again.
ONE_OFF_FACTOR = 5.0
ONE_OFF_NEXT = 2.0
LEAST_SOLD_PERIODS = 8


@dataclass(frozen=True)
class Corrections:
    """Cells of a panel that were changed: series, column, units sold, units read, reason; arrays of one length."""

    rows: np.ndarray
    columns: np.ndarray
    raw_units: np.ndarray
    corrected_units: np.ndarray
    reasons: np.ndarray


def shares_out_of_stock(panel: Panel, stock_outs: pl.DataFrame, cutoff_on: date) -> np.ndarray:
    """Share of each period's days that a series had no stock, series x periods.

    Args:
        panel: A weekly panel.
        stock_outs: item_id, location_id, first_on, last_on: spells without stock, of one tenant, not overlapping.
        cutoff_on: The panel's cutoff; days after it are not read.
    """
    shares = np.zeros(panel.values.shape)
    keys = pl.DataFrame(
        {"item_id": panel.item_ids, "location_id": panel.location_ids}, schema=dict.fromkeys(SERIES_KEY, pl.String)
    )
    spells = stock_outs.join(keys.with_row_index("row"), on=SERIES_KEY, how="inner")
    if spells.is_empty() or panel.periods == 0:
        return shares
    end_on = cutoff_on - timedelta(days=panel.open_periods * WEEK_DAYS)
    days = panel.periods * WEEK_DAYS
    first_day = end_on - timedelta(days=days - 1)
    begins = np.clip(((spells["first_on"] - first_day).dt.total_days()).to_numpy(), 0, days)
    ends = np.clip(((spells["last_on"] - first_day).dt.total_days() + 1).to_numpy(), 0, days)
    steps = np.zeros((len(panel.item_ids), days + 1), dtype=np.int32)
    rows = spells["row"].to_numpy()
    np.add.at(steps, (rows, begins), 1)
    np.add.at(steps, (rows, np.maximum(ends, begins)), -1)
    out = (steps.cumsum(axis=1)[:, :days] > 0).reshape(len(panel.item_ids), panel.periods, WEEK_DAYS)
    shares = out.mean(axis=2)
    return shares


def correct(panel: Panel, shares_out: np.ndarray | None, *, damps: bool = True) -> tuple[Panel, Corrections]:
    """Fills periods without stock and damps one-off periods.

    A period that had no stock for a share s of its days, at least LEAST_SHARE_OUT, gets s times the usual demand on
    top of what it sold; the usual demand is the mean of up to NEIGHBOURS periods with stock on either side, none where
    there is none. A one-off is cut to the larger of its two bounds.

    Args:
        panel: A panel as it was sold.
        shares_out: Share of each period without stock, series x periods, or None where stock is not known.
        damps: Whether one-offs are damped.

    Returns:
        The panel with `values` as methods read them and `actuals` with stock-outs filled only, and what was changed.
    """
    values = panel.values
    filled = values if shares_out is None else _fill(values, panel.lengths, shares_out)
    damped = _damp(filled) if damps else filled
    rows, columns = np.nonzero((filled != values) | (damped != filled))
    reasons = np.where(damped[rows, columns] != filled[rows, columns], ONE_OFF, OUT_OF_STOCK)
    record = Corrections(rows, columns, values[rows, columns], damped[rows, columns], reasons.astype(object))
    return replace(panel, values=damped, actuals=filled), record


def _fill(values: np.ndarray, lengths: np.ndarray, shares_out: np.ndarray) -> np.ndarray:
    series, periods = values.shape
    inside = np.arange(periods)[None, :] >= (periods - lengths)[:, None]
    has_stock = inside & (shares_out < LEAST_SHARE_OUT)
    lacking = inside & (shares_out >= LEAST_SHARE_OUT)
    if not lacking.any():
        return values

    def around(cells: np.ndarray) -> np.ndarray:
        sums = np.concatenate([np.zeros((series, 1)), cells.cumsum(axis=1)], axis=1)
        columns = np.arange(periods)
        low, high = np.maximum(columns - NEIGHBOURS, 0), np.minimum(columns + NEIGHBOURS + 1, periods)
        total: np.ndarray = sums[:, high] - sums[:, low]
        return total

    counts = around(has_stock.astype(np.float64))
    usual = np.divide(around(np.where(has_stock, values, 0.0)), counts, out=np.zeros_like(values), where=counts > 0)
    filled: np.ndarray = np.where(lacking, values + shares_out * usual, values)
    return filled


def _damp(values: np.ndarray) -> np.ndarray:
    if values.shape[1] < 2:
        return values
    sold = values > 0
    counts = sold.sum(axis=1)
    ordered = np.sort(values, axis=1)
    # The 80th percentile of the periods with sales, by the nearest rank above.
    rank = np.clip(values.shape[1] - counts + np.ceil(0.8 * counts).astype(np.int64) - 1, 0, values.shape[1] - 1)
    percentile = ordered[np.arange(len(values)), rank]
    bound = np.maximum(ONE_OFF_FACTOR * percentile, ONE_OFF_NEXT * ordered[:, -2])
    bound = np.where(counts >= LEAST_SOLD_PERIODS, bound, np.inf)
    damped: np.ndarray = np.minimum(values, bound[:, None])
    return damped


def correction_rows(
    panel: Panel, corrections: Corrections, *, tenant_id: str, cutoff_on: date, period_days: int
) -> pl.DataFrame:
    """Rows of forecast.corrections, sorted by key."""
    back = panel.periods - 1 - corrections.columns + panel.open_periods
    return pl.DataFrame(
        {
            "tenant_id": [tenant_id] * len(back),
            "item_id": [panel.item_ids[row] for row in corrections.rows],
            "location_id": [panel.location_ids[row] for row in corrections.rows],
            "cutoff_on": [cutoff_on] * len(back),
            "period_ends_on": [cutoff_on - timedelta(days=int(steps) * period_days) for steps in back],
            "period_days": [period_days] * len(back),
            "raw_units": rounded(corrections.raw_units),
            "corrected_units": rounded(corrections.corrected_units),
            "reason": corrections.reasons.tolist(),
        },
        schema=CORRECTIONS,
    ).sort([*SERIES_KEY, "period_ends_on"])
