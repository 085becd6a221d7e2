"""The one message a day that says which alerts were opened and which resolved.

Belongs here: the words. Who gets it and over which channel is decided by the caller; sending is `delivery/`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from inventra_pipelines.domain.alerts.conditions import SEVERITIES
from inventra_pipelines.domain.tenant import TenantConfig

LINES_SHOWN = 20


@dataclass(frozen=True)
class Notification:
    """A message ready to be delivered."""

    subject: str
    body: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of subject and body: the same message has the same one."""
        return hashlib.sha256(f"{self.subject}\n{self.body}".encode()).hexdigest()


def digest(
    alerts: pl.DataFrame, *, as_of_on: date, config: TenantConfig, conditions: pl.DataFrame | None = None
) -> Notification | None:
    """Write the day's notification, or none where nothing was opened or resolved.

    Alerts on feeds and on the tenant as a whole come first, by severity, and are never cut; then those on items, worst
    by money first, an unknown sum last, equal ones by severity; at most 20 opened and 20 resolved, saying of how many.

    Args:
        alerts: Rows of `alerts.alerts`; those opened or resolved on the day are used.
        as_of_on: The day.
        config: The tenant, for its name and currency.
        conditions: Rows of `alerts.conditions` of the day. An alert carries the figures of the last day it was seen;
            where later days are already folded in, these put back what was true on the day, so that the message of a
            day is the same whenever it is written.
    """
    alerts = alerts if conditions is None else _as_of(alerts, conditions, as_of_on)
    opened = _worst_first(alerts.filter(pl.col("opened_on") == as_of_on))
    resolved = _worst_first(alerts.filter(pl.col("resolved_on") == as_of_on))
    if opened.is_empty() and resolved.is_empty():
        return None
    critical = opened.filter(pl.col("severity") == "critical").height
    urgent = f" ({critical} critical)" if critical else ""
    noun = "alert" if opened.height == 1 else "alerts"
    subject = f"{config.name}, {as_of_on}: {opened.height} new {noun}{urgent}, {resolved.height} resolved"
    whole = opened.filter(pl.col("item_id") == "").sort(_rank(), maintain_order=True)
    items = opened.filter(pl.col("item_id") != "")
    sections = [
        _section("Feeds and the whole business", whole, config.currency, whole.height),
        _section("New alerts on items", items, config.currency, LINES_SHOWN),
        _section("Resolved", resolved, config.currency, LINES_SHOWN),
    ]
    title = f"{config.name}: alerts of {as_of_on}"
    return Notification(" ".join(subject.split()), "\n\n".join([title, *filter(None, sections)]) + "\n")


def _as_of(alerts: pl.DataFrame, conditions: pl.DataFrame, as_of_on: date) -> pl.DataFrame:
    key, figures = ["kind", "item_id"], ["severity", "money_at_risk", "message"]
    today = conditions.filter(pl.col("as_of_on") == as_of_on).select(*key, *figures, pl.lit(True).alias("is_true"))
    was_opened = (pl.col("opened_on") == as_of_on) & pl.col("is_true")
    return alerts.join(today, on=key, how="left", suffix="_then", maintain_order="left").with_columns(
        pl.when(was_opened).then(pl.col(f"{name}_then")).otherwise(pl.col(name)).alias(name) for name in figures
    )


def _worst_first(alerts: pl.DataFrame) -> pl.DataFrame:
    return alerts.sort(
        pl.col("money_at_risk").cast(pl.Float64),
        _rank(),
        "kind",
        "item_id",
        descending=[True, False, False, False],
        nulls_last=True,
    )


def _rank() -> pl.Expr:
    places = {name: place for place, name in enumerate(SEVERITIES)}
    return pl.col("severity").replace_strict(places, return_dtype=pl.Int64)


def _section(title: str, alerts: pl.DataFrame, currency: str, most: int) -> str:
    if alerts.is_empty():
        return ""
    cut = f", worst by money first: {most} of {alerts.height}" if alerts.height > most else f": {alerts.height}"
    lines = [_line(alert, currency) for alert in alerts.head(most).iter_rows(named=True)]
    return "\n".join([f"{title}{cut}", *lines])


def _line(alert: dict[str, Any], currency: str) -> str:
    money = alert["money_at_risk"]
    at_risk = f" [{money:,.2f} {currency}]" if money is not None else ""
    message = " ".join(alert["message"].split())
    return f"- {alert['severity']}, {alert['kind'].replace('_', ' ')}{at_risk}: {message}"
