"""The data dictionary page, made from the contracts: `python -m inventra_pipelines.domain.data_dictionary`.

Belongs here: the page's text. A test fails when `docs/data_dictionary.md` is not what this gives.
"""

import sys
from collections.abc import Mapping

from inventra_pipelines.domain.contracts import CONTRACTS, Column, Contract
from inventra_pipelines.domain.ingest.rejects import FILE_REASONS, ROW_REASONS, FileReason, RowReason

_TYPES = {
    "code": "text; leading zeros stay",
    "text": "text",
    "quantity": "number, 4 decimals",
    "money": "money, 4 decimals",
    "days": "whole days",
    "number": "whole number",
    "date": "date",
    "timestamp": "date and time",
}

_INTRODUCTION = """\
# Data dictionary

What each dataset's files hold, column by column. This page is made from `inventra_pipelines/domain/contracts.py`:
change the contract, then run `python -m inventra_pipelines.domain.data_dictionary > docs/data_dictionary.md`.

A file lands as `landing/<tenant>/<YYYY-MM-DD>/<dataset>*.<ext>`. A header maps to a column by its own name or one of
its other names, whatever its case, spaces and underscores; anything else is mapped in the tenant's YAML file. A row
that breaks a rule is not loaded: it stands in `raw.rejects` with file, sheet, row, column, value, reason and sentence.
Loaded rows stand in `raw.<dataset>` with `tenant_id`, `landed_on`, `batch_id`, `sheet` and `row_number` before the
columns below.
"""


def _column_row(column: Column) -> str:
    needed = "yes" if column.required else ""
    aliases = ", ".join(f"`{alias}`" for alias in column.aliases)
    rule = f"; at least {column.minimum}" if column.minimum is not None else ""
    return f"| `{column.name}` | {_TYPES[column.type]}{rule} | {needed} | {aliases} | {column.description} |"


def _section(contract: Contract) -> str:
    lines = [f"## {contract.dataset}", "", contract.description]
    if contract.key:
        lines += ["", f"Key within a file: {', '.join(f'`{name}`' for name in contract.key)}."]
    if contract.business_day:
        lines += ["", f"Business day: `{contract.business_day}`."]
    for column in contract.derived:
        lines += ["", f"Made while reading: `{column.name}`. {column.description}"]
    lines += ["", "| column | holds | required | other headers | meaning |", "|---|---|---|---|---|"]
    lines += [_column_row(column) for column in contract.columns]
    return "\n".join(lines)


def _reasons(title: str, reasons: Mapping[RowReason, str] | Mapping[FileReason, str]) -> str:
    lines = [f"## {title}", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in reasons.items()]
    return "\n".join(lines)


def data_dictionary() -> str:
    """The page as Markdown."""
    sections = [
        _INTRODUCTION.rstrip(),
        *map(_section, CONTRACTS.values()),
        _reasons("Reasons for rejecting a row", ROW_REASONS),
        _reasons("Reasons for refusing a file", FILE_REASONS),
    ]
    return "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
