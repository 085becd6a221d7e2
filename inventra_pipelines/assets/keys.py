"""Every asset key, in the order the data flows; an asset and its table share their name.

Belongs here: the keys and the stages that group them. What an asset does stands in its stage's module.
"""

from typing import Final

from dagster import AssetKey

STAGES: Final = ("ingest", "normalize", "analytics", "forecast", "planning", "alerts", "reports")

BATCHES: Final = AssetKey(["ingest", "batches"])

DEMAND_DAILY: Final = AssetKey(["normalize", "int_demand_daily"])
STOCK_DAILY: Final = AssetKey(["normalize", "int_stock_daily"])
SUPPLY_LINES: Final = AssetKey(["normalize", "int_supply_lines"])

SALES_FACTS: Final = AssetKey(["analytics", "fct_sales_daily"])
STOCK_FACTS: Final = AssetKey(["analytics", "fct_stock_daily"])
ITEM_CLASSES: Final = AssetKey(["analytics", "fct_item_classes"])
DAILY_KPIS: Final = AssetKey(["analytics", "rpt_daily_kpis"])

FORECASTS: Final = AssetKey(["forecast", "forecasts"])
PROPOSALS: Final = AssetKey(["planning", "proposals"])
ALERTS: Final = AssetKey(["alerts", "alerts"])
DAILY_REPORTS: Final = AssetKey(["reports", "artifacts"])
