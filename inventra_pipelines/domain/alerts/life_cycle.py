"""Alerts out of conditions: opened, seen again, resolved; one open at a time per tenant, item and kind.

Belongs here: the fold over days, and the identity of an alert. What is true on a day is `conditions.py`; telling
people is `digest.py`.
"""

import uuid
from collections.abc import Sequence
from datetime import date

import polars as pl

from inventra_pipelines.errors import PermanentError

ALERTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "alert_id": pl.String,
    "tenant_id": pl.String,
    "kind": pl.String,
    "item_id": pl.String,
    "severity": pl.String,
    "state": pl.String,
    "opened_on": pl.Date,
    "last_seen_on": pl.Date,
    "resolved_on": pl.Date,
    "money_at_risk": pl.Float64,
    "message": pl.String,
}
KEY = ["kind", "item_id"]
_SEEN = [*KEY, "day", "alert_id", "opened_on", "seen_on", "severity", "money_at_risk", "message"]
# Names alerts of this project alone; changing it renames every alert.
ALERT_NAMESPACE = uuid.UUID("6d1f0f3c-8f3e-5f0b-9a57-2f6f6c1f7a10")


def fold_alerts(
    carried: pl.DataFrame, conditions: pl.DataFrame, evaluated: pl.DataFrame | Sequence[date], *, tenant_id: str
) -> pl.DataFrame:
    """Fold the conditions of several days into alerts.

    An alert opens on the first evaluated day with its condition and is resolved on the first evaluated day without it;
    days that were not evaluated say nothing. Severity, money and message are those of the last day seen. Folding days
    one by one, each time carrying what is still open, gives the same alerts as folding them at once.

    Args:
        carried: Alerts open just before the first evaluated day, columns of `ALERTS`; see `open_before`. A row of
            `alerts.alerts` will not do for a replay where it has been seen, or resolved, on a later day.
        conditions: Rows of `alerts.conditions` of the evaluated days.
        evaluated: The days, as rows of `alerts.evaluations` or as dates.
        tenant_id: The tenant.

    Returns:
        The columns of `ALERTS`, sorted by kind, item and day opened: everything carried, and everything opened.

    Raises:
        PermanentError: A condition twice or on a day that was not evaluated, or a carried alert that was not open
            before the first day.
    """
    listed = evaluated.get_column("as_of_on").to_list() if isinstance(evaluated, pl.DataFrame) else evaluated
    days = pl.DataFrame({"seen_on": sorted(set(listed))}, schema={"seen_on": pl.Date})
    _check(carried, conditions, days, tenant_id)
    numbered = days.with_row_index("day").with_columns(pl.col("day").cast(pl.Int64))
    seen = pl.concat(
        [
            carried.select(
                *KEY,
                pl.lit(-1, pl.Int64).alias("day"),
                "alert_id",
                "opened_on",
                pl.col("last_seen_on").alias("seen_on"),
                "severity",
                pl.col("money_at_risk").cast(pl.Float64),
                "message",
            ),
            conditions.rename({"as_of_on": "seen_on"})
            .join(numbered, on="seen_on")
            .with_columns(
                pl.lit(None, pl.String).alias("alert_id"),
                pl.col("seen_on").alias("opened_on"),
                pl.col("money_at_risk").cast(pl.Float64),
            )
            .select(_SEEN),
        ]
    ).sort(*KEY, "day")
    is_new = (pl.col("day") != pl.col("day").shift() + 1).fill_null(True).over(KEY)
    spells = (
        seen.with_columns(is_new.cast(pl.Int64).cum_sum().over(KEY).alias("spell"))
        .group_by(*KEY, "spell", maintain_order=True)
        .agg(
            pl.col("alert_id", "opened_on").first(),
            pl.col("day", "seen_on", "severity", "money_at_risk", "message").last(),
        )
    )
    after = numbered.select(pl.col("day") - 1, pl.col("seen_on").alias("resolved_on"))
    folded = spells.join(after, on="day", how="left", maintain_order="left").with_columns(
        pl.lit(tenant_id).alias("tenant_id"),
        pl.col("seen_on").alias("last_seen_on"),
        pl.when(pl.col("resolved_on").is_null()).then(pl.lit("open")).otherwise(pl.lit("resolved")).alias("state"),
    )
    ids = [
        row["alert_id"] or alert_id(tenant_id, row["kind"], row["item_id"], row["opened_on"])
        for row in folded.select(*KEY, "alert_id", "opened_on").iter_rows(named=True)
    ]
    return (
        folded.with_columns(pl.Series("alert_id", ids, dtype=pl.String))
        .select(pl.col(name).cast(dtype) for name, dtype in ALERTS.items())
        .sort(*KEY, "opened_on")
    )


def open_before(
    conditions: pl.DataFrame, evaluated: pl.DataFrame | Sequence[date], day: date, *, tenant_id: str
) -> pl.DataFrame:
    """Alerts open just before a day, from the conditions of all evaluated days before it, for `fold_alerts`."""
    listed = evaluated.get_column("as_of_on").to_list() if isinstance(evaluated, pl.DataFrame) else evaluated
    before = [known for known in listed if known < day]
    past = fold_alerts(
        pl.DataFrame(schema=ALERTS), conditions.filter(pl.col("as_of_on") < day), before, tenant_id=tenant_id
    )
    return past.filter(pl.col("state") == "open")


def alert_id(tenant_id: str, kind: str, item_id: str, opened_on: date) -> str:
    """Name of an alert, the same whenever and wherever it is made."""
    return str(uuid.uuid5(ALERT_NAMESPACE, f"{tenant_id}|{kind}|{opened_on.isoformat()}|{item_id}"))


def _check(carried: pl.DataFrame, conditions: pl.DataFrame, days: pl.DataFrame, tenant_id: str) -> None:
    strange = conditions.join(days, left_on="as_of_on", right_on="seen_on", how="anti")
    if not strange.is_empty():
        raise PermanentError(
            f"alerts of {tenant_id}: a condition of {strange.item(0, 'as_of_on')} is on a day that was not evaluated",
            "pass every day that the conditions are from",
        )
    for name, frame, key in (("condition", conditions, ["as_of_on", *KEY]), ("carried alert", carried, KEY)):
        twice = frame.filter(frame.select(key).is_duplicated())
        if not twice.is_empty():
            kind, item = twice.item(0, "kind"), twice.item(0, "item_id")
            raise PermanentError(
                f"alerts of {tenant_id}: {name} {kind} of item {item!r} stands twice",
                "pass one row per kind and item",
            )
    first = days.item(0, 0) if days.height else date.max
    late = carried.filter((pl.col("last_seen_on") >= first) | pl.col("resolved_on").is_not_null())
    if not late.is_empty():
        raise PermanentError(
            f"alerts of {tenant_id}: carried alert {late.item(0, 'alert_id')} was not open just before {first}",
            "carry what open_before gives",
        )
