"""Numbers from text: exact, by stated marks, and never by a guess.

Rules: a value is a sign, digits and one decimal mark, with an exponent of up to two digits where a tool wrote one. A
minus may stand behind the number too, be the typographic one, or be a pair of parentheses around it. More than four
decimal places are rounded half to even; a value that would become zero by it is out of range.

Groups of three digits apart by a space or an apostrophe are read, and those apart by the mapping's `thousands_mark`;
apart by a mark that is not declared they are read only where it cannot be the decimal mark (`1,234.50` and
`1,234,567`): `1,234` may mean either. Beside an amount of money may stand one of the mapping's `currency_signs`, behind
a ratio a percent sign.
"""

import re

import polars as pl

from inventra_pipelines.domain.contracts import POLARS_TYPES, Column
from inventra_pipelines.domain.ingest.rejects import LIMIT, RowReason, reason_code
from inventra_pipelines.domain.tenant import FileMapping

_WHOLE_LIMIT = 2**31
_SPACES = "[ '\u00a0\u2009\u202f\u2019]"
# What nearly every number looks like: exact in four places, and far from any limit.
_USUAL = {".": r"^-?[0-9]{1,9}(?:\.[0-9]{1,4})?$", ",": r"^-?[0-9]{1,9}(?:,[0-9]{1,4})?$"}
_MINUS = "\u2212"
# What may be a currency beside a number: a sign, also with letters (`US$`), a short code or word (EUR, kr), or 元.
_CURRENCY = r"\p{L}{0,3}\p{Sc}\p{L}{0,3}|\p{L}{2,4}|[\p{Han}\p{Hangul}]"
_UNIT = r"[\p{L}\p{Sc}°][\p{L}\p{Sc}\p{No}]{0,3}"


def parse_numbers(texts: pl.Series, column: Column, mapping: FileMapping) -> tuple[pl.Series, pl.Series | None]:
    """Read a column's texts.

    Args:
        texts: Stripped strings, null where there is nothing.
        column: Of a quantity, money, ratio, days or number.
        mapping: The dataset's.

    Returns:
        The values in the column's type, and per text the index of a `RowReason` or null; None where nothing is wrong.
    """
    usual = texts.str.contains(_USUAL[mapping.decimal_mark])
    is_all_usual = bool(usual.all())
    numbers = texts
    if mapping.decimal_mark == ",":
        numbers = numbers.str.replace(",", ".", literal=True)
    if not is_all_usual:
        odd = ~usual.fill_null(True)
        read = pl.select(plain_number(pl.lit(texts.filter(odd)), column, mapping)).to_series()
        place = pl.select(pl.lit(odd).cum_sum().clip(1) - 1).to_series()
        numbers = numbers.zip_with(~odd, read.gather(place))
    values = numbers.str.to_decimal(scale=4)
    if is_all_usual and not _may_fail(values, column):
        return values.cast(POLARS_TYPES[column.type]), None
    reasons = pl.select(_fault(pl.lit(texts), pl.lit(numbers), pl.lit(values), column)).to_series()
    return values.cast(POLARS_TYPES[column.type], strict=False), reasons


def plain_number(text: pl.Expr, column: Column, mapping: FileMapping) -> pl.Expr:
    """The text as sign, digits, a point and an exponent, or null where it is no number by the rules of this module."""
    inner = text.str.extract(r"^\(\s*(.*?)\s*\)$")
    bare = pl.coalesce(inner, text)
    if column.type == "money" and mapping.currency_signs:
        bare = _without_sign(bare, mapping.currency_signs)
    is_percent = pl.lit(False)
    if column.type == "ratio":
        is_percent = bare.str.ends_with("%") & ~bare.str.contains("[eE]")
        bare = pl.when(is_percent).then(bare.str.strip_suffix("%").str.strip_chars_end()).otherwise(bare)
    bare = bare.str.replace(f"^{_MINUS}", "-").str.replace(rf"^([^+-].*?)\s?[-{_MINUS}]$", "-$1")
    read = _by_marks(bare, mapping.decimal_mark, mapping.thousands_mark)
    read = pl.when(is_percent).then(pl.concat_str(read, pl.lit("e-2"))).otherwise(read)
    negative = pl.when(~read.str.contains("^[+-]")).then(pl.concat_str(pl.lit("-"), read))
    return pl.when(inner.is_not_null()).then(negative).otherwise(read)


def _without_sign(text: pl.Expr, signs: list[str]) -> pl.Expr:
    """An amount without the currency's sign that stands before or behind it, on either side of its minus."""
    either = "|".join(re.escape(sign) for sign in sorted(signs, key=len, reverse=True))
    before = text.str.replace(rf"^([+\-{_MINUS}]?)(?:{either})\s?", "$1")
    behind = text.str.replace(rf"\s?(?:{either})([\-{_MINUS}]?)$", "$1")
    return pl.when(before != text).then(before).otherwise(behind)


