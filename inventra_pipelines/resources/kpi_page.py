"""The page of key figures: `python -m inventra_pipelines.resources.kpi_page > docs/kpis.md`.

Belongs here: how the page looks. What it says stands beside the models, in the YAML of `dbt_project/models/marts`; a
test fails when the page drifts from it.
"""

import sys

from inventra_pipelines.resources.dbt_descriptions import ColumnDescription, ModelDescription, model_descriptions

_INTRODUCTION = """\
# Key figures

Made by `python -m inventra_pipelines.resources.kpi_page` from the YAML beside the models; edit it there.

Each figure is that of a tenant as of a day: business dates after the day are not read, and the same day computed again
gives the same figure. A figure that is not available is empty, never 0; what makes it so stands in its meaning. Money
is in the tenant's currency and exact to four decimals; a share is 0 to 1. Thresholds in `code` are settings of the
tenant's file, under `analytics` where nothing else is said.
"""
_UNITS = {
    "money": "money",
    "units": "units",
    "days": "days",
    "share": "share",
    "count": "number",
    "date": "day",
    "times": "times a year",
}


def _row(column: ColumnDescription) -> str:
    meaning = f"{column.text} {f'*{column.formula}*' if column.formula else ''}".strip().replace("|", "\\|")
    return f"| `{column.name}` | {_UNITS.get(column.unit, column.unit)} | {meaning} |"


def _section(model: ModelDescription) -> str:
    lines = [
        f"## {model.name}",
        "",
        model.text,
        "",
        "| figure | in | meaning, and how it is computed |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, model.columns)])


def kpi_page() -> str:
    """The page as Markdown: every model that is read by people, in alphabetical order."""
    models = [model for name, model in sorted(model_descriptions().items()) if name.startswith("rpt_")]
    return "\n\n".join([_INTRODUCTION.rstrip(), *map(_section, models)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(kpi_page())
