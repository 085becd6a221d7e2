"""Rows of text into the contract's types: each row is accepted whole, or rejected with every reason found in it.

Belongs here: `parse_rows` and the check of each kind of column. Numbers and dates have modules of their own, headers
are mapped before (`headers.py`), reading files is `sources/`.
"""

from dataclasses import dataclass

import polars as pl

from inventra_pipelines.domain.contracts import POLARS_TYPES, Column, Contract
from inventra_pipelines.domain.ingest.dates import parse_moments
from inventra_pipelines.domain.ingest.numbers import (
    exact_decimal,
    has_fraction,
    is_beyond_whole,
    is_out_of_range,
    plain_number,
)
from inventra_pipelines.domain.ingest.rejects import RowReason, longest, printable, reject_message
from inventra_pipelines.domain.tenant import FileMapping

REJECT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sheet": pl.String,
    "row_number": pl.Int32,
    "column_name": pl.String,
    "raw_value": pl.String,
    "reason_code": pl.String,
    "message": pl.String,
}

# What Excel, LibreOffice and Sheets write where a formula failed, in the languages they do it in most often.
_FORMULA_ERRORS = """
    #N/A #NA #NV #REF! #BEZUG! #VALUE! #WERT! #VALEUR! #DIV/0! #NAME? #NOM? #NULL! #NUM! #ZAHL! #NOMBRE! #SPILL! #CALC!
    #ERROR! #GETTING_DATA #FIELD! #BLOCKED! #CONNECT! #UNKNOWN! ERR:502 ERR:508 ERR:522
"""

_REASONS = list(RowReason)


def _code(reason: RowReason) -> pl.Expr:
    return pl.lit(_REASONS.index(reason), dtype=pl.UInt8)


@dataclass(frozen=True)
class ParsedRows:
    """What became of a file's rows.

    Attributes:
        accepted: The scope, `sheet`, `row_number`, then the contract's table columns, typed.
        rejects: The scope, then one record per rejected row and column at fault: `sheet`, `row_number`, `column_name`
            (empty for the row as a whole), `raw_value`, `reason_code`, `message`.
        rows_read: Rows that came in; the accepted and the rejected rows add up to it.
    """

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    rows_read: int


def parse_rows(
    frame: pl.DataFrame, contract: Contract, mapping: FileMapping, time_zone: str, scope: tuple[str, ...] = ()
) -> ParsedRows:
    """Type rows and reject those that the contract does not allow.

    Text is stripped of white space; what is empty then, or one of the mapping's null values, is null. Where the
    contract has a key and it repeats within a scope, the last row holds and the others are rejected.

    Args:
        frame: `sheet`, `row_number`, `problem` and `problem_text` (why the reader could not split the row, else null),
            the scope's columns, and strings under contract column names; a column that is absent is empty.
        contract: The dataset's.
        mapping: The tenant's for this dataset.
        time_zone: The tenant's IANA zone.
        scope: Columns that tell files apart, where the frame holds the rows of several.

    Raises:
        FileRejected: A date format of the mapping is not one.
    """
    identity = [*scope, "sheet", "row_number"]
    cells = frame.select(*identity, "problem", "problem_text", *_texts(frame, contract, mapping))
    moments = _moments(cells, contract, mapping, time_zone)
    checked = cells.select(
        *identity,
        "problem",
        *(check for column in contract.columns for check in _check(column, contract, mapping, moments)),
    )
    faults = [f"reason_{column.name}" for column in contract.columns]
    is_bad = pl.any_horizontal(pl.col("problem").is_not_null(), *(pl.col(fault).is_not_null() for fault in faults))
    bad = checked.select(is_bad.alias("is_bad"))["is_bad"]
    accepted = checked.filter(~bad) if bad.any() else checked
    rejects = [_rejects(cells.filter(bad), checked.filter(bad), contract, mapping, scope)] if bad.any() else []
    if contract.key:
        accepted, repeated = _last_of_key(accepted, contract, scope)
        rejects.append(repeated)
    order = [*scope, *REJECT_SCHEMA]
    empty = pl.DataFrame(schema={**frame.select(scope).schema, **REJECT_SCHEMA})
    return ParsedRows(
        accepted.select(*scope, "sheet", "row_number", *(column.name for column in contract.table_columns)),
        pl.concat([empty, *(piece.select(order) for piece in rejects)]),
        frame.height,
    )


def _texts(frame: pl.DataFrame, contract: Contract, mapping: FileMapping) -> list[pl.Expr]:
    """Each contract column as stripped text, null where it is empty."""
    texts = []
    for column in contract.columns:
        if column.name not in frame.columns:
            constant = mapping.constants.get(column.name)
            texts.append(pl.lit(constant, dtype=pl.String).alias(column.name))
            continue
        stripped = pl.col(column.name).str.strip_chars()
        text: pl.Expr = pl.when(~stripped.is_in(["", *mapping.null_values])).then(stripped)
        if column.name in mapping.integer_codes:
            text = text.str.replace(r"^(\d+)\.0+$", "$1")
        texts.append(text.alias(column.name))
    return texts


