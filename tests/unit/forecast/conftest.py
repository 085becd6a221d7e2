"""Demand to forecast in the tests of this folder."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from tests import forecast_demand

WeeklyDemand = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def cutoff_on() -> date:
    return forecast_demand.CUTOFF


@pytest.fixture(scope="session")
def weekly_demand() -> WeeklyDemand:
    """Daily demand from units per week, oldest first, the last week ending on the cutoff."""
    return forecast_demand.weekly_demand


@pytest.fixture(scope="session")
def shop_items() -> dict[str, list[float]]:
    """Fifty series of up to 60 weeks of every class, seeded."""
    return forecast_demand.shop_items()
