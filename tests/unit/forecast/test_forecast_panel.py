"""The weekly panel against plain loops over days: weeks, open weeks, scales and its fingerprint."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.panel import (
    MOST_OPEN_WEEKS,
    Panel,
    fingerprint,
    naive_scales,
    open_weeks,
    plain_panel,
    week_of_year,
    weekly_panel,
)

CUTOFF = date(2024, 3, 1)
SCHEMA = {"item_id": pl.String, "location_id": pl.String, "sold_on": pl.Date, "units_sold": pl.Float64}
Rows = list[tuple[str, str, int, int]]

days = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]), st.sampled_from(["main", "north"]), st.integers(-20, 200), st.integers(0, 9)
    ),
    max_size=40,
)


def frame_of(rows: Rows) -> pl.DataFrame:
    dated = [(item, location, CUTOFF - timedelta(days=back), float(units)) for item, location, back, units in rows]
    return pl.DataFrame(dated, schema=SCHEMA, orient="row")


def looped_open_weeks(sold: set[int], closed: set[int] = frozenset()) -> int:  # type: ignore[assignment]
    """By days before the cutoff, 0 the cutoff itself."""
    if not sold:
        return 0
    last = min(sold)
    if last == 0 or last > 28:
        return 0
    for back in range(last):
        weekday = (CUTOFF - timedelta(back)).weekday()
        times = 0
        for day in range(last, last + 56):
            if day in sold and (CUTOFF - timedelta(day)).weekday() == weekday:
                times += 1
        if times >= 4 and back not in closed:
            return (last + 6) // 7
    return 0


def looped(rows: Rows, history_weeks: int) -> dict[tuple[str, str], list[float]]:
    left_out = looped_open_weeks({back for _, _, back, units in rows if back >= 0 and units > 0})
    weekly: dict[tuple[str, str], dict[int, float]] = {}
    oldest: dict[tuple[str, str], int] = {}
    for item, location, back, units in rows:
        if back >= 0 and units > 0:
            oldest[item, location] = max(oldest.get((item, location), -99), back // 7 - left_out)
    for item, location, back, units in rows:
        week = 0 if oldest.get((item, location), 0) < 0 else back // 7 - left_out
        if back >= 0 and 0 <= week < history_weeks - left_out and units > 0:
            buckets = weekly.setdefault((item, location), {})
            buckets[week] = buckets.get(week, 0.0) + units
    return {
        key: [buckets.get(week, 0.0) for week in range(max(buckets), -1, -1)] for key, buckets in sorted(weekly.items())
    }


def series_of(panel: Panel) -> dict[tuple[str, str], list[float]]:
    keys = zip(panel.item_ids, panel.location_ids, strict=True)
    return {key: panel.values[row, panel.periods - panel.lengths[row] :].tolist() for row, key in enumerate(keys)}


@settings(deadline=None)
@given(days, st.integers(1, 30))
def test_the_panel_equals_a_loop_over_days(rows: Rows, history_weeks: int) -> None:
    panel = weekly_panel(frame_of(rows), CUTOFF, history_weeks)
    assert series_of(panel) == looped(rows, history_weeks)
    assert list(series_of(panel)) == sorted(series_of(panel))
    for row, length in enumerate(panel.lengths):
        assert not panel.values[row, : panel.periods - length].any()


@settings(deadline=None)
@given(days)
def test_what_lies_outside_the_history_changes_nothing(rows: Rows) -> None:
    inside = [row for row in rows if 0 <= row[2] < 70]
    assert fingerprint(weekly_panel(frame_of(rows), CUTOFF, 10)) == fingerprint(
        weekly_panel(frame_of(inside[::-1]), CUTOFF, 10)
    )


def test_a_week_ends_on_the_cutoff_and_has_seven_days() -> None:
    rows = [("A", "main", 0, 1), ("A", "main", 6, 2), ("A", "main", 7, 4), ("A", "main", 13, 8), ("A", "main", 14, 16)]
    assert weekly_panel(frame_of(rows), CUTOFF, 10).values.tolist() == [[16.0, 12.0, 3.0]]


def test_rows_of_the_same_day_are_summed() -> None:
    assert weekly_panel(frame_of([("A", "main", 3, 5), ("A", "main", 3, 6)]), CUTOFF, 10).values.tolist() == [[11.0]]


def test_a_gap_of_years_is_zeros_up_to_the_history() -> None:
    rows = [("A", "main", 0, 1), ("A", "main", 7 * 300, 2)]
    assert weekly_panel(frame_of(rows), CUTOFF, 520).values.tolist() == [[2.0, *[0.0] * 299, 1.0]]
    assert weekly_panel(frame_of(rows), CUTOFF, 300).values.tolist() == [[1.0]]


def test_no_demand_is_an_empty_panel() -> None:
    panel = weekly_panel(frame_of([]), CUTOFF, 10, horizon=4)
    assert (panel.item_ids, panel.periods, len(panel.phases)) == ([], 0, 4)
    assert len(fingerprint(panel)) == 64


def test_phases_are_the_weeks_of_the_year_of_the_columns_and_of_the_lags() -> None:
    panel = weekly_panel(frame_of([("A", "main", 7 * 60, 1), ("A", "main", 0, 1)]), CUTOFF, 156, horizon=8)
    ends = [CUTOFF + timedelta(weeks=week) for week in range(-60, 9)]
    assert panel.phases.tolist() == [(int(end.strftime("%j")) - 1) // 7 for end in ends]


@pytest.mark.parametrize(
    ("day", "week"),
    [(date(2024, 1, 1), 0), (date(2024, 1, 7), 0), (date(2024, 1, 8), 1), (date(2024, 12, 31), 52)],
    ids=str,
)
def test_weeks_of_the_year_are_0_to_52(day: date, week: int) -> None:
    assert week_of_year(day) == week


@settings(deadline=None, max_examples=200)
@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 40),
    st.integers(10, 90),
    st.sets(st.integers(0, 40)),
    st.sets(st.integers(0, 120), max_size=30),
)
def test_open_weeks_equal_a_loop_over_days(
    weekdays: set[int], last: int, spell: int, closed: set[int], missed: set[int]
) -> None:
    sold = {back for back in range(last, last + spell) if (CUTOFF - timedelta(back)).weekday() in weekdays} - missed
    made = open_weeks(
        [CUTOFF - timedelta(back) for back in sold], CUTOFF, [CUTOFF - timedelta(back) for back in closed]
    )
    assert made == looped_open_weeks(sold, closed)


def every_day(since: int, until: int) -> list[date]:
    return [CUTOFF - timedelta(back) for back in range(until, since)]


@pytest.mark.parametrize(
    ("last", "weeks"),
    [(0, 0), (1, 1), (7, 1), (8, 2), (MOST_OPEN_WEEKS * 7, MOST_OPEN_WEEKS), (MOST_OPEN_WEEKS * 7 + 1, 0)],
)
def test_a_shop_that_sells_daily_and_was_silent_since_has_open_weeks_for_a_month(last: int, weeks: int) -> None:
    assert open_weeks(every_day(100, last), CUTOFF) == weeks


def test_days_on_which_nobody_trades_are_not_missed() -> None:
    on_weekdays = [day for day in every_day(100, 3) if day.weekday() < 5]
    sunday = CUTOFF - timedelta(CUTOFF.weekday() + 1)
    assert open_weeks([day for day in on_weekdays if day < sunday], sunday) == 0
    assert open_weeks(every_day(100, 2), CUTOFF) == 1
    assert open_weeks(every_day(100, 2), CUTOFF, every_day(2, 0)) == 0


def test_open_weeks_are_left_out_of_the_columns_and_their_lags_have_phases() -> None:
    rows = [("A", "main", back, 1) for back in range(3, 100)]
    panel = weekly_panel(frame_of(rows), CUTOFF, 156, horizon=2)
    assert panel.open_periods == 1
    assert panel.values.tolist() == [[2.0, *[7.0] * 13]]
    ends = [CUTOFF + timedelta(weeks=week) for week in range(-14, 3)]
    assert panel.phases.tolist() == [week_of_year(end) for end in ends]


def test_an_item_first_sold_in_an_open_week_has_what_is_known_of_it_in_the_last_column() -> None:
    rows = [("A", "main", back, 1) for back in range(3, 100)]
    panel = weekly_panel(frame_of([*rows, ("B", "main", 4, 5)]), CUTOFF, 156)
    assert panel.open_periods == 1
    assert series_of(panel) == {("A", "main"): [2.0, *[7.0] * 13], ("B", "main"): [5.0]}


def test_a_series_without_dates_is_corrected_by_nothing() -> None:
    panel = plain_panel(["A"], np.array([[1.0, 2.0, 3.0]]), np.array([3]), 4, 2, first_phase=3)
    assert panel.phases.tolist() == [3, 0, 1, 2, 3]
    assert panel.actuals is panel.values
    assert panel.groups.tolist() == [-1]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=12), min_size=1, max_size=5))
def test_the_naive_scale_equals_a_loop_over_steps(series: list[list[int]]) -> None:
    periods = max(map(len, series))
    values = np.array([[0] * (periods - len(units)) + units for units in series], dtype=float)
    scales = naive_scales(values, np.array([len(units) for units in series]))
    for scale, units in zip(scales, series, strict=True):
        steps = [(units[at] - units[at - 1]) ** 2 for at in range(1, len(units))]
        assert scale == pytest.approx(np.sqrt(sum(steps) / len(steps)) if steps else np.nan, nan_ok=True)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_a_naive_scale_of_any_size_is_finite(size: float) -> None:
    values = np.array([[0.0, 3 * size, size, 4 * size], [0.0] * 4, [0.0, 0.0, 0.0, size]])
    scales = naive_scales(values, np.array([4, 4, 1]))
    assert scales[:2] == pytest.approx([size * np.sqrt(22 / 3), 0.0])
    assert np.isnan(scales[2])


@pytest.mark.parametrize("field", ["item_ids", "location_ids", "values", "actuals", "lengths", "groups", "regressors"])
def test_a_change_in_any_part_changes_the_fingerprint(field: str) -> None:
    panel = weekly_panel(frame_of([("A", "main", 3, 5), ("B", "main", 17, 5)]), CUTOFF, 10)
    panel = replace(panel, regressors=np.zeros((2, 3, 1)))
    changed: dict[str, Any] = {
        "item_ids": ["A", "C"],
        "location_ids": ["main", "north"],
        "values": panel.values + 1,
        "actuals": panel.actuals + 1,
        "lengths": panel.lengths + 1,
        "groups": panel.groups + 1,
        "regressors": np.ones((2, 3, 1)),
    }
    assert fingerprint(replace(panel, **{field: changed[field]})) != fingerprint(panel)
