"""Vintages whose target week is over, beside what was sold, and their errors added up once for every figure.

Belongs here: the join of past forecasts with actual demand, the scale of each series as of each cutoff, and the sums
that accuracy by level, accuracy by item and drift are made of. Those are in `by_lag.py`, `item_accuracy.py` and
`drift.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import add

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.frames import DECIMALS, QUANTILES, SERIES_KEY, checked_demand
from inventra_pipelines.errors import PermanentError

# Targets of a quarter: older ones say little of tonight's forecast.
JUDGED_WEEKS = 13
HISTORY_WEEKS = 156
UNKNOWN = "unknown"

VINTAGES = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "cutoff_on": pl.Date,
    "target_on": pl.Date,
    "lag": pl.Int32,
    "demand_class": pl.String,
    "mean": pl.Float64,
    **dict.fromkeys(QUANTILES, pl.Float64),
    "baseline": pl.Float64,
}
JUDGED = {
    "series": pl.UInt32,
    **VINTAGES,
    "actual": pl.Float64,
    "naive_mae": pl.Float64,
    "naive_rmse": pl.Float64,
}
SERIES = ["tenant_id", *SERIES_KEY]
CELL = [*SERIES, "demand_class", "lag", "week"]

# What is added up: of all forecasts, of those with a baseline, with all quantiles, with a range, and with a scale.
SUMS = (
    *("forecasts", "actual_units", "error", "absolute_error"),
    *("actual_beside_baseline", "absolute_error_beside_baseline", "baseline_absolute_error"),
    *("actual_beside_quantiles", "quantile_loss"),
    *("ranged_80", "covered_80", "ranged_95", "covered_95"),
    *("scaled", "scaled_absolute_error", "scaled_squared_error"),
)


def judged(
    forecasts: pl.DataFrame, demand: pl.DataFrame, as_of_on: date, history_weeks: int = HISTORY_WEEKS
) -> pl.DataFrame:
    """Every forecast whose whole target week is over as of a day and ended in the quarter before, with its actual.

    The actual is the demand of the seven days that end on the target, 0 where nothing was sold. `naive_mae` and
    `naive_rmse` are the mean absolute and root mean squared error of the one-step naive forecast over the series' own
    weeks up to the cutoff, from its first sale on: the scales of MASE (Hyndman and Koehler 2006) and RMSSE. They are
    null where a series had fewer than two weeks, and read no day earlier than `history_weeks` before `as_of_on`,
    whatever the cutoff, so that they do not depend on how much more demand was passed.

    Args:
        forecasts: Rows of forecast.forecasts with the columns of `VINTAGES`, of any tenants and cutoffs. Quantiles,
            baseline and class may be null.
        demand: tenant_id, item_id, location_id, sold_on, units_sold (units per day). Days after `as_of_on` are not
            read.
        as_of_on: Day as of which forecasts are judged.
        history_weeks: Weeks before `as_of_on` that are read: for scales, and for actuals where they are less than a
            quarter.

    Returns:
        The columns of `JUDGED`, sorted by series (numbered by tenant, item and location), cutoff and lag; units are
        those of a week.

    Raises:
        PermanentError: A forecast that is due has no mean.
    """
    oldest_on = as_of_on - timedelta(weeks=history_weeks)
    first_on = max(as_of_on - timedelta(weeks=JUDGED_WEEKS - 1, days=6), oldest_on + timedelta(weeks=1))
    due = forecasts.filter(pl.col("target_on").is_between(first_on, as_of_on)).select(
        pl.col(name).cast(dtype) for name, dtype in VINTAGES.items()
    )
    _check(due)
    if due.is_empty():
        return pl.DataFrame(schema=JUDGED)
    series = due.select(SERIES).unique().sort(SERIES).with_row_index("series")
    placed = _sorted(due.join(series, on=SERIES, how="left").drop(SERIES))
    known = checked_demand(demand).join(series, on=SERIES, how="inner").sort("series", "sold_on", "units_sold")
    figures = _weekly_figures(placed, known.filter(pl.col("sold_on") > oldest_on), series.height, oldest_on)
    names = series.select(SERIES)[placed["series"]]
    return placed.with_columns(
        *names, *(pl.Series(name, values, nan_to_null=True) for name, values in figures.items())
    ).select(pl.col(name).cast(dtype) for name, dtype in JUDGED.items())


def error_sums(judged: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    """The errors of judged forecasts added up by series, class, lag and week; all further figures are sums of these.

    `week` counts back from 0, the seven days that end on `as_of_on`, by the day on which the target week ends. With
    forecast f and actual a, error is f - a. `quantile_loss` is the mean over the stored quantiles of twice the pinball
    loss, (a - q) (level - [a < q]), and is taken where all quantiles are known. A class that is not known is
    'unknown'.

    Args:
        judged: As `judged` gives it.
        as_of_on: The day it was made for.

    Returns:
        `CELL` and `SUMS` (units; counts as numbers), sorted by `CELL`.
    """
    error, actual = pl.col("mean") - pl.col("actual"), pl.col("actual")
    losses = [(actual - pl.col(name)) * (level - (actual < pl.col(name)).cast(pl.Float64)) for name, level in _LEVELS]
    loss = reduce(add, losses) * (2 / len(losses))
    beside = pl.col("baseline").is_not_null()
    scale = pl.when(pl.col("naive_mae") > 0).then(pl.col("naive_mae"))
    columns = {
        "forecasts": actual.is_not_null(),
        "actual_units": actual,
        "error": error,
        "absolute_error": error.abs(),
        "actual_beside_baseline": pl.when(beside).then(actual),
        "absolute_error_beside_baseline": pl.when(beside).then(error.abs()),
        "baseline_absolute_error": (pl.col("baseline") - actual).abs(),
        "actual_beside_quantiles": pl.when(loss.is_not_null()).then(actual),
        "quantile_loss": loss,
        "ranged_80": (pl.col("q10").is_not_null() & pl.col("q90").is_not_null()),
        "covered_80": (actual >= pl.col("q10")) & (actual <= pl.col("q90")),
        "ranged_95": pl.col("q95").is_not_null(),
        "covered_95": actual <= pl.col("q95"),
        "scaled": scale.is_not_null(),
        "scaled_absolute_error": error.abs() / scale,
        "scaled_squared_error": pl.when(scale.is_not_null()).then((error / pl.col("naive_rmse")) ** 2),
    }
    week = (pl.lit(as_of_on, dtype=pl.Date) - pl.col("target_on")).dt.total_days() // 7
    of_class = pl.col("demand_class").fill_null(UNKNOWN)
    keys = judged.select("series", *SERIES, of_class, "lag", week.cast(pl.Int32).alias("week"))
    firsts, groups = _groups(keys, ["series", "demand_class", "lag", "week"])
    # One column at a time: all of them beside the forecasts would be a third more memory.
    values = (judged.select(columns[name].cast(pl.Float64).fill_null(0.0).alias(name)).to_series() for name in SUMS)
    return _added(keys.select(CELL)[firsts], groups, values)


def summed(cells: pl.DataFrame, by: list[str], names: Sequence[str] = SUMS) -> pl.DataFrame:
    """The sums of `names` by the columns `by`, sorted by these."""
    firsts, groups = _groups(cells, by)
    return _added(cells.select(by)[firsts], groups, (cells[name].fill_null(0.0) for name in names))


def _groups(rows: pl.DataFrame, by: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each group, in the order of `by`, and the group of each row."""
    codes = np.zeros(rows.height, dtype=np.int64)
    for name in by:
        values, places = np.unique(_whole(rows[name]), return_inverse=True)
        codes = codes * max(1, len(values)) + places
    _, firsts, groups = np.unique(codes, return_index=True, return_inverse=True)
    return firsts, groups


