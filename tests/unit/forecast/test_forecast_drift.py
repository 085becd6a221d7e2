"""Steady demand does not drift, shifted demand does, and what is said of it equals a plain loop."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from vintage_samples import DAY, demand_of, looped_rows, vintages_of

from inventra_pipelines.domain.forecast.accuracy import drift as rules
from inventra_pipelines.domain.forecast.accuracy.drift import drift
from inventra_pipelines.domain.forecast.accuracy.vintages import SUMS, error_sums, judged
from inventra_pipelines.domain.forecast.frames import DRIFT

WEEKS = 13
LAGS = 4
ALPHA = 0.2


def weekly_units(rng: np.random.Generator, kind: str, items: int, weeks: int, level: np.ndarray) -> np.ndarray:
    """Units per item and week, around each item's own rate times the level of the week."""
    rates = rng.lognormal(1, 0.7, items)[:, None] * level[None, :]
    if kind == "poisson":
        return rng.poisson(4 * rates)
    if kind == "negative binomial":
        return rng.poisson(rng.gamma(0.7, 4 * rates / 0.7))
    return (rng.random((items, weeks)) < 0.15) * np.ceil(rng.lognormal(0, 0.7, (items, weeks)) * 4 * rates)


def sums_of(rng: np.random.Generator, kind: str, items: int, level: np.ndarray, known_lags: int = LAGS) -> pl.DataFrame:
    """Errors of weekly vintages by exponential smoothing; before the last quarter demand is at level 1.

    With fewer `known_lags`, the first cutoff of all is so many weeks before the quarter's first target.
    """
    warm = 40
    levels = np.concatenate([np.ones(warm), level])
    units = weekly_units(rng, kind, items, warm + WEEKS, levels).astype(float)
    smoothed = np.empty_like(units)
    smoothed[:, 0] = units[:, 0]
    for week in range(1, warm + WEEKS):
        smoothed[:, week] = ALPHA * units[:, week] + (1 - ALPHA) * smoothed[:, week - 1]
    frames = []
    for lag in range(1, LAGS + 1):
        for back in range(WEEKS - max(0, lag - known_lags)):
            at = warm + WEEKS - 1 - back
            error, actual = smoothed[:, at - lag] - units[:, at], units[:, at]
            figures = dict.fromkeys(SUMS, 0.0) | {"forecasts": 1.0}
            frames.append(
                pl.DataFrame(
                    {"item_id": [f"I{number}" for number in range(items)], "error": error, "actual_units": actual}
                )
                .with_columns(
                    absolute_error=pl.col("error").abs(), lag=pl.lit(lag, pl.Int32), week=pl.lit(back, pl.Int32)
                )
                .with_columns(
                    pl.lit(value).alias(name)
                    for name, value in figures.items()
                    if name not in ("error", "actual_units", "absolute_error")
                )
            )
    return pl.concat(frames).with_columns(
        tenant_id=pl.lit("north"), location_id=pl.lit("main"), demand_class=pl.lit("smooth")
    )


def drifting(seeds: int, kind: str, items: int, level: np.ndarray, known_lags: int = LAGS) -> float:
    found = [
        drift(sums_of(np.random.default_rng(seed), kind, items, level, known_lags), DAY)["is_drifting"][0]
        for seed in range(seeds)
    ]
    return sum(found) / seeds


def shifted(factor: float, weeks: int) -> np.ndarray:
    return np.concatenate([np.ones(WEEKS - weeks), np.full(weeks, factor)])


@pytest.mark.parametrize(("kind", "most"), [("poisson", 0.01), ("negative binomial", 0.01), ("lumpy", 0.02)])
@pytest.mark.parametrize("items", [12, 60])
def test_steady_demand_hardly_ever_drifts(kind: str, most: float, items: int) -> None:
    assert drifting(100, kind, items, np.ones(WEEKS)) <= most


def test_lags_that_are_still_coming_in_are_no_drift() -> None:
    assert drifting(40, "poisson", 60, np.ones(WEEKS), known_lags=1) == 0.0


def test_too_high_forecasts_of_always_are_no_drift() -> None:
    sums = sums_of(np.random.default_rng(1), "poisson", 60, np.ones(WEEKS))
    high = sums.with_columns(error=pl.col("error") + 5).with_columns(absolute_error=pl.col("error").abs())
    made = drift(high, DAY)
    assert made["is_drifting"].to_list() == [False]
    assert made.item(0, "tracking_signal") == pytest.approx(4)


