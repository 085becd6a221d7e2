"""The public series that accuracy is measured on, as their published protocols split them.

Belongs here: reading `../shared/data` and the demo's sales. Measuring is `accuracy.py`. The sets are for measuring
only: nothing in the project is fitted to them.
"""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.report import PROJECT
from inventra_pipelines.domain.forecast.frames import DEMAND
from inventra_pipelines.sources.demo_files import gifts_sales_files

DATA = PROJECT.parent / "shared" / "data" / "bench"

# Most periods that are looked at, and periods without a sale that make a series dormant. The product's defaults for
# weeks, and for days what spans as much; of months all, and three years: six are too few to say that an item is dead.
_WEEKS: tuple[int | None, int] = (156, 26)
_DAYS: tuple[int | None, int] = (1095, 182)
_MONTHS: tuple[int | None, int] = (None, 36)


class NoDataError(Exception):
    """A file of a set is not there; the message names it."""


@dataclass(frozen=True)
class Published:
    """What is known of a set, and what is aimed at.

    Attributes:
        seasonal_naive: Published MASE of the seasonal naive forecast.
        mase: Goal.
        rmsse: Goal.
    """

    seasonal_naive: float | None = None
    mase: float | None = None
    rmsse: float | None = None


@dataclass(frozen=True)
class SeriesSet:
    """Series split into what is known and what came after.

    Attributes:
        name: Its name.
        histories: Units per period of each series up to its end, oldest first.
        actuals: Units of the periods after, series x horizon.
        season: Season in periods, of the engine and the seasonal naive forecast.
        mase_season: Lag of the in-sample naive error that MASE is in units of.
        most_periods: Most periods that the engine looks at; None is all.
        active_periods: A series without a sale in as many periods is dormant.
        published: Its figures and goals.
        regressors: Of the last periods of the longest history and of the horizon, series x (periods + horizon) x kinds.
        window: Number of the evaluation window, where there are several.
    """

    name: str
    histories: list[np.ndarray]
    actuals: np.ndarray
    season: int
    mase_season: int
    most_periods: int | None
    active_periods: int
    published: Published
    regressors: np.ndarray | None = None
    window: int = 0

    @property
    def horizon(self) -> int:
        """Periods that are forecast."""
        return int(self.actuals.shape[1])

    def every(self, step: int) -> "SeriesSet":
        """Every so manieth series."""
        regressors = None if self.regressors is None else self.regressors[::step]
        return replace(self, histories=self.histories[::step], actuals=self.actuals[::step], regressors=regressors)


def hospital() -> list[SeriesSet]:
    """767 monthly counts of patients."""
    histories, actuals = _last(_expsmooth("hospital.csv"), 12)
    return [SeriesSet("hospital", histories, actuals, 12, 12, *_MONTHS, Published(0.921, 0.750, 0.815))]


def carparts() -> list[SeriesSet]:
    """Monthly sales of car parts: the 2,509 series without gaps of 2,674."""
    whole = [series for series in _expsmooth("carparts.csv") if not np.isnan(series).any()]
    histories, actuals = _last(whole, 12)
    return [SeriesSet("carparts", histories, actuals, 12, 12, *_MONTHS, Published(1.201, rmsse=0.700))]


def m3_monthly() -> list[SeriesSet]:
    """The 1,428 monthly series of the M3 competition."""
    histories, actuals = _competition("m3_data.json")
    return [SeriesSet("m3_monthly", histories, actuals, 12, 12, *_MONTHS, Published(1.146, 0.845))]


def tourism_monthly() -> list[SeriesSet]:
    """The 366 monthly series of the tourism competition."""
    histories, actuals = _competition("tcomp_data.json")
    return [SeriesSet("tourism_monthly", histories, actuals, 12, 12, *_MONTHS, Published(1.631, 1.480))]


def m4_weekly() -> list[SeriesSet]:
    """The 359 weekly series of the M4 competition, whose protocol scales by the one-step naive error."""
    rows = {}
    for part in ("train", "test"):
        with _existing(DATA / "m4" / f"Weekly-{part}.csv").open(encoding="utf-8", newline="") as stream:
            _, *lines = csv.reader(stream)
        rows[part] = {line[0]: np.array([float(cell) for cell in line[1:] if cell]) for line in lines}
    histories = list(rows["train"].values())
    actuals = np.stack([rows["test"][name] for name in rows["train"]])
    return [SeriesSet("m4_weekly", histories, actuals, 52, 1, *_WEEKS, Published(mase=2.40))]


def shop_weekly() -> list[SeriesSet]:
    """Products of shop CA_1 of the M5 competition by week, eight weeks ahead of 51, those that changed in the 51."""
    frame = pl.read_csv(_existing(DATA / "m5" / "m5_CA_1_wide.csv.gz"))
    days = frame.drop("id").to_numpy().astype(float)
    weeks = days.shape[1] // 7
    units = days[:, -weeks * 7 :].reshape(len(days), weeks, 7).sum(axis=2)
    units = units[np.ptp(units[:, :-8], axis=1) > 0]
    histories, actuals = _last(list(units), 8)
    return [SeriesSet("shop_weekly", histories, actuals, 52, 1, *_WEEKS, Published())]