def _added(keys: pl.DataFrame, groups: np.ndarray, values: Iterable[pl.Series]) -> pl.DataFrame:
    """The keys with the sum of each column by group.

    numpy adds row after row, so that equal rows give equal sums to the last bit; in what order polars adds depends on
    its threads, and on whether it knows the rows to be sorted.
    """
    return keys.with_columns(
        pl.Series(column.name, np.bincount(groups, weights=column.to_numpy(), minlength=keys.height))
        for column in values
    )


def _whole(values: pl.Series) -> np.ndarray:
    """Whole numbers that sort as the values do."""
    if values.dtype != pl.String:
        return values.to_numpy()
    return values.cast(pl.Enum(values.unique().sort())).to_physical().to_numpy()


def _sorted(placed: pl.DataFrame) -> pl.DataFrame:
    """The rows by series, cutoff and lag; by one number, which is five times as fast as by three columns."""
    series, cutoffs, lags = (placed[name].to_numpy() for name in ("series", "cutoff_on", "lag"))
    cutoffs = cutoffs.astype("datetime64[D]").astype(np.int64)
    key = (series * np.int64(np.ptp(cutoffs) + 1) + cutoffs) * np.int64(lags.max(initial=0) + 1) + lags
    return placed[np.argsort(key, kind="stable")]


