"""In which periods a series is modelled: by day, by week or by four weeks.

Belongs here: the rule that tells fast and slow movers apart, and the daily values of the fast ones. Whatever a series
is modelled by, it is forecast by week (ADR 10).
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.demand.panel import WEEK_DAYS, Panel
from inventra_pipelines.domain.forecast.frames import SERIES_KEY

Period = Literal["day", "week", "month", "automatic"]

# A fast mover sells ten units and more on four days of five: its weekdays are demand and not chance.
FAST_DAILY_UNITS = 10.0
FAST_SHARE_OF_DAYS = 0.8
_FAST_WEEKS = 13
# A slow mover sells in fewer than one week of four: most of its weeks say nothing.
SLOW_SHARE_OF_WEEKS = 0.25
# A year of days: what a season of seven days needs many times over.
_DAILY_WEEKS = 52


def choose_grains(panel: Panel, demand: pl.DataFrame, cutoff_on: date, period: Period) -> np.ndarray:
    """The period of each series: `day`, `week` or `month` (four weeks); asked for, or by how often it sells.

    Automatic: by day where it sold at least FAST_DAILY_UNITS on average on the days of the last 13 weeks on which the
    tenant sold anything, and on at least FAST_SHARE_OF_DAYS of them; by four weeks where it sold in fewer than
    SLOW_SHARE_OF_WEEKS of its weeks; else by week.

    Args:
        panel: The weekly panel.
        demand: item_id, location_id, sold_on, units_sold of the tenant.
        cutoff_on: The panel's cutoff.
        period: What the tenant asked for.
    """
    if period != "automatic":
        return np.full(len(panel.item_ids), period)
    since = cutoff_on - timedelta(weeks=_FAST_WEEKS)
    recent = demand.filter((pl.col("sold_on") > since) & (pl.col("sold_on") <= cutoff_on) & (pl.col("units_sold") > 0))
    days = max(recent["sold_on"].n_unique(), 1)
    keys = pl.DataFrame(
        {"item_id": panel.item_ids, "location_id": panel.location_ids}, schema=dict.fromkeys(SERIES_KEY, pl.String)
    )
    daily = keys.join(
        recent.group_by(SERIES_KEY).agg(
            units=pl.col("units_sold").sum() / days, share=pl.col("sold_on").n_unique() / days
        ),
        on=SERIES_KEY,
        how="left",
        maintain_order="left",
    ).fill_null(0.0)
    is_fast = (daily["units"].to_numpy() >= FAST_DAILY_UNITS) & (daily["share"].to_numpy() >= FAST_SHARE_OF_DAYS)
    share_of_weeks = (panel.values > 0).sum(axis=1) / np.maximum(panel.lengths, 1)
    return np.where(is_fast, "day", np.where(share_of_weeks < SLOW_SHARE_OF_WEEKS, "month", "week"))


def with_daily_values(
    panel: Panel, raw: np.ndarray, demand: pl.DataFrame, cutoff_on: date, grains: np.ndarray
) -> Panel:
    """The panel with the daily values of the series that are modelled by day, over at most a year.

    What was corrected in a week is corrected in its days: in proportion where the week sold, evenly where it did not.

    Args:
        panel: The weekly panel as methods read it.
        raw: Its values as they were sold.
        demand: item_id, location_id, sold_on, units_sold of the tenant.
        cutoff_on: The panel's cutoff.
        grains: Period of each series.
    """
    rows = np.flatnonzero(grains == "day")
    weeks = min(_DAILY_WEEKS, panel.periods)
    if not len(rows) or not weeks:
        return panel
    keys = pl.DataFrame(
        {"item_id": [panel.item_ids[row] for row in rows], "location_id": [panel.location_ids[row] for row in rows]},
        schema=dict.fromkeys(SERIES_KEY, pl.String),
    ).with_row_index("row")
    end_on = cutoff_on - timedelta(weeks=panel.open_periods)
    back = (pl.lit(end_on) - pl.col("sold_on")).dt.total_days()
    cells = (
        demand.join(keys, on=SERIES_KEY, how="inner")
        .with_columns(back.alias("back"))
        .filter(pl.col("back").is_between(0, weeks * WEEK_DAYS - 1))
        .sort("row", "back", "units_sold")
        .group_by("row", "back", maintain_order=True)
        .agg(pl.col("units_sold").sum())
    )
    daily = np.zeros((len(rows), weeks * WEEK_DAYS))
    daily[cells["row"].to_numpy(), weeks * WEEK_DAYS - 1 - cells["back"].to_numpy()] = cells["units_sold"].to_numpy()
    sold, read = raw[rows, -weeks:], panel.values[rows, -weeks:]
    factors = np.divide(read, sold, out=np.ones_like(read), where=sold > 0)
    evenly = np.where(sold > 0, 0.0, read / WEEK_DAYS)
    corrected = daily * np.repeat(factors, WEEK_DAYS, axis=1) + np.repeat(evenly, WEEK_DAYS, axis=1)
    return replace(panel, daily=corrected, daily_rows=rows)
