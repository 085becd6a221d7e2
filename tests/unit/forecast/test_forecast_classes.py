"""Demand classes on series whose figures can be worked out by hand."""

import numpy as np
import pytest

from inventra_pipelines.domain.forecast.classes import adi_and_cv_squared, classify

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