_LEVELS = list(QUANTILES.items())


def _check(due: pl.DataFrame) -> None:
    without = due.filter(~pl.col("mean").is_finite().fill_null(False))
    if without.height:
        row = without.sort([*SERIES, "cutoff_on", "lag"]).row(0, named=True)
        raise PermanentError(
            f"the forecast of tenant {row['tenant_id']}, item {row['item_id']} for {row['target_on']} as of "
            f"{row['cutoff_on']} has no mean",
            "Make the vintage of that cutoff again",
        )


def _weekly_figures(placed: pl.DataFrame, known: pl.DataFrame, series: int, oldest_on: date) -> dict[str, np.ndarray]:
    """Actual and naive scales of each row, from one panel of weeks per weekday on which targets or cutoffs stand.

    A panel per cutoff would sum the same days a hundred times over: weeks that end on the same weekday are the same
    weeks, whatever the cutoff.
    """
    rows, sellers, units = placed["series"].to_numpy(), known["series"].to_numpy(), known["units_sold"].to_numpy()
    targets, cutoffs = (placed[name].cast(pl.Int32).to_numpy() for name in ("target_on", "cutoff_on"))
    days, oldest = known["sold_on"].cast(pl.Int32).to_numpy(), (oldest_on - date(1970, 1, 1)).days
    actual, naive_mae, naive_rmse = (np.full(len(rows), np.nan) for _ in range(3))
    for first in range(oldest, oldest + 7):
        ends = np.flatnonzero((targets - first) % 7 == 0)
        starts = np.flatnonzero(((cutoffs - first) % 7 == 0) & (cutoffs > first))
        if not len(ends) and not len(starts):
            continue
        weeks = (int(max(targets[ends].max(initial=first), cutoffs[starts].max(initial=first))) - first) // 7
        inside = (days > first) & (days <= first + 7 * weeks)
        cells = sellers[inside].astype(np.int64) * weeks + (days[inside] - first - 1) // 7
        values = np.bincount(cells, weights=units[inside], minlength=series * weeks).reshape(series, weeks)
        # Units have four decimals: without this, 0.1 + 0.2 against 0.3 would be a naive error to divide by.
        values = np.round(values, DECIMALS)
        mae, rmse = _naive_errors(values)
        actual[ends] = values[rows[ends], (targets[ends] - first) // 7 - 1]
        place = rows[starts], (cutoffs[starts] - first) // 7 - 1
        naive_mae[starts], naive_rmse[starts] = mae[place], rmse[place]
    return {"actual": actual, "naive_mae": naive_mae, "naive_rmse": naive_rmse}


def _naive_errors(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MAE and RMSE of the one-step naive forecast of each series up to each week, from its first sale on.

    Series x weeks like `values`; NaN up to the week of the first sale, which has nothing before it.
    """
    sold = values > 0
    firsts = np.where(sold.any(axis=1), sold.argmax(axis=1), values.shape[1])
    counts = np.arange(values.shape[1])[None, :] - firsts[:, None]
    steps = np.where(counts > 0, np.diff(values, axis=1, prepend=0.0), 0.0)
    none = np.full(values.shape, np.nan)
    absolute = np.divide(np.abs(steps).cumsum(axis=1), counts, out=none.copy(), where=counts > 0)
    squared = np.divide((steps**2).cumsum(axis=1), counts, out=none, where=counts > 0)
    return absolute, np.sqrt(squared)
