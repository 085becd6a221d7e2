"""A long table becomes a panel of periods: what is summed, what is left out, and what is refused."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from inventra_pipelines.domain.forecast.demand.periods import PeriodDemand, demand_by_period, frequency_of
from inventra_pipelines.errors import PermanentError


def table(*rows: tuple[str, date, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"series_id": pl.String, "day": pl.Date, "quantity": pl.Float64}, orient="row")


def by_period(demand: pl.DataFrame, freq: str, horizon: int = 2, most_periods: int = 200) -> PeriodDemand:
    frequency = frequency_of(freq)
    return demand_by_period(demand, frequency, season=frequency.season, horizon=horizon, most_periods=most_periods)


def daily(first: date, units: list[float], series_id: str = "A") -> list[tuple[str, date, float | None]]:
    return [(series_id, first + timedelta(day), value) for day, value in enumerate(units)]


def test_weeks_end_on_the_weekday_of_the_last_date():
    made = by_period(table(*daily(date(2024, 1, 1), [1.0] * 17)), "W")
    assert made.ends[-1] == date(2024, 1, 17)
    assert made.panel.values.tolist() == [[3.0, 7.0, 7.0]]
    assert made.left_out == []


def test_a_calendar_week_that_is_not_over_is_left_out_and_told():
    made = by_period(table(*daily(date(2024, 1, 1), [1.0] * 17)), "W-SUN")
    assert made.ends == [date(2024, 1, 7), date(2024, 1, 14)]
    assert made.panel.values.tolist() == [[7.0, 7.0]]
    assert "2024-01-17" in made.left_out[0] and "3 rows" in made.left_out[0]


def test_a_month_that_is_not_over_is_left_out():
    made = by_period(table(*daily(date(2024, 1, 1), [1.0] * 70)), "M")
    assert made.ends == [date(2024, 1, 31), date(2024, 2, 29)]
    assert made.panel.values.tolist() == [[31.0, 29.0]]


def test_a_month_whose_last_days_are_no_trading_days_is_whole():
    days = [day for day in (date(2024, 5, 1) + timedelta(n) for n in range(60)) if day.weekday() < 5]
    known = [day for day in days if day <= date(2024, 6, 28)]
    made = by_period(table(*(("A", day, 1.0) for day in known)), "M")
    assert made.ends[-1] == date(2024, 6, 30)


@pytest.mark.parametrize("freq", ["M", "MS", "monthly"])
def test_dates_that_name_their_months_make_whole_months(freq: str):
    months = [date(2023 + n // 12, n % 12 + 1, 1) for n in range(15)]
    made = by_period(table(*(("A", day, 2.0) for day in months)), freq)
    assert made.panel.periods == 15
    assert made.ends[-1] == date(2024, 3, 31)


def test_rows_of_one_day_are_added_up_and_returns_taken_off():
    day = date(2024, 3, 1)
    made = by_period(table(("A", day, 5.0), ("A", day, 2.0), ("A", day, -3.0), ("B", day, 1.0), ("B", day, -4.0)), "D")
    assert made.panel.item_ids == ["A"]
    assert made.panel.values.tolist() == [[4.0]]
    assert "2 rows with a negative quantity" in made.left_out[0]
    assert "1 of 2 series never sold" in made.left_out[1]


def test_a_gap_of_years_counts_as_zeros_and_what_comes_before_a_first_sale_is_no_part():
    made = by_period(
        table(("A", date(2020, 1, 1), 1.0), ("A", date(2024, 1, 1), 3.0), ("B", date(2023, 1, 1), 2.0)), "Y"
    )
    assert made.panel.values.tolist() == [[1.0, 0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 2.0, 0.0]]
    assert made.panel.lengths.tolist() == [5, 2]


def test_periods_beyond_the_most_are_left_out_and_told():
    made = by_period(table(*daily(date(2020, 1, 1), [1.0] * 50)), "D", most_periods=20)
    assert made.panel.periods == 20
    assert "only the last 20 days" in made.left_out[0]


@pytest.mark.parametrize(("freq", "phases"), [("D", [0, 1, 2]), ("M", [11, 0, 1]), ("Q", [3, 0, 1])])
def test_phases_are_those_of_the_calendar_and_go_on_ahead(freq: str, phases: list[int]):
    day = {"D": date(2024, 1, 1), "M": date(2023, 12, 31), "Q": date(2023, 12, 31)}[freq]
    assert by_period(table(("A", day, 1.0)), freq).panel.phases.tolist() == phases


def test_every_period_ends_a_day_before_the_next_begins():
    rng = np.random.default_rng(1)
    days = [date(2019, 1, 1) + timedelta(int(n)) for n in np.sort(rng.integers(0, 1500, 200))]
    demand = table(*(("A", day, 1.0) for day in days))
    for freq in ("D", "W", "W-WED", "M", "Q", "Y"):
        made = by_period(demand, freq, most_periods=5000)
        counted = [0] * len(made.ends)
        for day in days:
            at = next((n for n, end in enumerate(made.ends) if day <= end), None)
            if at is not None:
                counted[at] += 1
        assert made.panel.values[0].tolist() == counted[: made.panel.periods], freq


@pytest.mark.parametrize("quantity", [None, float("nan"), float("inf")])
def test_a_quantity_that_is_none_is_refused_with_its_row(quantity: float | None):
    with pytest.raises(PermanentError, match=r"row 2 .*leave it out"):
        by_period(table(("A", date(2024, 1, 1), 1.0), ("A", date(2024, 1, 2), quantity)), "D")


def test_nothing_sold_is_refused():
    with pytest.raises(PermanentError, match="nothing was sold"):
        by_period(table(*daily(date(2024, 1, 1), [0.0] * 9)), "D")


@pytest.mark.parametrize("freq", ["H", "W-XYZ", "", "5D"])
def test_what_is_no_period_is_refused_with_those_that_are(freq: str):
    with pytest.raises(PermanentError, match="say D, W, M, Q or Y"):
        frequency_of(freq)
