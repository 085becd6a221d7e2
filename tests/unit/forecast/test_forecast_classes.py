"""Demand classes on series whose figures can be worked out by hand, and against a loop by the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.classes import (
    CLASSES,
    NEW_BELOW_PERIODS,
    active_rows,
    adi_and_cv_squared,
    classify,
)

HAND = {
    # Every week, sizes 10 and 12: ADI 1, CV squared 1/121.
    "smooth": [10, 12, 10, 12, 10, 12, 10, 12],
    # Every week, seven of 1 and one of 21: mean 3.5, variance 43.75, CV squared 3.57.
    "erratic": [1, 1, 1, 1, 1, 1, 1, 21],
    # Four of eight weeks: ADI 2, one size.
    "intermittent": [5, 0, 5, 0, 5, 0, 5, 0],
    # Four of eight weeks: ADI 2, mean 6, variance 75, CV squared 2.08.
    "lumpy": [1, 0, 1, 0, 1, 0, 21, 0],
}


@pytest.mark.parametrize("name", HAND)
def test_a_hand_example_falls_into_its_class(name: str) -> None:
    assert classify(np.array([HAND[name]], dtype=float), np.array([8]), 26).tolist() == [name]


def test_the_figures_are_those_worked_out_by_hand() -> None:
    adi, cv_squared = adi_and_cv_squared(np.array(list(HAND.values()), dtype=float), np.full(4, 8))
    assert adi.tolist() == [1, 1, 2, 2]
    assert cv_squared == pytest.approx([1 / 121, 43.75 / 12.25, 0, 75 / 36])


def test_weeks_before_the_first_sale_do_not_count() -> None:
    values = np.array([[0, 0, 0, 0, *HAND["smooth"]]], dtype=float)
    assert classify(values, np.array([8]), 26).tolist() == ["smooth"]


def test_seven_weeks_are_new_and_eight_are_not() -> None:
    values = np.full((2, 8), 10.0)
    values[0, 0] = 0
    assert classify(values, np.array([7, 8]), 26).tolist() == ["new", "smooth"]


def test_a_series_without_recent_sales_is_dormant() -> None:
    values = np.array([[5.0] * 8 + [0.0] * 4, [5.0] * 9 + [0.0] * 3])
    assert classify(values, np.array([12, 12]), 4).tolist() == ["dormant", "intermittent"]
    assert classify(np.zeros((1, 12)), np.array([0]), 4).tolist() == ["dormant"]


def looped_class(units: list[float], active_periods: int) -> str:
    sold = [one for one in units if one > 0]
    if not any(one > 0 for one in units[-active_periods:]):
        return "dormant"
    if len(units) < NEW_BELOW_PERIODS:
        return "new"
    mean = sum(sold) / len(sold)
    cv_squared = sum((one - mean) ** 2 for one in sold) / len(sold) / mean**2
    if len(units) / len(sold) < 1.32:
        return "smooth" if cv_squared < 0.49 else "erratic"
    return "intermittent" if cv_squared < 0.49 else "lumpy"


series = st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0, 3.0, 20.0, 400.0]), min_size=1, max_size=40)


@settings(deadline=None, max_examples=200)
@given(st.lists(series, min_size=1, max_size=6), st.integers(1, 30))
def test_classes_equal_a_loop_by_the_definition(panel: list[list[float]], active_periods: int) -> None:
    periods = max(map(len, panel))
    values = np.array([[0.0] * (periods - len(units)) + units for units in panel])
    lengths = np.array([len(units) for units in panel])
    assert classify(values, lengths, active_periods).tolist() == [looped_class(one, active_periods) for one in panel]


@pytest.mark.parametrize("factor", [1e-300, 1e-12, 1e12, 1e300])
@pytest.mark.parametrize("name", HAND)
def test_the_class_does_not_depend_on_the_unit(name: str, factor: float) -> None:
    assert classify(np.array([HAND[name]]) * factor, np.array([8]), 26).tolist() == [name]


def test_a_panel_without_columns_is_dormant() -> None:
    assert classify(np.zeros((2, 0)), np.array([0, 0]), 26).tolist() == ["dormant"] * 2
    assert active_rows(np.zeros((2, 0)), 26).tolist() == [False, False]
    assert active_rows(np.array([[0.0, 3.0, 0.0], [3.0, 0.0, 0.0]]), 2).tolist() == [True, False]


def test_every_class_that_is_named_is_listed() -> None:
    assert set(CLASSES) == {*HAND, "new", "dormant"}
