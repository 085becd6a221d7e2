"""What would become of a file: read and checked as ingest does it, with nothing written.

Belongs here: `look`, which runs in the reader's process, and the models of what it finds, which cross to the caller as
JSON. The mapping that would mend a file is `suggest.py`; the words for a person are `cli/`.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from inventra_pipelines.domain.contracts import POLARS_TYPES, Column, Contract
from inventra_pipelines.domain.ingest.headers import (
    header_texts,
    is_header_of,
    map_columns,
    normalized_header,
    unused_constants,
)
from inventra_pipelines.domain.ingest.parse import ParsedRows, parse_rows
from inventra_pipelines.domain.ingest.rejects import FileRejected, RowReason
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.sources.formats.read import open_file
from inventra_pipelines.sources.formats.tables import Table, contract_columns, with_last
from inventra_pipelines.sources.reader.warnings import Warnings

_FIRST_ROWS = 5
_PASSED_OVER_SHOWN = 20


class ColumnUse(BaseModel):
    """A column of the dataset and where its values come from.

    Attributes:
        column: Its name.
        headers: The headers it is read from, several where they are joined; none for a constant.
        by: `mapping`, `own name`, `other name` or `constant`.
        constant: The text that stands in every row.
    """

    column: str
    headers: list[str] = []
    by: str
    constant: str | None = None


class TableLook(BaseModel):
    """One sheet or file of an archive, or the whole of a file that has neither (`sheet` is empty then).

    Attributes:
        missing: Required columns that neither a header nor a constant gives.
        problem: Why its headers cannot be used, if so.
    """

    sheet: str
    header_row: int
    headers: list[str]
    columns: list[ColumnUse] = []
    unused: list[str] = []
    missing: list[str] = []
    problem: str | None = None
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0


class RejectKind(BaseModel):
    """Rows that are rejected for the same reason in the same column, with the first of them as example.

    Attributes:
        rows: How many.
        column: Its name; empty for the row as a whole.
        value: The text at fault.
        message: What is wrong with it.
        hint: What can be done about it.
    """

    column: str
    reason_code: str
    rows: int
    sheet: str
    row: int
    value: str | None
    message: str
    hint: str


class PassedOverRow(BaseModel):
    """A row that is no data: a repeated header, totals or a note."""

    sheet: str
    row: int
    kind: str
    text: str


class Refusal(BaseModel):
    """Why the whole file would not be taken."""

    reason_code: str
    message: str
    remedy: str


class FileLook(BaseModel):
    """What ingest would do with a file.

    Attributes:
        format: What it is, in words.
        details: What was found out about it, such as its encoding, in words by name.
        sheets_passed_over: Sheets and files of an archive that would not be read, each with why.
        remarks: What is read in a way that not everybody expects, in words.
        first_rows: The first five rows as they would load, as text by column.
        passed_over: The first rows that are no data.
        refusal: Why nothing would load; the counts are of no use then.
    """

    name: str
    dataset: str
    bytes: int
    format: str = ""
    details: dict[str, str] = {}
    sheets_passed_over: list[str] = []
    remarks: list[str] = []
    tables: list[TableLook] = []
    first_rows: list[dict[str, str]] = []
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_passed_over: int = 0
    passed_over: list[PassedOverRow] = []
    rejects: list[RejectKind] = []
    refusal: Refusal | None = None


def look(
    path: Path,
    contract: Contract,
    mapping: FileMapping,
    name: str,
    day_zone: str | None = None,
    warnings: Warnings | None = None,
) -> FileLook:
    """Read a file as ingest would and say what would happen.

    Args:
        path: On a local disk.
        contract: The dataset's.
        mapping: The tenant's for it, time zone and currency signs filled in.
        name: What messages call the file.
        day_zone: The tenant's zone, whose days a business day counts; the mapping's by default.
        warnings: Takes in the rows that would load; what it finds is among the remarks.
    """
    found = FileLook(name=name, dataset=contract.dataset, bytes=path.stat().st_size)
    try:
        with open_file(path, mapping, name, is_header_of(contract, mapping)) as opened:
            found.format = opened.format
            rows = _Rows(found, contract, mapping, day_zone, warnings)
            for table in opened.tables:
                rows.read(table)
            rows.end()
            found.details, found.sheets_passed_over = dict(opened.details), list(opened.passed_over)
            found.remarks += opened.remarks
            found.remarks += warnings.in_words() if warnings else []
    except FileRejected as failure:
        found.refusal = Refusal(reason_code=failure.reason_code, message=failure.message, remedy=failure.remedy)
    return found


class _Rows:
    """Counts and examples of a file's rows, table by table."""

    def __init__(
        self,
        found: FileLook,
        contract: Contract,
        mapping: FileMapping,
        day_zone: str | None,
        warnings: Warnings | None,
    ) -> None:
        self.found, self.contract, self.mapping, self.day_zone = found, contract, mapping, day_zone
        self.warnings = warnings
        self.kinds: dict[tuple[str, str, str], RejectKind] = {}
        self.keys: list[pl.DataFrame] = []

    def read(self, table: Table) -> None:
        found = TableLook(sheet=table.sheet, header_row=table.header_row, headers=list(table.headers))
        self.found.tables.append(found)
        where = f"{self.found.name}, sheet {table.sheet!r}" if table.sheet else self.found.name
        try:
            places = map_columns(table.headers, self.contract, self.mapping, where)
        except FileRejected as failure:
            found.problem = str(failure)
            found.missing = missing_columns(table.headers, self.contract, self.mapping)
            if self.found.refusal is None:
                self.found.refusal = Refusal(
                    reason_code=failure.reason_code, message=failure.message, remedy=failure.remedy
                )
            return
        self.found.remarks += unused_constants(table.headers, places, self.mapping, table.sheet)
        found.columns = _uses(table.headers, places, self.contract, self.mapping)
        used = {place for taken in places.values() for place in taken}
        found.unused = [text for place, text in enumerate(table.headers) if text.strip() and place not in used]
        headers = header_texts(table.headers, places)
        for chunk, is_last in with_last(table.chunks):
            rows = contract_columns(chunk, table, places, self.contract)
            parsed = parse_rows(
                rows,
                self.contract,
                table.mapping(self.mapping),
                headers=headers,
                day_zone=self.day_zone,
                is_end=is_last,
            )
            self._count(parsed, found)

    def end(self) -> None:
        """Count the rows whose key stands again in another piece of the file, as ingest rejects them."""
        if len(self.keys) < 2:
            return
        keys = pl.concat(self.keys)
        repeated = keys.filter(~pl.struct(self.contract.key).is_last_distinct())
        for sheet, row, *key in repeated.rows():
            shown = ", ".join(f"{name} '{value or ''}'" for name, value in zip(self.contract.key, key, strict=True))
            hint = f"send each {' and '.join(self.contract.key)} once"
            self._note("", RowReason.DUPLICATE_KEY, hint, 1, (sheet, row, shown, f"{shown} stands again further down."))
            for table in self.found.tables:
                if table.sheet == sheet:
                    table.rows_accepted, table.rows_rejected = table.rows_accepted - 1, table.rows_rejected + 1
        self.found.rows_accepted -= repeated.height
        self.found.rows_rejected += repeated.height

    def _count(self, parsed: ParsedRows, table: TableLook) -> None:
        rejected = parsed.rejects.select("sheet", "row_number").n_unique()
        for counted in (self.found, table):
            counted.rows_read += parsed.rows_read
            counted.rows_accepted += parsed.accepted.height
            counted.rows_rejected += rejected
        self.found.rows_passed_over += parsed.passed_over.height
        room = _PASSED_OVER_SHOWN - len(self.found.passed_over)
        self.found.passed_over += [
            PassedOverRow(sheet=sheet, row=row, kind=kind, text=text)
            for sheet, row, kind, text in parsed.passed_over.head(max(room, 0))
            .select("sheet", "row_number", "kind", "text")
            .iter_rows()
        ]
        kinds = parsed.rejects.group_by("column_name", "reason_code", "hint", maintain_order=True).agg(
            pl.len(), *(pl.col(name).first() for name in ("sheet", "row_number", "raw_value", "message"))
        )
        for column, reason, hint, count, *example in kinds.iter_rows():
            self._note(column, reason, hint, count, tuple(example))
        room = _FIRST_ROWS - len(self.found.first_rows)
        if room > 0:
            first = parsed.accepted.sort("sheet", "row_number", maintain_order=True).head(room)
            self.found.first_rows += _as_text(first, table, self.contract, self.mapping)
        if self.warnings:
            self.warnings.count(parsed.accepted, table.sheet)
        if self.contract.key:
            self.keys.append(parsed.accepted.select("sheet", "row_number", *self.contract.key))

    def _note(self, column: str, reason: str, hint: str, count: int, example: tuple[str, int, str | None, str]) -> None:
        kind = self.kinds.get((column, reason, hint))
        if kind is None:
            sheet, row, value, message = example
            kind = self.kinds[column, reason, hint] = RejectKind(
                column=column, reason_code=reason, rows=0, sheet=sheet, row=row, value=value, message=message, hint=hint
            )
            self.found.rejects.append(kind)
        kind.rows += count


