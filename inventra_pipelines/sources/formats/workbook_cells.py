"""Cells as the parser gives them, made the text that a person would have written down.

Belongs here: dates without a time of day, times of day without a date, and decimals without the noise of binary
fractions. The parser writes numbers out to nine decimals, so that the residue of a subtraction is zero; whole numbers
lose their fraction, and no number has an exponent. Booleans are `true` and `false`, a percentage is its number, a text
is untouched. A duration of more than a day comes as a moment of January 1900: of the formats, only ods tells it apart.
"""

import polars as pl

_MOMENT = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$"
_MIDNIGHT = " 00:00:00"
# Times of day are moments of the day before the first one that a workbook counts from.
_DAY_ZERO = "1899-12-31 "
_DAY_ZERO_OF_1904 = "1904-01-01 "
# More digits than a double holds: the nine decimals of a large number.
_NOISY = r"^-?[1-9]\d{6,15}\.\d{9}$"
_NOISY_BYTES = (17, 27)


def with_decimal_mark(column: pl.Series, decimal_mark: str) -> pl.Series:
    """A column of numbers as the mapping has them written: `1.234` of a cell is no text's thousand."""
    return column if decimal_mark == "." else column.str.replace(".", decimal_mark, literal=True)


def tidied(column: pl.Series, *, is_1904: bool) -> pl.Series:
    """One column of a sheet.

    A date has no time of day where all moments of its column are at midnight, and a time has no date where its day is
    day zero, so that a date and a time of two columns join to a moment.

    Args:
        column: Texts as the parser gives them.
        is_1904: Whether the workbook counts days from 1904.
    """
    at_day_zero = column.str.starts_with(_DAY_ZERO_OF_1904 if is_1904 else _DAY_ZERO).fill_null(False)
    if at_day_zero.any():
        column = column.str.slice(len(_DAY_ZERO)).zip_with(at_day_zero, column)
    if column.str.ends_with(_MIDNIGHT).any():
        moments = column.str.contains(_MOMENT).fill_null(False)
        if column.filter(moments).str.ends_with(_MIDNIGHT).all():
            column = column.str.strip_suffix(_MIDNIGHT).zip_with(moments, column)
    long = column.str.len_bytes().is_between(*_NOISY_BYTES)
    if column.filter(long).str.contains(_NOISY).any():
        noisy = column.str.contains(_NOISY).fill_null(False)
        exact = column.set(~noisy, None).cast(pl.Float64).cast(pl.String)
        column = exact.zip_with(noisy, column)
    return column
