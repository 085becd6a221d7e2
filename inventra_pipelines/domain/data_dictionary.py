"""The data dictionary page, made from the contracts: `python -m inventra_pipelines.domain.data_dictionary`.

Belongs here: the page's text. A test fails when `docs/data_dictionary.md` is not what this gives.
"""

import sys
from collections.abc import Mapping

from inventra_pipelines.domain.contracts import CONTRACTS, Column, ColumnType, Contract, Overlap
from inventra_pipelines.domain.ingest.rejects import (
    FILE_REASONS,
    PASSED_OVER,
    ROW_REASONS,
    FileReason,
    PassedOver,
    RowReason,
)

_TYPES: dict[ColumnType, str] = {
    "code": "text; leading zeros stay",
    "text": "text",
    "quantity": "number, 4 decimals",
    "money": "money, 4 decimals",
    "ratio": "share, 0.05 or 5%; 4 decimals",
    "days": "whole days",
    "number": "whole number",
    "date": "date",
    "timestamp": "date and time",
}

_OVERLAPS: dict[Overlap, str] = {
    "key_or_row": (
        "a line with document and line number holds as the file that landed last has it; a row without them holds as "
        "often as the one file that has it most often"
    ),
    "latest_count": "the count that landed last holds for its item, location and day",
    "latest_value": "of each column the last value that is not empty holds, so a file may give some columns only",
    "latest_version": "the whole row that landed last holds, empty columns included",
}

_INTRODUCTION = """\
# Data dictionary

What each dataset's files hold, column by column. This page is made from `inventra_pipelines/domain/contracts.py`:
change the contract, then run `python -m inventra_pipelines.domain.data_dictionary > docs/data_dictionary.md`.

A file lands as `landing/<tenant>/<YYYY-MM-DD>/<dataset>*.<ext>`. A header maps to a column by its own name or one of
its other names, whatever its case, spaces and underscores; anything else is mapped in the tenant's YAML file, where
several headers may make one column (`sold_at: [DATE, TIME]`). Every row of a file is loaded, rejected or passed over. A
row that breaks a rule is not loaded: it stands in `raw.rejects` with file, sheet, row, column, value, reason, sentence
and hint. Loaded rows stand in `raw.<dataset>` with `tenant_id`, `landed_on`, `batch_id`, `sheet` and `row_number`
before the columns below.

- **Codes** are text: leading zeros stay. `integer_codes` and `pad_codes` mend what a spreadsheet made of them.
- **Numbers** are exact. The mapping says the `decimal_mark`, and the `thousands_mark` where a group alone would be
  ambiguous (`1,234`). A minus may stand before or behind the number, or be a pair of parentheses. Beside an amount of
  money may stand one of the `currency_signs`, behind a share a percent sign.
- **Dates and times** are read by the mapping's `date_formats` in their order, then as ISO 8601. `excel` and
  `excel-1904` read the serial numbers of spreadsheets. A time is the clock's in the mapping's `time_zone`, or else in
  the tenant's; one with an offset of its own is that instant. A leap second, 23:59:60, stays on its day.
"""


def _column_row(column: Column) -> str:
    needed = "yes" if column.required else ""
    aliases = ", ".join(f"`{alias}`" for alias in column.aliases)
    rule = f"; at least {column.minimum}" if column.minimum is not None else ""
    rule += f": {', '.join(f'`{word}`' for word in column.choices)}" if column.choices else ""
    rule += f", at most {column.maximum:,}" if column.maximum is not None else ""
    return f"| `{column.name}` | {_TYPES[column.type]}{rule} | {needed} | {aliases} | {column.description} |"


def _section(contract: Contract) -> str:
    lines = [f"## {contract.dataset}", "", contract.description]
    if contract.key:
        lines += ["", f"Key within a file: {', '.join(f'`{name}`' for name in contract.key)}."]
    lines += ["", f"Where files overlap, {_OVERLAPS[contract.overlap]}."]
    if contract.business_day:
        lines += ["", f"Business day: `{contract.business_day}`."]
    for column in contract.derived:
        lines += ["", f"Made while reading: `{column.name}`. {column.description}"]
    lines += ["", "| column | holds | required | other headers | meaning |", "|---|---|---|---|---|"]
    lines += [_column_row(column) for column in contract.columns]
    return "\n".join(lines)


def _codes(title: str, meanings: Mapping[RowReason, str] | Mapping[PassedOver, str] | Mapping[FileReason, str]) -> str:
    lines = [f"## {title}", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in meanings.items()]
    return "\n".join(lines)


def data_dictionary() -> str:
    """The page as Markdown."""
    sections = [
        _INTRODUCTION.rstrip(),
        *map(_section, CONTRACTS.values()),
        _codes("Reasons for rejecting a row", ROW_REASONS),
        _codes("Rows that are passed over, for they are no data", PASSED_OVER),
        _codes("Reasons for refusing a file", FILE_REASONS),
    ]
    return "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