def missing_columns(headers: Sequence[str], contract: Contract, mapping: FileMapping) -> list[str]:
    """Required columns that neither a header, by the rules of `map_columns`, nor a constant gives."""
    known = {normalized_header(header) for header in headers if header.strip()}
    missing = []
    for column in contract.columns:
        if not column.required or column.name in mapping.constants:
            continue
        configured = mapping.columns.get(column.name)
        if configured is not None:
            wanted = [configured] if isinstance(configured, str) else configured
            is_there = all(normalized_header(header) in known for header in wanted)
        else:
            is_there = any(normalized_header(name) in known for name in (column.name, *column.aliases))
        if not is_there:
            missing.append(column.name)
    return missing


def _uses(
    headers: Sequence[str], places: dict[str, tuple[int, ...]], contract: Contract, mapping: FileMapping
) -> list[ColumnUse]:
    uses = []
    for column in contract.columns:
        if column.name in places:
            texts = [headers[place] for place in places[column.name]]
            uses.append(ColumnUse(column=column.name, headers=texts, by=_by(column, texts, mapping)))
        elif column.name in mapping.constants:
            uses.append(ColumnUse(column=column.name, by="constant", constant=mapping.constants[column.name]))
    return uses


def _by(column: Column, headers: Sequence[str], mapping: FileMapping) -> str:
    if column.name in mapping.columns:
        return "mapping"
    return "own name" if normalized_header(headers[0]) == normalized_header(column.name) else "other name"


def _as_text(rows: pl.DataFrame, table: TableLook, contract: Contract, mapping: FileMapping) -> list[dict[str, str]]:
    """Rows as a person would write them: local times, numbers without noughts at their end."""
    shown = []
    names = [column.name for column in contract.derived] + [use.column for use in table.columns]
    for name in names:
        column = contract.column(name)
        text: pl.Expr = pl.col(name)
        if column.type == "timestamp":
            text = text.dt.convert_time_zone(mapping.time_zone or "UTC").dt.strftime("%Y-%m-%d %H:%M:%S")
        text = text.cast(pl.String)
        if POLARS_TYPES[column.type] == pl.Decimal(18, 4):
            text = text.str.strip_chars_end("0").str.strip_suffix(".")
        shown.append(text.fill_null("").alias(name))
    return [dict(zip(names, row, strict=True)) for row in rows.select(shown).iter_rows()]
