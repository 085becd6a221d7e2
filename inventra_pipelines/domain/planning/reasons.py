"""The one sentence of a proposal, made of the figures that led to it.

Belongs here: wording only. The figures come from `proposals.py`.
"""

import polars as pl

from inventra_pipelines.domain.tenant import PlanningConfig


def reason(config: PlanningConfig) -> pl.Expr:
    """Sentence of each row, from its status and figures."""
    lead = (
        pl.when("is_default_lead_time")
        .then(pl.format(", lead time {} days by default", "lead_time_days"))
        .otherwise(pl.lit(""))
    )
    level = pl.format(
        "the reorder point {} (demand {} over {} days, safety stock {}, {} % service{})",
        _units("reorder_point"),
        _units("demand_over_protection"),
        "protection_days",
        _units("safety_stock"),
        figure(pl.col("service_level") * 100),
        lead,
    )
    stock = pl.format("available {} + on order {}", _units("available"), _units("on_order"))
    kept = (
        pl.when(pl.col("demand_over_excess_cover") >= pl.col("order_up_to"))
        .then(pl.format("demand of {} days ({})", pl.lit(config.excess_cover_days), _units("demand_over_excess_cover")))
        .otherwise(pl.format("level to order up to ({})", _units("order_up_to")))
    )
    cover = pl.format("available {} is {} more than the {}", _units("available"), _units("excess_units"), kept)
    runs_out = pl.coalesce(
        pl.format("runs out on {}: ", pl.col("stock_out_on").dt.to_string("%Y-%m-%d")), pl.lit("runs out: ")
    )
    prefix = (
        pl.when(pl.col("status") == "out_of_stock")
        .then(pl.lit("out of stock: "))
        .when(pl.col("status") == "stock_out_risk")
        .then(runs_out)
        .otherwise(pl.lit(""))
    )
    return (
        pl.when(pl.col("status") == "unknown")
        .then(pl.coalesce(pl.format("no stock count; {} is what it needs", level), pl.lit("no stock count")))
        .when(pl.col("status") == "no_demand")
        .then(pl.format("no demand is forecast; available {}", _units("available")))
        .when(pl.col("quantity_proposed") > 0)
        .then(pl.format("{}{} is below {}; {}", prefix, stock, level, _order()))
        .when(pl.col("status") == "excess")
        .then(cover)
        .otherwise(pl.format("{}{} reaches {}; nothing to order", prefix, stock, level))
    )


def _order() -> pl.Expr:
    pack = (
        pl.when(pl.col("pack_quantity") > 1)
        .then(pl.format(" in packs of {}", _units("pack_quantity")))
        .otherwise(pl.lit(""))
    )
    short = pl.col("order_up_to") - pl.col("available") - pl.col("on_order")
    minimum = (
        pl.when(pl.col("minimum_order_quantity") > short)
        .then(pl.format(", minimum order {}", _units("minimum_order_quantity")))
        .otherwise(pl.lit(""))
    )
    return pl.format("order {}{}, up to {}{}", _units("quantity_proposed"), pack, _units("order_up_to"), minimum)


def _units(name: str) -> pl.Expr:
    return figure(pl.col(name))


def figure(value: pl.Expr) -> pl.Expr:
    """A number as people write it: whole where it is whole, else one decimal."""
    rounded = value.round(1)
    whole = rounded.cast(pl.Int128, strict=False).cast(pl.String)
    return pl.when(rounded == rounded.floor()).then(whole).otherwise(rounded.cast(pl.String))
