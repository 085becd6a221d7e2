"""Checks of the analytics stage: the facts add up to the lines that they were made of.

Belongs here: identities that are cheap enough for every night; the dbt project's tests hold the rest in CI.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import psycopg
from dagster import AssetCheckResult, AssetCheckSeverity

from inventra_pipelines.assets.keys import DAILY_KPIS, SALES_FACTS
from inventra_pipelines.db.reads.quality import DatasetQuality, data_quality_of
from inventra_pipelines.db.writes import Window
from inventra_pipelines.domain.tenant import TenantConfig

# Below it, one part of five is all but absent, or all of them are a fifth short.
_LEAST_SCORE = 0.8

_REMEDIES = {
    "completeness": "let the source fill the optional columns that data_dictionary.md names, or map them in datasets",
    "freshness": "see why files are missing, or correct the feed's weekdays and the holidays",
    "consistency": "see line_kind and prices in int_sales_lines, int_stock_reconciliation, or orders' days and units",
    "validity": "see `inventra batches rejects BATCH`, and correct the source or its mapping",
    "coverage": "let the source list every item that is sold",
}

_TOTALS = """
    select
        (select coalesce(sum(revenue), 0) from marts.fct_sales_daily
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s),
        (select coalesce(sum(units_sold), 0) from marts.fct_sales_daily
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s),
        (select coalesce(sum(revenue), 0) from intermediate.int_sales_lines
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and line_kind = 'sale'
         and (sold_on, item_id, location_id) not in (
             select sold_on, item_id, location_id from marts.fct_sales_daily
             where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and revenue is null
         )),
        (select coalesce(sum(quantity), 0) from intermediate.int_sales_lines
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and line_kind = 'sale')
"""


def revenue_reconciles(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Revenue and units of `fct_sales_daily` equal those of the sale lines of the same days, to the last digit.

    Revenue that is not known is compared with none.
    """
    totals = [Decimal(0)] * 4
    for window in windows:
        parameters = {"tenant_id": window.tenant_id, "first": window.first, "last": window.last}
        row = connection.execute(_TOTALS, parameters).fetchone()
        totals = [a + Decimal(b) for a, b in zip(totals, row or (0, 0, 0, 0), strict=True)]
    revenue, units, line_revenue, line_units = totals
    return AssetCheckResult(
        asset_key=SALES_FACTS,
        check_name="revenue_reconciles",
        passed=revenue == line_revenue and units == line_units,
        metadata={
            "fact_revenue": float(revenue),
            "line_revenue": float(line_revenue),
            "fact_units": float(units),
            "line_units": float(line_units),
        },
    )


def data_quality(
    connection: psycopg.Connection, windows: Sequence[Window], tenants: Mapping[str, TenantConfig]
) -> AssetCheckResult:
    """No dataset of a window's last day has a score below 0.8 or far fewer rows than usual on its weekday.

    A score below the tenant's `least_quality_score` is an error, after which nothing goes on; all else is a warning.
    """
    quality = data_quality_of(connection, windows)
    poor = [each for each in quality if each.is_low or (each.score is not None and each.score < _LEAST_SCORE)]
    unusable = [each for each in quality if _is_unusable(each, tenants[each.tenant_id])]
    named = [*unusable, *(each for each in poor if each not in unusable)]
    return AssetCheckResult(
        asset_key=DAILY_KPIS,
        check_name="data_quality",
        passed=not named,
        severity=AssetCheckSeverity.ERROR if unusable else AssetCheckSeverity.WARN,
        metadata={
            "datasets": len(quality),
            "poor": len(named),
            "unusable": len(unusable),
            "worst": "\n".join(map(_describe, named)) or "none",
            "all": "select * from marts.rpt_data_quality",
        },
    )


def _is_unusable(quality: DatasetQuality, tenant: TenantConfig) -> bool:
    least = tenant.analytics.least_quality_score
    return least is not None and quality.score is not None and quality.score < least


def _describe(quality: DatasetQuality) -> str:
    """A line that names the dataset, what is worst about it, and the remedy."""
    name = f"{quality.tenant_id} {quality.dataset} on {quality.as_of_on}"
    if quality.is_low:
        return (
            f"{name}: {quality.rows_read_day:,} rows where {quality.rows_expected:,.0f} are usual on the weekday;"
            " see that the file is whole"
        )
    part = min(quality.parts, key=lambda each: quality.parts[each])
    return f"{name}: score {quality.score:.2f}, {part} {quality.parts[part]:.2f}; {_REMEDIES[part]}"
