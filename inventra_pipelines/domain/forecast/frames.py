"""The shape of what the forecast stage reads and returns: polars schemas, in the order of the tables' columns.

Belongs here: column names and types of the stage's frames. What fills them is in `engine.py` and `accuracy/by_lag.py`.
"""

import numpy as np
import polars as pl

from inventra_pipelines.errors import PermanentError

SERIES_KEY = ["item_id", "location_id"]
QUANTILES: dict[str, float] = {"q10": 0.10, "q50": 0.50, "q80": 0.80, "q90": 0.90, "q95": 0.95, "q98": 0.98}
DECIMALS = 4
_MOST_WITH_DECIMALS = 1e15

DEMAND = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "sold_on": pl.Date,
    "units_sold": pl.Float64,
}
FORECASTS = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "cutoff_on": pl.Date,
    "target_on": pl.Date,
    "lag": pl.Int32,
    "mean": pl.Float64,
    **dict.fromkeys(QUANTILES, pl.Float64),
    "baseline": pl.Float64,
    "cumulative_mean": pl.Float64,
    "cumulative_std": pl.Float64,
    **dict.fromkeys([f"cumulative_{name}" for name in QUANTILES], pl.Float64),
    "demand_class": pl.String,
    "model_used": pl.String,
    "fallback_reason": pl.String,
    "run_id": pl.String,
    "config_version": pl.String,
}
CORRECTIONS = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "cutoff_on": pl.Date,
    "period_ends_on": pl.Date,
    "period_days": pl.Int32,
    "raw_units": pl.Float64,
    "corrected_units": pl.Float64,
    "reason": pl.String,
}
MODELS = {
    "tenant_id": pl.String,
    "selected_on": pl.Date,
    "demand_class": pl.String,
    "method": pl.String,
    "score": pl.Float64,
    "baseline_score": pl.Float64,
    "series": pl.Int64,
    "windows": pl.Int64,
    "reason": pl.String,
    "candidates": pl.String,
    "spread": pl.String,
    "data_fingerprint": pl.String,
    "engine_version": pl.String,
    "config_version": pl.String,
}
BOOSTERS = {
    "tenant_id": pl.String,
    "selected_on": pl.Date,
    "name": pl.String,
    "booster": pl.String,
    "training_rows": pl.Int64,
}
BACKTESTS = {
    "tenant_id": pl.String,
    "selected_on": pl.Date,
    "demand_class": pl.String,
    "method": pl.String,
    "series": pl.Int64,
    "windows": pl.Int64,
    "rmsse": pl.Float64,
    "mase": pl.Float64,
    "wape": pl.Float64,
    "bias": pl.Float64,
    "coverage_80": pl.Float64,
    "coverage_95": pl.Float64,
    "scaled_crps": pl.Float64,
    "is_chosen": pl.Boolean,
}
RUNS = {
    "run_id": pl.String,
    "tenant_id": pl.String,
    "cutoff_on": pl.Date,
    "state": pl.String,
    "items": pl.Int64,
    "fallbacks": pl.Int64,
    "corrections": pl.Int64,
    "horizon_weeks": pl.Int32,
    "selected_on": pl.Date,
    "data_fingerprint": pl.String,
    "message": pl.String,
    "config_version": pl.String,
}
ACCURACY = {
    "tenant_id": pl.String,
    "as_of_on": pl.Date,
    "level": pl.String,
    "node": pl.String,
    "lag": pl.Int32,
    "forecasts": pl.Int64,
    "actual_units": pl.Float64,
    "wape": pl.Float64,
    "bias": pl.Float64,
    "mase": pl.Float64,
    "rmsse": pl.Float64,
    "scaled_crps": pl.Float64,
    "coverage_80": pl.Float64,
    "coverage_95": pl.Float64,
    "tracking_signal": pl.Float64,
    "baseline_wape": pl.Float64,
    "forecast_value_added": pl.Float64,
}
# What the planners make of forecasts: baseline is the engine's mean, then the units that each step adds.
CONSENSUS = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "cutoff_on": pl.Date,
    "target_on": pl.Date,
    "lag": pl.Int32,
    "baseline": pl.Float64,
    "sales": pl.Float64,
    "marketing": pl.Float64,
    "finance": pl.Float64,
    "planner": pl.Float64,
    "cap": pl.Float64,
    "consensus": pl.Float64,
}
# Adjustments that should have counted for a vintage, and why they do not.
UNPLACED = {
    "tenant_id": pl.String,
    "cutoff_on": pl.Date,
    "item_id": pl.String,
    "location_id": pl.String,
    "starts_on": pl.Date,
    "ends_on": pl.Date,
    "step": pl.String,
    "status": pl.String,
    "quantity": pl.Float64,
    "cap": pl.Float64,
    "problem": pl.String,
}
STEP_ACCURACY = {
    "tenant_id": pl.String,
    "as_of_on": pl.Date,
    "step": pl.String,
    "forecasts": pl.Int64,
    "actual_units": pl.Float64,
    "wape_before": pl.Float64,
    "wape_after": pl.Float64,
    "value_added": pl.Float64,
}
HIERARCHY = {
    "tenant_id": pl.String,
    "cutoff_on": pl.Date,
    "level": pl.String,
    "node": pl.String,
    "target_on": pl.Date,
    "lag": pl.Int32,
    "mean": pl.Float64,
    **dict.fromkeys(QUANTILES, pl.Float64),
    "method": pl.String,
}
ITEM_ACCURACY = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "as_of_on": pl.Date,
    "demand_class": pl.String,
    "forecasts": pl.Int64,
    "actual_units": pl.Float64,
    "error_units": pl.Float64,
    "wape": pl.Float64,
    "bias": pl.Float64,
    "mase": pl.Float64,
    "rmsse": pl.Float64,
    "tracking_signal": pl.Float64,
    "baseline_wape": pl.Float64,
    "forecast_value_added": pl.Float64,
    "worst_rank": pl.Int32,
}
DRIFT = {
    "tenant_id": pl.String,
    "as_of_on": pl.Date,
    "demand_class": pl.String,
    "forecasts": pl.Int64,
    "recent_error": pl.Float64,
    "usual_error": pl.Float64,
    "ratio": pl.Float64,
    "tracking_signal": pl.Float64,
    "is_drifting": pl.Boolean,
    "reason": pl.String,
}


