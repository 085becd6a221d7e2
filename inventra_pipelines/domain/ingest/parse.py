"""Rows of text into the contract's types: each row is accepted whole, or rejected with every reason found in it.

Belongs here: `parse_rows` and the check of each kind of column. Numbers and dates have modules of their own, what is no
data is `passed_over.py`, headers are mapped before (`headers.py`), reading files is `sources/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import polars as pl

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.ingest.cells import Texts, distinct_texts
from inventra_pipelines.domain.ingest.dates import fitting_formats, parse_moments
from inventra_pipelines.domain.ingest.numbers import number_hint, parse_numbers
from inventra_pipelines.domain.ingest.passed_over import (
    PASSED_OVER_SCHEMA,
    is_repeated_header,
    is_tail,
    kind_of,
    shown_row,
)
from inventra_pipelines.domain.ingest.rejects import (
    RowReason,
    longest,
    printable,
    reason_code,
    reject_hint,
    reject_message,
)
from inventra_pipelines.domain.tenant import FileMapping

REJECT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sheet": pl.String,
    "row_number": pl.Int32,
    "column_name": pl.String,
    "raw_value": pl.String,
    "reason_code": pl.String,
    "message": pl.String,
    "hint": pl.String,
}

# What Excel, LibreOffice and Sheets write where a formula failed, in the languages they do it in most often.
_FORMULA_ERRORS = """
    #N/A #NA #NV #REF! #BEZUG! #VALUE! #WERT! #VALEUR! #DIV/0! #NAME? #NOM? #NULL! #NUM! #ZAHL! #NOMBRE! #SPILL! #CALC!
    #ERROR! #GETTING_DATA #FIELD! #BLOCKED! #CONNECT! #UNKNOWN! #BUSY! #PYTHON! #EXTERNAL!
"""
# LibreOffice numbers those that have no name.
_NUMBERED_ERROR = r"^ERR:5\d\d$"

# Marks of no width, which come with what was copied from a page: with one of them, a code would be another code.
_UNSEEN = r"[\u{AD}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}\u{2066}-\u{2069}\u{FEFF}]"
# What an old system sends between its codes; NUL is refused.
_CONTROLS = [chr(number) for number in (*range(1, 9), 11, 12, *range(14, 32), 127)]

_NAMED_ROW = r"^[0-9a-f-]+:[0-9]{1,9}:"

_REASONS = list(RowReason)


@dataclass(frozen=True)
class ParsedRows:
    """What became of a frame's rows: each is accepted, rejected or passed over.

    Attributes:
        accepted: The scope, `sheet`, `row_number`, then the contract's table columns, typed; in the order of the
            business day where the contract has one, and of the file within a day.
        rejects: The scope, then one record per rejected row and column at fault: `sheet`, `row_number`, `column_name`
            (empty for the row as a whole), `raw_value`, `reason_code`, `message`, `hint`.
        rows_read: Rows that were accepted or rejected.
        passed_over: The scope, `sheet`, `row_number`, `kind` (a `PassedOver`) and `text` of the rows that are no data.
    """

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    rows_read: int
    passed_over: pl.DataFrame


@dataclass(frozen=True)
class _Cells:
    """A column's cells: their stripped texts, the values of these by table column, and why they hold none."""

    texts: Texts
    values: Mapping[str, pl.Series]
    reasons: pl.Series | None

    def faults(self, column: Column) -> pl.Series | None:
        """Per row the index of the reason that rejects it; None where none does."""
        faults = self.texts.spread(self.reasons) if self.reasons is not None else None
        if column.required:
            is_missing = self.texts.spread(self.texts.distinct.is_null()).fill_null(True)
            if is_missing.any():
                missing = pl.when(is_missing).then(reason_code(RowReason.MISSING_VALUE))
                faults = pl.select(missing if faults is None else missing.otherwise(pl.lit(faults))).to_series()
        return faults


