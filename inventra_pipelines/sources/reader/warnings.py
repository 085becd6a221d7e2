"""What a check will warn of once a file is loaded, as far as the file alone tells.

Belongs here: rows of a day after the landing day (`checks/ingest.py`, `days_have_come`), a document's line that stands
twice and a price in a currency without an exchange rate (`checks/normalize.py`, `lines_stand_once` and
`prices_are_known`), counted piece by piece. Of each line fourteen bytes are kept.
"""

from collections.abc import Collection
from datetime import date

import polars as pl

from inventra_pipelines.domain.contracts import Contract
from inventra_pipelines.domain.tenant import unknown_rate
from inventra_pipelines.domain.words import counted


class Warnings:
    """Counts and first examples, of a dataset's rows as they would load.

    Args:
        contract: The dataset's.
        landed_on: The day on which the file lands.
        is_numbered_daily: Whether document numbers start anew each day.
        known_currencies: Codes of the tenant's currency and of those that it has an exchange rate of.
    """

    def __init__(
        self, contract: Contract, landed_on: date, *, is_numbered_daily: bool, known_currencies: Collection[str]
    ) -> None:
        self._contract, self._landed_on = contract, landed_on
        self._known_currencies = known_currencies
        self._day = contract.business_day
        # The columns that a line is known by; of sales alone.
        self._line = ["document_id", "line_number", "location_code", *(["sold_on"] if is_numbered_daily else [])]
        self._ahead = 0
        self._first_ahead: tuple[str, int, date] | None = None
        self._sheets: list[str] = []
        self._lines: list[pl.DataFrame] = []
        # Currency -> how many rows, and where the first is.
        self._unrated: dict[str, tuple[int, str, int]] = {}

    def count(self, accepted: pl.DataFrame, sheet: str) -> None:
        """Take in rows of one sheet, typed as the contract's columns."""
        if self._day is not None:
            ahead = accepted.filter(pl.col(self._day) > self._landed_on)
            if self._first_ahead is None and ahead.height:
                row, day = ahead.select("row_number", self._day).sort("row_number").row(0)
                self._first_ahead = sheet, row, day
            self._ahead += ahead.height
        if self._contract.dataset == "sales":
            self._count_lines(accepted, sheet)
            self._count_currencies(accepted, sheet)

    def _count_lines(self, accepted: pl.DataFrame, sheet: str) -> None:
        lines = accepted.filter(pl.col("document_id").is_not_null() & pl.col("line_number").is_not_null())
        if not self._sheets or self._sheets[-1] != sheet:
            self._sheets.append(sheet)
        # A row without a location is the main one's, as in int_sales_lines.
        keys = lines.select(self._line).with_columns(pl.col("location_code").fill_null("main")).hash_rows()
        place = pl.lit(len(self._sheets) - 1, dtype=pl.UInt16).alias("place")
        self._lines.append(lines.select(keys.alias("key"), place, "row_number"))

    def _count_currencies(self, accepted: pl.DataFrame, sheet: str) -> None:
        code = pl.col("currency").str.strip_chars().str.to_uppercase()
        unrated = (
            accepted.lazy()
            .select(code, "row_number")
            .filter((code != "") & ~code.is_in(list(self._known_currencies)))
            .group_by("currency")
            .agg(pl.len(), pl.col("row_number").min())
            .collect()
        )
        for currency, rows, first in unrated.iter_rows():
            before, *where = self._unrated.get(currency, (0, sheet, first))
            self._unrated[currency] = (before + rows, *where)

    def in_words(self) -> list[str]:
        """What there is to warn of, with how many and the first."""
        return [*self._about_days(), *self._about_lines(), *self._about_currencies()]

    def _about_currencies(self) -> list[str]:
        return [
            f"{counted(rows, 'row')} in {currency}, the first in {_where(sheet, row)}, whose revenue is not known; "
            + unknown_rate(currency, "the tenant's file")
            for currency, (rows, sheet, row) in sorted(self._unrated.items())
        ]

    def _about_days(self) -> list[str]:
        if self._first_ahead is None:
            return []
        sheet, row, day = self._first_ahead
        return [
            f"{counted(self._ahead, 'row')} of a day after {self._landed_on}, on which the file lands, the first of "
            f"{day} in {_where(sheet, row)}: a day and a month that changed places, mostly; correct date_formats in "
            "the tenant's file"
        ]

    def _about_lines(self) -> list[str]:
        if not self._lines:
            return []
        lines = pl.concat(self._lines)
        # Sorting takes 70 MB for nine million lines, where a table of all keys took 570.
        keys = lines["key"].sort()
        repeated = keys.filter((keys == keys.shift()).fill_null(False)).unique()
        if repeated.is_empty():
            return []
        twice = lines.filter(pl.col("key").is_in(repeated.implode())).sort("place", "row_number")
        first = twice.filter(pl.col("key") == twice["key"][0]).select("place", "row_number").head(2).rows()
        where = " and ".join(_where(self._sheets[place], row) for place, row in first)
        return [
            f"{counted(repeated.len(), 'document line')} in the file twice or more, the first in {where}: only the "
            "last of them counts; set document_numbers: daily if they start anew daily; map no line_number that counts "
            "no lines"
        ]


def _where(sheet: str, row: int) -> str:
    return f"row {row:,} of sheet {sheet}" if sheet else f"row {row:,}"