def pasta_daily() -> list[SeriesSet]:
    """Ten windows of 28 days of the 118 pasta products, with the promotions of each day, those ahead included."""
    return _pasta("pasta_daily", Published(0.995, 0.70), with_promotions=True)


def pasta_daily_without_promotions() -> list[SeriesSet]:
    """The same ten windows from the sales alone."""
    return _pasta("pasta_daily_without_promotions", Published(0.995), with_promotions=False)


# In the order they are measured in; a list has one entry per evaluation window.
SETS: dict[str, Callable[[], list[SeriesSet]]] = {
    "hospital": hospital,
    "carparts": carparts,
    "m3_monthly": m3_monthly,
    "tourism_monthly": tourism_monthly,
    "m4_weekly": m4_weekly,
    "pasta_daily": pasta_daily,
    "pasta_daily_without_promotions": pasta_daily_without_promotions,
}


def gifts_demand() -> pl.DataFrame:
    """Units per item and day of the demo's year of gift sales, in the columns of DEMAND.

    Item codes are upper-cased, and begin with a digit: the others are postage and the like. Quantities above zero are
    summed. A line that a cancellation of the same day, customer, item and quantity took back was no demand: two orders
    of 74,215 and 80,995 units were cancelled within minutes.
    """
    days = [
        pl.read_csv(path, infer_schema=False)
        .select(
            document="InvoiceNo",
            customer="CustomerID",
            item_id=pl.col("StockCode").str.strip_chars().str.to_uppercase(),
            units=pl.col("Quantity").cast(pl.Float64),
        )
        .with_columns(sold_on=pl.lit(day, dtype=pl.Date))
        for day, path in gifts_sales_files(PROJECT / "demo").items()
    ]
    lines = pl.concat(days).filter(pl.col("item_id").str.contains(r"^\d"))
    pair = ["sold_on", "customer", "item_id", "units"]
    taken_back = (
        lines.filter(pl.col("document").str.starts_with("C") & (pl.col("units") < 0))
        .with_columns(-pl.col("units"))
        .select(pair)
        .unique()
    )
    sold = lines.filter(pl.col("units") > 0).join(taken_back, on=pair, how="anti")
    return (
        sold.group_by("item_id", "sold_on")
        .agg(units_sold=pl.col("units").sum())
        .with_columns(tenant_id=pl.lit("gifts"), location_id=pl.lit("MAIN"))
        .select(pl.col(name).cast(dtype) for name, dtype in DEMAND.items())
        .sort("item_id", "sold_on")
    )


def _existing(path: Path) -> Path:
    if not path.exists():
        raise NoDataError(f"{path} is not there")
    return path


def _last(series: list[np.ndarray], horizon: int) -> tuple[list[np.ndarray], np.ndarray]:
    return [units[:-horizon] for units in series], np.stack([units[-horizon:] for units in series])


def _expsmooth(name: str) -> list[np.ndarray]:
    frame = pl.read_csv(
        _existing(DATA / "expsmooth" / name), has_header=False, skip_rows=1, infer_schema=False, null_values=["", "NA"]
    )
    return [column.cast(pl.Float64).fill_null(float("nan")).to_numpy() for column in frame.get_columns()[1:]]


def _competition(name: str) -> tuple[list[np.ndarray], np.ndarray]:
    series = json.loads(_existing(DATA / "fcomp" / name).read_text(encoding="utf-8")).values()
    monthly = [one for one in series if one["period"][0] == "MONTHLY"]
    return [np.array(one["x"], dtype=float) for one in monthly], np.array([one["xx"] for one in monthly], dtype=float)


@lru_cache(maxsize=1)
def _pasta_days() -> tuple[np.ndarray, np.ndarray]:
    """Sales and promotions, products x days each."""
    frame = pl.read_csv(_existing(DATA / "pasta" / "hierarchical_sales_data.csv"), try_parse_dates=True)
    # 27 days on which the shop was closed are no rows; as days without sales they keep the weekdays in their places.
    calendar = pl.DataFrame({"DATE": pl.date_range(frame["DATE"].item(0), frame["DATE"].item(-1), eager=True)})
    whole = calendar.join(frame, on="DATE", how="left", maintain_order="left").fill_null(0)
    sales = [name for name in frame.columns if name.startswith("QTY_")]
    both = (sales, [name.replace("QTY_", "PROMO_") for name in sales])
    units, promotions = (whole.select(pl.col(names).cast(pl.Float64)).to_numpy().T for names in both)
    return units, promotions


def _pasta(name: str, published: Published, *, with_promotions: bool) -> list[SeriesSet]:
    units, promotions = _pasta_days()
    horizon, windows = 28, 10
    sets = []
    for window in range(windows):
        end = units.shape[1] - horizon * (windows - window)
        sets.append(
            SeriesSet(
                name,
                list(units[:, :end]),
                units[:, end : end + horizon],
                7,
                7,
                *_DAYS,
                published,
                promotions[:, : end + horizon, None] if with_promotions else None,
                window,
            )
        )
    return sets