def parse_rows(
    frame: pl.DataFrame,
    contract: Contract,
    mapping: FileMapping,
    scope: tuple[str, ...] = (),
    *,
    headers: Mapping[str, str] | None = None,
    day_zone: str | None = None,
    is_end: bool = True,
) -> ParsedRows:
    """Type rows, reject those that the contract does not allow, and pass over those that are no data.

    Text is stripped of white space, and all but free text of characters that nobody sees; what is empty then, or one of
    the mapping's null values, is null. Where the contract has a key and it repeats within a scope, the last row holds
    and the others are rejected.

    Args:
        frame: `sheet`, `row_number`, `problem` and `problem_text` (why the reader could not split the row, else null),
            the scope's columns, and strings under contract column names; a column that is absent is empty.
        contract: The dataset's.
        mapping: The tenant's for this dataset.
        scope: Columns that tell files apart, where the frame holds the rows of several.
        headers: The header of each column that the file has, as `header_texts` gives it. Without it, what is null in
            every row counts as absent, and no header is told from data.
        day_zone: The tenant's zone, whose days a derived business day counts; the mapping's where it is not given.
        is_end: Whether the frame ends with its sheet, so that its last rows may be notes.

    Raises:
        FileRejected: A date format of the mapping is not one.
    """
    mapped = [column.name for column in contract.columns if _is_mapped(column.name, frame, headers)]
    cells = _cells(frame, mapped, contract, mapping, day_zone)
    faults = {column.name: cells[column.name].faults(column) for column in contract.columns}
    is_header = is_repeated_header({name: cells[name].texts for name in mapped}, headers or {})
    is_bad = _any(
        is_header,
        frame["problem"].is_not_null(),
        *(fault.is_not_null() for fault in faults.values() if fault is not None),
    )
    values = {name: of.texts.spread(value) for of in cells.values() for name, value in of.values.items()}
    rows = frame.select(*scope, "sheet", "row_number").with_columns(
        values[column.name].alias(column.name) for column in contract.table_columns
    )
    accepted = rows if is_bad is None else rows.filter(~is_bad)
    rejects = [pl.DataFrame(schema={**rows.select(scope).schema, **REJECT_SCHEMA})]
    passed_over = pl.DataFrame(schema={**rows.select(scope).schema, **PASSED_OVER_SCHEMA})
    if is_bad is not None:
        failed = _failed_rows(frame, cells, faults, is_header, is_bad, scope)
        at_end = is_tail(failed, accepted, [*scope, "sheet"]) if is_end else pl.lit(False)
        failed = failed.with_columns(at_end.alias("is_tail"))
        failed = failed.with_columns(kind_of(contract, mapped).alias("kind"))
        no_data = failed.filter(pl.col("kind").is_not_null())
        passed_over = no_data.with_columns(shown_row(mapped).alias("text")).select(passed_over.columns)
        rejects += _rejects(failed.filter(pl.col("kind").is_null()), contract, mapping, scope)
    if contract.key:
        accepted, repeated = _last_of_key(accepted, contract, scope)
        rejects.append(repeated)
    return ParsedRows(_in_order(accepted, contract), pl.concat(rejects), frame.height - passed_over.height, passed_over)


def _is_mapped(name: str, frame: pl.DataFrame, headers: Mapping[str, str] | None) -> bool:
    if headers is not None:
        return name in headers and name in frame.columns
    return name in frame.columns and frame[name].null_count() < frame.height


def _any(*marks: pl.Series | None) -> pl.Series | None:
    """Which rows have a mark; None where none has."""
    found = [mark for mark in marks if mark is not None and mark.any()]
    return reduce(or_, found) if found else None


def _cells(
    frame: pl.DataFrame, mapped: list[str], contract: Contract, mapping: FileMapping, day_zone: str | None
) -> dict[str, _Cells]:
    absent = {
        column.name: mapping.constants.get(column.name) for column in contract.columns if column.name not in mapped
    }
    texts = distinct_texts(frame, mapped, absent)
    cells = {}
    for column in contract.columns:
        cleaned = _cleaned(texts[column.name].distinct, column, mapping)
        known = replace(texts[column.name], distinct=cleaned)
        cells[column.name] = _Cells(known, *_checked(cleaned, column, contract, mapping, day_zone))
    return cells


