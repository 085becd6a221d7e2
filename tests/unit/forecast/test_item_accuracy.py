"""Accuracy by item against a plain loop over its forecasts, and the rank of the worst."""

from collections import defaultdict

import polars as pl
import pytest
from vintage_samples import DAY, demand_of, looped_figures, looped_rows, looped_scaled, vintages_of

from inventra_pipelines.domain.forecast.accuracy.item_accuracy import item_accuracy
from inventra_pipelines.domain.forecast.accuracy.vintages import error_sums, judged
from inventra_pipelines.domain.forecast.frames import ITEM_ACCURACY


def made_of(vintages: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    return item_accuracy(error_sums(judged(vintages, demand, DAY), DAY), DAY)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_items_accuracy_equals_a_loop_over_its_forecasts(seed: int) -> None:
    vintages, demand = vintages_of(seed), demand_of(seed)
    made = made_of(vintages, demand)
    groups = defaultdict(list)
    for row in looped_rows(vintages, demand, DAY, 156):
        groups[row["tenant_id"], row["item_id"], row["location_id"]].append(row)
    assert dict(made.schema) == ITEM_ACCURACY
    assert made.select("tenant_id", "item_id", "location_id").rows() == sorted(groups)
    for row in made.rows(named=True):
        own = groups[row["tenant_id"], row["item_id"], row["location_id"]]
        expected = looped_figures(own, looped_scaled)
        assert {name: row[name] for name in expected if name in row} == pytest.approx(
            {name: value for name, value in expected.items() if name in row}
        )
        assert row["error_units"] == pytest.approx(sum(abs(f["mean"] - f["actual"]) for f in own))
        assert row["demand_class"] == min(own, key=lambda f: (f["week"], f["lag"]))["demand_class"]


def test_the_worst_item_is_the_one_that_missed_by_most_units() -> None:
    made = made_of(vintages_of(5), demand_of(5))
    for tenant in ("north", "south"):
        own = made.filter(pl.col("tenant_id") == tenant).sort("worst_rank")
        assert own["worst_rank"].to_list() == list(range(1, 9))
        assert own["error_units"].is_sorted(descending=True)


def test_items_that_missed_alike_are_ranked_by_name() -> None:
    vintages = vintages_of(6).filter(pl.col("item_id") == "A", pl.col("location_id") == "main")
    alike = pl.concat([vintages.with_columns(item_id=pl.lit(name)) for name in ("Z2", "Z1", "Z3")])
    made = made_of(alike, demand_of(6).clear()).filter(pl.col("tenant_id") == "north")
    assert made["error_units"].n_unique() == 1
    assert made.sort("worst_rank")["item_id"].to_list() == ["Z1", "Z2", "Z3"]
