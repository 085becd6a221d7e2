"""Levels of a tenant: they add up, and move the series only where their own forecasts won at past vintages."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.demand.panel import Panel, weekly_panel
from inventra_pipelines.domain.forecast.engine import PanelForecast
from inventra_pipelines.domain.forecast.levels import tenant_levels as levels
from inventra_pipelines.domain.forecast.levels.hierarchy_forecasts import HierarchyForecast, hierarchy_rows
from inventra_pipelines.domain.forecast.levels.reconciliation import ReconciliationChoice
from inventra_pipelines.domain.forecast.levels.tenant_levels import PastVintage, forecast_levels
from inventra_pipelines.domain.forecast.selection.backtests import build_cases
from inventra_pipelines.domain.forecast.tenant_forecasts import (
    ForecastRequest,
    Inputs,
    forecast_tenants,
    selection_day,
)
from inventra_pipelines.domain.tenant import ForecastConfig
from tests.forecast_demand import CUTOFF, shop_items, weekly_demand

CONFIG = ForecastConfig(horizon_weeks=4)
CATEGORIES = {"SMOOTH00": "cups", "SMOOTH01": "cups", "ERRATIC00": "plates", "INTER00": None}


def panel_of(items: dict[str, list[float]]) -> Panel:
    return weekly_panel(weekly_demand(items), CUTOFF, 156, 4)


def some_items() -> dict[str, list[float]]:
    return {name: weeks for name, weeks in shop_items().items() if name in CATEGORIES}


def forecast_of(panel: Panel, mean: float) -> PanelForecast:
    cases = build_cases(panel, [0], 26)
    means = np.full((len(cases), 4), mean)
    spread = np.array([0.5, 1.0, 1.2, 1.4, 1.6, 1.8])[:, None, None]
    sums = np.cumsum(means, axis=1)
    return PanelForecast(
        cases, means, means * spread, sums * spread, means, means, ["SES"] * len(cases), [None] * len(cases)
    )


def test_without_past_vintages_levels_are_the_sums_of_the_series_which_stay() -> None:
    panel = panel_of(some_items())
    before = forecast_of(panel, 3.0)
    hierarchy, made, after = forecast_levels(panel, before, [], CATEGORIES, 52)
    assert made.choice.method == "bottom-up"
    assert after is before
    sums = {
        (level, node): made.node_means[row, 0]
        for row, (level, node) in enumerate(zip(hierarchy.levels, hierarchy.nodes, strict=True))
    }
    assert sums["tenant", ""] == 12.0
    assert (sums["category", "cups"], sums["category", "plates"], sums["category", "uncategorised"]) == (6.0, 3.0, 3.0)
    rows = hierarchy_rows("shop", CUTOFF, hierarchy, made)
    assert rows.filter((pl.col("level") == "location") & (pl.col("lag") == 4))["mean"].to_list() == [12.0]


def test_a_reconciled_forecast_moves_the_series_and_their_ranges_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(some_items())
    before = forecast_of(panel, 3.0)

    def reconciled(now: levels.LevelForecasts, _origins: object, hierarchy: levels.Hierarchy) -> HierarchyForecast:
        moved = now.bottom_means + 1.0
        sums = np.asarray(hierarchy.summing @ moved)
        choice = ReconciliationChoice("reconciled", None, None, 10, "made up")
        return HierarchyForecast(choice, moved, sums, np.repeat(sums[None], 6, axis=0))

    monkeypatch.setattr(levels, "forecast_hierarchy", reconciled)
    _, _, after = forecast_levels(panel, before, [], CATEGORIES, 52)
    np.testing.assert_allclose(after.means, before.means + 1.0)
    np.testing.assert_allclose(after.quantiles, before.quantiles + 1.0)
    np.testing.assert_allclose(after.sums, before.sums + np.arange(1.0, 5.0))


def test_a_past_vintage_is_placed_by_item_and_location_with_what_was_sold_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    demand = weekly_demand(some_items())
    cutoff_on = CUTOFF - timedelta(weeks=4)
    past = PastVintage(
        cutoff_on,
        pl.DataFrame(
            {
                "item_id": ["SMOOTH01"] * 4,
                "location_id": ["main"] * 4,
                "lag": [1, 2, 3, 4],
                "mean": [5.0, 6.0, 7.0, 8.0],
            }
        ),
        weekly_panel(demand, cutoff_on, 156, 4),
        weekly_panel(demand, CUTOFF, 156, 4),
    )
    seen = []

    def look(
        now: levels.LevelForecasts, origins: list[levels.Origin], hierarchy: levels.Hierarchy
    ) -> HierarchyForecast:
        seen.extend(origins)
        sums = np.asarray(hierarchy.summing @ now.bottom_means)
        choice = ReconciliationChoice("bottom-up", None, None, 0, "made up")
        return HierarchyForecast(choice, now.bottom_means, sums, np.repeat(sums[None], 6, axis=0))

    monkeypatch.setattr(levels, "forecast_hierarchy", look)
    panel = panel_of(some_items())
    forecast_levels(panel, forecast_of(panel, 3.0), [past], CATEGORIES, 52)
    row = panel.item_ids.index("SMOOTH01")
    (origin,) = seen
    assert origin.forecasts.bottom_means[row].tolist() == [5.0, 6.0, 7.0, 8.0]
    assert origin.forecasts.bottom_means.sum() == 26.0
    assert origin.bottom_actuals[row].tolist() == some_items()["SMOOTH01"][-4:]


def test_the_rows_of_a_vintage_add_up_to_its_forecasts() -> None:
    request = ForecastRequest("shop", CUTOFF, selection_day(CUTOFF), CONFIG, "v1")
    categories = pl.DataFrame({"item_id": list(CATEGORIES), "category": list(CATEGORIES.values())})
    (vintage,) = forecast_tenants({"shop": Inputs(weekly_demand(some_items()), categories=categories)}, [request], {})
    of_items = vintage.forecasts.group_by("lag").agg(pl.col("mean").sum()).sort("lag")["mean"]
    for level in ("tenant", "location", "category"):
        added = vintage.hierarchy.filter(pl.col("level") == level).group_by("lag").agg(pl.col("mean").sum()).sort("lag")
        np.testing.assert_allclose(added["mean"], of_items, atol=1e-3)