def _by_marks(text: pl.Expr, decimal_mark: str, thousands_mark: str | None) -> pl.Expr:
    mark = re.escape(decimal_mark)
    other = r"," if decimal_mark == "." else r"\."
    plain = text.str.contains(rf"^[+-]?(?:[0-9]+{mark}?[0-9]*|{mark}[0-9]+)(?:[eE][+-]?[0-9]{{1,2}})?$")
    head = "^[+-]?[1-9][0-9]{0,2}"
    by_space = text.str.contains(rf"{head}(?:{_SPACES}[0-9]{{3}})+(?:{mark}[0-9]*)?$")
    if thousands_mark in (",", "."):
        by_mark = text.str.contains(rf"{head}(?:{other}[0-9]{{3}})+(?:{mark}[0-9]*)?$")
    else:
        several = rf"{other}[0-9]{{3}}(?:{other}[0-9]{{3}})+"
        by_mark = text.str.contains(rf"{head}(?:(?:{other}[0-9]{{3}})+{mark}[0-9]*|{several})$")
    grouped = text.str.replace_all(rf"{_SPACES}|{other}", "")
    found = pl.when(plain).then(text).when(by_space | by_mark).then(grouped)
    return found.str.replace(decimal_mark, ".", literal=True) if decimal_mark != "." else found


def _may_fail(values: pl.Series, column: Column) -> bool:
    """Whether a column of usual numbers has one that its contract may refuse."""
    if column.type in ("days", "number"):
        return True
    if column.minimum is None and column.maximum is None:
        return False
    lowest = -LIMIT if column.minimum is None else column.minimum
    highest = LIMIT if column.maximum is None else column.maximum
    return not values.is_between(lowest, highest).all()


def _fault(text: pl.Expr, number: pl.Expr, value: pl.Expr, column: Column) -> pl.Expr:
    vanishes = (value == 0) & number.str.contains(r"^[^eE]*[1-9]")
    low = (value <= -LIMIT) if column.minimum is None else (value < column.minimum)
    high = (value >= LIMIT) if column.maximum is None else (value > column.maximum)
    is_out_of_range = value.is_null() | high | low | vanishes
    fault = (
        pl.when(text.is_null())
        .then(None)
        .when(number.is_null())
        .then(reason_code(RowReason.NOT_A_NUMBER))
        .when(is_out_of_range)
        .then(reason_code(RowReason.OUT_OF_RANGE))
    )
    if column.type in ("days", "number"):
        is_beyond = (value >= _WHOLE_LIMIT) | (value < -_WHOLE_LIMIT)
        fault = (
            fault.when(value != value.round(0))
            .then(reason_code(RowReason.NOT_A_WHOLE_NUMBER))
            .when(is_beyond)
            .then(reason_code(RowReason.OUT_OF_RANGE))
        )
    return fault


def currency_beside(text: pl.Expr) -> pl.Expr:
    """What may be a currency's sign or code before or behind a number; null where nothing is."""
    return _beside(text, _CURRENCY)


def _beside(text: pl.Expr, sign: str) -> pl.Expr:
    before = text.str.extract(rf"^[(+\-{_MINUS}]?\s?({sign})\s?[+\-{_MINUS}]?[0-9]", 1)
    return pl.coalesce(before, text.str.extract(rf"[0-9]\s?({sign})[\-{_MINUS}]?\)?$", 1))


def number_hint(text: pl.Expr, column: Column, mapping: FileMapping, dataset: str) -> pl.Expr:
    """What would make a text that is no number one: a setting of the mapping, or how it is to be sent."""
    mark, other = mapping.decimal_mark, "," if mapping.decimal_mark == "." else "."
    name = {",": "comma", ".": "point"}[other]
    setting = f"under datasets.{dataset}"
    if column.type == "money" and mapping.currency_signs:
        text = _without_sign(text, mapping.currency_signs)
    sign = currency_beside(text) if column.type == "money" else _beside(text, _UNIT)
    is_group = text.str.contains(rf"^[(+-]?[1-9][0-9]{{0,2}}{re.escape(other)}[0-9]{{3}}[)-]?$")
    parts = f"declare thousands_mark: '{other}' {setting} if the {name} parts thousands"
    marks = f"declare decimal_mark: '{other}' {setting} if the {name} is the decimal mark"
    if column.type == "money":
        amount = pl.format(f"declare currency_signs: ['{{}}'] {setting} if {column.name} is in that currency", sign)
    else:
        amount = pl.format(f"send {column.name} without '{{}}': a unit has a column of its own", sign)
    return (
        pl.when(is_group & pl.lit(mapping.thousands_mark is None))
        .then(pl.lit(parts))
        .when(text.str.contains(rf"^[(+-]?[0-9]+{re.escape(other)}[0-9]+[)-]?$"))
        .then(pl.lit(marks))
        .when(text.str.contains(r"^[^%]*[0-9][^%]*%$"))
        .then(pl.lit(f"send {column.name} without the percent sign: only ratios take one"))
        .when(sign.is_not_null())
        .then(amount)
        .otherwise(pl.lit(f"send {column.name} as digits, such as 1234{mark}5"))
    )
