"""A long table of demand as a panel of days, weeks, months, quarters or years.

Belongs here: frequencies and what follows from them, which period a day lies in, which last period is not complete,
and the panel. The weekly panel of a tenant, which ends on its cutoff, is `panel.py`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from inventra_pipelines.domain.forecast.demand.panel import WEEK_DAYS, Panel, week_of_year
from inventra_pipelines.domain.words import counted
from inventra_pipelines.errors import PermanentError

SERIES, DAY, QUANTITY = "series_id", "day", "quantity"

_EPOCH = date(1970, 1, 1)
_MONDAY = date(1969, 12, 29)
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
# Periods x series that fit into memory beside their copies.
_MOST_CELLS = 150_000_000
_WEEKS_OF_HABIT = 8


@dataclass(frozen=True)
class Frequency:
    """The period that demand is summed by, and what goes with it unless something else is asked for.

    Attributes:
        code: D, W, M, Q or Y.
        noun: What a period is called.
        season: Season in periods.
        horizon: Periods to forecast.
        active_periods: A series without a sale in as many periods is dormant.
        history: Most periods before an origin that are looked at.
        weekday: Of a week, the weekday that it ends on, 0 is Monday; None is the weekday of the last date.
    """

    code: str
    noun: str
    season: int
    horizon: int
    active_periods: int
    history: int
    weekday: int | None = None


# Weeks are those of a tenant's settings; half a year makes a series dormant, and three years are looked at.
FREQUENCIES = {
    "D": Frequency("D", "day", 7, 28, 182, 730),
    "W": Frequency("W", "week", 52, 8, 26, 156),
    "M": Frequency("M", "month", 12, 12, 6, 156),
    "Q": Frequency("Q", "quarter", 4, 4, 4, 100),
    "Y": Frequency("Y", "year", 1, 4, 3, 100),
}
# Dates that stand as far apart or further are of such periods.
_LEAST_DAYS_APART = {"W": 7, "M": 28, "Q": 90, "Y": 365}
_OTHER_NAMES = {
    "MS": "M",
    "ME": "M",
    "QS": "Q",
    "QE": "Q",
    "YS": "Y",
    "YE": "Y",
    "A": "Y",
    "DAY": "D",
    "DAILY": "D",
    "WEEK": "W",
    "WEEKLY": "W",
    "MONTH": "M",
    "MONTHLY": "M",
    "QUARTER": "Q",
    "QUARTERLY": "Q",
    "YEAR": "Y",
    "YEARLY": "Y",
}


def frequency_of(text: str) -> Frequency:
    """The frequency of a name: D, W (weeks that end on the last date's weekday), W-MON to W-SUN, M, Q or Y.

    Raises:
        PermanentError: It is none.
    """
    name = text.strip().upper()
    name = _OTHER_NAMES.get(name, name)
    if name in FREQUENCIES:
        return FREQUENCIES[name]
    kind, _, weekday = name.partition("-")
    if kind == "W" and weekday in _WEEKDAYS:
        week = FREQUENCIES["W"]
        return Frequency(
            week.code, week.noun, week.season, week.horizon, week.active_periods, week.history, _WEEKDAYS.index(weekday)
        )
    raise PermanentError(
        f"--freq {text} is no period that demand is summed by",
        "say D, W, M, Q or Y for days, weeks, months, quarters or years; W-SUN for weeks that end on a Sunday",
    )


@dataclass(frozen=True)
class PeriodDemand:
    """Demand by period.

    Attributes:
        panel: Series in the order of their names; its last column is the last complete period.
        ends: Last day of each column.
        frequency: Of the columns.
        left_out: What of the table is not in the panel or not as it stood, or has too short a period, in words.
    """

    panel: Panel
    ends: list[date]
    frequency: Frequency
    left_out: list[str]


def demand_by_period(
    demand: pl.DataFrame, frequency: Frequency, *, season: int, horizon: int, most_periods: int
) -> PeriodDemand:
    """Sums demand by series and period.

    Rows of one series and period are added up, also those of one day. Returns (negative quantities) are taken off the
    sales of their period, and a period that comes out below zero counts as zero. Periods without a row between a
    series' first sale and the last period of all count as zero; what comes before its first sale is not part of it.

    A last period that is not complete is left out. It is complete where the last date is its last day; where every
    period has one date only, so that the dates are the periods' own names; or where none of the days that are missing
    is a weekday of which the last eight weeks had half the dates.

    Args:
        demand: series_id (text, or an enumeration of names in their order), day (date), quantity (finite).
        frequency: Of the periods.
        season: Season in periods, for the phases.
        horizon: Periods that will be forecast, for the phases.
        most_periods: Most periods kept; older ones are left out.

    Raises:
        PermanentError: A row is not complete or not finite, there is no row at all, or nothing was ever sold.
    """
    typed = _checked(demand)
    days = typed[DAY].unique().sort()
    last_on = days[-1]
    numbers = _period_number(pl.col(DAY), frequency, last_on)
    by_day = days.to_frame().select(DAY, numbers.alias("number"))
    last = int(by_day["number"][-1])
    left_out = _dates_too_far_apart(days, frequency)
    end_on = period_end(last, frequency, last_on)
    if last_on < end_on and not _is_whole(by_day, end_on):
        inside = typed.filter(numbers == last)
        left_out.append(
            f"the last {frequency.noun} is not complete, its dates end on {last_on} and not on {end_on}: "
            f"{counted(inside.height, 'row')} of it left out"
        )
        last -= 1
    known = typed.with_columns(numbers.alias("number")).filter(pl.col("number") <= last)
    if known.is_empty():
        raise PermanentError(
            f"all dates lie in one {frequency.noun} that is not complete",
            "take a shorter --freq, or a file that spans more time",
        )
    cells = (
        known.sort(SERIES, "number", DAY, QUANTITY)
        .group_by(SERIES, "number", maintain_order=True)
        .agg(pl.col(QUANTITY).sum(), returns=(pl.col(QUANTITY) < 0).sum())
    )
    left_out += _told_returns(cells, frequency)
    first = int(cells["number"].min())  # type: ignore[arg-type]
    periods = min(last - first + 1, most_periods)
    if last - first + 1 > most_periods:
        left_out.append(
            f"only the last {counted(most_periods, frequency.noun)} are looked at, the file goes back "
            f"{last - first + 1:,}"
        )
    series_ids, values, lengths = _matrix(cells.filter(pl.col(QUANTITY) > 0), last, periods, frequency)
    never = known[SERIES].n_unique() - len(series_ids)
    if never:
        left_out.append(f"{never:,} of {known[SERIES].n_unique():,} series never sold in these periods")
    ends = [period_end(last - periods + 1 + column, frequency, last_on) for column in range(periods + horizon)]
    phases = np.array([_phase(day, frequency, season, column) for column, day in enumerate(ends)], dtype=np.int64)
    groups = np.full(len(series_ids), -1)
    whole = Panel(series_ids, [""] * len(series_ids), values, lengths, values, phases, groups)
    return PeriodDemand(whole, ends[:periods], frequency, left_out)


def _checked(demand: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in (SERIES, DAY, QUANTITY) if name not in demand.columns]
    if missing:
        raise PermanentError(f"the demand has no column {', '.join(missing)}", "name them series_id, day and quantity")
    # An enumeration stays one: sorting millions of rows by their names takes ten times as long as by their places.
    is_listed = isinstance(demand[SERIES].dtype, pl.Enum)
    series = pl.col(SERIES) if is_listed else pl.col(SERIES).cast(pl.String)
    typed = demand.select(series, pl.col(DAY).cast(pl.Date), pl.col(QUANTITY).cast(pl.Float64))
    if typed.is_empty():
        raise PermanentError("there is no row of demand", "take a file with rows below its headers")
    sound = pl.all_horizontal(pl.all().is_not_null()) & pl.col(QUANTITY).is_finite()
    wrong = typed.with_row_index("row", 1).filter(~sound.fill_null(False))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise PermanentError(
            f"row {row['row']:,} of the demand has series {row[SERIES]!r}, date {row[DAY]} and quantity "
            f"{row[QUANTITY]}; {counted(wrong.height, 'such row')} in all",
            "give every row a series, a date and a finite quantity, or leave it out",
        )
    return typed


def _period_number(day: pl.Expr, frequency: Frequency, last_on: date) -> pl.Expr:
    """Periods in a row have numbers in a row; the same rule as `period_end`."""
    match frequency.code:
        case "D":
            return (day - pl.lit(_EPOCH)).dt.total_days()
        case "W":
            return (day - pl.lit(_week_start(frequency, last_on))).dt.total_days().floordiv(WEEK_DAYS)
        case "M":
            return day.dt.year().cast(pl.Int64) * 12 + day.dt.month() - 1
        case "Q":
            return day.dt.year().cast(pl.Int64) * 4 + day.dt.quarter() - 1
    return day.dt.year().cast(pl.Int64)


def period_end(number: int, frequency: Frequency, last_on: date) -> date:
    """The last day of a period."""
    match frequency.code:
        case "D":
            return _EPOCH + timedelta(days=number)
        case "W":
            return _week_start(frequency, last_on) + timedelta(days=number * WEEK_DAYS + WEEK_DAYS - 1)
    months = {"M": 1, "Q": 3, "Y": 12}[frequency.code]
    year, month = divmod((number + 1) * months, 12)
    return date(year, month + 1, 1) - timedelta(days=1)


def _week_start(frequency: Frequency, last_on: date) -> date:
    """A day long ago on which a week begins."""
    ends_on = last_on.weekday() if frequency.weekday is None else frequency.weekday
    return _MONDAY + timedelta(days=(ends_on + 1) % WEEK_DAYS)


def _dates_too_far_apart(days: pl.Series, frequency: Frequency) -> list[str]:
    """That a table of months, say, is summed by weeks: most of them have no date, and count as zero."""
    if len(days) < 2:
        return []
    apart = int(days.diff().dt.total_days().drop_nulls().to_numpy().min())
    codes = [code for code, least in _LEAST_DAYS_APART.items() if apart >= least]
    if not codes or frequency.code not in ("D", *codes[:-1]):
        return []
    return [
        f"dates stand {apart} days apart or more, so most {frequency.noun}s have none: "
        f"--freq {codes[-1]} sums them as they are"
    ]


def _is_whole(by_day: pl.DataFrame, end_on: date) -> bool:
    """Whether the last period is complete although its last date is before its last day."""
    numbers, days = by_day["number"], by_day[DAY]
    last_on: date = days[-1]
    is_by_period = numbers.n_unique() == numbers.len() and numbers.len() > 1
    if is_by_period:
        return True
    silent = [last_on + timedelta(day) for day in range(1, (end_on - last_on).days + 1)]
    recent: Collection[date] = days.filter(days > last_on - timedelta(weeks=_WEEKS_OF_HABIT)).to_list()
    traded = {w for w in range(WEEK_DAYS) if sum(day.weekday() == w for day in recent) * 2 >= _WEEKS_OF_HABIT}
    return bool(traded) and not any(day.weekday() in traded for day in silent)


def _told_returns(cells: pl.DataFrame, frequency: Frequency) -> list[str]:
    returns = int(cells["returns"].sum())
    if not returns:
        return []
    below = int((cells[QUANTITY] < 0).sum())
    text = f"{counted(returns, 'row')} with a negative quantity: taken off the sales of the {frequency.noun}"
    return [f"{text}; {counted(below, frequency.noun)} of a series came out below zero and count as zero"]


def _matrix(
    cells: pl.DataFrame, last: int, periods: int, frequency: Frequency
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the series, units per series and period, and periods since each first sale."""
    recent = cells.filter(pl.col("number") > last - periods)
    series = recent.select(SERIES).unique().sort(SERIES).with_row_index("row")
    if series.is_empty():
        raise PermanentError(
            f"nothing was sold in {counted(periods, frequency.noun)}: no quantity is above zero",
            "look whether --quantity names the units sold",
        )
    if series.height * periods > _MOST_CELLS:
        raise PermanentError(
            f"{series.height:,} series of {counted(periods, frequency.noun)} do not fit into memory",
            "take a longer --freq, or a part of the series",
        )
    placed = recent.join(series, on=SERIES, how="left")
    rows, back = placed["row"].to_numpy(), last - placed["number"].to_numpy()
    values = np.zeros((series.height, periods))
    values[rows, periods - 1 - back] = placed[QUANTITY].to_numpy()
    if not np.isfinite(values).all():
        raise PermanentError("some quantities add up to more than a number can hold", "give them in a larger unit")
    lengths = np.zeros(series.height, dtype=np.int64)
    np.maximum.at(lengths, rows, back + 1)
    return series[SERIES].to_list(), values, lengths


def _phase(day: date, frequency: Frequency, season: int, column: int) -> int:
    """Position in the season; of the calendar where the season is the frequency's own."""
    if season == frequency.season:
        match frequency.code:
            case "D":
                return day.weekday()
            case "W":
                return week_of_year(day)
            case "M":
                return day.month - 1
            case "Q":
                return (day.month - 1) // 3
    return column % max(season, 1)
