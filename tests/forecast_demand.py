"""Demand to forecast in tests: built from weekly lists, or a made-up tenant of every class."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

CUTOFF = date(2011, 12, 9)
SCHEMA = {
    "tenant_id": pl.String,
    "item_id": pl.String,
    "location_id": pl.String,
    "sold_on": pl.Date,
    "units_sold": pl.Float64,
}


def weekly_demand(
    items: Mapping[str, Sequence[float]], cutoff_on: date = CUTOFF, tenant_id: str = "shop"
) -> pl.DataFrame:
    """Daily demand from units per week, oldest first, the last week ending on the cutoff."""
    rows = [
        (tenant_id, item_id, "main", cutoff_on - timedelta(weeks=len(weeks) - 1 - week, days=week % 7), float(units))
        for item_id, weeks in items.items()
        for week, units in enumerate(weeks)
        if units > 0
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def shop_items() -> dict[str, list[float]]:
    """Fifty series of up to 60 weeks of every class, seeded."""
    rng = np.random.default_rng(20111209)
    items = {f"SMOOTH{n:02}": rng.poisson(40, 60) for n in range(12)}
    items |= {f"ERRATIC{n:02}": np.round(rng.lognormal(2, 1.2, 60)) + 1 for n in range(12)}
    items |= {f"LUMPY{n:02}": (rng.random(60) < 0.3) * np.round(rng.lognormal(2, 1.2, 60)) for n in range(12)}
    items |= {f"INTER{n:02}": (rng.random(60) < 0.4) * 5 for n in range(8)}
    items |= {f"NEW{n:02}": rng.poisson(10, 1 + n) for n in range(6)}
    return {name: [float(units) for units in weeks] for name, weeks in items.items()}
