"""Regressors against a loop over series, periods and days."""

from collections.abc import Iterable
from datetime import date, timedelta
from operator import itemgetter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.regressors import PROMOTION_DAYS, PROMOTIONS, REGRESSORS, regressors

CUTOFF = date(2024, 3, 1)
ITEMS, LOCATIONS = ["A", "A", "B"], ["main", "north", "main"]
Promotion = tuple[str, str | None, int, int | None, int]
Sold = tuple[str, str, int]

# Days are counted from the cutoff; a promotion ends that many days after it starts, or is taken back.
promotion_rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["main", "north", None]),
        st.integers(-40, 40),
        st.one_of(st.none(), st.integers(-2, 30)),
        st.integers(-30, 10),
    ),
    max_size=25,
    # The read gives one version of a promotion per landing day.
    unique_by=itemgetter(0, 1, 2, 4),
)
sold_rows = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C"]), st.sampled_from(["main", "north"]), st.integers(-40, 10)), max_size=25
)
holiday_days = st.sets(st.integers(-60, 60), max_size=10)


def day(number: int) -> date:
    return CUTOFF + timedelta(number)


def found(
    promotions: list[Promotion],
    sold: Iterable[Sold] = (),
    holidays: Iterable[int] = (),
    *,
    periods: int = 3,
    horizon: int = 2,
    period_days: int = 7,
) -> np.ndarray | None:
    dated = [
        (item, location, day(start), None if length is None else day(start + length), day(landed))
        for item, location, start, length, landed in promotions
    ]
    return regressors(
        ITEMS,
        LOCATIONS,
        CUTOFF,
        periods,
        horizon,
        period_days,
        promotions=pl.DataFrame(dated, schema=PROMOTIONS, orient="row"),
        promotion_days=pl.DataFrame(
            [(item, location, day(number)) for item, location, number in sold], schema=PROMOTION_DAYS, orient="row"
        ),
        holidays={day(number): "holiday" for number in holidays},
    )


def shares(
    promotions: list[Promotion], sold: Iterable[Sold] = (), holidays: Iterable[int] = ()
) -> tuple[list[list[float]], list[float]]:
    """Days on promotion by series and week, and holidays by week."""
    values = found(promotions, sold, holidays)
    assert values is not None
    in_days = np.round(values * 7, 4)
    assert (in_days[:, :, 1] == in_days[0, :, 1]).all()
    return in_days[:, :, 0].tolist(), in_days[0, :, 1].tolist()


def looped(
    promotions: list[Promotion], sold: Iterable[Sold], holidays: Iterable[int], periods: int, horizon: int, length: int
) -> np.ndarray:
    values = np.zeros((len(ITEMS), periods + horizon, len(REGRESSORS)))
    for row, (item, location) in enumerate(zip(ITEMS, LOCATIONS, strict=True)):
        for bucket in range(periods + horizon):
            for number in range((bucket - periods) * length + 1, (bucket - periods + 1) * length + 1):
                latest: dict[tuple[str | None, int], tuple[int, int | None]] = {}
                for of_item, where, start, runs, landed in promotions:
                    is_ours = of_item == item and where in (None, location)
                    if is_ours and landed <= 0 and landed >= latest.get((where, start), (-99, 0))[0]:
                        latest[where, start] = (landed, runs)
                is_promoted = any(
                    runs is not None and start <= number <= start + runs for (_, start), (_, runs) in latest.items()
                )
                is_sold = number <= 0 and (item, location, number) in set(sold)
                values[row, bucket] += [is_promoted or is_sold, number in holidays]
    return values / length


@settings(deadline=None)
@given(promotion_rows, sold_rows, holiday_days, st.integers(0, 4), st.integers(0, 3), st.sampled_from([1, 7, 10]))
def test_the_regressors_equal_a_loop_over_days(
    promotions: list[Promotion], sold: list[Sold], holidays: set[int], periods: int, horizon: int, length: int
) -> None:
    expected = looped(promotions, sold, holidays, periods, horizon, length)
    values = found(promotions, sold, holidays, periods=periods, horizon=horizon, period_days=length)
    if values is None:
        assert not expected.any()
    else:
        assert (values.shape, values.dtype) == (expected.shape, np.float32)
        assert values == pytest.approx(expected, abs=1e-6)


@settings(deadline=None)
@given(promotion_rows, sold_rows)
def test_what_was_not_known_on_the_cutoff_changes_nothing(promotions: list[Promotion], sold: list[Sold]) -> None:
    known = [row for row in promotions if row[4] <= 0]
    past = [row for row in sold if row[2] <= 0]
    every, known_alone = found(promotions, sold, [1]), found(known[::-1], past[::-1], [1])
    assert np.array_equal(every, known_alone)


def test_periods_end_on_the_cutoff_and_hold_their_share_of_a_promotion() -> None:
    by_series, _ = shares([("A", "main", -7, 9, -3)])
    assert by_series == [[0, 1, 7, 2, 0], [0] * 5, [0] * 5]


def test_a_promotion_without_a_location_holds_at_all_of_the_item() -> None:
    by_series, _ = shares([("A", None, 1, 1, 0)])
    assert by_series == [[0, 0, 0, 2, 0], [0, 0, 0, 2, 0], [0] * 5]


def test_a_day_of_several_promotions_and_sales_counts_once() -> None:
    by_series, _ = shares(
        [("A", None, -5, 2, -9), ("A", "main", -4, 3, -9), ("A", "main", -5, 0, -9)],
        [("A", "main", -4), ("A", "main", -4), ("A", "main", 0)],
    )
    assert by_series[0] == [0, 0, 6, 0, 0]
    assert by_series[1] == [0, 0, 3, 0, 0]


def test_the_version_that_had_landed_last_by_the_cutoff_holds() -> None:
    versions: list[Promotion] = [("A", "main", 1, 6, -9), ("A", "main", 1, 1, -2), ("A", "main", 1, 4, 1)]
    assert shares(versions)[0][0] == [0, 0, 0, 2, 0]
    assert found([*versions, ("A", "main", 1, None, 0)]) is None
    assert shares([*versions, ("A", "main", 1, None, -5)])[0][0] == [0, 0, 0, 2, 0]


def test_sales_after_the_cutoff_say_nothing_of_the_future() -> None:
    assert found([], [("A", "main", 1)]) is None


def test_holidays_are_those_of_all_series() -> None:
    by_series, holidays = shares([], [], [-21, -20, 0, 1, 7, 8, 15])
    assert by_series == [[0] * 5] * 3
    assert holidays == [1, 0, 1, 2, 1]


def test_without_promotions_and_holidays_there_are_no_regressors() -> None:
    assert found([]) is None
    assert found([("C", None, -1, 3, -9), ("A", "south", -1, 3, -9), ("A", "main", -90, 3, -99)], [], [30]) is None
    assert found([("A", "main", 0, -1, -9)]) is None, "it ends before it starts"


def test_without_series_there_are_holidays_at_most() -> None:
    none = {"promotions": pl.DataFrame(schema=PROMOTIONS), "promotion_days": pl.DataFrame(schema=PROMOTION_DAYS)}
    assert regressors([], [], CUTOFF, 3, 2, 7, **none, holidays={}) is None
    values = regressors([], [], CUTOFF, 3, 2, 7, **none, holidays={CUTOFF: "today"})
    assert values is not None
    assert values.shape == (0, 5, 2)
