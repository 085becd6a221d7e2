"""The registry: every candidate is a method, names are known elsewhere as here, and a new one is a line."""

from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.demand.classes import CLASSES
from inventra_pipelines.domain.forecast.methods import method_names
from inventra_pipelines.domain.forecast.methods.registry import (
    BASELINE,
    CANDIDATES,
    FALLBACKS,
    POOLED_MEMBERS,
    SEASONAL_CANDIDATES,
    SERIES_MEMBERS,
    ZERO,
    SeriesMember,
    is_pooled,
    members_of,
    registered_candidates,
    series_model,
)
from inventra_pipelines.domain.forecast.methods.series import forecast_series
from inventra_pipelines.domain.forecast.tenant_forecasts import ForecastRequest, Inputs, forecast_tenants
from inventra_pipelines.domain.tenant import ForecastConfig

WeeklyDemand = Callable[..., pl.DataFrame]
MEMBERS = {*SERIES_MEMBERS, *POOLED_MEMBERS, ZERO}


def test_every_class_has_candidates_and_every_candidate_is_made_of_members() -> None:
    assert set(CANDIDATES) == set(SEASONAL_CANDIDATES) == set(CLASSES)
    for names in (*CANDIDATES.values(), *SEASONAL_CANDIDATES.values()):
        assert len(set(names)) == len(names) > 0
        for name in names:
            assert set(members_of(name)) <= MEMBERS


def test_of_what_stands_until_another_is_better_something_is_left_without_other_series() -> None:
    for names in (*CANDIDATES.values(), *SEASONAL_CANDIDATES.values()):
        assert set(members_of(names[0])) - set(POOLED_MEMBERS)


@pytest.mark.parametrize(
    ("season", "periods", "is_modelled"),
    [
        *((season, 156, is_modelled) for season, is_modelled in ((1, False), (4, True), (24, True), (25, False))),
        *((12, 23, False), (12, 24, True), (52, 156, False)),
    ],
)
def test_ces_may_be_chosen_where_it_models_the_season(season: int, periods: int, is_modelled: bool) -> None:
    for demand_class in CLASSES:
        names = registered_candidates(demand_class, season, periods)
        has_ces = any("CES" in members_of(name) for name in names)
        assert has_ces == (is_modelled and demand_class in ("smooth", "erratic"))


def test_the_fallbacks_and_the_baseline_look_at_one_series_alone() -> None:
    assert {*FALLBACKS, BASELINE, "Naive"} <= set(SERIES_MEMBERS)


def test_a_combination_is_pooled_where_one_of_its_members_is() -> None:
    assert is_pooled("DOT+LightGBM")
    assert not is_pooled("DOT+CES")
    assert is_pooled("SES+CategoryProfile", "CategoryProfile")
    assert not is_pooled("SES+CategoryProfile")


@pytest.mark.parametrize("name", sorted(set(SERIES_MEMBERS) - {"Prophet"}))
@pytest.mark.parametrize("season", [1, 4])
def test_every_member_forecasts_a_series_of_its_least_length_and_a_longer_one(name: str, season: int) -> None:
    rng = np.random.default_rng(3)
    for periods in (max(SERIES_MEMBERS[name].least_periods, season), 24):
        made = forecast_series(rng.poisson(20, periods) + 1.0, name, 3, season)
        assert made.mean.shape == (3,)
        assert made.model_used == name, made.fallback_reason


class _Double:
    """Twice the last period, whatever came before."""

    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        return {"mean": np.full(h, 2 * y[-1])}


@pytest.fixture
def _doubling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(SERIES_MEMBERS, "Double", SeriesMember(lambda season: _Double()))
    monkeypatch.setattr(method_names, "METHOD_NAMES", method_names.METHOD_NAMES | {"Double"})
    yield
    series_model.cache_clear()


@pytest.mark.usefixtures("_doubling")
@pytest.mark.parametrize(
    ("method", "mean"), [pytest.param("Double", 20.0, id="alone"), pytest.param("Double+Naive", 15.0, id="combined")]
)
def test_a_new_member_is_a_line_and_is_forecast_with_by_name(
    method: str, mean: float, weekly_demand: WeeklyDemand, cutoff_on: date
) -> None:
    config = ForecastConfig(horizon_weeks=2, methods={"smooth": method})
    request = ForecastRequest("shop", cutoff_on, cutoff_on, config, "version1")
    made = forecast_tenants({"shop": Inputs(weekly_demand({"A": [10.0] * 20}))}, [request], {})[0]
    assert made.forecasts["model_used"].to_list() == [method] * 2
    assert made.forecasts["mean"].to_list() == [mean] * 2
    assert made.forecasts["fallback_reason"].null_count() == 2