def _cleaned(texts: pl.Series, column: Column, mapping: FileMapping) -> pl.Series:
    """Stripped, null where nothing is left, and codes as they were before a spreadsheet had them."""
    if column.type != "text" and (texts.str.len_bytes() != texts.str.len_chars()).any():
        texts = texts.str.replace_all(_UNSEEN, "")
    if column.type == "code" and texts.str.contains_any(_CONTROLS).any():
        texts = texts.str.replace_all(r"[\x01-\x08\x0B\x0C\x0E-\x1F\x7F]", "")
    stripped = pl.lit(texts).str.strip_chars()
    text: pl.Expr = pl.when(~stripped.is_in(["", *mapping.null_values])).then(stripped)
    if column.name in mapping.integer_codes:
        text = text.str.replace(r"^([0-9]+)\.0+$", "$1")
    if column.name in mapping.pad_codes:
        padded = text.str.zfill(mapping.pad_codes[column.name])
        text = pl.when(text.str.contains("^[0-9]+$")).then(padded).otherwise(text)
    return pl.select(text.alias(column.name)).to_series()


def _checked(
    texts: pl.Series, column: Column, contract: Contract, mapping: FileMapping, day_zone: str | None
) -> tuple[dict[str, pl.Series], pl.Series | None]:
    """The values of texts by table column, and per text the index of the reason that refuses it."""
    reasons: pl.Series | None
    if column.type in ("code", "text"):
        length = pl.lit(texts).str.len_chars()
        is_no_row = ~pl.lit(texts).str.contains(_NAMED_ROW) if column.names_row else pl.lit(False)
        is_no_choice = ~pl.lit(texts).str.to_lowercase().is_in(column.choices) if column.choices else pl.lit(False)
        reasons = pl.select(
            pl.when(length > longest(column))
            .then(reason_code(RowReason.TOO_LONG))
            .when(is_no_row)
            .then(reason_code(RowReason.NOT_A_ROW))
            .when(is_no_choice)
            .then(reason_code(RowReason.UNKNOWN_VALUE))
        ).to_series()
        return {column.name: texts}, _with_common_faults(texts, reasons)
    if column.type in ("date", "timestamp"):
        values, reasons = _checked_moments(texts, column, contract, mapping, day_zone)
    else:
        numbers, reasons = parse_numbers(texts, column, mapping)
        values = {column.name: numbers}
    return values, None if reasons is None else _with_common_faults(texts, reasons)


def _checked_moments(
    texts: pl.Series, column: Column, contract: Contract, mapping: FileMapping, day_zone: str | None
) -> tuple[dict[str, pl.Series], pl.Series | None]:
    is_time = column.type == "timestamp"
    moments = parse_moments(texts, mapping.date_formats, mapping.time_zone or "UTC", day_zone if is_time else None)
    is_date = moments["is_out_of_range"].is_not_null()
    if is_time:
        day = f"{column.name.removesuffix('_at')}_on"
        values = {column.name: moments["at"]}
        if day in (derived.name for derived in contract.derived):
            values[day] = moments["local_on"]
    else:
        values = {column.name: moments["local_on"]}
        is_date &= moments["is_day"].fill_null(False)
    reasons = pl.select(
        pl.when(pl.lit(texts).is_null())
        .then(None)
        .when(~pl.lit(is_date))
        .then(reason_code(RowReason.NOT_A_DATE))
        .when(pl.lit(moments["is_out_of_range"]))
        .then(reason_code(RowReason.OUT_OF_RANGE))
    ).to_series()
    return values, reasons


def _with_common_faults(texts: pl.Series, reasons: pl.Series) -> pl.Series | None:
    """The reasons, after those that are the same for every kind of column; None where there is none at all."""
    text = pl.lit(texts)
    upper = text.str.to_uppercase()
    may_be_formula = text.str.starts_with("#") | text.str.starts_with("Err:")
    all_reasons = pl.select(
        pl.when(text.str.contains("\x00", literal=True))
        .then(reason_code(RowReason.CONTROL_CHARACTER))
        .when(may_be_formula & (upper.is_in(_FORMULA_ERRORS.split()) | upper.str.contains(_NUMBERED_ERROR)))
        .then(reason_code(RowReason.FORMULA_ERROR))
        .otherwise(pl.lit(reasons))
    ).to_series()
    return None if all_reasons.null_count() == all_reasons.len() else all_reasons