def _moments(cells: pl.DataFrame, contract: Contract, mapping: FileMapping, time_zone: str) -> dict[str, pl.DataFrame]:
    """What the distinct texts of each date and timestamp column mean."""
    return {
        column.name: parse_moments(cells[column.name].drop_nulls().unique(), mapping.date_formats, time_zone)
        for column in contract.columns
        if column.type in ("date", "timestamp")
    }


def _check(column: Column, contract: Contract, mapping: FileMapping, moments: dict[str, pl.DataFrame]) -> list[pl.Expr]:
    """A column's typed values and its `reason_<name>`: an index into RowReason, or null where nothing is wrong."""
    text = pl.col(column.name)
    reason: pl.Expr
    if column.type in ("code", "text"):
        values, reason = [text], pl.when(text.str.len_chars() > longest(column)).then(_code(RowReason.TOO_LONG))
    elif column.type in ("date", "timestamp"):
        values, reason = _check_moment(column, contract, moments[column.name])
    else:
        values, reason = _check_number(column, mapping)
    fault = (
        pl.when(text.is_null())
        .then(_code(RowReason.MISSING_VALUE) if column.required else pl.lit(None, dtype=pl.UInt8))
        .when(text.str.contains("\x00", literal=True))
        .then(_code(RowReason.CONTROL_CHARACTER))
        .when(text.str.starts_with("#") | text.str.starts_with("Err:"))
        .then(
            pl.when(text.str.to_uppercase().is_in(_FORMULA_ERRORS.split()))
            .then(_code(RowReason.FORMULA_ERROR))
            .otherwise(reason)
        )
        .otherwise(reason)
    )
    return [*values, fault.alias(f"reason_{column.name}")]


def _check_number(column: Column, mapping: FileMapping) -> tuple[list[pl.Expr], pl.Expr]:
    number = plain_number(pl.col(column.name), mapping.decimal_mark)
    value = exact_decimal(number)
    is_whole = pl.lit(column.type in ("days", "number"))
    reason = (
        pl.when(number.is_null())
        .then(_code(RowReason.NOT_A_NUMBER))
        .when(is_out_of_range(number, value, column.minimum))
        .then(_code(RowReason.OUT_OF_RANGE))
        .when(is_whole & has_fraction(value))
        .then(_code(RowReason.NOT_A_WHOLE_NUMBER))
        .when(is_whole & is_beyond_whole(value))
        .then(_code(RowReason.OUT_OF_RANGE))
    )
    return [value.cast(POLARS_TYPES[column.type], strict=False).alias(column.name)], reason


def _check_moment(column: Column, contract: Contract, moments: pl.DataFrame) -> tuple[list[pl.Expr], pl.Expr]:
    text = pl.col(column.name)

    def meaning(of: str, of_type: pl.DataType | type[pl.DataType]) -> pl.Expr:
        return text.replace_strict(moments["text"], moments[of], default=None, return_dtype=of_type)

    if column.type == "timestamp":
        day = f"{column.name.removesuffix('_at')}_on"
        values = [meaning("at", POLARS_TYPES["timestamp"]).alias(column.name)]
        if day in (derived.name for derived in contract.derived):
            values.append(meaning("local_on", pl.Date).alias(day))
        is_allowed = pl.lit(True)
    else:
        values = [meaning("local_on", pl.Date).alias(column.name)]
        is_allowed = meaning("is_day", pl.Boolean)
    is_far = meaning("is_out_of_range", pl.Boolean)
    reason = (
        pl.when(is_far.is_null() | ~is_allowed)
        .then(_code(RowReason.NOT_A_DATE))
        .when(is_far)
        .then(_code(RowReason.OUT_OF_RANGE))
    )
    return values, reason


def _rejects(
    cells: pl.DataFrame, checked: pl.DataFrame, contract: Contract, mapping: FileMapping, scope: tuple[str, ...]
) -> pl.DataFrame:
    """One record per bad row and column at fault; a row that could not be split gets one record for all of it."""
    identity = [*scope, "sheet", "row_number"]
    malformed = cells.filter(pl.col("problem").is_not_null()).select(
        *identity,
        pl.lit("").alias("column_name"),
        printable(pl.col("problem_text")).alias("raw_value"),
        pl.lit(str(RowReason.MALFORMED_ROW)).alias("reason_code"),
        pl.format("The row {}.", pl.col("problem")).alias("message"),
    )
    pieces = [malformed]
    whole = pl.col("problem").is_null()
    for column in contract.columns:
        fault = f"reason_{column.name}"
        of_column = cells.select(*identity, "problem", column.name).with_columns(checked[fault])
        of_column = of_column.filter(whole & pl.col(fault).is_not_null())
        for (index,), group in of_column.group_by(fault, maintain_order=True):
            reason = _REASONS[int(index)]
            pieces.append(
                group.select(
                    *identity,
                    pl.lit(column.name).alias("column_name"),
                    printable(pl.col(column.name)).alias("raw_value"),
                    pl.lit(str(reason)).alias("reason_code"),
                ).with_columns(
                    reject_message(reason, column, mapping.decimal_mark, mapping.date_formats).alias("message")
                )
            )
    return pl.concat(pieces)


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
    )
    return accepted.filter(is_last), rejects
