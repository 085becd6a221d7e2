"""What Dagster says of a dbt model: its description from the project, and what a run did to it.

Belongs here: the small translation between the dbt project's manifest and asset specs and metadata.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl
from dagster import AssetKey, MetadataValue

from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import ModelRun
from inventra_pipelines.resources.dbt_descriptions import model_descriptions


def describe(key: AssetKey) -> str:
    """The description that the dbt project gives the model of this asset."""
    return model_descriptions()[key.path[-1]].text


def table_metadata(rows: pl.DataFrame) -> MetadataValue:
    """Some rows as a table on the asset's page; an empty figure is not available."""
    if rows.is_empty():
        return MetadataValue.text("no rows for these days")
    lines = ["| " + " | ".join(rows.columns) + " |", "|" + "---|" * rows.width]
    lines += ["| " + " | ".join(_shown(value) for value in row) + " |" for row in rows.iter_rows()]
    return MetadataValue.md("\n".join(lines))


def _shown(value: object) -> str:
    if isinstance(value, Decimal | float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def rows_metadata(models: Sequence[ModelRun], key: AssetKey, windows: Sequence[Window]) -> dict[str, Any]:
    """Rows written, seconds and windows of the model's run."""
    run = next(model for model in models if model.model == key.path[-1])
    return {
        "dagster/row_count": run.rows or 0,
        "seconds": round(run.seconds, 2),
        "windows": ", ".join(map(str, windows)) or "none: no file touched a business day",
    }
