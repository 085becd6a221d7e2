"""Selections as rows and back: what is read forecasts as what was written, number for number."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from inventra_pipelines.domain.forecast.demand.classes import CLASSES
from inventra_pipelines.domain.forecast.frames import BACKTESTS, BOOSTERS, MODELS
from inventra_pipelines.domain.forecast.methods.pooled import Booster
from inventra_pipelines.domain.forecast.selection.choice import Selection
from inventra_pipelines.domain.forecast.selection.stored_selections import (
    backtest_rows,
    booster_rows,
    model_rows,
    read_selection,
)
from inventra_pipelines.domain.forecast.tenant_forecasts import ForecastRequest, Inputs, Vintage, forecast_tenants
from inventra_pipelines.domain.tenant import ForecastConfig

WeeklyDemand = Callable[..., pl.DataFrame]
CONFIG = ForecastConfig(horizon_weeks=4, methods={"lumpy": "IMAPA+LightGBM"})


@pytest.fixture(scope="module")
def demand(shop_items: dict[str, list[float]], weekly_demand: WeeklyDemand) -> pl.DataFrame:
    return weekly_demand({name: weeks for name, weeks in shop_items.items() if name[-1] in "0123"})


@pytest.fixture(scope="module")
def request_(cutoff_on: date) -> ForecastRequest:
    return ForecastRequest("shop", cutoff_on, cutoff_on, CONFIG, "version1")


@pytest.fixture(scope="module")
def vintage(demand: pl.DataFrame, request_: ForecastRequest) -> Vintage:
    return forecast_tenants({"shop": Inputs(demand)}, [request_], {})[0]


def through_a_file(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in another order, as a table gives them back, with every number as text in between."""
    return pl.read_csv(io.StringIO(rows.reverse().write_csv()), schema=rows.schema)


def stored(selection: Selection) -> Selection:
    models = through_a_file(model_rows(selection, tenant_id="shop", config_version="version1"))
    boosters = booster_rows(selection, tenant_id="shop")
    return read_selection(models, through_a_file(boosters) if boosters.height else boosters)


def test_a_selection_that_is_read_forecasts_as_the_one_that_was_written(
    demand: pl.DataFrame, request_: ForecastRequest, vintage: Vintage
) -> None:
    read = stored(vintage.selection)
    assert read.booster.text is not None
    made = forecast_tenants({"shop": Inputs(demand)}, [request_], {("shop", request_.cutoff_on): read})[0]
    assert made.selection is read
    assert made.run.equals(vintage.run)
    assert made.forecasts.equals(vintage.forecasts)


def test_what_is_written_of_a_read_selection_is_what_was_written(vintage: Vintage) -> None:
    read = stored(vintage.selection)
    for of in (vintage.selection, read):
        assert dict(model_rows(of, tenant_id="shop", config_version="version1").schema) == MODELS
    first, second = (model_rows(of, tenant_id="shop", config_version="version1") for of in (vintage.selection, read))
    assert_frame_equal(first, second)
    assert_frame_equal(booster_rows(vintage.selection, tenant_id="shop"), booster_rows(read, tenant_id="shop"))


def test_every_part_that_forecasts_depend_on_is_read_exactly(vintage: Vintage) -> None:
    read = stored(vintage.selection)
    assert (read.selected_on, read.engine_version) == (vintage.selection.selected_on, vintage.selection.engine_version)
    assert read.data_fingerprint == vintage.selection.data_fingerprint
    assert read.booster == vintage.selection.booster
    for name in CLASSES:
        written, again = vintage.selection.spreads[name], read.spreads[name]
        for part in ("lags", "sums", "deviations"):
            assert getattr(written, part).tobytes() == getattr(again, part).tobytes()
        assert (written.windows, written.source) == (again.windows, again.source)
        choice, chosen = vintage.selection.choices[name], read.choices[name]
        assert (choice.method, choice.reason, choice.candidates) == (chosen.method, chosen.reason, chosen.candidates)
        assert (choice.series, choice.windows) == (chosen.series, chosen.windows)
        assert chosen.score == pytest.approx(choice.score, abs=1e-4)


def test_a_row_per_class_says_what_was_chosen_and_why(vintage: Vintage) -> None:
    models = model_rows(vintage.selection, tenant_id="shop", config_version="version1")
    assert models["demand_class"].to_list() == sorted(CLASSES)
    for row in models.rows(named=True):
        assert row["method"] in row["reason"]
        assert (row["score"] is None) == (row["windows"] == 0)
        assert set(json.loads(row["spread"])) == {"source", "windows", "lags", "sums", "deviations"}


def test_a_row_per_class_and_candidate_has_its_figures(vintage: Vintage) -> None:
    rows = backtest_rows(vintage.selection, tenant_id="shop")
    assert dict(rows.schema) == BACKTESTS
    assert rows.equals(rows.sort("demand_class", "method"))
    assert not rows.select("demand_class", "method").is_duplicated().any()
    chosen = rows.filter("is_chosen")
    methods = {name: vintage.selection.choices[name].method for name in chosen["demand_class"]}
    assert dict(chosen.select("demand_class", "method").rows()) == methods
    assert rows.filter(demand_class="smooth")["rmsse"].null_count() == 0


def test_without_a_model_there_is_no_row_and_it_is_read_as_none(vintage: Vintage) -> None:
    without = replace(vintage.selection, booster=Booster(None, 7, "7 windows and lags to learn from"))
    rows = booster_rows(without, tenant_id="shop")
    assert (rows.height, dict(rows.schema)) == (0, BOOSTERS)
    assert stored(without).booster.text is None


def test_candidates_and_spreads_are_json_that_every_database_takes(vintage: Vintage) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    models = model_rows(vintage.selection, tenant_id="shop", config_version="version1")
    for text in [*models["candidates"], *models["spread"]]:
        json.loads(text, parse_constant=refuse)
