"""What the dbt project says of its models: descriptions, columns, formulas, units, from its own YAML.

Belongs here: reading these files without a parse of the project, which takes seconds. Who shows them are the assets and
`kpi_page.py`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from inventra_pipelines.settings import PROJECT_FOLDER

_MODELS = PROJECT_FOLDER / "dbt_project" / "models"


@dataclass(frozen=True)
class ColumnDescription:
    """A column of a model.

    Attributes:
        name: Its name.
        text: What it holds.
        formula: How it is computed; empty where the text says it.
        unit: What it counts: `money`, `units`, `days`, `share`, `count`, `date`; empty for what is no figure.
        data_type: What Postgres calls its type; empty where the model enforces none.
    """

    name: str
    text: str
    formula: str
    unit: str
    data_type: str


@dataclass(frozen=True)
class ModelDescription:
    """A model: its folder below `models/`, what a row is, and its columns in their order."""

    name: str
    folder: str
    text: str
    columns: tuple[ColumnDescription, ...]


@lru_cache(maxsize=1)
def model_descriptions() -> dict[str, ModelDescription]:
    """Every model of the project by name."""
    found: dict[str, ModelDescription] = {}
    for file in sorted(Path(_MODELS).rglob("*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", []):
            columns = tuple(_column(column) for column in model.get("columns", []))
            folder = file.parent.relative_to(_MODELS).as_posix()
            found[model["name"]] = ModelDescription(model["name"], folder, _line(model.get("description")), columns)
    return found


def _column(column: dict[str, Any]) -> ColumnDescription:
    # dbt takes `meta` in either place.
    meta = column.get("meta") or column.get("config", {}).get("meta") or {}
    return ColumnDescription(
        column["name"],
        *(_line(column.get("description")), _line(meta.get("formula")), _line(meta.get("unit"))),
        _line(column.get("data_type")),
    )


def _line(text: object) -> str:
    return " ".join(str(text or "").split())
