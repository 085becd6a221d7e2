"""What demand must be before anything is forecast from it."""

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.frames import DEMAND, checked_demand, rounded
from inventra_pipelines.errors import PermanentError

DAY = date(2024, 2, 27)


def demand_of(units: float | None, sold_on: date | None = DAY) -> pl.DataFrame:
    rows = [("shop", "B", "main", DAY, 1.0), ("shop", "A", "main", sold_on, units)]
    return pl.DataFrame(rows, schema=DEMAND, orient="row")


@pytest.mark.parametrize(
    ("units", "told"),
    [
        pytest.param(-5.0, "-5.0", id="negative"),
        pytest.param(float("nan"), "nan", id="nan"),
        pytest.param(float("inf"), "inf", id="infinite"),
        pytest.param(float("-inf"), "-inf", id="minus-infinity"),
        pytest.param(None, "None", id="missing"),
    ],
)
def test_units_that_are_no_demand_name_tenant_item_and_day(units: float | None, told: str) -> None:
    with pytest.raises(PermanentError, match=f"demand of tenant shop, item A on 2024-02-27 is {told}") as refused:
        checked_demand(demand_of(units))
    assert refused.value.remedy


def test_a_row_without_a_day_is_refused() -> None:
    with pytest.raises(PermanentError, match="tenant shop, item A on None"):
        checked_demand(demand_of(1.0, None))


@pytest.mark.parametrize("column", DEMAND)
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(PermanentError, match=f"lacks the column {column}"):
        checked_demand(demand_of(1.0).drop(column))


def test_exact_numbers_are_read_and_further_columns_left_out() -> None:
    exact = demand_of(2.5).with_columns(pl.col("units_sold").cast(pl.Decimal(18, 4)), note=pl.lit("x"))
    assert exact["units_sold"][1] == Decimal("2.5")
    assert checked_demand(exact).equals(demand_of(2.5))


def test_nothing_is_nothing() -> None:
    assert checked_demand(demand_of(1.0).clear()).height == 0


@pytest.mark.parametrize(
    ("units", "kept"),
    [
        (0.12344, 0.1234),
        (0.12346, 0.1235),
        (2e11 + 0.25, 2e11 + 0.25),
        (1e15, 1e15),
        (1e304, 1e304),
        (1.7e308, 1.7e308),
    ],
)
def test_units_of_any_size_are_kept_with_the_decimals_that_they_have(units: float, kept: float) -> None:
    assert rounded(np.array([units, -units, 0.0])).tolist() == [kept, -kept, 0.0]


def test_what_is_not_finite_stays_so() -> None:
    assert np.isnan(rounded(np.array([np.nan]))).all()
    assert rounded(np.array([np.inf])).tolist() == [np.inf]
