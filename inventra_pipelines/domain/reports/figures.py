"""How figures, days and names are written for readers: thousands separators, signs, units, the mark for "none".

Belongs here: values in, short texts out. Where they stand on a page is in `tables.py` and the sections.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import isfinite

from reportlab.pdfbase.pdfmetrics import stringWidth

NONE = "–"
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "TRY": "₺"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Formatter = Callable[[object], str]


def symbol(currency: str) -> str:
    """The sign of a currency, or its code and a space where it has no common one."""
    return _SYMBOLS.get(currency, f"{currency} ")


def is_number(value: object) -> bool:
    """Whether a value is a finite number (a flag is not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def number(value: object, decimals: int = 0) -> str:
    """1234.5 -> "1,234" (half-even), None and NaN -> the mark for none."""
    if not is_number(value):
        return NONE
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else f"−{text[1:]}"
    return text


def rate(value: object) -> str:
    """Units a week and the like, always with one decimal, so that the digits of a column line up."""
    return number(value, 1)


def units(value: object) -> str:
    """Counted quantities: whole where they are whole or large, else one decimal."""
    if not is_number(value):
        return NONE
    amount = float(value)  # type: ignore[arg-type]
    return number(amount, 0 if abs(amount) >= 100 or amount == round(amount) else 1)


def money(currency: str, decimals: int = 0) -> Formatter:
    """A formatter of amounts in one currency."""
    sign = symbol(currency)

    def write(value: object) -> str:
        text = number(value, decimals)
        if text == NONE:
            return NONE
        return f"−{sign}{text[1:]}" if text.startswith("−") else f"{sign}{text}"

    return write


def short_money(currency: str) -> Formatter:
    """Amounts for axes and headlines: £1.2k, £3.40M."""
    sign = symbol(currency)

    def write(value: object) -> str:
        text = short_number(value)
        return f"−{sign}{text[1:]}" if text.startswith("−") else f"{sign}{text}"

    return write


def short_number(value: object) -> str:
    """1234 -> "1.2k", 12345 -> "12k", 1.2e6 -> "1.2M"."""
    if not is_number(value):
        return NONE
    amount = float(value)  # type: ignore[arg-type]
    for limit, divisor, suffix in ((1e9, 1e9, "bn"), (1e6, 1e6, "M"), (1e3, 1e3, "k")):
        if abs(amount) >= limit:
            scaled = amount / divisor
            text = number(scaled, 1 if abs(scaled) < 100 else 0)
            return text.removesuffix(".0") + suffix
    return number(amount, 0 if amount == round(amount) else 1)


def percent(value: object, decimals: int = 0) -> str:
    """A share as per cent: 0.123 -> "12 %"."""
    return NONE if not is_number(value) else f"{number(float(value) * 100, decimals)} %"  # type: ignore[arg-type]


def signed_percent(value: object, decimals: int = 1) -> str:
    """A change as per cent with its sign: 0.123 -> "+12.3 %"."""
    text = percent(value, decimals)
    return text if text == NONE or text.startswith("−") or not text.strip("0. %") else f"+{text}"


def day(value: object) -> str:
    """A date as 9 Dec 2011."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}" if isinstance(value, date) else NONE


def day_short(value: object) -> str:
    """A date as 9 Dec."""
    return f"{value.day} {_MONTHS[value.month - 1]}" if isinstance(value, date) else NONE


def text(value: object) -> str:
    """A text on one line, without control characters; none where it is empty."""
    if value is None:
        return NONE
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split()) or NONE


def words(value: object) -> str:
    """A code as words: stock_out_risk -> "stock-out risk"."""
    return text(value).replace("_", " ").replace("stock out", "stock-out")


def count(amount: int, singular: str, plural: str = "") -> str:
    """1 row, 2 rows."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def shown(part: int, whole: int, where: str, singular: str, plural: str = "") -> str:
    """The words "N of M" where a table is cut, with the sheet that has the rest; the plain count where it is not."""
    if part >= whole:
        return count(whole, singular, plural)
    return f"{part:,} of {count(whole, singular, plural)} shown; all of them are in the workbook, sheet {where}"


@lru_cache(maxsize=65536)
def fit(value: str, font: str, size: float, width: float) -> str:
    """The text, or as much of it as is at most `width` points wide with an ellipsis after it."""
    if stringWidth(value, font, size) <= width:
        return value
    room = width - stringWidth("…", font, size)
    low, high = 0, len(value)
    while low < high:
        middle = (low + high + 1) // 2
        if stringWidth(value[:middle], font, size) <= room:
            low = middle
        else:
            high = middle - 1
    return value[:low].rstrip(" ,;:-") + "…"
