"""What Dagster says of a dbt model: its description from the project, and what a run did to it.

Belongs here: the small translation between the dbt project's manifest and asset specs and metadata.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from dagster import AssetKey

from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import ModelRun
from inventra_pipelines.settings import PROJECT_FOLDER

_MODELS = PROJECT_FOLDER / "dbt_project" / "models"


@lru_cache(maxsize=1)
def _descriptions() -> dict[str, str]:
    """Model name -> description, from the project's own YAML: no parse of the project at import."""
    found: dict[str, str] = {}
    for file in sorted(Path(_MODELS).rglob("*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", []):
            found[model["name"]] = " ".join(str(model.get("description", "")).split())
    return found


def describe(key: AssetKey) -> str:
    """The description that the dbt project gives the model of this asset."""
    return _descriptions()[key.path[-1]]


def rows_metadata(models: Sequence[ModelRun], key: AssetKey, windows: Sequence[Window]) -> dict[str, Any]:
    """Rows written, seconds and windows of the model's run."""
    run = next(model for model in models if model.model == key.path[-1])
    return {
        "dagster/row_count": run.rows or 0,
        "seconds": round(run.seconds, 2),
        "windows": ", ".join(map(str, windows)) or "none: no file touched a business day",
    }
