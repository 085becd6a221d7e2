"""What Dagster says of a dbt model: its description and columns from the project, and what a run did to it.

Belongs here: the small translation between the dbt project's descriptions and asset specs and metadata. What a run
adds is stored once for each of its partitions, so it stays small; what does not change is in the spec.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl
from dagster import AssetKey, AssetSpec, MetadataValue, TableColumn, TableSchema

from inventra_pipelines.db.writes import Window
from inventra_pipelines.resources.dbt import ModelRun
from inventra_pipelines.resources.dbt_descriptions import ColumnDescription, model_descriptions

_DOCUMENTATION = """\
`inventra docs` writes a page with every model, its columns and where they come from; `docs/kpis.md` defines the key \
figures."""

# From zero, or the lowest value below it, to the highest.
_BARS = "▁▂▃▄▅▆▇█"
_NOT_AVAILABLE = "·"


def model_spec(key: AssetKey, deps: Sequence[AssetKey]) -> AssetSpec:
    """The asset of a model, with the description, columns and table that the dbt project gives it."""
    model = model_descriptions()[key.path[-1]]
    schema = model.folder.split("/")[0]
    return AssetSpec(
        key,
        deps=deps,
        description=model.text,
        kinds={"dbt", "postgres"},
        metadata={
            "dagster/table_name": f"{schema}.{model.name}",
            "dagster/column_schema": TableSchema([_column(column) for column in model.columns]),
            "documentation": MetadataValue.md(_DOCUMENTATION),
        },
    )


def _column(column: ColumnDescription) -> TableColumn:
    formula = f"= {column.formula}" if column.formula else ""
    return TableColumn(column.name, column.data_type or "any", f"{column.text} {formula}".strip())


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


def trend_metadata(rows: pl.DataFrame) -> MetadataValue:
    """Figures of some days as a line of bars each, with the value of the last day.

    Args:
        rows: `tenant_id`, `as_of_on`, and a column per figure; a row per tenant and day, in the order of days. A figure
            that a tenant has on none of its days is left out.
    """
    figures = [name for name in rows.columns if name not in ("tenant_id", "as_of_on")]
    lines: list[dict[str, str]] = []
    for (tenant_id,), days in rows.group_by("tenant_id", maintain_order=True):
        for figure in figures:
            values = days[figure].to_list()
            if any(value is not None for value in values):
                shown = {"trend": sparkline(values), "last": _shown(values[-1])}
                days_shown = f"{len(values)} days to {days['as_of_on'][-1]}"
                lines.append({"tenant_id": str(tenant_id), "figure": figure, **shown, "days": days_shown})
    return table_metadata(pl.DataFrame(lines))


def sparkline(values: Sequence[Decimal | float | None]) -> str:
    """A bar for each value, from zero to the highest; a dot where none is available."""
    known = [float(value) for value in values if value is not None]
    lowest, highest = min(known, default=0.0), max(known, default=0.0)
    lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    step = (len(_BARS) - 1) / (highest - lowest) if highest > lowest else 0.0
    return "".join(
        _NOT_AVAILABLE if value is None else _BARS[round((float(value) - lowest) * step)] for value in values
    )


def rows_metadata(models: Sequence[ModelRun], key: AssetKey, windows: Sequence[Window]) -> dict[str, Any]:
    """Rows written, seconds and windows of the model's run."""
    run = next(model for model in models if model.model == key.path[-1])
    return {
        "dagster/row_count": run.rows or 0,
        "seconds": round(run.seconds, 2),
        "windows": _said(windows) or "none: no file touched a business day",
    }


def _said(windows: Sequence[Window]) -> str:
    """Each tenant's windows as one: days without a file lie between those of a year, too many to list."""
    lines = []
    for tenant_id in sorted({window.tenant_id for window in windows}):
        own = [window for window in windows if window.tenant_id == tenant_id]
        whole = Window(tenant_id, min(window.first for window in own), max(window.last for window in own))
        days = sum((window.last - window.first).days + 1 for window in own)
        lines.append(f"{whole}, {days:,} days" if len(own) > 1 else str(whole))
    return "; ".join(lines)
