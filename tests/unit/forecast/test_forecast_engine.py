"""The whole stage on small tenants: promises kept, nothing from the future, the same bits however it is run."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast import methods
from inventra_pipelines.domain.forecast.engine import ForecastRequest, forecast_cutoffs
from inventra_pipelines.domain.forecast.frames import BACKTESTS, FORECASTS, MODELS, QUANTILES, RUNS
from inventra_pipelines.domain.forecast.results import ForecastResult, UnsoundForecastError, _check
from inventra_pipelines.domain.tenant import ForecastConfig

WeeklyDemand = Callable[..., pl.DataFrame]
CONFIG = ForecastConfig(horizon_weeks=4, backtest_windows=3)
FRAMES = {"forecasts": FORECASTS, "backtests": BACKTESTS, "models": MODELS, "run": RUNS}


def request_of(cutoff_on: date, tenant_id: str = "shop", **settings_of: Any) -> ForecastRequest:
    config = ForecastConfig(**{**CONFIG.model_dump(), **settings_of})
    return ForecastRequest(tenant_id, cutoff_on, config, "version1")


def same(left: list[ForecastResult], right: list[ForecastResult]) -> bool:
    pairs = zip(left, right, strict=True)
    return all(getattr(one, name).equals(getattr(two, name)) for one, two in pairs for name in FRAMES)


@pytest.fixture(scope="module")
def demand(shop_items: dict[str, list[float]], weekly_demand: WeeklyDemand) -> pl.DataFrame:
    second = {f"X{name}": weeks[::2] for name, weeks in list(shop_items.items())[::5]}
    return pl.concat([weekly_demand(shop_items), weekly_demand(second, tenant_id="other")])


@pytest.fixture(scope="module")
def requests(cutoff_on: date) -> list[ForecastRequest]:
    earlier = cutoff_on - timedelta(weeks=3)
    return [request_of(cutoff_on), request_of(earlier), request_of(cutoff_on, "other")]


@pytest.fixture(scope="module")
def results(demand: pl.DataFrame, requests: list[ForecastRequest]) -> list[ForecastResult]:
    return forecast_cutoffs(demand, requests)


def assert_sound(result: ForecastResult, config: ForecastConfig) -> None:
    forecasts = result.forecasts
    for name, schema in FRAMES.items():
        assert dict(getattr(result, name).schema) == schema
    assert forecasts.height == result.run["items"][0] * config.horizon_weeks
    numbers = forecasts.select("mean", *QUANTILES, "baseline", "cumulative_mean", "cumulative_std").to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    assert (np.diff(forecasts.select(QUANTILES.keys()).to_numpy(), axis=1) >= 0).all()
    assert forecasts.equals(forecasts.sort("item_id", "location_id", "lag"))
    assert result.backtests.equals(result.backtests.sort("item_id", "location_id"))
    gaps = (forecasts["target_on"] - forecasts["cutoff_on"]).dt.total_days()
    assert (gaps == forecasts["lag"] * 7).all()


def test_every_active_item_has_every_lag(
    results: list[ForecastResult], requests: list[ForecastRequest], shop_items: dict[str, list[float]]
) -> None:
    for result, request in zip(results, requests, strict=True):
        assert_sound(result, request.config)
    first = results[0].forecasts
    active = sorted(name for name, weeks in shop_items.items() if any(weeks[-26:]))
    assert first["item_id"].unique(maintain_order=True).to_list() == active
    assert first["lag"].to_list() == [1, 2, 3, 4] * len(active)


def test_cumulative_means_add_up(results: list[ForecastResult]) -> None:
    forecasts = results[0].forecasts
    summed = forecasts.select(pl.col("mean").cum_sum().over("item_id"))["mean"]
    assert forecasts["cumulative_mean"].to_numpy() == pytest.approx(summed.to_numpy(), abs=1e-3)


def test_backtests_tell_of_every_item_and_new_ones_have_no_figures(results: list[ForecastResult]) -> None:
    backtests = results[0].backtests
    assert backtests["item_id"].to_list() == results[0].forecasts["item_id"].unique(maintain_order=True).to_list()
    youngest = backtests.filter(pl.col("item_id") == "NEW01").row(0, named=True)
    assert (youngest["demand_class"], youngest["windows"], youngest["rmse"], youngest["rmsse"]) == (
        "new",
        0,
        None,
        None,
    )
    smooth = backtests.filter(pl.col("demand_class") == "smooth")
    assert (smooth["windows"] == 3).all()
    assert smooth["rmsse"].mean() < smooth["baseline_rmsse"].mean()


def test_the_models_say_what_was_chosen_and_why(results: list[ForecastResult]) -> None:
    models = results[0].models
    assert models["demand_class"].to_list() == ["erratic", "intermittent", "lumpy", "new", "smooth"]
    for row in models.rows(named=True):
        assert row["method"] in row["reason"]
        assert (row["score"] is None) == (row["series"] == 0)


def test_the_run_counts_its_items_and_its_identity_follows_the_data(
    results: list[ForecastResult], demand: pl.DataFrame, requests: list[ForecastRequest]
) -> None:
    run = results[0].run.row(0, named=True)
    assert run["state"] == "completed"
    assert run["items"] == results[0].backtests.height
    assert set(results[0].forecasts["run_id"]) == {run["run_id"]}
    changed = demand.with_columns(
        pl.when(pl.col("item_id") == "SMOOTH00")
        .then(pl.col("units_sold") + 1)
        .otherwise("units_sold")
        .alias("units_sold")
    )
    other = forecast_cutoffs(changed, requests[:1])[0].run.row(0, named=True)
    assert other["data_fingerprint"] != run["data_fingerprint"]
    assert other["run_id"] != run["run_id"]
    newer = forecast_cutoffs(demand, [replace(requests[0], config_version="version2")])[0].run.row(0, named=True)
    assert (newer["data_fingerprint"] == run["data_fingerprint"], newer["run_id"] == run["run_id"]) == (True, False)


def test_days_after_the_cutoff_change_nothing(
    results: list[ForecastResult], demand: pl.DataFrame, requests: list[ForecastRequest]
) -> None:
    earlier = requests[1]
    known = demand.filter(pl.col("sold_on") <= earlier.cutoff_on)
    assert known.height < demand.height
    future = demand.with_columns(
        pl.when(pl.col("sold_on") > earlier.cutoff_on).then(10_000.0).otherwise("units_sold").alias("units_sold")
    )
    assert same(forecast_cutoffs(known, [earlier]), [results[1]])
    assert same(forecast_cutoffs(future, [earlier]), [results[1]])


def test_other_tenants_and_the_order_of_rows_change_nothing(
    results: list[ForecastResult], demand: pl.DataFrame, requests: list[ForecastRequest]
) -> None:
    alone = demand.filter(pl.col("tenant_id") == "other").sample(fraction=1, shuffle=True, seed=1)
    assert same(forecast_cutoffs(alone, [requests[2]]), [results[2]])


def test_the_result_has_the_same_bits_in_one_chunk_in_many_and_in_spawned_workers(
    results: list[ForecastResult], demand: pl.DataFrame, requests: list[ForecastRequest]
) -> None:
    assert same(forecast_cutoffs(demand, requests, cases_per_chunk=10**9), results)
    assert same(forecast_cutoffs(demand, requests, cases_per_chunk=7), results)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert same(forecast_cutoffs(demand, requests, pool.map, cases_per_chunk=150), results)


def test_decimal_demand_is_read(
    results: list[ForecastResult], demand: pl.DataFrame, requests: list[ForecastRequest]
) -> None:
    exact = demand.with_columns(pl.col("units_sold").cast(pl.Decimal(18, 4)))
    assert isinstance(exact["units_sold"][0], Decimal)
    assert same(forecast_cutoffs(exact, requests[2:]), results[2:])


@pytest.mark.parametrize("tenant_id", ["shop", "unknown"])
def test_nothing_to_forecast_is_a_completed_empty_run(demand: pl.DataFrame, cutoff_on: date, tenant_id: str) -> None:
    late = request_of(cutoff_on + timedelta(weeks=60), tenant_id)
    for frame in (demand, demand.clear()):
        result = forecast_cutoffs(frame, [late])[0]
        assert_sound(result, late.config)
        assert [result.forecasts.height, result.backtests.height, result.models.height] == [0, 0, 0]
        run = result.run.row(0, named=True)
        assert (run["state"], run["items"], run["fallbacks"]) == ("completed", 0, 0)
        assert run["message"] == "no item sold in the 26 weeks to the cutoff"


def test_a_fallback_is_told_in_the_forecast_and_counted_in_the_run(
    demand: pl.DataFrame, requests: list[ForecastRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(methods.METHODS, "IMAPA", methods.Method(("IMAPA",), least_weeks=1000))
    result = forecast_cutoffs(demand, requests[:1])[0]
    told = result.forecasts.filter(pl.col("fallback_reason").is_not_null())
    assert told["fallback_reason"].str.contains("IMAPA needs 1000 weeks of history").all()
    assert told["model_used"].unique().to_list() == ["SES"]
    assert result.run["fallbacks"][0] == told["item_id"].n_unique() > 0


weeks = st.one_of(
    st.lists(st.integers(0, 50), min_size=1, max_size=5),
    st.lists(st.sampled_from([0, 0, 1, 400]), min_size=1, max_size=40),
    st.integers(1, 40).map(lambda count: [7] * count),
    st.integers(0, 30).map(lambda gap: [1000] + [0] * gap),
    st.integers(0, 30).map(lambda gap: [0] * gap + [1000]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(weeks, min_size=1, max_size=6), st.integers(1, 5), st.integers(1, 3), st.integers(1, 12))
def test_any_small_tenant_is_forecast_soundly(
    weekly_demand: WeeklyDemand,
    cutoff_on: date,
    series: list[list[int]],
    horizon: int,
    windows: int,
    season: int,
) -> None:
    frame = weekly_demand({f"I{number}": units for number, units in enumerate(series)})
    request = request_of(cutoff_on, horizon_weeks=horizon, backtest_windows=windows, season_weeks=season)
    result = forecast_cutoffs(frame, [request])[0]
    assert_sound(result, request.config)
    assert result.run["items"][0] == sum(any(units[-26:]) for units in series)


def test_an_unsound_forecast_is_an_error_that_names_the_item(results: list[ForecastResult]) -> None:
    sound = results[0].forecasts
    second = sound["item_id"][4]
    for name, value in {"mean": float("nan"), "q10": -1.0, "q50": 1e12, "cumulative_std": None}.items():
        spoilt = sound.with_columns(
            pl.when(pl.col("item_id") == second).then(pl.lit(value, dtype=pl.Float64)).otherwise(name).alias(name)
        )
        with pytest.raises(UnsoundForecastError, match=f"tenant shop, item {second} at main"):
            _check(spoilt)
