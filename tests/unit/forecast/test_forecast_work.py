"""Work items: a case reads nothing after its origin, and cutting work up changes nothing."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.forecast.methods import work as work_module
from inventra_pipelines.domain.forecast.methods.series import SeriesForecast, forecast_series
from inventra_pipelines.domain.forecast.methods.work import Grain, SeriesWork, folded, run_series, run_work

METHODS = ("SeasonalNaive", "SES", "DOT+SES", "LightGBM", "IMAPA+LightGBM")
OWN = Grain("own", season=13)


@pytest.fixture(scope="module")
def work() -> SeriesWork:
    """Six series of 20 to 30 periods, each as of three origins by every method; the pooled one gave half of them."""
    rng = np.random.default_rng(4)
    values = rng.poisson(12, (6, 30)).astype(float)
    lengths = np.array([30, 28, 26, 24, 22, 20])
    values[np.arange(30)[None, :] < (30 - lengths)[:, None]] = 0
    rows, offsets, method_ids = (
        axis.ravel() for axis in np.meshgrid(np.arange(6), [0, 4, 9], np.arange(len(METHODS)), indexing="ij")
    )
    by_place = np.where(rng.random((6, 1)) < 0.5, np.nan, rng.uniform(5, 15, (6, 3)))
    return SeriesWork(values, lengths, rows, offsets, method_ids, METHODS, 3, OWN, {"LightGBM": by_place[rows]})


def test_a_case_is_the_forecast_of_its_series_cut_at_its_origin(work: SeriesWork) -> None:
    result = work.run()
    pooled = work.given["LightGBM"]
    assert np.isnan(pooled).any()
    assert np.isfinite(pooled).any()
    for case, (row, offset, method_id) in enumerate(zip(work.rows, work.offsets, work.method_ids, strict=True)):
        cut = work.values[row, 30 - work.lengths[row] : 30 - offset].copy()
        made = {"LightGBM": pooled[case]} if np.isfinite(pooled[case]).all() else {}
        expected = forecast_series(cut, METHODS[method_id], 3, 13, made)
        assert result.means[case].tolist() == expected.mean.tolist()
        assert result.models_used[case] == expected.model_used
        assert result.fallback_reasons[case] == expected.fallback_reason


@pytest.mark.parametrize("cases_per_chunk", [1, 7, 10_000])
def test_cutting_work_up_changes_nothing(work: SeriesWork, cases_per_chunk: int) -> None:
    calls: list[object] = []

    def counted(function: object, parts: Iterable[Any]) -> Iterable[Any]:
        calls.append(function)
        return map(run_work, parts)

    whole = work.run()
    none = work.select(slice(0, 0))
    first, nothing, second = run_series([work, none, work], counted, cases_per_chunk)
    for result in (first, second):
        assert result.means.tobytes() == whole.means.tobytes()
        assert result.models_used == whole.models_used
        assert result.fallback_reasons == whole.fallback_reasons
    assert nothing.means.shape == (0, 3)
    assert calls == [run_work]


def test_a_part_carries_only_the_series_it_needs(work: SeriesWork) -> None:
    a_series = 3 * len(METHODS)
    for row in range(6):
        part = work.select(slice(row * a_series, (row + 1) * a_series))
        assert part.values.tolist() == [work.values[row].tolist()]
        assert part.lengths.tolist() == [work.lengths[row]]
        assert len(part.given["LightGBM"]) == a_series


def test_a_member_that_several_methods_share_is_fitted_once_per_series_and_origin(
    work: SeriesWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[tuple[int, int]] = []
    real = forecast_series

    def watched(units: np.ndarray, method: str, *given_on: Any) -> SeriesForecast:
        made = given_on[2]
        if "SES" in method and "SES" not in made:
            fitted.append((units.shape[0], int(units.sum())))
        return real(units, method, *given_on)

    monkeypatch.setattr(work_module, "forecast_series", watched)
    by_ses = work.select(slice(0, 3 * len(METHODS)))
    replace(by_ses, methods=("SES", "SES", "SES", "SES", "SES")).run()
    assert len(fitted) == len(set(fitted)) == 3


def test_forecasts_by_day_are_summed_to_the_forecasts_periods() -> None:
    days = np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 10)[None, :]
    one = np.array([0])
    by_day = SeriesWork(days, np.array([70]), one, one, one, ("SeasonalNaive",), 3, Grain("day", split=7, season=7))
    result = by_day.run()
    assert result.means.tolist() == [[28.0] * 3]
    assert result.models_used == ["SeasonalNaive by day"]


def test_forecasts_by_month_are_spread_evenly_over_its_periods() -> None:
    weeks = np.array([[9.0, 4.0, 0.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0]])
    one = np.array([0])
    by_month = SeriesWork(weeks, np.array([9]), one, one, one, ("HistoricAverage",), 6, Grain("month", fold=4))
    result = by_month.run()
    assert result.means.tolist() == [[1.5] * 6]
    assert result.models_used == ["HistoricAverage by month"]


@pytest.mark.parametrize(
    ("method", "used"),
    [
        pytest.param("SES+LightGBM", "SES", id="what-is-left"),
        pytest.param("LightGBM", "IMAPA", id="nothing-left"),
        pytest.param("SES+CategoryProfile", "SES", id="profile"),
    ],
)
def test_pooled_members_have_no_part_in_other_grains(method: str, used: str) -> None:
    weeks = np.array([[9.0, 4.0, 0.0, 3.0, 0.0, 2.0, 8.0, 0.0, 4.0]])
    one = np.array([0])
    given_one = {name: np.full((1, 4), 1e6) for name in ("LightGBM", "CategoryProfile")}
    work = SeriesWork(weeks, np.array([9]), one, one, one, (method,), 4, Grain("month", fold=4), given_one)
    result = work.run()
    assert result.models_used == [f"{used} by month"]
    assert result.fallback_reasons == [None]
    assert (result.means < 10).all()


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 6))
def test_folding_equals_a_loop_from_the_end(units: list[int], fold: int) -> None:
    expected: list[int] = []
    rest = list(units)
    while len(rest) >= fold:
        expected.insert(0, sum(rest[-fold:]))
        rest = rest[:-fold]
    made = folded(np.array(units, dtype=float), fold)
    if expected:
        assert made.tolist() == expected
    else:
        assert made == pytest.approx([sum(units) / len(units) * fold])
