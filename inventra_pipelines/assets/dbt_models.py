"""What Dagster says of a dbt model: its description from the project, and what a run did to it.

Belongs here: the small translation between the dbt project's manifest and asset specs and metadata.
"""

from collections.abc import Sequence
from typing import Any

from dagster import AssetKey

from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import ModelRun
from inventra_pipelines.resources.dbt_descriptions import model_descriptions


def describe(key: AssetKey) -> str:
    """The description that the dbt project gives the model of this asset."""
    return model_descriptions()[key.path[-1]].text


def rows_metadata(models: Sequence[ModelRun], key: AssetKey, windows: Sequence[Window]) -> dict[str, Any]:
    """Rows written, seconds and windows of the model's run."""
    run = next(model for model in models if model.model == key.path[-1])
    return {
        "dagster/row_count": run.rows or 0,
        "seconds": round(run.seconds, 2),
        "windows": ", ".join(map(str, windows)) or "none: no file touched a business day",
    }