def rounded(units: np.ndarray) -> np.ndarray:
    """Units as they are kept: with DECIMALS decimals, as far as a 64-bit float has them; numpy's would overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        kept: np.ndarray = np.where(np.abs(units) < _MOST_WITH_DECIMALS, np.round(units, DECIMALS), units)
    return kept


def checked_demand(demand: pl.DataFrame) -> pl.DataFrame:
    """The demand columns as text, date and float64; further columns are left out.

    Raises:
        PermanentError: A column is missing, or a row has no date or units below zero or none at all.
    """
    missing = [name for name in DEMAND if name not in demand.columns]
    if missing:
        raise PermanentError(
            f"demand lacks the column {', '.join(missing)}", "Pass one row per tenant, item, location and day"
        )
    typed = demand.select(pl.col(name).cast(dtype) for name, dtype in DEMAND.items())
    wrong = typed.filter(
        pl.any_horizontal(pl.all().is_null()) | ~pl.col("units_sold").is_finite() | (pl.col("units_sold") < 0)
    )
    if wrong.height:
        row = wrong.sort(["tenant_id", *SERIES_KEY, "sold_on"]).row(0, named=True)
        raise PermanentError(
            f"demand of tenant {row['tenant_id']}, item {row['item_id']} on {row['sold_on']} is {row['units_sold']}",
            "Demand must be complete, finite and at least 0; put returns apart from it",
        )
    return typed
