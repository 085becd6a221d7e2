"""Reconciliation: the projection of the textbook, never below zero, and chosen only where it won in the past."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from inventra_pipelines.domain.forecast.levels.hierarchy import Hierarchy, bottom_up, build_hierarchy, telling_nodes
from inventra_pipelines.domain.forecast.levels.reconciliation import (
    LevelForecasts,
    Origin,
    ReconciliationError,
    choose_reconciliation,
    reconcile,
)

PAIR = build_hierarchy(["A", "B"], ["main", "main"], {})


def _grid(items: int = 12, locations: int = 3) -> Hierarchy:
    item_ids = [f"I{item:02}" for item in range(items) for _ in range(locations)]
    location_ids = [f"L{location}" for _ in range(items) for location in range(locations)]
    return build_hierarchy(item_ids, location_ids, {item_id: f"C{int(item_id[1:]) % 4}" for item_id in item_ids})


def _pair(tenant: float, first: float, second: float, scales: tuple[float, float, float] = (1, 1, 1)) -> LevelForecasts:
    nodes = np.full((3, 1), tenant)
    return LevelForecasts(
        np.array([[first], [second]]), nodes, np.array(scales[1:], dtype=float), np.full(3, float(scales[0]))
    )


def _incoherent(hierarchy: Hierarchy, seed: int, noise: float) -> LevelForecasts:
    rng = np.random.default_rng(seed)
    bottom = rng.lognormal(1, 1.5, (hierarchy.series, 4)) + 0.01
    nodes = bottom_up(bottom, hierarchy) * np.exp(rng.normal(0, noise, (len(hierarchy.nodes), 4)))
    return LevelForecasts(bottom, nodes, bottom.mean(axis=1), 0.2 * nodes.mean(axis=1) + 0.1)


def _stacked(forecasts: LevelForecasts, hierarchy: Hierarchy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """S, y and the scales of nodes and series, for the formulas of the textbook."""
    telling = telling_nodes(hierarchy.summing)
    summing = np.vstack([hierarchy.summing[telling].toarray(), np.eye(hierarchy.series)])
    means = np.vstack([forecasts.node_means[telling], forecasts.bottom_means])
    return summing, means, np.concatenate([forecasts.node_scales[telling], forecasts.bottom_scales])


def test_a_gap_is_shared_out_by_variance() -> None:
    assert reconcile(_pair(12, 4, 4), PAIR)[:, 0] == pytest.approx([4 + 4 / 3, 4 + 4 / 3], abs=1e-4)
    assert reconcile(_pair(12, 4, 4, (1, 1, 2)), PAIR)[:, 0] == pytest.approx([4 + 4 / 6, 4 + 16 / 6], abs=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_the_projection_of_the_textbook_where_that_is_not_negative(seed: int) -> None:
    hierarchy = _grid()
    forecasts = _incoherent(hierarchy, seed, 0.002)
    summing, means, scales = _stacked(forecasts, hierarchy)
    weighted = summing.T / scales**2
    projected = np.linalg.solve(weighted @ summing, weighted @ means)
    assert (projected >= 0).all()
    gaps = np.abs(reconcile(forecasts, hierarchy) - projected) / forecasts.bottom_scales[:, None]
    assert gaps.max() < 1e-3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_the_least_squares_fit_of_non_negative_series_where_the_projection_is_not(seed: int) -> None:
    hierarchy = _grid()
    forecasts = _incoherent(hierarchy, seed, 1.0)
    summing, means, scales = _stacked(forecasts, hierarchy)
    made = reconcile(forecasts, hierarchy)
    bound = 0
    for lag in range(means.shape[1]):
        fitted, _ = nnls(summing / scales[:, None], means[:, lag] / scales, maxiter=1000)
        bound += int((fitted == 0).sum())
        assert (np.abs(made[:, lag] - fitted) / forecasts.bottom_scales).max() < 1e-3
    assert bound > 0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0, 2), st.floats(-4, 5))
def test_it_is_not_negative_and_the_same_twice_whatever_the_noise_and_the_unit(
    seed: int, noise: float, magnitude: float
) -> None:
    hierarchy = _grid(5, 2)
    made = _incoherent(hierarchy, seed, noise)
    unit = 10.0**magnitude
    forecasts = LevelForecasts(*(part * unit for part in vars(made).values()))
    reconciled = reconcile(forecasts, hierarchy)
    assert np.isfinite(reconciled).all()
    assert (reconciled >= 0).all()
    assert np.array_equal(reconciled, reconcile(forecasts, hierarchy))
    scales = forecasts.bottom_scales[:, None]
    assert reconciled / scales == pytest.approx(reconcile(made, hierarchy) / made.bottom_scales[:, None], abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_forecasts_that_add_up_are_left_as_they_are(seed: int) -> None:
    hierarchy = _grid(6, 2)
    forecasts = _incoherent(hierarchy, seed, 0.0)
    gaps = np.abs(reconcile(forecasts, hierarchy) - forecasts.bottom_means) / forecasts.bottom_scales[:, None]
    assert gaps.max() < 1e-3


def test_a_series_that_is_not_forecast_stays_at_zero() -> None:
    hierarchy = _grid()
    forecasts = _incoherent(hierarchy, 5, 0.3)
    forecasts.bottom_means[[0, 7]] = 0.0
    reconciled = reconcile(forecasts, hierarchy)
    assert (reconciled[[0, 7]] == 0).all()
    assert (np.delete(reconciled, [0, 7], axis=0) > 0).any()


def test_whole_numbers_are_no_reason_to_round() -> None:
    whole = LevelForecasts(np.array([[4], [4]]), np.full((3, 1), 12), np.ones(2), np.ones(3))
    assert reconcile(whole, PAIR)[:, 0] == pytest.approx([4 + 4 / 3, 4 + 4 / 3], abs=1e-4)


@pytest.mark.parametrize("scale", [0.0, float("nan")])
def test_a_node_without_a_scale_has_no_say(scale: float) -> None:
    forecasts = replace(_pair(12, 4, 4), node_scales=np.full(3, scale))
    assert reconcile(forecasts, PAIR)[:, 0].tolist() == [4, 4]


def test_a_solver_that_fails_is_an_error_with_its_remedy() -> None:
    with pytest.raises(ReconciliationError, match="levels of 2 series could not be reconciled"):
        reconcile(_pair(float("inf"), 4, 4), PAIR)


def _trial(hierarchy: Hierarchy, node_noise: float, bias: float = 0.7) -> tuple[list[Origin], list[np.ndarray]]:
    """Three origins at which every series is forecast too low, and nodes right but for their noise."""
    rng = np.random.default_rng(11)
    rates = rng.lognormal(2, 1, hierarchy.series)[:, None]
    origins = []
    for _ in range(3):
        actuals = rng.poisson(rates, (hierarchy.series, 8)).astype(float)
        nodes = bottom_up(rates, hierarchy)
        forecasts = LevelForecasts(
            np.repeat(bias * rates, 8, axis=1),
            np.repeat(nodes * np.exp(rng.normal(0, node_noise, nodes.shape)), 8, axis=1),
            np.sqrt(2 * rates[:, 0]),
            np.sqrt(2 * nodes[:, 0]),
        )
        origins.append(Origin(forecasts, actuals))
    return origins, [reconcile(origin.forecasts, hierarchy) for origin in origins]


def test_reconciliation_is_taken_where_nodes_were_forecast_better_than_their_sums() -> None:
    hierarchy = _grid()
    origins, reconciled = _trial(hierarchy, 0.02)
    choice = choose_reconciliation(origins, reconciled, hierarchy)
    assert choice.method == "reconciled"
    assert choice.node_scores is not None
    assert choice.bottom_scores is not None
    assert choice.node_scores[1] < 0.8 * choice.node_scores[0]
    assert choice.bottom_scores[1] < choice.bottom_scores[0]
    assert choice.reason == (
        f"reconciled: lower RMSSE at the nodes of every origin; RMSSE {choice.node_scores[0]:.3f} added up and "
        f"{choice.node_scores[1]:.3f} reconciled on 60 windows of nodes, "
        f"{choice.bottom_scores[0]:.3f} and {choice.bottom_scores[1]:.3f} on 108 of series"
    )


def test_scores_are_means_over_levels_of_means_over_nodes_and_origins() -> None:
    hierarchy = _grid()
    origins, reconciled = _trial(hierarchy, 0.1)
    choice = choose_reconciliation(origins, reconciled, hierarchy)
    for which in (0, 1):
        by_level: dict[str, list[float]] = {}
        series = []
        for origin, made in zip(origins, reconciled, strict=True):
            means = made if which else origin.forecasts.bottom_means
            for node, level in enumerate(hierarchy.levels):
                members = hierarchy.summing[node].indices
                errors = (means[members] - origin.bottom_actuals[members]).sum(axis=0)
                score = float(np.sqrt((errors**2).mean()) / origin.forecasts.node_scales[node])
                by_level.setdefault(level, []).append(score)
            for row in range(hierarchy.series):
                errors = means[row] - origin.bottom_actuals[row]
                series.append(float(np.sqrt((errors**2).mean()) / origin.forecasts.bottom_scales[row]))
        assert choice.node_scores is not None
        assert choice.bottom_scores is not None
        assert choice.node_scores[which] == pytest.approx(np.mean([np.mean(scores) for scores in by_level.values()]))
        assert choice.bottom_scores[which] == pytest.approx(np.mean(series))


def test_levels_are_added_up_where_their_own_forecasts_were_no_better() -> None:
    hierarchy = _grid()
    origins, reconciled = _trial(hierarchy, 0.3, bias=1.0)
    choice = choose_reconciliation(origins, reconciled, hierarchy)
    assert choice.method == "bottom-up"
    assert choice.reason.startswith("bottom-up: reconciliation is not better at the nodes by 1% and beyond chance;")


def test_a_loss_at_the_nodes_of_one_origin_is_a_reason_to_add_up() -> None:
    hierarchy = _grid()
    origins, reconciled = _trial(hierarchy, 0.02)
    origins[2] = replace(origins[2], bottom_actuals=0.82 * origins[2].bottom_actuals)
    choice = choose_reconciliation(origins, reconciled, hierarchy)
    assert choice.reason.startswith("bottom-up: reconciliation is worse at the nodes of one origin;")


def test_a_loss_at_the_series_is_a_reason_to_add_up() -> None:
    """One steady series is forecast too low, and the nine erratic ones, which were right, are moved for it."""
    hierarchy = build_hierarchy([f"I{item}" for item in range(10)], ["main"] * 10, {})
    rates = np.full((10, 8), 10.0)
    forecasts = LevelForecasts(
        np.vstack([0.5 * rates[:1], rates[1:]]),
        bottom_up(rates, hierarchy),
        np.array([0.5, *[5.0] * 9]),
        np.full(3, 0.5),
    )
    choice = choose_reconciliation([Origin(forecasts, rates)] * 12, [reconcile(forecasts, hierarchy)] * 12, hierarchy)
    assert choice.reason.startswith("bottom-up: reconciliation is worse at the series;")


def test_few_windows_prove_nothing() -> None:
    origins, reconciled = _trial(PAIR, 0.0)
    choice = choose_reconciliation(origins, reconciled, PAIR)
    assert (choice.method, choice.node_scores, choice.bottom_scores) == ("bottom-up", None, None)
    assert choice.reason == "bottom-up by default: 3 windows of nodes with history to try on, 10 are needed"
    assert choose_reconciliation([], [], PAIR).reason.startswith("bottom-up by default: 0 windows")


def test_the_solver_is_not_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, inventra_pipelines.domain.forecast.levels.hierarchy_forecasts; "
        "print([name for name in ('hierarchicalforecast', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
