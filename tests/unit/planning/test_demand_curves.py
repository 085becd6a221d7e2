"""Interpolation of cumulative forecasts, against a loop over plain numbers."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.planning.demand import DemandCurves, demand_curves
from inventra_pipelines.errors import PermanentError

D = date(2011, 12, 9)


def forecast(weekly: list[float], stds: list[float], item: str = "A", cutoff: date = D) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": [item] * len(weekly),
            "location_id": ["main"] * len(weekly),
            "cutoff_on": [cutoff] * len(weekly),
            "lag": list(range(1, len(weekly) + 1)),
            "cumulative_mean": np.cumsum(weekly).tolist(),
            "cumulative_std": stds,
        }
    )


def curves(*frames: pl.DataFrame, as_of: date = D) -> DemandCurves:
    both = pl.concat(frames)
    return demand_curves(both, both.select("item_id", "location_id").unique().sort("item_id"), as_of_on=as_of)


def test_whole_weeks_give_the_cumulative_forecast_back() -> None:
    demand = curves(forecast([7, 14, 21], [2, 3, 4]))
    assert [demand.mean_over(7.0 * lag)[0] for lag in (0, 1, 2, 3)] == [0, 7, 21, 42]
    assert [demand.std_over(7.0 * lag)[0] for lag in (0, 1, 2, 3)] == [0, 2, 3, 4]


def test_between_lags_the_mean_and_the_variance_are_linear() -> None:
    demand = curves(forecast([7, 14], [2, 4]))
    assert demand.mean_over(10)[0] == pytest.approx(7 + 14 * 3 / 7)
    assert demand.std_over(10)[0] == pytest.approx(math.sqrt(4 + (16 - 4) * 3 / 7))


def test_beyond_the_horizon_the_mean_grows_linearly_and_the_deviation_with_the_square_root() -> None:
    demand = curves(forecast([7, 14], [2, 4]))
    assert demand.mean_over(56)[0] == pytest.approx(21 * 4)
    assert demand.std_over(56)[0] == pytest.approx(4 * 2)


def test_days_since_the_cutoff_are_demand_that_has_passed() -> None:
    demand = curves(forecast([7, 14, 21], [2, 3, 4]), as_of=D + timedelta(days=7))
    assert demand.mean_over(14)[0] == pytest.approx(14 + 21)
    assert demand.horizon_days == 14


def test_the_deviation_depends_on_the_length_of_the_interval_alone() -> None:
    later = curves(forecast([7, 14, 21], [2, 3, 4]), as_of=D + timedelta(days=7))
    assert later.std_over(14)[0] == curves(forecast([7, 14, 21], [2, 3, 4])).std_over(14)[0] == 3


def test_a_shorter_series_is_carried_on_as_beyond_its_horizon() -> None:
    demand = curves(forecast([7, 7, 7, 7], [1, 2, 3, 4]), forecast([3, 5], [1, 2], item="B"))
    assert demand.mean_over(28).tolist() == pytest.approx([28, 16])
    assert demand.std_over(28).tolist() == pytest.approx([4, 2 * math.sqrt(2)])


def test_keys_without_a_forecast_have_no_demand_figures() -> None:
    keys = pl.DataFrame({"item_id": ["A", "Z"], "location_id": ["main", "main"]})
    demand = demand_curves(forecast([7], [1]), keys, as_of_on=D)
    assert np.isnan(demand.mean_over(7)).tolist() == [False, True]
    assert np.isnan(demand.days_to_sell(np.array([1.0, 1.0]))).tolist() == [False, True]


@given(
    weekly=st.lists(st.floats(0, 50), min_size=1, max_size=6),
    days=st.integers(0, 80),
    offset=st.integers(0, 6),
)
@settings(max_examples=60, deadline=None)
def test_demand_over_days_equals_the_sum_of_daily_rates(weekly: list[float], days: int, offset: int) -> None:
    demand = curves(forecast(weekly, [1.0] * len(weekly)), as_of=D + timedelta(days=offset))
    rates = [rate / 7 for rate in weekly for _ in range(7)]
    beyond = sum(weekly) / len(rates)
    naive = sum(rates[day] if day < len(rates) else beyond for day in range(offset, offset + days))
    assert demand.mean_over(float(days))[0] == pytest.approx(naive, abs=1e-6)
    assert demand.daily(days).shape == (1, days)
    if days:
        assert demand.daily(days)[0, -1] == pytest.approx(naive, abs=1e-6)


@given(weekly=st.lists(st.floats(0.5, 50), min_size=1, max_size=6), days=st.floats(0.1, 90), offset=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_the_days_to_sell_undo_the_demand_over_days(weekly: list[float], days: float, offset: int) -> None:
    demand = curves(forecast(weekly, [1.0] * len(weekly)), as_of=D + timedelta(days=offset))
    assert demand.days_to_sell(demand.mean_over(days))[0] == pytest.approx(days, rel=1e-6)


@pytest.mark.parametrize(
    ("frame", "as_of", "says"),
    [
        pytest.param(forecast([1, 2], [1, 1]).filter(pl.col("lag") == 2), D, "lag missing", id="gap"),
        pytest.param(pl.concat([forecast([1], [1])] * 2), D, "lag missing or twice", id="twice"),
        pytest.param(forecast([math.nan], [1]), D, "no number", id="nan"),
        pytest.param(forecast([1], [1]), D - timedelta(days=1), "cutoff 2011-12-09", id="cutoff after the day"),
        pytest.param(
            pl.concat([forecast([1], [1]), forecast([1], [1], "B", D - timedelta(days=7))]),
            D,
            "cutoff",
            id="two cutoffs",
        ),
    ],
)
def test_forecasts_that_cannot_be_read_are_named(frame: pl.DataFrame, as_of: date, says: str) -> None:
    with pytest.raises(PermanentError, match=says):
        curves(frame, as_of=as_of)
