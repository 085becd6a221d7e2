"""Tenants' days from demand to rows: nothing from the future or of others, replays equal, everything told."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.classes import CLASSES
from inventra_pipelines.domain.forecast.frames import CORRECTIONS, FORECASTS, QUANTILES, RUNS
from inventra_pipelines.domain.forecast.methods.registry import SERIES_MEMBERS, SeriesMember, series_model
from inventra_pipelines.domain.forecast.selection.ranges import Realised
from inventra_pipelines.domain.forecast.tenant_forecasts import (
    ForecastRequest,
    Inputs,
    Vintage,
    forecast_tenants,
    selection_day,
)
from inventra_pipelines.domain.tenant import ForecastConfig

WeeklyDemand = Callable[..., pl.DataFrame]
FRAMES = {"forecasts": FORECASTS, "corrections": CORRECTIONS, "run": RUNS}
# The trial without the pooled member, which is tried in the fixture of all tenants.
QUICK: dict[str, Any] = {"methods": dict.fromkeys(set(CLASSES) - {"dormant"}, "SES")}
SPELLS = {"item_id": pl.String, "location_id": pl.String, "first_on": pl.Date, "last_on": pl.Date}


def request_of(cutoff_on: date, tenant_id: str = "shop", selected_on: date | None = None, **given_on: Any) -> Any:
    realised = given_on.pop("realised", {})
    config = ForecastConfig(**{"horizon_weeks": 4, **given_on})
    return ForecastRequest(tenant_id, cutoff_on, selected_on or cutoff_on, config, "version1", realised)


def forecast(demand: pl.DataFrame, request: ForecastRequest, **inputs: Any) -> Vintage:
    return forecast_tenants({request.tenant_id: Inputs(demand, **inputs)}, [request], {})[0]


def assert_same(one: Vintage, two: Vintage) -> None:
    for name in FRAMES:
        assert getattr(one, name).equals(getattr(two, name)), name


def daily(cutoff_on: date, **items: Any) -> pl.DataFrame:
    """Demand from units per day, the last one on the cutoff; None is a day without a row."""
    rows = [
        ("shop", item, "main", cutoff_on - timedelta(len(units) - 1 - day), float(one))
        for item, units in items.items()
        for day, one in enumerate(units)
        if one is not None
    ]
    schema = {**dict.fromkeys(["tenant_id", "item_id", "location_id"], pl.String), "sold_on": pl.Date}
    return pl.DataFrame(rows, schema={**schema, "units_sold": pl.Float64}, orient="row")


@pytest.fixture(scope="module")
def inputs(shop_items: dict[str, list[float]], weekly_demand: WeeklyDemand) -> dict[str, Inputs]:
    few = {name: weeks for name, weeks in shop_items.items() if name[-1] in "012345"}
    few["DORMANT"] = [5.0, 6.0, 4.0, 5.0, 7.0, 5.0, 4.0, 6.0, 5.0] + [0.0] * 30
    other = {f"X{name}": weeks[::2] for name, weeks in list(shop_items.items())[::5]}
    return {"shop": Inputs(weekly_demand(few)), "other": Inputs(weekly_demand(other, tenant_id="other"))}


@pytest.fixture(scope="module")
def requests(cutoff_on: date) -> list[ForecastRequest]:
    earlier = cutoff_on - timedelta(weeks=3)
    return [
        request_of(cutoff_on, methods={"smooth": "SES+LightGBM"}),
        request_of(earlier, methods={"smooth": "SES+LightGBM"}),
        request_of(cutoff_on, "other", earlier, **QUICK),
    ]


@pytest.fixture(scope="module")
def vintages(inputs: dict[str, Inputs], requests: list[ForecastRequest]) -> list[Vintage]:
    return forecast_tenants(inputs, requests, {})


def test_every_item_ever_sold_has_every_lag_by_week(
    vintages: list[Vintage], requests: list[ForecastRequest], inputs: dict[str, Inputs]
) -> None:
    for vintage, request in zip(vintages, requests, strict=True):
        for name, schema in FRAMES.items():
            assert dict(getattr(vintage, name).schema) == schema
        forecasts = vintage.forecasts
        known = inputs[request.tenant_id].demand.filter(pl.col("sold_on") <= request.cutoff_on)
        assert forecasts["item_id"].unique(maintain_order=True).to_list() == sorted(known["item_id"].unique())
        assert forecasts["lag"].to_list() == [1, 2, 3, 4] * known["item_id"].n_unique()
        gaps = (forecasts["target_on"] - forecasts["cutoff_on"]).dt.total_days()
        assert (gaps == forecasts["lag"] * 7).all()
        assert forecasts.equals(forecasts.sort("item_id", "location_id", "lag"))


def test_forecasts_are_finite_not_negative_and_their_quantiles_rise(vintages: list[Vintage]) -> None:
    for vintage in vintages:
        for prefix in ("", "cumulative_"):
            quantiles = vintage.forecasts.select(f"{prefix}{name}" for name in QUANTILES).to_numpy()
            assert np.isfinite(quantiles).all()
            assert (quantiles >= 0).all()
            assert (np.diff(quantiles, axis=1) >= 0).all()
        means = vintage.forecasts.select("mean", "baseline", "cumulative_mean", "cumulative_std").to_numpy()
        assert np.isfinite(means).all()
        assert (means >= 0).all()
        summed = vintage.forecasts.select(pl.col("mean").cum_sum().over("item_id"))["mean"]
        assert vintage.forecasts["cumulative_mean"].to_numpy() == pytest.approx(summed.to_numpy(), abs=1e-3)


def test_a_dormant_item_is_zero_with_quantiles(vintages: list[Vintage]) -> None:
    rows = vintages[0].forecasts.filter(item_id="DORMANT")
    assert set(rows["demand_class"]) == {"dormant"}
    assert set(rows["model_used"]) == {"Zero"}
    assert rows.select("mean", *QUANTILES, "cumulative_q98", "cumulative_std").to_numpy().max() == 0


def test_new_items_are_forecast_from_their_first_week_on(vintages: list[Vintage]) -> None:
    new = vintages[0].forecasts.filter(pl.col("item_id").str.starts_with("NEW"))
    assert set(new["demand_class"]) == {"new"}
    assert new.filter(item_id="NEW00").height == 4
    assert (new["q98"] > 0).all()


def test_the_run_counts_and_names_what_it_made(vintages: list[Vintage], requests: list[ForecastRequest]) -> None:
    for vintage, request in zip(vintages, requests, strict=True):
        run = vintage.run.row(0, named=True)
        assert (run["state"], run["selected_on"]) == ("completed", request.selected_on)
        assert run["items"] * 4 == vintage.forecasts.height
        assert run["corrections"] == vintage.corrections.height
        told = vintage.forecasts.filter(pl.col("fallback_reason").is_not_null() & (pl.col("lag") == 1))
        assert run["fallbacks"] == told.height
        assert set(vintage.forecasts["run_id"]) == {run["run_id"]}
        assert vintage.selection.selected_on == request.selected_on


def test_days_after_the_cutoff_change_nothing(
    vintages: list[Vintage], inputs: dict[str, Inputs], requests: list[ForecastRequest]
) -> None:
    demand, request = inputs["shop"].demand, requests[1]
    known = demand.filter(pl.col("sold_on") <= request.cutoff_on)
    assert known.height < demand.height
    is_later = pl.col("sold_on") > request.cutoff_on
    future = demand.with_columns(units_sold=pl.when(is_later).then(1e6).otherwise("units_sold"))
    assert_same(forecast(known, request), vintages[1])
    assert_same(forecast(future, request), vintages[1])


def test_other_tenants_other_days_and_the_order_of_rows_change_nothing(
    vintages: list[Vintage], inputs: dict[str, Inputs], requests: list[ForecastRequest]
) -> None:
    shuffled = inputs["shop"].demand.sample(fraction=1, shuffle=True, seed=1)
    assert_same(forecast(shuffled, requests[0]), vintages[0])
    backwards = forecast_tenants({"other": inputs["other"]}, [requests[2]], {})[0]
    assert_same(backwards, vintages[2])


def test_a_replay_is_equal_however_work_is_mapped(
    vintages: list[Vintage], inputs: dict[str, Inputs], requests: list[ForecastRequest]
) -> None:
    calls = []

    def listed(function: Any, works: Iterable[Any]) -> Iterable[Any]:
        calls.append(function)
        return [function(work) for work in list(works)]

    for one, two in zip(forecast_tenants(inputs, requests, {}, listed), vintages, strict=True):
        assert_same(one, two)
    assert len(calls) == 5


def test_a_selection_is_reused_on_the_very_same_panel_alone(
    vintages: list[Vintage], inputs: dict[str, Inputs], requests: list[ForecastRequest]
) -> None:
    request, kept = requests[2], vintages[2].selection
    choice = replace(kept.choices["smooth"], method="Naive")
    marked = replace(kept, choices={**kept.choices, "smooth": choice})

    def methods(demand: pl.DataFrame, known: Any) -> set[str]:
        made = forecast_tenants({"other": Inputs(demand)}, [request], known)[0]
        return set(made.forecasts.filter(demand_class="smooth")["model_used"])

    demand = inputs["other"].demand
    assert methods(demand, {("other", request.selected_on): marked}) == {"Naive"}
    assert methods(demand, {("shop", request.selected_on): marked}) == {"SES"}
    assert methods(demand, {("other", request.cutoff_on): marked}) == {"SES"}
    assert methods(demand, {("other", request.selected_on): replace(marked, engine_version="1")}) == {"SES"}
    before = pl.col("sold_on") <= request.selected_on
    late = demand.with_columns(units_sold=pl.when(~before).then(pl.col("units_sold") + 1).otherwise("units_sold"))
    assert methods(late, {("other", request.selected_on): marked}) == {"Naive"}
    early = demand.with_columns(units_sold=pl.when(before).then(pl.col("units_sold") + 1).otherwise("units_sold"))
    assert methods(early, {("other", request.selected_on): marked}) == {"SES"}


def test_a_runs_identity_follows_the_data_and_the_configuration(
    vintages: list[Vintage], inputs: dict[str, Inputs], requests: list[ForecastRequest]
) -> None:
    demand, request = inputs["other"].demand, requests[2]
    run = vintages[2].run.row(0, named=True)
    more = forecast(demand.with_columns(pl.col("units_sold") + 1), request).run.row(0, named=True)
    assert more["data_fingerprint"] != run["data_fingerprint"]
    assert more["run_id"] != run["run_id"]
    newer = forecast(demand, replace(request, config_version="version2")).run.row(0, named=True)
    assert newer["data_fingerprint"] == run["data_fingerprint"]
    assert newer["run_id"] != run["run_id"]


def test_exact_numbers_are_read(
    vintages: list[Vintage], inputs: dict[str, Inputs], requests: list[ForecastRequest]
) -> None:
    exact = inputs["other"].demand.with_columns(pl.col("units_sold").cast(pl.Decimal(18, 4)))
    assert_same(forecast(exact, requests[2]), vintages[2])


@pytest.mark.parametrize("tenant_id", ["shop", "unknown"])
def test_nothing_to_forecast_is_a_completed_empty_run(
    inputs: dict[str, Inputs], cutoff_on: date, tenant_id: str
) -> None:
    early = request_of(cutoff_on - timedelta(weeks=200), tenant_id)
    made = forecast_tenants(inputs, [early], {})[0]
    assert (made.forecasts.height, made.corrections.height) == (0, 0)
    run = made.run.row(0, named=True)
    assert (run["state"], run["items"], run["fallbacks"], run["message"]) == (
        "completed",
        0,
        0,
        "no item has sold yet",
    )


def test_open_weeks_are_left_out_and_lags_count_from_the_cutoff(cutoff_on: date) -> None:
    """A shop that sells week by week 7, 14, 21, 28 units, and of whose last three days nothing has come in."""
    days = [1.0 + (day // 7) % 4 for day in range(7 * 24)]
    request = request_of(cutoff_on, season_weeks=4, methods={"smooth": "SeasonalNaive"})
    whole = forecast(daily(cutoff_on, A=days), request)
    opened = forecast(daily(cutoff_on, A=[*days[:-3], None, None, None]), request)
    assert whole.forecasts["mean"].to_list() == opened.forecasts["mean"].to_list() == [7.0, 14.0, 21.0, 28.0]
    assert opened.forecasts["target_on"].to_list() == whole.forecasts["target_on"].to_list()
    assert opened.forecasts["baseline"].to_list() == [7.0, 14.0, 21.0, 28.0]
    assert "the last 1 weeks are left out: their sales have not all come in" in opened.run["message"][0]
    assert "left out" not in whole.run["message"][0]


def test_a_shop_closed_on_a_holiday_has_no_open_week(cutoff_on: date) -> None:
    days = [*[3.0] * (7 * 20 - 1), None]
    request = request_of(cutoff_on, **QUICK)
    closed = forecast(daily(cutoff_on, A=days), request, holidays=[cutoff_on])
    assert "left out" not in closed.run["message"][0]
    assert "left out" in forecast(daily(cutoff_on, A=days), request).run["message"][0]


def test_weeks_without_stock_are_filled_and_recorded_with_what_was_sold(cutoff_on: date) -> None:
    days = np.full(7 * 30, 2.0)
    days[-14:-7] = 0.0
    demand = daily(cutoff_on, A=days, B=np.full(7 * 30, 2.0))
    spell = ("A", "main", cutoff_on - timedelta(13), cutoff_on - timedelta(7))
    spells = pl.DataFrame([spell], schema=SPELLS, orient="row")
    request = request_of(cutoff_on, **QUICK)
    made = forecast(demand, request, stock_outs=spells)
    assert made.corrections.drop("tenant_id", "location_id", "cutoff_on", "period_days").rows() == [
        ("A", cutoff_on - timedelta(7), 0.0, 14.0, "out_of_stock")
    ]
    assert made.forecasts.filter(item_id="A")["mean"].to_list() == pytest.approx([14.0] * 4)
    for untold in (
        forecast(demand, request),
        forecast(demand, request_of(cutoff_on, fill_stock_outs=False, **QUICK), stock_outs=spells),
    ):
        assert untold.corrections.height == 0
        assert untold.forecasts.filter(item_id="A")["mean"].to_numpy().max() < 14.0
    later = spells.with_columns(pl.col("first_on", "last_on") + pl.duration(days=60))
    assert_same(forecast(demand, request, stock_outs=later), forecast(demand, request))


def test_a_one_off_order_is_damped_and_recorded(weekly_demand: WeeklyDemand, cutoff_on: date) -> None:
    demand = weekly_demand({"A": [*[10.0] * 29, 1000.0], "B": [10.0] * 30})
    made = forecast(demand, request_of(cutoff_on, **QUICK))
    assert made.corrections.select("item_id", "period_ends_on", "raw_units", "corrected_units", "reason").rows() == [
        ("A", cutoff_on, 1000.0, 50.0, "one_off")
    ]
    assert made.run["corrections"][0] == 1
    as_sold = forecast(demand, request_of(cutoff_on, damp_one_offs=False, **QUICK))
    assert as_sold.corrections.height == 0
    assert as_sold.forecasts["mean"].to_numpy().max() > made.forecasts["mean"].to_numpy().max()


@pytest.mark.parametrize("period", ["day", "week", "month", "automatic"])
def test_a_tenant_is_modelled_in_the_periods_it_asks_for_and_told_by_week(period: str, cutoff_on: date) -> None:
    rng = np.random.default_rng(3)
    slow = [20.0 if day % 63 == 0 else None for day in range(7 * 40)]
    demand = daily(cutoff_on, FAST=rng.poisson(20, 7 * 40) + 1.0, PLAIN=rng.poisson(1, 7 * 40), SLOW=slow)
    made = forecast(demand, request_of(cutoff_on, period=period, **QUICK))
    models = dict(made.forecasts.filter(lag=1).select("item_id", "model_used").rows())
    suffixes = {"day": " by day", "week": "", "month": " by month"}
    grains = {"FAST": "day", "PLAIN": "week", "SLOW": "month"}
    for item, model in models.items():
        assert model == f"SES{suffixes[grains[item] if period == 'automatic' else period]}"
    fast = made.forecasts.filter(item_id="FAST")
    assert fast["lag"].to_list() == [1, 2, 3, 4]
    assert fast["mean"].to_numpy() == pytest.approx(np.full(4, 147.0), rel=0.15)


def test_a_tenant_is_forecast_by_the_methods_it_names(
    inputs: dict[str, Inputs], cutoff_on: date, vintages: list[Vintage]
) -> None:
    methods = {"smooth": "Naive", "lumpy": "SES+IMAPA", "new": "HistoricAverage", "dormant": "HistoricAverage"}
    request = request_of(cutoff_on, methods={**QUICK["methods"], **methods})
    made = forecast(inputs["shop"].demand, request)
    used = made.forecasts.select("demand_class", "model_used").unique().rows()
    assert {(name, model) for name, model in used if name in methods} == set(methods.items())
    assert made.selection.choices["smooth"].reason.startswith("Naive: asked for")
    assert set(vintages[0].forecasts.filter(demand_class="smooth")["model_used"]) == {"SES+LightGBM"}


def test_a_fallback_is_told_in_the_forecast_and_counted_in_the_run(
    inputs: dict[str, Inputs], cutoff_on: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SERIES_MEMBERS, "IMAPA", SeriesMember(lambda season: None, least_periods=1000))
    series_model.cache_clear()
    made = forecast(inputs["shop"].demand, request_of(cutoff_on, methods={**QUICK["methods"], "lumpy": "IMAPA"}))
    told = made.forecasts.filter(pl.col("fallback_reason").is_not_null())
    assert told["fallback_reason"].str.contains("IMAPA needs 1000 periods of history").all()
    assert set(told["demand_class"]) == {"lumpy"}
    assert set(told["model_used"]) == {"SES"}
    assert made.run["fallbacks"][0] == told["item_id"].n_unique() > 0


def test_realised_coverage_moves_the_quantiles_of_its_class_the_right_way(
    inputs: dict[str, Inputs], cutoff_on: date
) -> None:
    def quantiles(realised: dict[str, Realised], demand_class: str) -> pl.DataFrame:
        made = forecast(inputs["shop"].demand, request_of(cutoff_on, realised=realised, **QUICK))
        return made.forecasts.filter(demand_class=demand_class).select(*QUANTILES, "mean")

    plain = quantiles({}, "smooth")
    missed = {"smooth": Realised(5000, 0.6, 0.85)}
    wider, narrower = quantiles(missed, "smooth"), quantiles({"smooth": Realised(5000, 0.95, 0.99)}, "smooth")
    assert (wider["q10"] < plain["q10"]).all()
    assert (wider["q90"] > plain["q90"]).all()
    assert (wider["q95"] > plain["q95"]).all()
    assert (narrower["q10"] > plain["q10"]).all()
    assert (narrower["q90"] < plain["q90"]).all()
    for same in ("mean", "q50"):
        assert wider[same].equals(plain[same])
    assert quantiles(missed, "lumpy").equals(quantiles({}, "lumpy"))


def test_categories_tell_who_is_like_whom_and_are_part_of_the_fingerprint(
    weekly_demand: WeeklyDemand, cutoff_on: date
) -> None:
    fading, growing = [40.0, 20.0, 10.0, 5.0, 4.0, 3.0], [4.0, 8.0, 12.0, 16.0, 20.0, 20.0]
    items = {f"F{n:02}": fading + [3.0] * n for n in range(12)} | {f"G{n:02}": growing + [20.0] * n for n in range(12)}
    items |= {"OLD": [5.0] * 40, "NEWF": [20.0], "NEWG": [20.0]}
    named = [(name, "fading" if "F" in name else "growing") for name in items if name != "OLD"]
    categories = pl.DataFrame([*named, ("OLD", None)], schema=["item_id", "category"], orient="row")
    request = request_of(cutoff_on, methods={**QUICK["methods"], "new": "CategoryProfile"})
    demand = weekly_demand(items)
    made, plain = forecast(demand, request, categories=categories), forecast(demand, request)
    means = {item: made.forecasts.filter(item_id=item)["mean"].to_numpy() for item in ("NEWF", "NEWG")}
    assert means["NEWF"][0] < 20 < means["NEWG"][0]
    alike = [plain.forecasts.filter(item_id=item)["mean"].to_list() for item in ("NEWF", "NEWG")]
    assert alike[0] == alike[1]
    assert made.run["data_fingerprint"][0] != plain.run["data_fingerprint"][0]


def test_an_item_without_a_category_is_not_of_the_one_without_a_name(
    weekly_demand: WeeklyDemand, cutoff_on: date
) -> None:
    items = {f"F{n:02}": [40.0, 20.0, 10.0, 5.0, 4.0, 3.0, *[3.0] * n] for n in range(12)}
    items |= {f"G{n:02}": [4.0, 8.0, 12.0, 16.0, 20.0, 20.0, *[20.0] * n] for n in range(12)}
    items |= {"OLD": [5.0] * 40, "NEW": [20.0]}
    named = [(name, "" if name[0] == "F" else "growing") for name in items if name[0] in "FG"]
    unnamed = pl.DataFrame(named, ["item_id", "category"], orient="row")
    request = request_of(cutoff_on, methods={**QUICK["methods"], "new": "CategoryProfile"})
    demand = weekly_demand(items)
    made, plain = forecast(demand, request, categories=unnamed), forecast(demand, request)
    assert made.forecasts.filter(item_id="NEW")["mean"].equals(plain.forecasts.filter(item_id="NEW")["mean"])


@pytest.mark.parametrize(
    ("drifted", "selected"),
    [
        pytest.param([], date(2024, 3, 1), id="first-of-the-month"),
        pytest.param([date(2024, 3, 10)], date(2024, 3, 11), id="day-after-a-drift"),
        pytest.param([date(2024, 3, 10), date(2024, 3, 14)], date(2024, 3, 15), id="last-drift"),
        pytest.param([date(2024, 3, 20)], date(2024, 3, 1), id="seen-on-the-day-itself"),
        pytest.param([date(2024, 3, 25)], date(2024, 3, 1), id="seen-later"),
        pytest.param([date(2024, 2, 10)], date(2024, 3, 1), id="of-an-earlier-month"),
    ],
)
def test_methods_are_selected_on_the_first_of_the_month_or_after_a_drift(drifted: list[date], selected: date) -> None:
    assert selection_day(date(2024, 3, 20), drifted) == selected


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.lists(st.dates(date(2020, 1, 1), date(2030, 1, 1))))
def test_a_selection_is_never_of_a_day_after_the_cutoff_nor_of_another_month(
    cutoff_on: date, drifted: list[date]
) -> None:
    day = selection_day(cutoff_on, drifted)
    assert cutoff_on.replace(day=1) <= day <= cutoff_on
