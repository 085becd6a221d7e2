"""Accuracy of past forecasts by level and lag against a plain loop over their rows."""

from collections import defaultdict
from datetime import timedelta

import polars as pl
import pytest
from vintage_samples import (
    DAY,
    Row,
    demand_of,
    looped_figures,
    looped_mean_scaled,
    looped_rows,
    vintages_of,
)

from inventra_pipelines.domain.forecast.accuracy.by_lag import Measured, measure
from inventra_pipelines.domain.forecast.frames import ACCURACY, DRIFT, FORECASTS, ITEM_ACCURACY
from inventra_pipelines.errors import PermanentError

CATEGORIES = pl.DataFrame(
    {
        "tenant_id": ["north", "north", "south", "south"],
        "item_id": ["A", "B", "A", "C"],
        "category": ["toys", None, "books", ""],
    }
)


def measured(vintages: pl.DataFrame, demand: pl.DataFrame, history_weeks: int = 156) -> Measured:
    return measure(vintages, demand, CATEGORIES, DAY, history_weeks)


def node_of(row: Row, level: str) -> str:
    names = {(tenant, item): category for tenant, item, category in CATEGORIES.rows()}
    category = names.get((row["tenant_id"], row["item_id"])) or "uncategorised"
    nodes = {"tenant": "", "class": row["demand_class"] or "unknown", "category": category}
    return str(nodes.get(level, row["location_id"]))


@pytest.mark.parametrize("history_weeks", [156, 20, 8], ids=lambda weeks: f"{weeks} weeks of history")
@pytest.mark.parametrize("seed", [1, 2])
def test_accuracy_equals_a_loop_over_forecasts_at_every_level(seed: int, history_weeks: int) -> None:
    vintages, demand = vintages_of(seed), demand_of(seed)
    made = measured(vintages, demand, history_weeks).accuracy
    groups = defaultdict(list)
    for row in looped_rows(vintages, demand, DAY, history_weeks):
        for level in ("tenant", "class", "category", "location"):
            groups[row["tenant_id"], level, node_of(row, level), row["lag"]].append(row)
    assert dict(made.schema) == ACCURACY
    assert made.select("tenant_id", "level", "node", "lag").rows() == sorted(groups)
    for row in made.rows(named=True):
        own = groups[row["tenant_id"], row["level"], row["node"], row["lag"]]
        expected = looped_figures(own, looped_mean_scaled)
        assert {name: row[name] for name in expected} == pytest.approx(expected)
        assert row["as_of_on"] == DAY


def test_levels_add_up_to_the_tenant() -> None:
    made = measured(vintages_of(3), demand_of(3)).accuracy
    sums = made.group_by("tenant_id", "lag", "level").agg(pl.col("forecasts", "actual_units").sum())
    per_lag = sums.group_by("tenant_id", "lag").agg(
        pl.col("forecasts").n_unique(), spread=pl.col("actual_units").max() - pl.col("actual_units").min()
    )
    assert per_lag["forecasts"].to_list() == [1] * per_lag.height
    assert per_lag["spread"].max() == pytest.approx(0, abs=1e-6)


def test_an_unfinished_week_is_not_judged() -> None:
    vintages = vintages_of(1, horizon=1, cutoffs=1)
    assert measure(vintages, demand_of(1), CATEGORIES, DAY + timedelta(days=6)).accuracy.is_empty()
    made = measure(vintages, demand_of(1), CATEGORIES, DAY + timedelta(days=7)).accuracy
    assert made.filter(pl.col("level") == "tenant")["forecasts"].to_list() == [8, 8]


def test_a_target_of_more_than_a_quarter_ago_is_not_judged() -> None:
    oldest_on = DAY - timedelta(days=13 * 7 - 1)
    vintages = vintages_of(1, horizon=1, cutoffs=1).with_columns(target_on=pl.lit(oldest_on))
    assert measured(vintages, demand_of(1)).accuracy.height > 0
    older = vintages.with_columns(target_on=pl.lit(oldest_on - timedelta(days=1)))
    assert measured(older, demand_of(1)).accuracy.is_empty()


