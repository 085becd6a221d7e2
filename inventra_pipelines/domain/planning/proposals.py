"""Order proposals: what to order on a day, with every figure that led to it.

Belongs here: bringing stock, supply, forecasts and item data together into rows of `planning.proposals`. The maths is
in `demand.py`, `reorder_points.py` and `projection.py`, the sentence of each row in `reasons.py`.
"""

from datetime import date

import numpy as np
import polars as pl

from inventra_pipelines.domain.planning.demand import KEY, DemandCurves, Floats, demand_curves
from inventra_pipelines.domain.planning.projection import project, receipts
from inventra_pipelines.domain.planning.reasons import reason
from inventra_pipelines.domain.planning.reorder_points import order_quantities, reorder_points
from inventra_pipelines.domain.tenant import PlanningConfig
from inventra_pipelines.errors import PermanentError

PROPOSALS: dict[str, pl.DataType | type[pl.DataType]] = {
    "tenant_id": pl.String,
    "as_of_on": pl.Date,
    "item_id": pl.String,
    "location_id": pl.String,
    "supplier_code": pl.String,
    "abc_class": pl.String,
    "on_hand": pl.Float64,
    "reserved": pl.Float64,
    "on_order": pl.Float64,
    "available": pl.Float64,
    "unit_cost": pl.Float64,
    "unit_price": pl.Float64,
    "lead_time_days": pl.Int32,
    "review_days": pl.Int32,
    "service_level": pl.Float64,
    "demand_mean_weekly": pl.Float64,
    "demand_over_protection": pl.Float64,
    "demand_std_over_protection": pl.Float64,
    "safety_stock": pl.Float64,
    "reorder_point": pl.Float64,
    "order_up_to": pl.Float64,
    "quantity_proposed": pl.Float64,
    "order_value": pl.Float64,
    "stock_out_on": pl.Date,
    "days_of_cover": pl.Float64,
    "excess_units": pl.Float64,
    "excess_value": pl.Float64,
    "money_at_risk": pl.Float64,
    "status": pl.String,
    "reason": pl.String,
    "is_stock_simulated": pl.Boolean,
    "forecast_cutoff_on": pl.Date,
    "config_version": pl.String,
}
# An item too new for a class is planned like the middle one.
CLASS_OF_UNCLASSIFIED = "B"


