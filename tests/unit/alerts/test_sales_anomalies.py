"""What counts as unusual in sales, and the vectorised scores against plain loops."""

import math
import statistics
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.alerts.anomalies import ANOMALIES, anomalies
from inventra_pipelines.domain.alerts.stopped_items import stopped_items
from inventra_pipelines.domain.alerts.unusual_weeks import robust_z, weekly_sums
from inventra_pipelines.domain.tenant import AlertConfig

D = date(2011, 12, 9)


def sales(item: str, by_days_ago: dict[int, float], price: float = 2.0) -> pl.DataFrame:
    days = sorted(by_days_ago)
    return pl.DataFrame(
        {
            "item_id": [item] * len(days),
            "sold_on": [D - timedelta(days=day) for day in days],
            "units_sold": [float(by_days_ago[day]) for day in days],
            "revenue": [by_days_ago[day] * price for day in days],
        },
        schema={"item_id": pl.String, "sold_on": pl.Date, "units_sold": pl.Float64, "revenue": pl.Float64},
    )


def steady(weeks: int = 20, units: float = 10) -> dict[int, float]:
    """Sales every day, a little more or less from week to week."""
    return {day: units + (day // 7) % 3 for day in range(7 * weeks)}


def found(demand: pl.DataFrame, forecasts: pl.DataFrame | None = None, as_of: date = D) -> pl.DataFrame:
    return anomalies(demand, forecasts, tenant_id="gifts", as_of_on=as_of, config=AlertConfig())


def of(frame: pl.DataFrame, item: str) -> list[tuple[str, str]]:
    return frame.filter(pl.col("item_id") == item).select("kind", "direction").rows()


def forecast(mean: float, std: float, cutoff: date = D - timedelta(days=7), lag: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": ["A"],
            "cutoff_on": [cutoff],
            "target_on": [cutoff + timedelta(days=7 * lag)],
            "lag": [lag],
            "mean": [mean],
            "cumulative_std": [std],
        }
    )


def test_a_steady_item_is_no_anomaly() -> None:
    assert found(sales("A", steady())).is_empty()
    assert found(sales("A", steady())).schema == pl.Schema(ANOMALIES)


@pytest.mark.parametrize(("factor", "direction"), [(4, "high"), (0.1, "low")])
def test_a_week_far_from_the_usual_is_an_anomaly_with_its_money(factor: float, direction: str) -> None:
    days = {day: units * (factor if day < 7 else 1) for day, units in steady().items()}
    got = found(pl.concat([sales("A", days), sales("B", steady(units=1000))]))
    assert of(got, "A") == [("sales_anomaly", direction)]
    row = got.row(0, named=True)
    assert row["money_at_risk"] == pytest.approx(abs(row["observed"] - row["expected"]) * 2)
    assert (row["observed"], row["expected"]) == (70 * factor, 77)


def test_a_forecast_that_saw_the_peak_coming_makes_it_usual() -> None:
    days = {day: units * (4 if day < 7 else 1) for day, units in steady().items()}
    demand = pl.concat([sales("A", days), sales("B", steady(units=1000))])
    assert of(found(demand, forecast(270, 10)), "A") == []
    assert of(found(demand, forecast(80, 10)), "A") == [("sales_anomaly", "high")]


def test_a_residual_alone_is_no_anomaly() -> None:
    assert found(sales("A", steady()), forecast(5, 1)).is_empty()


def test_a_week_above_the_usual_and_below_its_forecast_is_no_anomaly() -> None:
    days = {day: units * (4 if day < 7 else 1) for day, units in steady().items()}
    demand = pl.concat([sales("A", days), sales("B", steady(units=1000))])
    assert of(found(demand, forecast(500, 10)), "A") == []


def test_only_an_earlier_forecast_of_this_very_week_counts_and_the_latest_first() -> None:
    days = {day: units * (4 if day < 7 else 1) for day, units in steady().items()}
    demand = pl.concat([sales("A", days), sales("B", steady(units=1000))])
    both = pl.concat([forecast(80, 10), forecast(280, 10, cutoff=D - timedelta(days=14), lag=2)])
    assert found(demand, both).filter(pl.col("item_id") == "A")["expected"].to_list() == [80]
    other_week = forecast(280, 10, cutoff=D - timedelta(days=6))
    assert found(demand, other_week).filter(pl.col("item_id") == "A")["expected"].to_list() == [77]


def test_an_item_of_a_few_weeks_is_not_judged() -> None:
    days = dict.fromkeys(range(7, 42), 10.0) | dict.fromkeys(range(7), 90.0)
    assert of(found(pl.concat([sales("A", days), sales("B", steady(units=1000))])), "A") == []


def test_an_item_that_seldom_sells_is_not_judged_by_its_usual_week() -> None:
    assert of(found(pl.concat([sales("A", {0: 50, 60: 4, 130: 3}), sales("B", steady(units=1000))])), "A") == []


def test_a_regular_seller_gone_silent_has_stopped_and_is_no_anomaly_besides() -> None:
    silent = {day: units for day, units in steady().items() if day >= 10}
    got = found(pl.concat([sales("A", silent), sales("B", steady(units=1000))]))
    assert of(got, "A") == [("sales_stopped", "low")]
    row = got.filter(pl.col("item_id") == "A").row(0, named=True)
    assert row["money_at_risk"] == pytest.approx(row["expected"] * 2, abs=0.01)
    assert "has not sold since 2011-11-29: 10 selling days" in row["message"]


def test_days_on_which_nothing_is_sold_at_all_are_no_silence() -> None:
    closed = {day: units for day, units in steady().items() if day >= 3}
    assert found(sales("A", closed)).is_empty()


def test_a_tenant_without_recent_data_is_not_judged() -> None:
    old = {day: units for day, units in steady().items() if day >= 4}
    one = sales("A", {day: units * (9 if day < 11 else 1) for day, units in old.items()})
    assert found(one).is_empty()


def test_the_revenue_of_a_day_is_held_against_the_same_weekday() -> None:
    peak = {day: units * (5 if day == 0 else 1) for day, units in steady().items()}
    got = found(sales("A", peak)).filter(pl.col("item_id") == "").row(0, named=True)
    assert (got["kind"], got["direction"], got["observed"], got["expected"]) == ("sales_anomaly", "high", 100, 22)
    assert got["message"] == "revenue of the day is 100 where 22 is usual on that weekday"
    weekly_peak = {day: units * (5 if day % 7 == 0 else 1) for day, units in steady().items()}
    assert of(found(sales("A", weekly_peak)), "") == []


def test_later_sales_are_not_read() -> None:
    peak = {day: units * (5 if day < 7 else 1) for day, units in steady().items()}
    whole = sales("A", peak)
    before = D - timedelta(days=7)
    assert found(whole, as_of=before).equals(found(whole.filter(pl.col("sold_on") <= before), as_of=before))


def test_the_order_of_the_rows_does_not_matter() -> None:
    days = {day: units * (4 if day < 7 else 1) for day, units in steady().items()}
    demand = pl.concat([sales("A", days), sales("C", days), sales("B", steady(units=1000))])
    assert found(demand)["item_id"].to_list() == ["A", "C"]
    assert found(demand).equals(found(demand.reverse()))


@given(rows=st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=9), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_robust_scores_equal_a_loop(rows: list[list[int]]) -> None:
    width = max(len(row) for row in rows)
    history = np.array([[*map(float, row[1:]), *[math.nan] * (width - len(row))] for row in rows])
    ours = robust_z(np.array([float(row[0]) for row in rows]), history, 0.5)
    for row, z in zip(rows, ours, strict=True):
        median = statistics.median(row[1:])
        mad = statistics.median(abs(value - median) for value in row[1:])
        assert z == pytest.approx((row[0] - median) / max(1.4826 * mad, 0.5))


SOLD = st.dictionaries(st.integers(0, 60), st.integers(1, 9), min_size=1)


@given(a=SOLD, b=SOLD)
@settings(max_examples=60, deadline=None)
def test_weekly_sums_equal_a_loop(a: dict[int, int], b: dict[int, int]) -> None:
    items, sums = weekly_sums(pl.concat([sales("A", a), sales("B", b)]), D, 6)
    assert items["item_id"].to_list() == ["A", "B"]
    for sold, row in zip((a, b), sums, strict=True):
        naive = [sum(sold.get(day, 0) for day in range(7 * week, 7 * week + 7)) for week in range(6)]
        expected = [math.nan if week > max(sold) // 7 else total for week, total in enumerate(naive)]
        assert row.tolist() == pytest.approx(expected, nan_ok=True)


@given(st.sets(st.integers(0, 90), min_size=8), st.sets(st.integers(0, 90), min_size=1))
@settings(max_examples=80, deadline=None)
def test_the_silence_test_equals_counting_days(item: set[int], others: set[int]) -> None:
    demand = pl.concat([sales("A", dict.fromkeys(item, 3.0)), sales("B", dict.fromkeys(others, 1.0))])
    got = stopped_items(demand, demand["sold_on"].max())
    open_days = sorted(item | others)
    silent = [day for day in open_days if day < min(item)]
    span = [day for day in open_days if min(item) <= day <= max(item)]
    p0 = (len(span) - len(item) + 1) / (len(span) + 2)
    is_stopped = bool(silent) and p0 ** len(silent) < 0.001 * (1 - 1e-12)
    assert ("A" in got["item_id"].to_list()) == is_stopped


def without_revenue(frame: pl.DataFrame, *days_ago: int) -> pl.DataFrame:
    is_unknown = pl.col("sold_on").is_in([D - timedelta(days=day) for day in days_ago])
    return frame.with_columns(pl.when(is_unknown).then(None).otherwise(pl.col("revenue")).alias("revenue"))


def test_an_anomaly_of_unknown_price_has_no_money() -> None:
    days = {day: units * (4 if day < 7 else 1) for day, units in steady().items()}
    stops = dict.fromkeys(range(60, 160), 5.0)
    demand = pl.concat([sales("A", days), sales("S", stops), sales("B", steady(units=1000))])
    priced, unpriced = found(demand), found(without_revenue(demand, 70))
    assert of(priced, "A") == of(unpriced, "A") == [("sales_anomaly", "high")]
    assert of(priced, "S") == of(unpriced, "S") == [("sales_stopped", "low")]
    money, none = (dict(each.select("item_id", "money_at_risk").iter_rows()) for each in (priced, unpriced))
    assert money["A"] > 0 and money["S"] > 0
    assert none["A"] is None and none["S"] is None


def test_a_day_of_unknown_revenue_is_neither_judged_nor_taken_for_none() -> None:
    days = {day: 1000.0 * (3 if day == 0 else 1) for day in range(140)}
    demand = sales("A", days)
    (row,) = found(demand).filter(pl.col("item_id") == "").rows(named=True)
    assert row["expected"] == 2000
    # Six of the thirteen weekdays are not known: seven are too few to judge by, eight are enough.
    assert found(without_revenue(demand, 0)).filter(pl.col("item_id") == "").is_empty()
    eight = found(without_revenue(demand, *range(7, 36, 7))).filter(pl.col("item_id") == "")
    assert eight["expected"].to_list() == [2000]
    assert found(without_revenue(demand, *range(7, 43, 7))).filter(pl.col("item_id") == "").is_empty()