def test_days_after_the_as_of_day_change_nothing() -> None:
    vintages, demand = vintages_of(2), demand_of(2)
    past = demand.filter(pl.col("sold_on") <= DAY)
    assert past.height < demand.height
    assert measured(vintages, demand).accuracy.equals(measured(vintages, past).accuracy)


def test_how_much_older_demand_was_read_changes_nothing() -> None:
    vintages, demand = vintages_of(2), demand_of(2)
    enough = demand.filter(pl.col("sold_on") > DAY - timedelta(weeks=20))
    assert enough.height < demand.height
    for name in ("accuracy", "item_accuracy", "drift"):
        whole, cut = (getattr(measured(vintages, read, 20), name) for read in (demand, enough))
        assert whole.equals(cut)


def test_the_order_of_rows_changes_no_bit() -> None:
    vintages, demand = vintages_of(4), demand_of(4)
    first = measured(vintages, demand)
    again = measured(vintages.sample(fraction=1, shuffle=True, seed=1), demand.reverse())
    for name in ("accuracy", "item_accuracy", "drift"):
        assert getattr(first, name).equals(getattr(again, name))


def test_an_item_without_sales_has_an_actual_of_zero_and_no_share_of_it() -> None:
    vintages = vintages_of(1).filter(pl.col("item_id") == "NEVER SOLD")
    made = measured(vintages, demand_of(1)).accuracy.filter(pl.col("level") == "tenant")
    assert made["actual_units"].to_list() == [0.0] * 8
    for name in ("wape", "bias", "mase", "rmsse", "scaled_crps", "baseline_wape", "forecast_value_added"):
        assert made[name].null_count() == 8
    assert made["coverage_80"].null_count() == 0


def test_forecasts_without_ranges_and_baselines_have_the_other_figures() -> None:
    unknown = pl.lit(None, pl.Float64)
    names = ("q10", "q50", "q80", "q90", "q95", "q98", "baseline")
    made = measured(vintages_of(1).with_columns(unknown.alias(name) for name in names), demand_of(1)).accuracy
    for name in ("scaled_crps", "coverage_80", "coverage_95", "baseline_wape", "forecast_value_added"):
        assert made[name].null_count() == made.height
    assert made["wape"].null_count() < made.height


def test_a_series_that_never_moved_has_no_scale() -> None:
    days = [DAY - timedelta(weeks=back) for back in range(30)]
    demand = pl.DataFrame(
        {"tenant_id": "north", "item_id": "A", "location_id": "main", "sold_on": days, "units_sold": 0.3}
    )
    thirds = pl.concat(
        [
            demand.with_columns(pl.col("sold_on") - timedelta(days=k), units_sold=pl.lit(u))
            for k, u in enumerate((0.1, 0.2))
        ]
    )
    older = pl.col("sold_on") < DAY - timedelta(weeks=15)
    mixed = pl.concat([demand.filter(older), thirds.filter(~(pl.col("sold_on") < DAY - timedelta(weeks=15, days=1)))])
    own = (pl.col("tenant_id") == "north") & (pl.col("item_id") == "A") & (pl.col("location_id") == "main")
    vintages = vintages_of(1, step=7).filter(own)
    made = measured(vintages, mixed).accuracy
    assert made["mase"].null_count() == made["rmsse"].null_count() == made.height > 0


def test_a_forecast_without_a_mean_is_an_error_that_names_it() -> None:
    broken = vintages_of(1).with_columns(mean=pl.lit(None, pl.Float64))
    with pytest.raises(PermanentError, match=r"tenant north, item A for .* has no mean"):
        measured(broken, demand_of(1))


def test_no_forecasts_are_empty_frames_with_their_columns() -> None:
    made = measured(pl.DataFrame(schema=FORECASTS).with_columns(demand_class=pl.lit("smooth")), demand_of(1))
    assert made.accuracy.is_empty()
    assert [dict(frame.schema) for frame in (made.accuracy, made.item_accuracy, made.drift)] == [
        ACCURACY,
        ITEM_ACCURACY,
        DRIFT,
    ]