def plan_orders(
    items: pl.DataFrame,
    stock: pl.DataFrame,
    open_supply: pl.DataFrame,
    forecasts: pl.DataFrame,
    classes: pl.DataFrame,
    *,
    tenant_id: str,
    as_of_on: date,
    config: PlanningConfig,
    config_version: str,
    is_stock_simulated: bool,
) -> pl.DataFrame:
    """Propose orders for one tenant and day; one row per item and location that has a count or a forecast.

    Periodic review, (R, s, S): every `review_days` the position (available + on order) is looked at; below the
    `reorder_point`, which covers the demand of lead time plus review period at the service level of the ABC class, an
    order fills it up to `order_up_to`, that is the reorder point plus the expected demand of the review period that
    follows, in whole packs and at least the minimum order.

    `safety_stock` is the reorder point less the expected demand (below 0 where demand is rare and lumpy and the level
    is met with less). `stock_out_on` is the first day whose expected demand is not met in full from what is available
    and the open receipts if nothing more is ordered: the planning day itself where nothing is available, null beyond
    the forecast. `days_of_cover` is how long what is available lasts without receipts. `excess_units` is what is
    available beyond both `excess_cover_days` of expected demand and `order_up_to` (all of it without demand), at cost.
    `money_at_risk` is the expected sales lost in lead time plus review period if nothing more is ordered, at
    `unit_price`. Null means not known: no stock figures without a count, no money without a price or cost, no demand
    figures without a forecast.

    Status, the first that holds: `unknown` (no count), `no_demand` (no forecast, or one of nothing), `out_of_stock`
    (nothing available), `stock_out_risk` (sales are lost in lead time plus review period), `order`, `excess`,
    `healthy`.

    Args:
        items: item_id, supplier_code, unit_cost, unit_price, lead_time_days, minimum_order_quantity, pack_quantity.
        stock: The count in force: item_id, location_id, quantity_on_hand, quantity_reserved, quantity_available,
            unit_cost, counted_on. Empty for a tenant without stock, which gets no proposals.
        open_supply: item_id, location_id, quantity_open, expected_on; see `projection.receipts` for late ones.
        forecasts: Rows of `forecast.forecasts` of the cutoff in force.
        classes: item_id, abc_class.
        tenant_id: The tenant of all these frames.
        as_of_on: The planning day.
        config: Service levels, review period, defaults.
        config_version: Version of the tenant's configuration, kept on every row.
        is_stock_simulated: Whether the stock is generated, kept on every row.

    Returns:
        The columns of `PROPOSALS`, sorted by item and location.

    Raises:
        PermanentError: A key stands twice in an input, a count is later than the planning day, or the forecasts
            cannot be read (see `demand_curves`).
    """
    if stock.is_empty():
        return pl.DataFrame(schema=PROPOSALS)
    _check(items, stock, classes, as_of_on)
    rows = _rows(items, stock, open_supply, forecasts, classes, config=config)
    demand = demand_curves(forecasts, rows, as_of_on=as_of_on)
    arriving = receipts(open_supply, rows, as_of_on=as_of_on)
    planned = _with_levels(rows, demand, config)
    planned = _with_outlook(planned, demand, arriving, as_of_on, config)
    return (
        planned.with_columns(_status().alias("status"))
        .with_columns(reason(config).alias("reason"))
        .with_columns(
            pl.lit(tenant_id).alias("tenant_id"),
            pl.lit(as_of_on).alias("as_of_on"),
            pl.lit(config.review_days).alias("review_days"),
            pl.lit(is_stock_simulated).alias("is_stock_simulated"),
            pl.lit(forecasts.get_column("cutoff_on").max() if forecasts.height else None).alias("forecast_cutoff_on"),
            pl.lit(config_version).alias("config_version"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in PROPOSALS.items())
        .sort(KEY)
    )


def _check(items: pl.DataFrame, stock: pl.DataFrame, classes: pl.DataFrame, as_of_on: date) -> None:
    for name, frame, key in (("items", items, ["item_id"]), ("stock", stock, KEY), ("classes", classes, ["item_id"])):
        twice = frame.filter(frame.select(key).is_duplicated())
        if not twice.is_empty():
            raise PermanentError(
                f"planning for {as_of_on}: {name} holds item {twice.item(0, 'item_id')} twice", "pass one row per key"
            )
    late = stock.filter(pl.col("counted_on") > as_of_on)
    if not late.is_empty():
        raise PermanentError(
            f"planning for {as_of_on}: stock holds a count of {late.item(0, 'counted_on')}",
            "pass the counts in force on that day",
        )


def _rows(
    items: pl.DataFrame,
    stock: pl.DataFrame,
    open_supply: pl.DataFrame,
    forecasts: pl.DataFrame,
    classes: pl.DataFrame,
    *,
    config: PlanningConfig,
) -> pl.DataFrame:
    """One row per item and location with a count or a forecast, and what is known of it."""
    counted = stock.select(
        *KEY,
        pl.col("quantity_on_hand").cast(pl.Float64).alias("on_hand"),
        pl.col("quantity_reserved").cast(pl.Float64).alias("reserved"),
        pl.col("quantity_available").cast(pl.Float64).alias("available"),
        pl.col("unit_cost").cast(pl.Float64).alias("counted_cost"),
    )
    on_order = open_supply.group_by(KEY).agg(pl.col("quantity_open").cast(pl.Float64).clip(0).sum().alias("on_order"))
    master = items.select(
        "item_id",
        "supplier_code",
        "lead_time_days",
        *(
            pl.col(name).cast(pl.Float64)
            for name in ("unit_cost", "unit_price", "minimum_order_quantity", "pack_quantity")
        ),
    )
    defaults = PlanningConfig().service_levels
    levels = {str(name): float(level) for name, level in (defaults | config.service_levels).items()}
    known = pl.col("available"), pl.col("on_hand") - pl.col("reserved").fill_null(0)
    return (
        pl.concat([stock.select(KEY), forecasts.select(KEY)] if forecasts.height else [stock.select(KEY)])
        .unique()
        .sort(KEY)
        .join(counted, on=KEY, how="left")
        .join(on_order, on=KEY, how="left")
        .join(master, on="item_id", how="left")
        .join(classes.select("item_id", "abc_class"), on="item_id", how="left")
        .sort(KEY)
        .with_columns(
            pl.coalesce(known).alias("available"),
            pl.col("on_order").fill_null(0),
            pl.coalesce("unit_cost", "counted_cost").alias("unit_cost"),
            pl.col("lead_time_days").is_null().alias("is_default_lead_time"),
            pl.col("lead_time_days").fill_null(config.default_lead_time_days).cast(pl.Int32),
            pl.col("abc_class").fill_null(CLASS_OF_UNCLASSIFIED).replace_strict(levels).alias("service_level"),
        )
    )


def _with_levels(rows: pl.DataFrame, demand: DemandCurves, config: PlanningConfig) -> pl.DataFrame:
    protection = _floats(rows, "lead_time_days") + config.review_days
    mean, std = demand.mean_over(protection).round(4), demand.std_over(protection).round(4)
    point = reorder_points(mean, std, _floats(rows, "service_level"))
    # However wide its range, of no item is more held than the tenant calls excess, or twice the interval it must last.
    longest = np.maximum(2 * protection, float(config.excess_cover_days))
    point = np.minimum(point, np.ceil(demand.mean_over(longest)))
    up_to = (point + demand.mean_over(protection + config.review_days) - demand.mean_over(protection)).round(4)
    position = _floats(rows, "available") + _floats(rows, "on_order")
    quantity = order_quantities(
        position, point, up_to, _floats(rows, "minimum_order_quantity"), _floats(rows, "pack_quantity")
    )
    weeks = demand.mean.shape[1] - 1
    return rows.with_columns(
        pl.Series("protection_days", protection, dtype=pl.Int32),
        _numbers("demand_mean_weekly", (demand.mean[:, -1] / weeks).round(4)),
        _numbers("demand_over_protection", mean),
        _numbers("demand_std_over_protection", std),
        _numbers("safety_stock", (point - mean).round(4)),
        _numbers("reorder_point", point),
        _numbers("order_up_to", up_to),
        _numbers("quantity_proposed", quantity),
    ).with_columns((pl.col("quantity_proposed") * pl.col("unit_cost")).round(2).alias("order_value"))


def _with_outlook(
    rows: pl.DataFrame, demand: DemandCurves, arriving: pl.DataFrame, as_of_on: date, config: PlanningConfig
) -> pl.DataFrame:
    available = _floats(rows, "available")
    days_left, lost = project(demand, available, arriving, _floats(rows, "protection_days"))
    cover = demand.days_to_sell(available)
    wanted = np.nan_to_num(demand.mean_over(float(config.excess_cover_days)))
    kept = np.maximum(wanted, np.nan_to_num(_floats(rows, "order_up_to")))
    excess = np.maximum(np.maximum(available, 0) - kept, 0)
    lost = np.where(np.isnan(available), np.nan, np.nan_to_num(lost))
    return rows.with_columns(
        _numbers("days_left", days_left).cast(pl.Int64),
        _numbers("days_of_cover", np.where(np.isfinite(cover), cover, np.nan).round(1)),
        _numbers("excess_units", excess.round(4)),
        _numbers("lost_units", lost),
        _numbers("demand_over_excess_cover", wanted),
    ).with_columns(
        (pl.lit(as_of_on) + pl.duration(days="days_left")).alias("stock_out_on"),
        (pl.col("excess_units") * pl.col("unit_cost")).round(2).alias("excess_value"),
        (pl.col("lost_units") * pl.col("unit_price")).round(2).alias("money_at_risk"),
    )


def _status() -> pl.Expr:
    return (
        pl.when(pl.col("available").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("demand_mean_weekly").fill_null(0) <= 0)
        .then(pl.lit("no_demand"))
        .when(pl.col("available") <= 0)
        .then(pl.lit("out_of_stock"))
        .when(pl.col("lost_units") > 1e-9)
        .then(pl.lit("stock_out_risk"))
        .when(pl.col("quantity_proposed") > 0)
        .then(pl.lit("order"))
        .when(pl.col("excess_units") > 0)
        .then(pl.lit("excess"))
        .otherwise(pl.lit("healthy"))
    )


def _floats(rows: pl.DataFrame, name: str) -> Floats:
    return rows.get_column(name).cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _numbers(name: str, values: Floats) -> pl.Series:
    return pl.Series(name, values, dtype=pl.Float64).fill_nan(None)
