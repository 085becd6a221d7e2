"""Demand classes whose forecasts have come to err more, or to another side, than they used to.

Belongs here: which rows of forecast.drift call for an alert, and how severe it is. The rule that calls a class drifting
is `domain/forecast/accuracy/drift.py`.
"""

import polars as pl

# A tenant has one alert for all its classes: a class is no item, and its name may be an item's code.
SEVERE_RATIO = 2.0
Finding = tuple[str, str, str]


def drift_conditions(drift: pl.DataFrame) -> list[Finding]:
    """One finding for all classes that drift: high where one errs at least twice as much as usual, else medium.

    Args:
        drift: demand_class, ratio, is_drifting, reason of one tenant and day.

    Returns:
        (kind, severity, message), the classes' reasons by class; nothing where none drifts.
    """
    drifting = drift.filter(pl.col("is_drifting")).sort("demand_class")
    if drifting.is_empty():
        return []
    is_severe = bool((drifting["ratio"].fill_null(0.0) >= SEVERE_RATIO).any())
    return [("forecast_drift", "high" if is_severe else "medium", "; ".join(drifting["reason"].to_list()))]