@pytest.mark.parametrize("kind", ["poisson", "negative binomial"])
@pytest.mark.parametrize(("factor", "weeks", "least"), [(2.0, 3, 0.9), (2.0, 4, 0.9), (0.5, 4, 0.9), (1.5, 4, 0.7)])
def test_a_shift_of_level_is_drift_within_three_to_four_weeks(
    kind: str, factor: float, weeks: int, least: float
) -> None:
    assert drifting(20, kind, 300, shifted(factor, weeks)) >= least


def test_sales_that_stop_are_drift() -> None:
    made = drift(sums_of(np.random.default_rng(3), "poisson", 60, shifted(0.0, 4)), DAY)
    assert made["is_drifting"].to_list() == [True]
    assert made["recent_error"].to_list() == [None]
    assert "too high in the last 4 weeks" in made.item(0, "reason")


def test_the_reason_says_what_was_missed_and_what_is_usual() -> None:
    rng = np.random.default_rng(4)
    row = drift(sums_of(rng, "poisson", 200, shifted(2.0, 4)), DAY).row(0, named=True)
    assert row["is_drifting"]
    assert row["reason"] == (
        f"forecasts of smooth items missed {100 * row['recent_error']:.0f} % of the units sold in the last 4 weeks; "
        f"{100 * row['usual_error']:.0f} % is usual"
    )
    assert row["tracking_signal"] == pytest.approx(-4)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        pytest.param(pl.col("week") < 7, "4 recent and 3 earlier weeks were forecast", id="too young"),
        pytest.param(pl.col("item_id").is_in(["I1", "I2"]), "2 of at least 10 items and locations", id="too few items"),
    ],
)
def test_too_little_to_compare_is_said_and_no_drift(kept: pl.Expr, words: str) -> None:
    made = drift(sums_of(np.random.default_rng(5), "poisson", 20, shifted(3.0, 4)).filter(kept), DAY)
    assert made["is_drifting"].to_list() == [False]
    assert made.select("recent_error", "usual_error", "ratio", "tracking_signal").row(0) == (None,) * 4
    assert words in made.item(0, "reason")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_errors_of_a_class_equal_a_loop_over_its_forecasts(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LEAST_SERIES", 1)
    vintages, demand = vintages_of(seed), demand_of(seed)
    made = drift(error_sums(judged(vintages, demand, DAY), DAY), DAY)
    rows = looped_rows(vintages, demand, DAY, 156)
    assert dict(made.schema) == DRIFT
    assert made["as_of_on"].unique().to_list() == [DAY]
    for found in made.rows(named=True):
        own = [
            row
            for row in rows
            if row["tenant_id"] == found["tenant_id"] and (row["demand_class"] or "unknown") == found["demand_class"]
        ]
        assert found["forecasts"] == len(own)
        wape = {}
        for lag in {row["lag"] for row in own}:
            before = [row for row in own if row["lag"] == lag and row["week"] >= 4]
            if sum(row["actual"] for row in before):
                missed = sum(abs(row["mean"] - row["actual"]) for row in before)
                wape[lag] = missed / sum(row["actual"] for row in before)
        recent = [row for row in own if row["week"] < 4 and row["lag"] in wape]
        sold = sum(row["actual"] for row in recent)
        if found["recent_error"] is None:
            assert "cannot be compared" in found["reason"]
            continue
        assert found["recent_error"] == pytest.approx(sum(abs(row["mean"] - row["actual"]) for row in recent) / sold)
        assert found["usual_error"] == pytest.approx(sum(row["actual"] * wape[row["lag"]] for row in recent) / sold)
        assert found["ratio"] == pytest.approx(found["recent_error"] / found["usual_error"])
    assert made["recent_error"].null_count() < made.height


def test_a_target_on_the_border_belongs_to_the_recent_weeks() -> None:
    vintages = vintages_of(1).filter(pl.col("target_on").is_in([DAY - timedelta(days=27), DAY - timedelta(days=28)]))
    weeks = error_sums(judged(vintages, demand_of(1), DAY), DAY)["week"].unique().sort().to_list()
    assert weeks == [3] if vintages["target_on"].n_unique() == 1 else [3, 4]
