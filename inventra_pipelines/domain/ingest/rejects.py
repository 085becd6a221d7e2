"""Why a row or a whole file is not taken in: closed lists of reason codes, and the error a file is refused with.

Belongs here: the codes, their meaning for the data dictionary, the message and the hint of each. What finds them is
`parse.py` and `headers.py` for rows and columns, `sources/` for files.
"""

from collections.abc import Sequence
from enum import StrEnum

import polars as pl

from inventra_pipelines.domain.contracts import Column
from inventra_pipelines.domain.tenant import FileMapping
from inventra_pipelines.errors import PermanentError

# A raw value is quoted in full up to here; what is longer is cut, and ends in an ellipsis.
_QUOTED_CHARACTERS = 200


# A trillion: a barcode of thirteen digits is no quantity, and what is made of quantities and prices fits its columns.
LIMIT = 10**12


class RowReason(StrEnum):
    """Why a row is rejected; one record per row and column at fault."""

    MISSING_VALUE = "missing_value"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_WHOLE_NUMBER = "not_a_whole_number"
    NOT_A_DATE = "not_a_date"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    FORMULA_ERROR = "formula_error"
    CONTROL_CHARACTER = "control_character"
    NOT_A_ROW = "not_a_row"
    UNKNOWN_VALUE = "unknown_value"
    MALFORMED_ROW = "malformed_row"
    DUPLICATE_KEY = "duplicate_key"


ROW_REASONS: dict[RowReason, str] = {
    RowReason.MISSING_VALUE: "A required column is empty, or holds one of the mapping's null values.",
    RowReason.NOT_A_NUMBER: "The text is no number with the mapping's decimal mark, or its separator is ambiguous.",
    RowReason.NOT_A_WHOLE_NUMBER: "The column counts whole days or positions, and the number has a fraction.",
    RowReason.NOT_A_DATE: "No date format of the mapping fits, or the calendar has no such day.",
    RowReason.OUT_OF_RANGE: "Beyond the smallest or largest value, or too small for four decimal places.",
    RowReason.TOO_LONG: "A code of more than 120 or a text of more than 4,000 characters.",
    RowReason.FORMULA_ERROR: "A spreadsheet's error such as #N/A stands where a value should.",
    RowReason.CONTROL_CHARACTER: "The value holds a NUL character, which no table can hold.",
    RowReason.NOT_A_ROW: "What should name the row that it takes the place of names none.",
    RowReason.UNKNOWN_VALUE: "The column takes a few words only, and this is none of them.",
    RowReason.MALFORMED_ROW: "The row has more or fewer fields than the header.",
    RowReason.DUPLICATE_KEY: "The key stands again further down in the same file; the last row holds.",
}


_REASON_CODES = {reason: pl.lit(code, dtype=pl.UInt8) for code, reason in enumerate(RowReason)}


def reason_code(reason: RowReason) -> pl.Expr:
    """The reason as its position in `RowReason`, which is how columns of reasons hold it."""
    return _REASON_CODES[reason]


class PassedOver(StrEnum):
    """What a row is that is neither loaded nor rejected, for it is no data."""

    REPEATED_HEADER = "repeated_header"
    TOTALS = "totals"
    NOTE = "note"


PASSED_OVER: dict[PassedOver, str] = {
    PassedOver.REPEATED_HEADER: "At least two columns are mapped, and each cell of them holds its header's text.",
    PassedOver.TOTALS: (
        "A required value is missing or malformed, and a cell begins with a word such as total, subtotal, sum or Summe;"
        " in a text such as a description the word counts only where a required code or date is empty. Below the last"
        " row that loads, also a line of too few or too many fields that begins with such a word."
    ),
    PassedOver.NOTE: (
        "Below the last row that loads, at the end of the sheet or file: no more than one of the mapped columns holds"
        " anything, or the line has a single field, which reads as words."
    ),
}


class FileReason(StrEnum):
    """Why a whole file is refused."""

    UNKNOWN_DATASET = "unknown_dataset"
    NOT_A_REGULAR_FILE = "not_a_regular_file"
    EMPTY_FILE = "empty_file"
    UNKNOWN_FORMAT = "unknown_format"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    LINE_TOO_LONG = "line_too_long"
    BAD_ENCODING = "bad_encoding"
    AMBIGUOUS_DELIMITER = "ambiguous_delimiter"
    UNKNOWN_SHEET = "unknown_sheet"
    WRONG_COLUMNS = "wrong_columns"
    AMBIGUOUS_COLUMNS = "ambiguous_columns"
    UNUSABLE_MAPPING = "unusable_mapping"
    FILE_OF_ANOTHER_TENANT = "file_of_another_tenant"
    INCOMPLETE_FEED = "incomplete_feed"


FILE_REASONS: dict[FileReason, str] = {
    FileReason.UNKNOWN_DATASET: "The file's name begins with no dataset.",
    FileReason.NOT_A_REGULAR_FILE: "A link or a folder stands where a file should.",
    FileReason.EMPTY_FILE: "There is nothing in it, not even a header.",
    FileReason.UNKNOWN_FORMAT: "Neither delimited text, nor a workbook, nor parquet.",
    FileReason.UNREADABLE: "Damaged, cut short, encrypted, or with a quotation mark that is never closed.",
    FileReason.TOO_LARGE: "It unpacks to more than can be read safely.",
    FileReason.LINE_TOO_LONG: "A line of delimited text is longer than 16 MB or has more than 16,384 fields.",
    FileReason.BAD_ENCODING: "Its bytes are no text in UTF-8 or in the mapping's encoding.",
    FileReason.AMBIGUOUS_DELIMITER: "The header does not tell which character parts the fields.",
    FileReason.UNKNOWN_SHEET: "The workbook has no sheet of a name that the mapping asks for.",
    FileReason.WRONG_COLUMNS: "A required column, or one that the mapping names, is not among the headers.",
    FileReason.AMBIGUOUS_COLUMNS: "Several headers fit one column, or one header several columns.",
    FileReason.UNUSABLE_MAPPING: "A setting of the mapping names no column, encoding or date format that there is.",
    FileReason.FILE_OF_ANOTHER_TENANT: "The same transactions are in force under another tenant.",
    FileReason.INCOMPLETE_FEED: "It has far fewer rows than its feed usually has, or than it would replace: held.",
}


