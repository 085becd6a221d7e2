"""The weekly panel against a plain loop over days."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.frames import checked_demand
from inventra_pipelines.domain.forecast.panel import active_rows, fingerprint, naive_scales, weekly_panel
from inventra_pipelines.errors import PermanentError

CUTOFF = date(2024, 3, 1)
SCHEMA = {"item_id": pl.String, "location_id": pl.String, "sold_on": pl.Date, "units_sold": pl.Float64}

days = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]), st.sampled_from(["main", "north"]), st.integers(-20, 200), st.integers(0, 9)
    ),
    max_size=40,
)


def frame_of(rows: list[tuple[str, str, int, int]]) -> pl.DataFrame:
    dated = [(item, location, CUTOFF - timedelta(days=back), float(units)) for item, location, back, units in rows]
    return pl.DataFrame(dated, schema=SCHEMA, orient="row")


def looped(rows: list[tuple[str, str, int, int]], history_weeks: int) -> dict[tuple[str, str], list[float]]:
    weekly: dict[tuple[str, str], dict[int, float]] = {}
    for item, location, back, units in rows:
        if back >= 0 and back // 7 < history_weeks and units > 0:
            buckets = weekly.setdefault((item, location), {})
            buckets[back // 7] = buckets.get(back // 7, 0.0) + units
    return {
        key: [buckets.get(back, 0.0) for back in range(max(buckets), -1, -1)] for key, buckets in sorted(weekly.items())
    }


@settings(deadline=None)
@given(days, st.integers(1, 30))
def test_the_panel_equals_a_loop_over_days(rows: list[tuple[str, str, int, int]], history_weeks: int) -> None:
    panel = weekly_panel(frame_of(rows), CUTOFF, history_weeks)
    series = {
        (item, location): panel.values[row, panel.weeks - panel.lengths[row] :].tolist()
        for row, (item, location) in enumerate(zip(panel.item_ids, panel.location_ids, strict=True))
    }
    assert series == looped(rows, history_weeks)
    assert list(series) == sorted(series)


@settings(deadline=None)
@given(days)
def test_what_lies_outside_the_history_changes_nothing(rows: list[tuple[str, str, int, int]]) -> None:
    inside = [row for row in rows if 0 <= row[2] < 70]
    assert fingerprint(weekly_panel(frame_of(rows), CUTOFF, 10)) == fingerprint(
        weekly_panel(frame_of(inside[::-1]), CUTOFF, 10)
    )


def test_a_week_ends_on_the_cutoff_and_has_seven_days() -> None:
    rows = [("A", "main", 0, 1), ("A", "main", 6, 2), ("A", "main", 7, 4), ("A", "main", 13, 8), ("A", "main", 14, 16)]
    assert weekly_panel(frame_of(rows), CUTOFF, 10).values.tolist() == [[16.0, 12.0, 3.0]]


def test_a_changed_unit_changes_the_fingerprint() -> None:
    first, second = frame_of([("A", "main", 3, 5)]), frame_of([("A", "main", 3, 6)])
    assert fingerprint(weekly_panel(first, CUTOFF, 10)) != fingerprint(weekly_panel(second, CUTOFF, 10))


def test_no_demand_is_an_empty_panel() -> None:
    panel = weekly_panel(frame_of([]), CUTOFF, 10)
    assert (panel.item_ids, panel.weeks) == ([], 0)
    assert len(fingerprint(panel)) == 64
    assert active_rows(panel.values, 4).tolist() == []


def test_the_naive_scale_is_the_root_mean_square_of_steps_within_the_series() -> None:
    values = np.array([[0.0, 0.0, 3.0, 7.0, 4.0], [0.0, 0.0, 0.0, 0.0, 5.0], [2.0, 2.0, 2.0, 2.0, 2.0]])
    scales = naive_scales(values, np.array([3, 1, 5]))
    assert scales[0] == pytest.approx(np.sqrt((16 + 9) / 2))
    assert np.isnan(scales[1])
    assert scales[2] == 0


def test_negative_or_missing_demand_names_the_item() -> None:
    demand = frame_of([("A", "main", 3, 5)]).with_columns(tenant_id=pl.lit("shop"))
    with pytest.raises(PermanentError, match="tenant shop, item A on 2024-02-27 is -5"):
        checked_demand(demand.with_columns(-pl.col("units_sold")))
    with pytest.raises(PermanentError, match="lacks the column units_sold"):
        checked_demand(demand.drop("units_sold"))
