"""A sheet of the workbook as data: its frame and its columns, and the columns that several sheets share.

Belongs here: the shapes. What stands on which sheet is in `sheets.py` and `item_sheets.py`, how cells look in
`workbook.py`.
"""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from inventra_pipelines.domain.reports.model import DailyReport

Kind = Literal["text", "code", "words", "date", "money", "quantity", "count", "percent", "ratio", "flag"]


@dataclass(frozen=True)
class SheetColumn:
    """A column: where it comes from, its heading, how its cells are formatted, its width in characters."""

    source: str
    heading: str
    kind: Kind
    width: float = 11


@dataclass(frozen=True)
class Sheet:
    """A sheet of one table.

    Attributes:
        title: The tab's name.
        frame: Holds the columns' sources; every row is written.
        columns: Left to right.
        why_empty: Written in the place of rows where there are none.
        is_stock: Rests on stock figures, so that a simulation is said.
        note: Added to the title line.
        frozen: How many columns stay in view.
    """

    title: str
    frame: pl.DataFrame
    columns: list[SheetColumn] = field(repr=False)
    why_empty: str
    is_stock: bool = False
    note: str = ""
    frozen: int = 0


ITEM = [SheetColumn("item_id", "Item", "code", 12), SheetColumn("name", "Name", "text", 38)]
LOCATION = SheetColumn("location_id", "Location", "code", 10)
NOT_YET = "No earlier forecast has met its week yet."
ERRORS = [
    SheetColumn("forecasts", "Forecasts measured", "count"),
    SheetColumn("actual_units", "Units sold", "quantity"),
    SheetColumn("wape", "Error (WAPE)", "percent"),
    SheetColumn("baseline_wape", "Baseline error (WAPE)", "percent", 13),
    SheetColumn("forecast_value_added", "Value added", "percent"),
    SheetColumn("bias", "Bias", "percent"),
    SheetColumn("mase", "MASE", "ratio"),
    SheetColumn("rmsse", "RMSSE", "ratio"),
    SheetColumn("tracking_signal", "Tracking signal", "ratio"),
]


def money_column(source: str, heading: str, report: DailyReport) -> SheetColumn:
    """A column of amounts, with the currency in its heading."""
    return SheetColumn(source, f"{heading}, {report.currency}", "money", 13)
