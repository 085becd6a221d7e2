"""Numbers from text: exact, with one stated decimal mark, and never by a guess.

Rules: a value is a sign, digits and one decimal mark, with an exponent of up to two digits where a tool wrote one. More
than four decimal places are rounded half to even; a value that would become zero by it is out of range. Groups of three
digits apart by a space or an apostrophe are read; apart by the other mark they are read only where that mark cannot be
the decimal mark (`1,234.50` and `1,234,567`); `1,234` alone is refused, for it may mean either.
"""

import polars as pl

# numeric(18, 4) holds fourteen digits before the decimal mark.
_LIMIT = 10**14
_WHOLE_LIMIT = 2**31
_SPACES = "[ '\u00a0\u202f\u2019]"


def plain_number(text: pl.Expr, decimal_mark: str) -> pl.Expr:
    """The text as sign, digits and a point, or null where it is no number by the rules of this module."""
    mark = f"\\{decimal_mark}"
    other = "\\," if decimal_mark == "." else "\\."
    plain = text.str.contains(rf"^[+-]?(?:\d+{mark}?\d*|{mark}\d+)(?:[eE][+-]?\d{{1,2}})?$")
    by_space = text.str.contains(rf"^[+-]?\d{{1,3}}(?:{_SPACES}\d{{3}})+(?:{mark}\d*)?$")
    by_mark = text.str.contains(rf"^[+-]?\d{{1,3}}(?:(?:{other}\d{{3}})+{mark}\d*|{other}\d{{3}}(?:{other}\d{{3}})+)$")
    grouped = text.str.replace_all(rf"{_SPACES}|{other}", "")
    found = pl.when(plain).then(text).when(by_space | by_mark).then(grouped)
    return found.str.replace(decimal_mark, ".", literal=True) if decimal_mark != "." else found


def exact_decimal(number: pl.Expr) -> pl.Expr:
    """A plain number as Decimal(38, 4), rounded half to even; null beyond its digits."""
    return number.str.to_decimal(scale=4)


def is_out_of_range(number: pl.Expr, value: pl.Expr, minimum: int | None) -> pl.Expr:
    """Whether a plain number does not fit numeric(18, 4), vanishes in rounding or lies below the minimum."""
    vanishes = (value == 0) & number.str.contains(r"^[^eE]*[1-9]")
    low = (value <= -_LIMIT) if minimum is None else (value < minimum)
    return number.is_not_null() & (value.is_null() | (value >= _LIMIT) | low | vanishes)


def has_fraction(value: pl.Expr) -> pl.Expr:
    """Whether a decimal is not whole."""
    return value != value.round(0)


def is_beyond_whole(value: pl.Expr) -> pl.Expr:
    """Whether a decimal does not fit a 32-bit integer."""
    return (value >= _WHOLE_LIMIT) | (value < -_WHOLE_LIMIT)
