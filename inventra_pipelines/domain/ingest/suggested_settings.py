"""What a file's texts say of how it is written: marks of numbers, signs of currencies, empty values, formats of dates.

Belongs here: the settings of a mapping that a sample decides, each with why, and both readings where it does not. They
are shown to a person and never loaded by. Formats of dates are found in `suggested_dates.py`; which header is which
column is `suggestions.py`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.ingest.numbers import currency_beside, parse_numbers
from inventra_pipelines.domain.ingest.suggested_dates import suggest_date_formats
from inventra_pipelines.domain.tenant import FileMapping

_NUMBERS = ("quantity", "money", "ratio", "days", "number")
_DATES = ("date", "timestamp")
# Words that stand where nothing is known, in lower case.
NOTHING = frozenset(
    {"-", "--", "–", "—", "?", "n/a", "na", "n.a.", "k.a.", "k. a.", "null", "(null)", "none", "nan", "nil"}
)
# Decimal and thousands mark, the plainest first.
_MARKS: tuple[tuple[str, str | None], ...] = ((".", None), (",", None), (".", ","), (",", "."))


@dataclass(frozen=True)
class SuggestedSetting:
    """One setting of a mapping.

    Attributes:
        name: The setting's.
        value: What it would be.
        why: In words, with an example of the file.
        is_sure: False where the file does not decide: a person has to.
    """

    name: str
    value: Any
    why: str
    is_sure: bool = True


def suggest_settings(
    texts: Mapping[str, pl.Series], contract: Contract, mapping: FileMapping
) -> list[SuggestedSetting]:
    """The settings that a dataset's mapping needs beyond what it has.

    Args:
        texts: Distinct, stripped texts by contract column, without nulls and empty ones.
        contract: The dataset's.
        mapping: What the tenant's file says now; its settings are kept where they read the texts.
    """
    columns = [column for column in contract.columns if column.name in texts]
    nothing = _nothing(texts, columns, mapping)
    known = {name: values.filter(~values.is_in([*mapping.null_values, *nothing])) for name, values in texts.items()}
    found = [
        *_date_settings(known, [column for column in columns if column.type in _DATES], mapping),
        *_number_settings(known, [column for column in columns if column.type in _NUMBERS], mapping),
    ]
    if nothing:
        words = ", ".join(map(repr, nothing))
        found.append(
            SuggestedSetting("null_values", [*mapping.null_values, *nothing], f"{words} stand where nothing is known")
        )
    floats = [
        c.name for c in columns if c.type == "code" and _are_floats(known[c.name], c.name in mapping.integer_codes)
    ]
    if floats:
        example = known[floats[0]].filter(known[floats[0]].str.contains(r"\.0+$"))[0]
        why = f"{example} is a whole number that a tool wrote with a fraction"
        found.append(SuggestedSetting("integer_codes", [*mapping.integer_codes, *floats], why))
    return found


def _nothing(texts: Mapping[str, pl.Series], columns: Iterable[Column], mapping: FileMapping) -> list[str]:
    """Words that stand for an empty value among dates and numbers."""
    found = {
        text
        for column in columns
        if column.type in (*_DATES, *_NUMBERS)
        for text in texts[column.name].filter(texts[column.name].str.to_lowercase().is_in(list(NOTHING)))
    }
    return sorted(found - set(mapping.null_values))


def _are_floats(texts: pl.Series, is_known: bool) -> bool:
    return not is_known and texts.str.contains(r"^[0-9]+\.0+$").any() and not texts.str.contains(r"\.0*[1-9]").any()


def _date_settings(
    texts: Mapping[str, pl.Series], columns: Sequence[Column], mapping: FileMapping
) -> list[SuggestedSetting]:
    return [
        SuggestedSetting("date_formats", found.formats, found.why, found.is_sure)
        for found in suggest_date_formats(texts, columns, mapping)
    ]


def _number_settings(
    texts: Mapping[str, pl.Series], columns: Sequence[Column], mapping: FileMapping
) -> list[SuggestedSetting]:
    found = []
    signs = _signs(texts, columns, mapping)
    if signs:
        examples = ", ".join(signs.values())
        money = [column for column in columns if column.type == "money"]
        seen = [sign for sign in mapping.currency_signs or [] if _first_with(texts, money, re.escape(sign))]
        value = [*seen, *signs]
        found.append(
            SuggestedSetting("currency_signs", value, f"amounts such as {examples}; check that this is their currency")
        )
        mapping = mapping.model_copy(update={"currency_signs": value})
    readings = {marks: _read_numbers(texts, columns, mapping, marks) for marks in _MARKS}
    current = (mapping.decimal_mark, mapping.thousands_mark)
    readings.setdefault(current, _read_numbers(texts, columns, mapping, current))
    most = max((reading.count for reading in readings.values()), default=0)
    fitting = {marks: reading for marks, reading in readings.items() if reading.count == most}
    is_stated = bool({"decimal_mark", "thousands_mark"} & mapping.model_fields_set)
    different = [marks for marks, reading in fitting.items() if not reading.equals(next(iter(fitting.values())))]
    if not most or (current in fitting and (is_stated or not different)):
        return found
    if different:
        return found + _both_readings(texts, columns, fitting, mapping)
    parted = next((marks for marks in fitting if marks[1] and _parted_by(texts, columns, marks[1])), None)
    decimal, thousands = parted or next(iter(fitting))
    if decimal != mapping.decimal_mark:
        example = _first_with(texts, columns, rf"{re.escape(decimal)}[0-9]")
        found.append(SuggestedSetting("decimal_mark", decimal, f"numbers such as {example}"))
    if thousands and thousands != mapping.thousands_mark:
        example = _parted_by(texts, columns, thousands)
        found.append(SuggestedSetting("thousands_mark", thousands, f"numbers such as {example}"))
    elif mapping.thousands_mark == decimal:
        found.append(SuggestedSetting("thousands_mark", None, f"{decimal!r} is the decimal mark"))
    return found


@dataclass(frozen=True)
class _Reading:
    """The numbers that some marks read."""

    values: list[pl.Series]

    @property
    def count(self) -> int:
        return sum(values.len() - values.null_count() for values in self.values)

    def equals(self, other: "_Reading") -> bool:
        return all(mine.equals(theirs) for mine, theirs in zip(self.values, other.values, strict=True))


def _read_numbers(
    texts: Mapping[str, pl.Series], columns: Iterable[Column], mapping: FileMapping, marks: tuple[str, str | None]
) -> _Reading:
    decimal, thousands = marks
    trial = mapping.model_copy(update={"decimal_mark": decimal, "thousands_mark": thousands})
    values = []
    for column in columns:
        # Whether the contract takes the number is no question of its marks.
        read, reasons = parse_numbers(texts[column.name], replace(column, minimum=None), trial)
        values.append(read if reasons is None else pl.select(pl.when(pl.lit(reasons).is_null()).then(read)).to_series())
    return _Reading(values)


def _signs(texts: Mapping[str, pl.Series], columns: Iterable[Column], mapping: FileMapping) -> dict[str, str]:
    """Signs beside amounts of money that are not declared, each with an example."""
    found: dict[str, str] = {}
    for column in columns:
        if column.type == "money":
            signs = pl.select(currency_beside(pl.lit(texts[column.name]))).to_series()
            for sign, text in zip(signs, texts[column.name], strict=True):
                if sign and sign not in (mapping.currency_signs or []):
                    found.setdefault(sign, text)
    return found


def _both_readings(
    texts: Mapping[str, pl.Series],
    columns: Sequence[Column],
    fitting: Mapping[tuple[str, str | None], _Reading],
    mapping: FileMapping,
) -> list[SuggestedSetting]:
    """A pair of marks for each way in which the numbers can be read, where the sample does not decide."""
    found: list[SuggestedSetting] = []
    shown: list[_Reading] = []
    for (decimal, thousands), reading in fitting.items():
        if any(reading.equals(other) for other in shown):
            continue
        shown.append(reading)
        place, row = _told_apart_by(reading, list(fitting.values()))
        text = texts[columns[place].name][row]
        why = f"if {text} in {columns[place].name} is {reading.values[place][row]:f}"
        # Whole with and without what is stated.
        if thousands is None or decimal != "." or decimal != mapping.decimal_mark:
            found.append(SuggestedSetting("decimal_mark", decimal, why, is_sure=False))
        if thousands or mapping.thousands_mark:
            found.append(SuggestedSetting("thousands_mark", thousands, why, is_sure=False))
    return found


def _told_apart_by(reading: _Reading, readings: Sequence[_Reading]) -> tuple[int, int]:
    """Column and row of a number that another reading takes for another one, or else for none."""
    for is_none_too in (False, True):
        for place, values in enumerate(reading.values):
            for other in readings:
                differs = values.is_not_null() & values.ne_missing(other.values[place])
                if not is_none_too:
                    differs &= other.values[place].is_not_null()
                if differs.any():
                    return place, int(differs.arg_true()[0])
    raise ValueError("the readings are the same")


def _first_with(texts: Mapping[str, pl.Series], columns: Iterable[Column], pattern: str) -> str:
    for column in columns:
        fitting = texts[column.name].filter(texts[column.name].str.contains(pattern))
        if not fitting.is_empty():
            return str(fitting[0])
    return ""


def _parted_by(texts: Mapping[str, pl.Series], columns: Iterable[Column], mark: str) -> str:
    """A number whose thousands the mark parts; empty where none has any."""
    return _first_with(texts, columns, rf"[0-9]{re.escape(mark)}[0-9]{{3}}(?:$|[^0-9])")
