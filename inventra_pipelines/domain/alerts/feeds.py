"""Feeds that are missing, old, thin or in part refused.

Belongs here: the rules on what landed. They speak of datasets, all of one kind in one condition, so that a night in
which nothing arrives is one alert.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from inventra_pipelines.domain.tenant import AlertConfig

FEEDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "dataset": pl.String,
    "expected_today": pl.Boolean,
    "batches": pl.Int64,
    "rows_accepted": pl.Int64,
    "rows_rejected": pl.Int64,
    "rejected_files": pl.List(pl.String),
    "median_rows_same_weekday": pl.Float64,
    "last_business_day": pl.Date,
}
# Demand and stock feed every later stage; the rest is master data that changes slowly.
VITAL = ("sales", "stock")
FILES_SHOWN = 3
Finding = tuple[str, str, str]


def feed_conditions(feeds: pl.DataFrame, *, as_of_on: date, config: AlertConfig) -> list[Finding]:
    """Judge the feeds of a day; one finding per kind, with the worst severity of its datasets.

    - `no_feed`: expected today and no file landed; critical for sales, high for stock, else medium.
    - `rejected_file`: a file that was refused as a whole; high for sales and stock, else medium.
    - `stale_feed`: the last business day is more than `stale_after_days` back; high for sales and stock, else medium.
    - `thin_feed`: files were read, with fewer rows than `thin_feed_share` of the median of the same weekday; medium for
      sales and stock, else low.
    - `rejected_rows`: more than `rejected_share` of the rows read were rejected; high from half on, else medium.

    Args:
        feeds: The columns of `FEEDS`, one row per dataset. `batches` counts the files landed, refused ones included;
            `rejected_files` holds "file name: message" of each refused one; `last_business_day` is null for a dataset
            without business days, or whose files come on demand and cannot be stale; the median is null while unknown.
        as_of_on: The day.
        config: Thresholds.

    Returns:
        (kind, severity, message), sorted by kind.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for feed in feeds.sort("dataset").iter_rows(named=True):
        for kind, severity, message in _judge(feed, as_of_on, config):
            found.setdefault(kind, []).append((severity, message))
    order = ("critical", "high", "medium", "low")
    return [
        (kind, min((severity for severity, _ in rows), key=order.index), "; ".join(message for _, message in rows))
        for kind, rows in sorted(found.items())
    ]


def _judge(feed: dict[str, Any], as_of_on: date, config: AlertConfig) -> Iterator[Finding]:
    dataset, batches = feed["dataset"], feed["batches"] or 0
    accepted, rejected = feed["rows_accepted"] or 0, feed["rows_rejected"] or 0
    refused: list[str] = feed["rejected_files"] or []
    usual, last_on = feed["median_rows_same_weekday"], feed["last_business_day"]
    is_vital = dataset in VITAL
    if feed["expected_today"] and batches == 0:
        severity = "critical" if dataset == "sales" else "high" if is_vital else "medium"
        yield "no_feed", severity, f"no {dataset} file landed on {as_of_on}"
    if refused:
        shown = ", ".join(refused[:FILES_SHOWN])
        cut = f" ({FILES_SHOWN} of {len(refused)} shown)" if len(refused) > FILES_SHOWN else ""
        count = f"{len(refused)} {dataset} {'file' if len(refused) == 1 else 'files'}"
        yield "rejected_file", "high" if is_vital else "medium", f"{count} refused: {shown}{cut}"
    if last_on is not None and (as_of_on - last_on).days > config.stale_after_days:
        age = (as_of_on - last_on).days
        message = f"{dataset} data ends on {last_on}, {age} days before {as_of_on}"
        yield "stale_feed", "high" if is_vital else "medium", message
    if batches > len(refused) and usual and accepted < config.thin_feed_share * usual:
        message = f"{dataset} brought {accepted} rows where {usual:.0f} are usual on that weekday"
        yield "thin_feed", "medium" if is_vital else "low", message
    read = accepted + rejected
    if rejected and rejected > config.rejected_share * read:
        message = f"{rejected} of {read} {dataset} rows were rejected ({100 * rejected / read:.1f} %)"
        yield "rejected_rows", "high" if 2 * rejected >= read else "medium", message
