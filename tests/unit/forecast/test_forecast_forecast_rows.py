"""The rows of forecasts keep their promises, or the item that breaks them is named."""

from datetime import date, timedelta

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.demand.panel import Panel, plain_panel
from inventra_pipelines.domain.forecast.engine import Order, PanelForecast, forecast_panels
from inventra_pipelines.domain.forecast.forecast_rows import UnsoundForecastError, forecast_rows
from inventra_pipelines.domain.forecast.frames import FORECASTS, QUANTILES
from inventra_pipelines.domain.forecast.selection.trial import Shape, select_methods

CUTOFF = date(2024, 3, 1)
NAMES = {"tenant_id": "shop", "cutoff_on": CUTOFF, "run_id": "run", "config_version": "version1"}
HORIZON = 3


@pytest.fixture(scope="module")
def panel() -> Panel:
    values = np.random.default_rng(2).poisson(9, (3, 20)) + 1.0
    return plain_panel(["A", "B", "C"], values, np.full(3, 20), 1, HORIZON)


@pytest.fixture
def forecast(panel: Panel) -> PanelForecast:
    shape = Shape(HORIZON, 1, 3, 26, {"smooth": "SES"})
    return forecast_panels([Order(panel, shape, select_methods([(panel, shape, CUTOFF)], map)[0])], map)[0]


def test_a_row_per_series_and_lag_has_what_was_forecast(panel: Panel, forecast: PanelForecast) -> None:
    rows = forecast_rows(panel, forecast, **NAMES)  # type: ignore[arg-type]
    assert dict(rows.schema) == FORECASTS
    assert rows["item_id"].to_list() == ["A"] * 3 + ["B"] * 3 + ["C"] * 3
    assert rows["target_on"].to_list() == [CUTOFF + timedelta(weeks=lag) for lag in (1, 2, 3)] * 3
    assert rows["mean"].to_numpy() == pytest.approx(forecast.means.ravel(), abs=1e-4)
    for index, name in enumerate(QUANTILES):
        assert rows[name].to_numpy() == pytest.approx(forecast.quantiles[index].ravel(), abs=1e-4)
        assert rows[f"cumulative_{name}"].to_numpy() == pytest.approx(forecast.sums[index].ravel(), abs=1e-4)
    assert rows["cumulative_std"].to_numpy() == pytest.approx(forecast.deviations.ravel(), abs=1e-4)
    assert set(rows["model_used"]) == {"SES"}


def test_a_cumulative_mean_is_the_sum_of_the_means_as_they_are_kept(panel: Panel, forecast: PanelForecast) -> None:
    rows = forecast_rows(panel, forecast, **NAMES)  # type: ignore[arg-type]
    means = rows["mean"].to_numpy().reshape(3, HORIZON)
    assert rows["cumulative_mean"].to_list() == np.cumsum(means, axis=1).round(4).ravel().tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0], ids=str)
@pytest.mark.parametrize("name", ["means", "baselines", "deviations", "quantiles", "sums"])
def test_an_unsound_number_is_an_error_that_names_the_item(
    name: str, value: float, panel: Panel, forecast: PanelForecast
) -> None:
    getattr(forecast, name)[..., 1, 1] = value
    with pytest.raises(UnsoundForecastError, match="tenant shop, item B at  for 2024-03-15 as of 2024-03-01"):
        forecast_rows(panel, forecast, **NAMES)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["quantiles", "sums"])
def test_quantiles_that_do_not_rise_are_an_error(name: str, panel: Panel, forecast: PanelForecast) -> None:
    getattr(forecast, name)[1, 2, 0] = 1e6
    with pytest.raises(UnsoundForecastError, match="item C at  for 2024-03-08"):
        forecast_rows(panel, forecast, **NAMES)  # type: ignore[arg-type]