class FileRejected(PermanentError):  # noqa: N818 - the name that batches and messages use
    """A file that is not taken in; nothing of it is loaded, and what was loaded before stays.

    Args:
        reason_code: One of `FileReason`.
        message: Names the file and what is wrong with it.
        remedy: What its sender or the tenant's configuration can change.
    """

    def __init__(self, reason_code: FileReason, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.reason_code = reason_code

    def __reduce__(self) -> tuple[type["FileRejected"], tuple[FileReason, str, str]]:  # type: ignore[override]
        """Pickle with the reason code."""
        return type(self), (self.reason_code, self.message, self.remedy)


def printable(value: pl.Expr) -> pl.Expr:
    """A raw value as it is kept and quoted: NUL made visible, cut after 200 characters."""
    shown = value.str.replace_all("\x00", "␀", literal=True)
    cut = pl.concat_str(shown.str.slice(0, _QUOTED_CHARACTERS), pl.lit("…"))
    return pl.when(shown.str.len_chars() > _QUOTED_CHARACTERS).then(cut).otherwise(shown)


def reject_message(reason: RowReason, column: Column, mapping: FileMapping) -> pl.Expr:
    """The sentence for one reason and column, over a frame whose `raw_value` is the text at fault."""
    value = pl.format(f"{column.name} '{{}}' ", pl.col("raw_value"))
    number = f"a plain number such as 1234{mapping.decimal_mark}5"
    low = f"at least {column.minimum} and " if column.minimum is not None else ""
    expected = {
        RowReason.NOT_A_NUMBER: f"is not a number; expected {number}, with '{mapping.decimal_mark}' as decimal mark.",
        RowReason.NOT_A_WHOLE_NUMBER: "is not a whole number; expected digits without a fraction.",
        RowReason.NOT_A_DATE: f"is not a date; expected {' or '.join(mapping.date_formats) or '%Y-%m-%d'}.",
        RowReason.OUT_OF_RANGE: _range_sentence(column, low),
        RowReason.TOO_LONG: f"is too long; expected at most {longest(column)} characters.",
        RowReason.FORMULA_ERROR: "is a spreadsheet's error; expected a value.",
        RowReason.CONTROL_CHARACTER: "holds a NUL character; expected plain text.",
        RowReason.NOT_A_ROW: "names no row; expected a batch, a row number and a sheet, with colons between them.",
        RowReason.UNKNOWN_VALUE: f"is not known; expected one of {', '.join(column.choices)}.",
    }
    if reason is RowReason.MISSING_VALUE:
        return pl.lit(f"{column.name} is empty; expected a value in every row.")
    return pl.concat_str(value, pl.lit(expected[reason]))


def reject_hint(reason: RowReason, column: Column, dataset: str, formats: Sequence[str] = ()) -> pl.Expr:
    """What the sender or the tenant's file can change about one reason and column.

    Args:
        reason: Any of a column's but `not_a_number`, whose hints are in `numbers.py`.
        column: At fault.
        dataset: Its contract's.
        formats: Common date formats that read every rejected text of the column.
    """
    setting = f"under datasets.{dataset}"
    if reason is RowReason.NOT_A_DATE and formats:
        named = " or ".join(f"'{date_format}'" for date_format in formats)
        return pl.lit(f"add {named} to date_formats {setting} if that is what it is")
    if reason is RowReason.FORMULA_ERROR and column.required:
        return pl.lit("correct the formula where the file is made")
    if reason is RowReason.FORMULA_ERROR:
        return pl.format(f"correct the formula, or add '{{}}' to null_values {setting}", pl.col("raw_value"))
    return pl.lit(
        {
            RowReason.MISSING_VALUE: f"fill in {column.name}, or leave the row out",
            RowReason.NOT_A_WHOLE_NUMBER: f"send {column.name} without a fraction, or map another header to it",
            RowReason.NOT_A_DATE: f"send {column.name} as 2024-12-31, or add its format to date_formats {setting}",
            RowReason.OUT_OF_RANGE: f"correct {column.name} where the file is made",
            RowReason.TOO_LONG: f"shorten {column.name}, or map another header to it under columns",
            RowReason.CONTROL_CHARACTER: "export the file as UTF-8 text",
            RowReason.NOT_A_ROW: f"leave {column.name} as the file for correction has it, or empty it",
            RowReason.UNKNOWN_VALUE: f"correct {column.name}, or map another header to it under columns",
        }[reason]
    )


def longest(column: Column) -> int:
    """Most characters that a code or text column takes."""
    return 120 if column.type == "code" else 4000


def _range_sentence(column: Column, low: str) -> str:
    if column.type in ("date", "timestamp"):
        return "is out of range; expected a year from 1900 to 2199."
    if column.type in ("days", "number"):
        high = "below 2147483648" if column.maximum is None else f"at most {column.maximum}"
        return f"is out of range; expected a number {low}{high}."
    high = f"below {LIMIT}" if column.maximum is None else f"at most {column.maximum}"
    return f"is out of range; expected a number {low}{high}, zero or no smaller than 0.0001."
