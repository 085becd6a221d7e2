"""Stock-outs filled and one-off orders damped, against plain loops, and the record of it."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.demand.corrections import (
    ONE_OFF,
    OUT_OF_STOCK,
    correct,
    correction_rows,
    shares_out_of_stock,
)
from inventra_pipelines.domain.forecast.demand.panel import Panel, plain_panel, weekly_panel
from inventra_pipelines.domain.forecast.frames import CORRECTIONS

CUTOFF = date(2024, 3, 1)
SPELLS = {"item_id": pl.String, "location_id": pl.String, "first_on": pl.Date, "last_on": pl.Date}


def panel_of(*series: list[float]) -> Panel:
    periods = max(map(len, series))
    values = np.array([[0.0] * (periods - len(units)) + list(units) for units in series])
    lengths = np.array([len(units) for units in series])
    return plain_panel([f"I{row}" for row in range(len(series))], values, lengths, 1, 1)


def days_ago(back: int) -> date:
    return CUTOFF - timedelta(back)


def demand_of(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    dated = [(item, location, days_ago(back), 1.0) for item, location, back in rows]
    columns = {**dict.fromkeys(["item_id", "location_id"], pl.String), "sold_on": pl.Date, "units_sold": pl.Float64}
    return pl.DataFrame(dated, schema=columns, orient="row")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["A", "B", "X"]), st.integers(-20, 60), st.integers(0, 15)), max_size=4),
    st.booleans(),
)
def test_shares_without_stock_equal_a_loop_over_days(spells: list[tuple[str, int, int]], is_open: bool) -> None:
    last = 3 if is_open else 0
    sold = [(item, "main", back) for item in "AB" for back in range(last, 45)]
    panel = weekly_panel(demand_of(sold), CUTOFF, 10)
    assert panel.open_periods == is_open
    frame = pl.DataFrame(
        [(item, "main", days_ago(begin + long), days_ago(begin)) for item, begin, long in spells],
        schema=SPELLS,
        orient="row",
    )
    shares = shares_out_of_stock(panel, frame, CUTOFF)
    for row, item in enumerate(panel.item_ids):
        for column in range(panel.periods):
            newest = (panel.periods - 1 - column + panel.open_periods) * 7
            out = sum(
                any(name == item and begin <= back <= begin + long for name, begin, long in spells)
                for back in range(newest, newest + 7)
            )
            assert shares[row, column] == pytest.approx(out / 7)


def test_stock_outs_of_an_empty_panel_are_none() -> None:
    spells = pl.DataFrame([("A", "main", days_ago(3), days_ago(0))], schema=SPELLS, orient="row")
    assert shares_out_of_stock(weekly_panel(demand_of([]), CUTOFF, 10), spells, CUTOFF).shape == (0, 0)


units = st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0, 5.0, 40.0, 300.0, 1e12]), min_size=1, max_size=30)


def looped_fill(values: list[float], length: int, shares: list[float]) -> list[float]:
    filled = list(values)
    for column in range(len(values) - length, len(values)):
        if shares[column] < 0.25:
            continue
        near = [
            values[other]
            for other in range(max(0, column - 6), min(len(values), column + 7))
            if other >= len(values) - length and shares[other] < 0.25
        ]
        filled[column] = values[column] + shares[column] * (sum(near) / len(near) if near else 0.0)
    return filled


def looped_damp(values: list[float]) -> list[float]:
    sold = sorted(value for value in values if value > 0)
    if len(sold) < 8:
        return list(values)
    percentile = sold[int(np.ceil(0.8 * len(sold))) - 1]
    bound = max(5 * percentile, 2 * sorted(values)[-2])
    return [min(value, bound) for value in values]


@settings(deadline=None, max_examples=150)
@given(st.lists(units, min_size=1, max_size=4), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_corrections_equal_a_loop_over_periods(
    series: list[list[float]], seed: int, has_stock: bool, damps: bool
) -> None:
    panel = panel_of(*series)
    rng = np.random.default_rng(seed)
    shares = rng.choice([0.0, 0.0, 0.1, 0.25, 0.6, 1.0], panel.values.shape)
    made, record = correct(panel, shares if has_stock else None, damps=damps)
    for row in range(len(series)):
        raw = panel.values[row].tolist()
        filled = looped_fill(raw, int(panel.lengths[row]), shares[row].tolist()) if has_stock else raw
        read = looped_damp(filled) if damps else filled
        assert made.actuals[row] == pytest.approx(filled)
        assert made.values[row] == pytest.approx(read)
    changed = {(row, column) for row, column in zip(*np.nonzero(made.values != panel.values), strict=True)}
    told = list(zip(record.rows, record.columns, strict=True))
    assert changed <= set(told)
    assert len(set(told)) == len(told)
    assert record.raw_units.tolist() == panel.values[record.rows, record.columns].tolist()
    assert record.corrected_units.tolist() == made.values[record.rows, record.columns].tolist()
    assert set(record.reasons) <= {ONE_OFF, OUT_OF_STOCK}


def test_a_week_without_stock_gets_usual_demand_for_the_days_it_lacked() -> None:
    panel = panel_of([10.0] * 4 + [4.0] + [10.0] * 4)
    shares = np.zeros((1, 9))
    shares[0, 4] = 0.5
    made, record = correct(panel, shares)
    assert made.values[0].tolist() == made.actuals[0].tolist() == [10.0] * 4 + [9.0] + [10.0] * 4
    assert (record.raw_units.tolist(), record.corrected_units.tolist()) == ([4.0], [9.0])
    assert record.reasons.tolist() == [OUT_OF_STOCK]
    assert panel.values[0, 4] == 4.0


def test_a_series_that_never_had_stock_stays_as_it_was_sold() -> None:
    panel = panel_of([3.0, 0.0, 1.0])
    made, record = correct(panel, np.ones((1, 3)))
    assert made.values.tolist() == panel.values.tolist()
    assert len(record.rows) == 0


def test_a_one_off_is_cut_in_what_methods_read_and_kept_in_what_they_are_judged_by() -> None:
    panel = panel_of([10.0] * 9 + [1000.0] + [12.0])
    made, record = correct(panel, None)
    assert made.values[0, 9] == 50.0
    assert made.actuals[0, 9] == 1000.0
    assert (record.raw_units.tolist(), record.corrected_units.tolist()) == ([1000.0], [50.0])
    assert record.reasons.tolist() == [ONE_OFF]


@pytest.mark.parametrize(
    "series",
    [
        pytest.param([10.0] * 6 + [1000.0], id="too-few-periods-with-sales"),
        pytest.param([10.0] * 9 + [1000.0, 900.0], id="a-peak-with-its-like"),
        pytest.param([10.0] * 9 + [50.0], id="five-times-the-usual"),
        pytest.param([0.0] * 50, id="zeros"),
        pytest.param([7.0], id="one-period"),
    ],
)
def test_what_may_come_again_is_not_damped(series: list[float]) -> None:
    panel = panel_of(series)
    made, record = correct(panel, None)
    assert made.values.tolist() == panel.values.tolist()
    assert len(record.rows) == 0


def test_a_filled_period_that_is_a_one_off_as_well_is_told_once_from_what_was_sold() -> None:
    panel = panel_of([10.0] * 9 + [1000.0] + [12.0])
    shares = np.zeros((1, 11))
    shares[0, 9] = 0.5
    made, record = correct(panel, shares)
    assert (record.raw_units.tolist(), record.corrected_units.tolist()) == ([1000.0], [50.0])
    assert record.reasons.tolist() == [ONE_OFF]
    assert made.actuals[0, 9] > 1000


@pytest.mark.parametrize("last", [0, 3])
def test_rows_name_the_last_day_of_the_period(last: int) -> None:
    sold: Any = [("B", "main", back) for back in range(last, 100)] + [("A", "main", back) for back in range(last, 100)]
    panel = weekly_panel(demand_of(sold), CUTOFF, 10)
    shares = np.zeros(panel.values.shape)
    shares[:, -1] = 1.0
    made, record = correct(panel, shares)
    rows = correction_rows(made, record, tenant_id="shop", cutoff_on=CUTOFF, period_days=7)
    assert dict(rows.schema) == CORRECTIONS
    assert rows.select("item_id", "period_ends_on", "raw_units", "corrected_units", "reason").rows() == [
        (item, days_ago(7 if last else 0), 7.0, 14.0, OUT_OF_STOCK) for item in "AB"
    ]
