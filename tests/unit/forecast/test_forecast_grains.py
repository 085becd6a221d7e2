"""In which periods a series is modelled, and the days of the fast ones, against loops."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.demand.corrections import correct
from inventra_pipelines.domain.forecast.demand.grains import choose_grains, with_daily_values
from inventra_pipelines.domain.forecast.demand.panel import weekly_panel

CUTOFF = date(2024, 3, 1)
SCHEMA = {"item_id": pl.String, "location_id": pl.String, "sold_on": pl.Date, "units_sold": pl.Float64}


def demand_of(**items: Sequence[float] | np.ndarray) -> pl.DataFrame:
    """Units per day, the last one the cutoff."""
    rows = [
        (item, "main", CUTOFF - timedelta(len(units) - 1 - day), float(one))
        for item, units in items.items()
        for day, one in enumerate(units)
        if one > 0
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


WEEKS = 40
DAILY = [12.0] * (7 * WEEKS)
OPEN_DAYS = [0.0 if day % 7 in (1, 2) else 15.0 for day in range(7 * WEEKS)]
SLOW = [30.0 if day % 49 == 0 else 0.0 for day in range(7 * WEEKS)]
BULK = [200.0 if day % 7 == 3 else 0.0 for day in range(7 * WEEKS)]
FEW = [9.9] * (7 * WEEKS)


@pytest.mark.parametrize(
    ("units", "grain"),
    [
        pytest.param(DAILY, "day", id="ten-and-more-on-every-day"),
        pytest.param(FEW, "week", id="fewer-than-ten-a-day"),
        pytest.param(BULK, "week", id="much-on-one-day-of-the-week"),
        pytest.param(SLOW, "month", id="once-in-seven-weeks"),
        pytest.param([5.0], "week", id="first-sale"),
    ],
)
def test_a_series_is_modelled_by_how_often_it_sells(units: list[float], grain: str) -> None:
    demand = demand_of(ITEM=units, OTHER=DAILY)
    panel = weekly_panel(demand, CUTOFF, 156)
    grains = choose_grains(panel, demand, CUTOFF, "automatic")
    assert dict(zip(panel.item_ids, grains, strict=True))["ITEM"] == grain


def test_days_on_which_the_shop_is_closed_do_not_make_an_item_slow() -> None:
    demand = demand_of(A=OPEN_DAYS)
    panel = weekly_panel(demand, CUTOFF, 156)
    assert choose_grains(panel, demand, CUTOFF, "automatic").tolist() == ["day"]


def test_days_after_the_cutoff_do_not_make_an_item_fast() -> None:
    demand = demand_of(A=FEW)
    later = demand.with_columns(pl.col("sold_on") + pl.duration(days=7 * WEEKS), units_sold=pl.lit(1000.0))
    both = pl.concat([demand, later])
    panel = weekly_panel(both, CUTOFF, 156)
    assert choose_grains(panel, both, CUTOFF, "automatic").tolist() == ["week"]


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_what_a_tenant_asks_for_holds_for_every_series(period: str) -> None:
    demand = demand_of(A=DAILY, B=SLOW)
    panel = weekly_panel(demand, CUTOFF, 156)
    assert choose_grains(panel, demand, CUTOFF, period).tolist() == [period] * 2  # type: ignore[arg-type]


def test_daily_values_are_the_days_of_the_fast_series_alone() -> None:
    demand = demand_of(A=SLOW, B=[*[0.0] * 20, *np.arange(1.0, 30.0)], C=DAILY)
    panel = weekly_panel(demand, CUTOFF, 156)
    made = with_daily_values(panel, panel.values, demand, CUTOFF, np.array(["month", "day", "day"]))
    assert made.daily_rows.tolist() == [1, 2]
    assert made.daily.shape == (2, 7 * WEEKS)
    assert made.daily[0].tolist() == [0.0] * (7 * WEEKS - 29) + list(np.arange(1.0, 30.0))
    assert made.daily[1].tolist() == DAILY
    assert made.values is panel.values


def test_daily_values_reach_back_a_year_and_end_with_the_last_complete_week() -> None:
    units = np.random.default_rng(2).poisson(20, 7 * 60) + 1.0
    demand = demand_of(A=[*units, 0, 0, 0])
    panel = weekly_panel(demand, CUTOFF, 156)
    assert panel.open_periods == 1
    made = with_daily_values(panel, panel.values, demand, CUTOFF, np.array(["day"]))
    assert made.daily[0].tolist() == units[: 7 * 60 - 4][-364:].tolist()


def test_days_of_a_corrected_week_are_corrected_with_it() -> None:
    units = np.array(DAILY)
    units[-7:] = 0.0
    units[-14:-8] = 0.0
    demand = pl.concat([demand_of(A=units), demand_of(B=DAILY)])
    panel = weekly_panel(demand, CUTOFF, 156)
    shares = np.zeros(panel.values.shape)
    shares[0, -1], shares[0, -2] = 1.0, 6 / 7
    read, _ = correct(panel, shares)
    made = with_daily_values(read, panel.values, demand, CUTOFF, np.array(["day", "day"]))
    assert made.daily[0, -7:] == pytest.approx([12.0] * 7)
    assert made.daily[0, -14:-7] == pytest.approx([0, 0, 0, 0, 0, 0, 84.0])
    assert made.daily.reshape(2, WEEKS, 7).sum(axis=2) == pytest.approx(read.values)


def test_without_a_fast_series_there_are_no_days() -> None:
    demand = demand_of(A=SLOW)
    panel = weekly_panel(demand, CUTOFF, 156)
    assert with_daily_values(panel, panel.values, demand, CUTOFF, np.array(["week"])) is panel
    nothing = weekly_panel(demand.clear(), CUTOFF, 156)
    assert choose_grains(nothing, demand.clear(), CUTOFF, "automatic").tolist() == []
