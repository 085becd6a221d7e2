"""The levels of a tenant: nodes are sums of their series, rows add up to the tenant, and what does not is an error."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.db import tables
from inventra_pipelines.domain.forecast.frames import HIERARCHY
from inventra_pipelines.domain.forecast.levels import hierarchy_forecasts
from inventra_pipelines.domain.forecast.levels.hierarchy import (
    LEVELS,
    Hierarchy,
    aggregate,
    bottom_up,
    build_hierarchy,
    scales_or_poisson,
    telling_nodes,
)
from inventra_pipelines.domain.forecast.levels.hierarchy_forecasts import (
    LevelsError,
    check_levels,
    forecast_hierarchy,
    hierarchy_rows,
)
from inventra_pipelines.domain.forecast.levels.reconciliation import LevelForecasts, Origin

CUTOFF = date(2011, 12, 9)
SERIES = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from(["north", "south", "web"])),
    min_size=1,
    max_size=15,
    unique=True,
).map(sorted)
CATEGORIES = {"A": "toys", "B": "toys", "C": "lamps", "D": None, "E": ""}


def _hierarchy(series: list[tuple[str, str]]) -> Hierarchy:
    return build_hierarchy([item for item, _ in series], [location for _, location in series], CATEGORIES)


def _belongs(series: tuple[str, str], level: str, node: str) -> bool:
    item, location = series
    return {
        "tenant": True,
        "location": location == node,
        "category": (CATEGORIES[item] or "uncategorised") == node,
        "item": item == node,
    }[level]


def _forecasts(rng: np.random.Generator, hierarchy: Hierarchy, horizon: int = 3) -> LevelForecasts:
    bottom = rng.gamma(0.5, 20, (hierarchy.series, horizon)) * (rng.random((hierarchy.series, 1)) < 0.8)
    nodes = bottom_up(bottom, hierarchy) * rng.uniform(0.5, 1.5, (len(hierarchy.nodes), 1))
    scales = [np.where(rng.random(n) < 0.9, rng.gamma(1, 10, n), np.nan) for n in (len(bottom), len(nodes))]
    return LevelForecasts(bottom, nodes, *scales)


def _origins(rng: np.random.Generator, hierarchy: Hierarchy, count: int) -> list[Origin]:
    made = [_forecasts(rng, hierarchy) for _ in range(count)]
    return [Origin(one, rng.poisson(one.bottom_means).astype(float)) for one in made]


@given(SERIES, st.integers(0, 2**32 - 1))
def test_a_node_is_the_sum_of_its_series_since_the_first_sale_of_any(series: list[tuple[str, str]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, len(series))
    values = rng.integers(0, 9, (len(series), 8)) * (np.arange(8) >= 8 - lengths[:, None])
    hierarchy = _hierarchy(series)
    sums, node_lengths = aggregate(values, lengths, hierarchy)
    means = bottom_up(values[:, :3], hierarchy)
    for row, (level, node) in enumerate(zip(hierarchy.levels, hierarchy.nodes, strict=True)):
        members = [place for place, one in enumerate(series) if _belongs(one, level, node)]
        assert node_lengths[row] == max(lengths[place] for place in members)
        for week in range(8):
            assert sums[row, week] == sum(values[place, week] for place in members)
        assert means[row].tolist() == sums[row, :3].tolist()


@given(SERIES)
def test_levels_hold_every_series_once_and_items_only_where_they_are_sold_at_several_places(
    series: list[tuple[str, str]],
) -> None:
    hierarchy = _hierarchy(series)
    for level in LEVELS[:3]:
        assert (hierarchy.summing[hierarchy.at(level)].sum(axis=0) == 1).all()
    items = [item for item, _ in series]
    several = sorted({item for item in items if items.count(item) > 1})
    assert [hierarchy.nodes[node] for node in hierarchy.at("item")] == several


def test_an_item_without_a_category_is_uncategorised() -> None:
    hierarchy = build_hierarchy(["A", "D", "E", "Z"], ["main"] * 4, CATEGORIES)
    assert [hierarchy.nodes[node] for node in hierarchy.at("category")] == ["toys", "uncategorised"]
    assert hierarchy.summing[hierarchy.at("category")].toarray().tolist() == [[1, 0, 0, 0], [0, 1, 1, 1]]


def test_nodes_that_repeat_others_or_one_series_tell_nothing() -> None:
    hierarchy = _hierarchy([("A", "north"), ("B", "north"), ("C", "north")])
    assert list(zip(hierarchy.levels, hierarchy.nodes, strict=True)) == [
        ("tenant", ""),
        ("location", "north"),
        ("category", "lamps"),
        ("category", "toys"),
    ]
    assert telling_nodes(hierarchy.summing).tolist() == [0, 3]


def test_what_has_no_scale_takes_the_deviation_of_poisson_demand() -> None:
    means = np.array([[9.0, 9.0], [9.0, 9.0], [0.0, 0.0], [4.0, 4.0]])
    assert scales_or_poisson(np.array([np.nan, 0.0, np.nan, 7.0]), means).tolist() == [3, 3, 1, 7]


@settings(deadline=None, max_examples=60)
@given(SERIES, st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_rows_add_up_from_the_series_to_the_tenant_whatever_was_forecast(
    series: list[tuple[str, str]], origins: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    hierarchy = _hierarchy(series)
    made = forecast_hierarchy(_forecasts(rng, hierarchy), _origins(rng, hierarchy, origins), hierarchy)
    rows = hierarchy_rows("shop", CUTOFF, hierarchy, made)
    assert rows.schema == pl.Schema(HIERARCHY)
    means = {(row["level"], row["node"], row["lag"]): row["mean"] for row in rows.to_dicts()}
    assert len(means) == rows.height == 3 * len(hierarchy.nodes)
    for (level, node, lag), mean in means.items():
        below = [made.bottom_means[place, lag - 1] for place, one in enumerate(series) if _belongs(one, level, node)]
        assert mean == pytest.approx(sum(below), abs=1e-6)
    for lag in (1, 2, 3):
        for level in ("location", "category"):
            total = sum(mean for (at, _, of_lag), mean in means.items() if (at, of_lag) == (level, lag))
            assert total == pytest.approx(means["tenant", "", lag], abs=1e-6)
    assert (rows["method"] == made.choice.method).all()


def test_no_series_makes_no_rows() -> None:
    hierarchy = build_hierarchy([], [], {})
    nothing = LevelForecasts(np.empty((0, 8)), np.empty((0, 8)), np.empty(0), np.empty(0))
    values, lengths = aggregate(np.empty((0, 5)), np.empty(0, dtype=np.int64), hierarchy)
    assert (values.shape, lengths.shape) == ((0, 5), (0,))
    made = forecast_hierarchy(nothing, [Origin(nothing, np.empty((0, 8)))], hierarchy)
    rows = hierarchy_rows("shop", CUTOFF, hierarchy, made)
    assert (rows.height, rows.schema) == (0, pl.Schema(HIERARCHY))


def test_rows_have_the_columns_of_the_table() -> None:
    assert list(HIERARCHY) == [column.name for column in tables.hierarchy.columns]


@pytest.mark.parametrize(
    ("level", "column", "value", "message"),
    [
        ("category", "mean", 3.0, "level category sums to"),
        ("item", "mean", 3.0, "level item sums to"),
        ("tenant", "mean", 3.0, "level location sums to"),
        ("tenant", "q10", 1e9, "quantiles do not rise"),
        ("location", "q10", -1.0, "negative"),
        ("location", "mean", float("nan"), "level location sums to"),
        ("tenant", "q98", None, "not finite"),
    ],
)
def test_rows_that_do_not_add_up_or_are_not_sound_are_an_error(
    level: str, column: str, value: float | None, message: str
) -> None:
    hierarchy = _hierarchy([("A", "north"), ("A", "south"), ("B", "north"), ("C", "north")])
    forecasts = LevelForecasts(np.full((4, 2), 5.0), np.full((6, 2), 9.0), np.ones(4), np.ones(6))
    rows = hierarchy_rows("shop", CUTOFF, hierarchy, forecast_hierarchy(forecasts, [], hierarchy))
    unlisted = np.full(2, 10.0)
    check_levels(rows, unlisted)
    place = rows["level"].to_list().index(level)
    changed = rows.with_row_index("place").with_columns(
        pl.when(pl.col("place") == place).then(pl.lit(value)).otherwise(column).alias(column)
    )
    with pytest.raises(LevelsError, match=message) as raised:
        check_levels(changed.drop("place"), unlisted)
    assert "tenant shop as of 2011-12-09" in str(raised.value)


def test_more_series_than_can_be_reconciled_in_time_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchy_forecasts, "MOST_SERIES", 2)
    hierarchy = _hierarchy([("A", "north"), ("B", "north"), ("C", "north")])
    forecasts = LevelForecasts(np.full((3, 2), 5.0), np.full((4, 2), 9.0), np.ones(3), np.ones(4))
    made = forecast_hierarchy(forecasts, [], hierarchy)
    assert made.choice.reason == "bottom-up by default: 3 series, reconciliation is for 2 at most"
    assert made.node_means[0].tolist() == [15, 15]


def test_a_solver_that_fails_leaves_sums_and_says_so() -> None:
    hierarchy = _hierarchy([("A", "north"), ("B", "north")])
    forecasts = LevelForecasts(np.full((2, 2), 5.0), np.full((3, 2), np.nan), np.ones(2), np.ones(3))
    made = forecast_hierarchy(forecasts, [Origin(forecasts, np.full((2, 2), 5.0))], hierarchy)
    assert made.choice.method == "bottom-up"
    assert "2 series could not be reconciled" in made.choice.reason
    assert made.node_means[0].tolist() == [10, 10]
