"""What is true on a day and worth an alert, with its severity.

Belongs here: the rules that turn proposals, anomalies, feeds and drift into rows of `alerts.conditions`. How conditions
of several days become alerts is `life_cycle.py`.
"""

from datetime import date

import polars as pl

from inventra_pipelines.domain.alerts.drift import drift_conditions
from inventra_pipelines.domain.alerts.feeds import feed_conditions
from inventra_pipelines.domain.tenant import AlertConfig

CONDITIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "tenant_id": pl.String,
    "as_of_on": pl.Date,
    "kind": pl.String,
    "item_id": pl.String,
    "severity": pl.String,
    "money_at_risk": pl.Float64,
    "message": pl.String,
}
SEVERITIES = ("critical", "high", "medium", "low")
STOCK_SEVERITY = {
    "out_of_stock": {"A": "critical", "B": "high", "C": "medium"},
    "stock_out_risk": {"A": "high", "B": "medium", "C": "low"},
}
STOPPED_SEVERITY = {"A": "high", "B": "medium", "C": "low"}


def conditions(
    proposals: pl.DataFrame,
    anomalies: pl.DataFrame,
    feeds: pl.DataFrame,
    drift: pl.DataFrame,
    *,
    tenant_id: str,
    as_of_on: date,
    config: AlertConfig,
) -> pl.DataFrame:
    """List what is true of a tenant on a day, at most one row per kind and item.

    - `out_of_stock`, `stock_out_risk`: proposals of that status; critical / high / medium and high / medium / low for
      items of class A / B / C, an item without a class like B. Locations of an item are one row: money added up, the
      message that of the location with most money.
    - `sales_stopped`: high / medium / low by class. `sales_anomaly`: high for the whole tenant; an item's is medium
      from twice `anomaly_z` on, else low.
    - `forecast_drift`: see `drift.drift_conditions`.
    - `no_feed`, `rejected_file`, `stale_feed`, `thin_feed`, `rejected_rows`: see `feeds.feed_conditions`.

    Args:
        proposals: Rows of `planning.proposals` of the day; empty without stock.
        anomalies: Rows of `alerts.anomalies` of the day.
        feeds: One row per dataset, see `feeds.feed_conditions`.
        drift: Rows of `forecast.drift` of the day; empty while no forecast has met its week.
        tenant_id: The tenant of all these frames.
        as_of_on: The day.
        config: Thresholds.

    Returns:
        The columns of `CONDITIONS`, sorted by kind and item. Money is null where it is not known or has no meaning.
    """
    classes = proposals.select("item_id", "abc_class").unique("item_id", keep="first", maintain_order=True)
    found = [
        _stock(proposals),
        _sales(anomalies.join(classes, on="item_id", how="left"), config),
        pl.DataFrame(
            [*feed_conditions(feeds, as_of_on=as_of_on, config=config), *drift_conditions(drift)],
            schema={"kind": pl.String, "severity": pl.String, "message": pl.String},
            orient="row",
        ).select(
            "kind",
            pl.lit("").alias("item_id"),
            "severity",
            pl.lit(None, pl.Float64).alias("money_at_risk"),
            "message",
        ),
    ]
    return (
        pl.concat(found)
        .with_columns(pl.lit(tenant_id).alias("tenant_id"), pl.lit(as_of_on).alias("as_of_on"))
        .select(pl.col(name).cast(dtype) for name, dtype in CONDITIONS.items())
        .sort("kind", "item_id")
    )


def _stock(proposals: pl.DataFrame) -> pl.DataFrame:
    money = pl.col("money_at_risk")
    at = pl.when(pl.len() > 1).then(pl.format(" at {} (of {} locations)", pl.col("location_id").first(), pl.len()))
    simulated = pl.when(pl.col("is_stock_simulated").any()).then(pl.lit(" (simulated stock)")).otherwise(pl.lit(""))
    return (
        proposals.filter(pl.col("status").is_in(list(STOCK_SEVERITY)))
        .sort(
            ["status", "item_id", "money_at_risk", "location_id"],
            descending=[False, False, True, False],
            nulls_last=True,
        )
        .group_by(pl.col("status").alias("kind"), "item_id", maintain_order=True)
        .agg(
            pl.col("abc_class").first(),
            pl.when(money.count() > 0).then(money.sum().round(2)).alias("money_at_risk"),
            pl.format(
                "item {}{}: {}{}",
                pl.col("item_id").first(),
                at.otherwise(pl.lit("")),
                pl.col("reason").first(),
                simulated,
            ).alias("message"),
        )
        .with_columns(
            pl.when(pl.col("kind") == "out_of_stock")
            .then(_by_class(STOCK_SEVERITY["out_of_stock"]))
            .otherwise(_by_class(STOCK_SEVERITY["stock_out_risk"]))
            .alias("severity")
        )
        .select("kind", "item_id", "severity", pl.col("money_at_risk").cast(pl.Float64), "message")
    )


def _sales(anomalies: pl.DataFrame, config: AlertConfig) -> pl.DataFrame:
    severity = (
        pl.when(pl.col("kind") == "sales_stopped")
        .then(_by_class(STOPPED_SEVERITY))
        .when(pl.col("item_id") == "")
        .then(pl.lit("high"))
        .when(pl.col("score").abs() >= 2 * config.anomaly_z)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("low"))
    )
    return anomalies.select(
        "kind", "item_id", severity.alias("severity"), pl.col("money_at_risk").cast(pl.Float64), "message"
    )


def _by_class(severities: dict[str, str]) -> pl.Expr:
    return pl.col("abc_class").replace_strict(severities, default=severities["B"], return_dtype=pl.String)
