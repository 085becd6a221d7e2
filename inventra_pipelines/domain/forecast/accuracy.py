"""How good past forecasts turned out to be, by lag, once their weeks are over.

Belongs here: matching vintages with actual demand and the figures of forecast.accuracy. Backtests, which look at the
past as of one cutoff, are in `backtests.py`.
"""

from datetime import date

import polars as pl

from inventra_pipelines.domain.forecast.frames import ACCURACY, SERIES_KEY, checked_demand
from inventra_pipelines.domain.forecast.panel import naive_scales, weekly_panel

_DEFAULT_HISTORY_WEEKS = 156


def accuracy(
    forecasts: pl.DataFrame, demand: pl.DataFrame, as_of_on: date, history_weeks: int = _DEFAULT_HISTORY_WEEKS
) -> pl.DataFrame:
    """Accuracy by tenant and lag of every forecast whose whole target week is over as of a day.

    The actual of a target is the demand of the seven days that end on it, 0 where nothing was sold. With forecast f
    and actual a: wape = sum|f - a| / sum a, bias = sum(f - a) / sum a, coverage_80 = share of actuals within q10 and
    q90, forecast_value_added = baseline_wape - wape. rmsse is the mean over series of the root of the mean over
    cutoffs of (f - a)^2 over the in-sample MSE of the one-step naive forecast as of the cutoff. A figure without a
    denominator is null.

    Args:
        forecasts: Rows of forecast.forecasts, of any tenants and cutoffs.
        demand: tenant_id, item_id, location_id, sold_on, units_sold (units per day). Days after `as_of_on` are
            not read.
        as_of_on: Day as of which accuracy is measured.
        history_weeks: Most weeks before a cutoff that scale its errors.

    Returns:
        Rows of forecast.accuracy, sorted by tenant_id and lag; none for a lag without a finished week.
    """
    known = checked_demand(demand).filter(pl.col("sold_on") <= as_of_on)
    due = forecasts.filter(pl.col("target_on") <= as_of_on)
    if due.is_empty():
        return pl.DataFrame(schema=ACCURACY)
    key = ["tenant_id", *SERIES_KEY]
    judged = (
        due.join(_actuals(due, known), on=[*key, "target_on"], how="left")
        .join(_scales(due, known, history_weeks), on=[*key, "cutoff_on"], how="left")
        .with_columns(pl.col("actual").fill_null(0.0))
        .sort([*key, "cutoff_on", "lag"])
    )
    error = pl.col("mean") - pl.col("actual")
    total = pl.when(pl.col("actual").sum() > 0).then(pl.col("actual").sum())
    figures = judged.group_by("tenant_id", "lag", maintain_order=True).agg(
        forecasts=pl.len(),
        actual_units=pl.col("actual").sum(),
        wape=error.abs().sum() / total,
        bias=error.sum() / total,
        coverage_80=pl.col("actual").is_between("q10", "q90").mean(),
        baseline_wape=(pl.col("baseline") - pl.col("actual")).abs().sum() / total,
    )
    return (
        figures.join(_rmsse(judged), on=["tenant_id", "lag"], how="left")
        .with_columns(
            as_of_on=pl.lit(as_of_on, dtype=pl.Date),
            forecast_value_added=pl.col("baseline_wape") - pl.col("wape"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in ACCURACY.items())
        .sort("tenant_id", "lag")
    )


def _actuals(due: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Demand of the target weeks in which there was any: tenant_id, item_id, location_id, target_on, actual.

    Cutoffs may stand on different weekdays, so that target weeks overlap; each is joined by its own seven days.
    """
    days = pl.concat(
        [
            due.select("tenant_id", "target_on")
            .unique()
            .with_columns(sold_on=pl.col("target_on") - pl.duration(days=back))
            for back in range(7)
        ]
    )
    return (
        known.join(days, on=["tenant_id", "sold_on"], how="inner")
        .sort(["tenant_id", *SERIES_KEY, "target_on", "sold_on", "units_sold"])
        .group_by(["tenant_id", *SERIES_KEY, "target_on"], maintain_order=True)
        .agg(actual=pl.col("units_sold").sum())
    )


def _scales(due: pl.DataFrame, known: pl.DataFrame, history_weeks: int) -> pl.DataFrame:
    """One-step naive RMSE of each series as of each cutoff: tenant_id, item_id, location_id, cutoff_on, naive_scale."""
    frames = []
    for tenant_id, cutoff_on in due.select("tenant_id", "cutoff_on").unique().sort("tenant_id", "cutoff_on").rows():
        panel = weekly_panel(known.filter(pl.col("tenant_id") == tenant_id), cutoff_on, history_weeks)
        frames.append(
            pl.DataFrame(
                {
                    "item_id": panel.item_ids,
                    "location_id": panel.location_ids,
                    "naive_scale": naive_scales(panel.values, panel.lengths),
                },
                schema={"item_id": pl.String, "location_id": pl.String, "naive_scale": pl.Float64},
            ).with_columns(tenant_id=pl.lit(tenant_id), cutoff_on=pl.lit(cutoff_on, dtype=pl.Date))
        )
    return pl.concat(frames)


def _rmsse(judged: pl.DataFrame) -> pl.DataFrame:
    scaled = judged.filter(pl.col("naive_scale").is_finite() & (pl.col("naive_scale") > 0)).with_columns(
        scaled=((pl.col("mean") - pl.col("actual")) / pl.col("naive_scale")) ** 2
    )
    per_series = scaled.group_by(["tenant_id", "lag", *SERIES_KEY], maintain_order=True).agg(
        rmsse=pl.col("scaled").mean().sqrt()
    )
    return per_series.group_by("tenant_id", "lag", maintain_order=True).agg(pl.col("rmsse").mean())
