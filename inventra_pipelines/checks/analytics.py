"""Checks of the analytics stage: the facts add up to the lines that they were made of.

Belongs here: identities that are cheap enough for every night; the dbt project's tests hold the rest in CI.
"""

from collections.abc import Sequence
from decimal import Decimal

import psycopg
from dagster import AssetCheckResult

from inventra_pipelines.assets.keys import SALES_FACTS
from inventra_pipelines.db.writes import Window

_TOTALS = """
    select
        (select coalesce(sum(revenue), 0) from marts.fct_sales_daily
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s),
        (select coalesce(sum(units_sold), 0) from marts.fct_sales_daily
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s),
        (select coalesce(sum(revenue), 0) from intermediate.int_sales_lines
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and line_kind = 'sale'),
        (select coalesce(sum(quantity), 0) from intermediate.int_sales_lines
         where tenant_id = %(tenant_id)s and sold_on between %(first)s and %(last)s and line_kind = 'sale')
"""


def revenue_reconciles(connection: psycopg.Connection, windows: Sequence[Window]) -> AssetCheckResult:
    """Revenue and units of `fct_sales_daily` equal those of the sale lines of the same days, to the last digit."""
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