def _failed_rows(
    frame: pl.DataFrame,
    cells: Mapping[str, _Cells],
    faults: Mapping[str, pl.Series | None],
    is_header: pl.Series | None,
    is_bad: pl.Series,
    scope: tuple[str, ...],
) -> pl.DataFrame:
    """The rows that do not load: the texts of their cells, their faults, and whether they are headers."""
    rows = is_bad.arg_true()
    nothing = pl.Series([None], dtype=pl.UInt8)
    return frame.select(*scope, "sheet", "row_number", "problem", "problem_text")[rows].with_columns(
        *(of.texts.take(of.texts.distinct, rows).alias(name) for name, of in cells.items()),
        *(
            (nothing.new_from_index(0, rows.len()) if fault is None else fault.gather(rows)).alias(f"reason_{name}")
            for name, fault in faults.items()
        ),
        (pl.lit(False) if is_header is None else is_header.gather(rows)).alias("is_header"),
    )


def _rejects(
    failed: pl.DataFrame, contract: Contract, mapping: FileMapping, scope: tuple[str, ...]
) -> list[pl.DataFrame]:
    """One record per row and column at fault; a row that could not be split gets one record for all of it."""
    order = [*scope, *REJECT_SCHEMA]
    whole = failed.filter(pl.col("problem").is_null())
    pieces = [_malformed(failed.filter(pl.col("problem").is_not_null())).select(order)]
    for column in contract.columns:
        of_column = whole.filter(pl.col(f"reason_{column.name}").is_not_null())
        for (code,), group in of_column.group_by(f"reason_{column.name}", maintain_order=True):
            reason = _REASONS[int(code)]
            records = group.with_columns(
                pl.lit(column.name).alias("column_name"),
                printable(pl.col(column.name)).alias("raw_value"),
                pl.lit(str(reason)).alias("reason_code"),
            )
            hint = _hint(reason, records, column, contract, mapping)
            message = reject_message(reason, column, mapping)
            pieces.append(records.with_columns(message.alias("message"), hint.alias("hint")).select(order))
    return pieces


def _malformed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.lit("").alias("column_name"),
        printable(pl.col("problem_text")).alias("raw_value"),
        pl.lit(str(RowReason.MALFORMED_ROW)).alias("reason_code"),
        pl.format("The row {}.", pl.col("problem")).alias("message"),
        pl.lit("put quotation marks around fields that hold the delimiter or a line break").alias("hint"),
    )


def _hint(
    reason: RowReason, records: pl.DataFrame, column: Column, contract: Contract, mapping: FileMapping
) -> pl.Expr:
    if reason is RowReason.NOT_A_NUMBER:
        return number_hint(pl.col(column.name), column, mapping, contract.dataset)
    formats = fitting_formats(records[column.name].unique()) if reason is RowReason.NOT_A_DATE else []
    return reject_hint(reason, column, contract.dataset, formats)


def _in_order(accepted: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Rows by their business day: the raw tables are indexed by ranges of blocks."""
    day = contract.business_day
    if day is None or accepted[day].is_sorted():
        return accepted
    return accepted.sort(day, maintain_order=True)


def _last_of_key(
    accepted: pl.DataFrame, contract: Contract, scope: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off the rows whose key stands again further down in the same file."""
    key = [*scope, *contract.key]
    is_last = accepted.select(pl.struct(key).is_last_distinct().alias("is_last"))["is_last"]
    numbered = (
        accepted
        if is_last.all()
        else accepted.with_columns(
            pl.col("row_number").last().over(key).alias("holding_row"),
            pl.col("sheet").last().over(key).alias("holding_sheet"),
        )
    )
    repeated = numbered.filter(~is_last)
    if repeated.is_empty():
        return accepted, pl.DataFrame(schema={**accepted.select(scope).schema, **REJECT_SCHEMA})
    shown = pl.concat_str(
        [pl.format(f"{name} '{{}}'", pl.col(name).cast(pl.String).fill_null("")) for name in contract.key],
        separator=", ",
    )
    where = (
        pl.when(pl.col("holding_sheet") != pl.col("sheet"))
        .then(pl.format(" of sheet {}", pl.col("holding_sheet")))
        .otherwise(pl.lit(""))
    )
    rejects = repeated.select(
        *scope,
        "sheet",
        "row_number",
        pl.lit("").alias("column_name"),
        printable(shown).alias("raw_value"),
        pl.lit(str(RowReason.DUPLICATE_KEY)).alias("reason_code"),
        pl.format("{} stands again in row {}{}, which holds.", shown, pl.col("holding_row"), where).alias("message"),
        pl.lit(f"send each {' and '.join(contract.key)} once").alias("hint"),
    )
    return accepted.filter(is_last), rejects
