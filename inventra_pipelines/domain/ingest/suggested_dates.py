"""Which date formats a file's texts are written in: those that read nearly all of them, and how many they leave.

Belongs here: finding formats by trying the common ones on texts of the same shape, so that a few bad values hide
nothing, and both readings where a day may be a month. How a text becomes a moment is `dates.py`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import polars as pl

from inventra_pipelines.domain.contracts import Column
from inventra_pipelines.domain.ingest.dates import COMMON_FORMATS, parse_moments
from inventra_pipelines.domain.tenant import FileMapping

# Serial days from 1954 to 2064: five digits that are no year, no code of a day.
_SERIAL = r"^[2-5][0-9]{4}(?:\.[0-9]*)?$"
_LEAST_SERIAL = 0.95
_TIME_OF_DAY = re.compile(r"(?: |T)%[HI].*$")
# Formats are first tried on so many texts.
_TRIED_TEXTS = 20
_MOST_FORMATS, _MOST_SHAPES = 3, 8
_SHOWN = 40
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
# A date as its day in the second month tells day, month and year apart.
_PROBE = date(2001, 2, 3)


@dataclass(frozen=True)
class DateFormats:
    """Formats for some date columns.

    Attributes:
        formats: To be tried in this order.
        why: In words, with examples and what they leave unread.
        is_sure: False where the texts allow of another reading.
    """

    formats: list[str]
    why: str
    is_sure: bool = True


@dataclass
class _Found:
    """What was found so far, over all columns.

    Attributes:
        chosen: Formats.
        read: Per format, an example of what it reads, in words.
        asked: Column, its texts, and formats of which each reads them differently.
    """

    chosen: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    asked: list[tuple[Column, pl.Series, list[str]]] = field(default_factory=list)


def suggest_date_formats(
    texts: Mapping[str, pl.Series], columns: Sequence[Column], mapping: FileMapping
) -> list[DateFormats]:
    """The formats that date columns need beyond those of the mapping: one suggestion, and one per reading in doubt.

    Args:
        texts: Distinct, stripped texts by column, without what stands for nothing.
        columns: Those of dates and timestamps.
        mapping: What the tenant's file says now.
    """
    zone = mapping.time_zone or "UTC"
    found = _Found()
    for column in columns:
        _find(found, column, _unread(texts[column.name], column, mapping.date_formats, zone), zone)
    doubtful = _settled_by_the_others(found)
    kept = mapping.date_formats if "date_formats" in mapping.model_fields_set else []
    suggested = []
    if found.chosen:
        formats = [*kept, *found.chosen]
        formats += _needed(texts, columns, mapping.date_formats, formats, zone)
        asked = {column.name for column, *_ in doubtful}
        left = _left(texts, [column for column in columns if column.name not in asked], formats, zone)
        suggested.append(DateFormats(formats, f"reads {', '.join(dict.fromkeys(found.read))}{left}"))
    for column, unread, fitting in doubtful[:1]:
        for date_format in fitting:
            formats = [*kept, *found.chosen, date_format]
            example, read = _example(unread, fitting, date_format)
            left = _left(texts, [column], formats, zone)
            why = f"if {example} in {column.name} is {read.day} {read:%B %Y}{left}"
            suggested.append(DateFormats(formats, why, is_sure=False))
    return suggested


def likely_formats(texts: pl.Series) -> list[str]:
    """The common formats that read most of the texts of the commonest shape, each differently; empty where none does.

    Args:
        texts: Distinct and stripped.
    """
    if texts.is_empty():
        return []
    if texts.str.contains(_SERIAL).mean() >= _LEAST_SERIAL:  # type: ignore[operator]
        return ["excel"]
    alike = _commonest_shape(texts)
    tried = alike.gather_every(max(1, len(alike) // _TRIED_TEXTS))
    with_time = bool(tried.str.contains(":").any())
    common = [date_format for date_format in COMMON_FORMATS if (":" in date_format) == with_time]
    fitting = [date_format for date_format in common if 2 * _read_by(tried, date_format) >= len(tried)]
    counts = {date_format: _read_by(alike, date_format) for date_format in fitting}
    most = max(counts.values(), default=0)
    if 2 * most < len(alike) or not most:
        return []
    different: list[tuple[str, pl.Series]] = []
    for date_format in (date_format for date_format, count in counts.items() if count == most):
        days = _days(alike, date_format)
        if not any(days.equals(other) for _, other in different):
            different.append((date_format, days))
    return [date_format for date_format, _ in different]


def share_of_dates(texts: pl.Series) -> float:
    """How many of some distinct, stripped texts are dates by ISO or by the likeliest format."""
    unread = _not_dates(texts, [])
    formats = likely_formats(unread)[:1] if len(unread) else []
    return 1 - len(_not_dates(texts, formats)) / len(texts)


def _find(found: _Found, column: Column, unread: pl.Series, zone: str) -> None:
    """Add the formats of a column's texts, the commonest shape first."""
    rest = _unread(unread, column, found.chosen, zone)
    rest = rest.filter(rest.str.contains("[0-9]"))
    for _ in range(_MOST_SHAPES):
        if rest.is_empty() or len(found.chosen) > _MOST_FORMATS:
            return
        fitting = likely_formats(rest)
        alike = rest if fitting == ["excel"] else _commonest_shape(rest)
        if len(fitting) > 1:
            found.asked.append((column, alike, fitting))
        elif fitting and not any(_conflict(fitting[0], other) for other in found.chosen):
            example = next(text for text in alike if _read_by(pl.Series([text]), fitting[0]))
            found.chosen.append(fitting[0])
            found.read.append(f"{example} in {column.name}")
            rest = _unread(rest, column, found.chosen, zone)
            continue
        rest = rest.filter(~rest.is_in(alike.implode()))


def _settled_by_the_others(found: _Found) -> list[tuple[Column, pl.Series, list[str]]]:
    """Take the one reading that has the order of what is chosen; gives what stays in doubt."""
    days = {_day_part(date_format) for date_format in found.chosen}
    doubtful = []
    for column, unread, fitting in found.asked:
        alike = [date_format for date_format in fitting if _day_part(date_format) in days]
        if len(alike) == 1:
            found.chosen += [alike[0]] if alike[0] not in found.chosen else []
            found.read.append(f"{unread[0]} in {column.name}, in the order of the others")
        else:
            doubtful.append((column, unread, fitting))
    return doubtful


def _example(texts: pl.Series, fitting: Sequence[str], date_format: str) -> tuple[str, date]:
    """A text that the formats read differently, or else one that this format reads, and its day."""
    days = pl.DataFrame({other: _days(texts, other) for other in fitting})
    is_read = days[date_format].is_not_null()
    differs = days.select(pl.any_horizontal(pl.col(date_format).ne_missing(pl.col(other)) for other in fitting))
    both = is_read & differs.to_series() & ~days.select(pl.any_horizontal(pl.all().is_null())).to_series()
    place = int((both if both.any() else is_read).arg_true()[0])
    return texts[place], days[date_format][place]


def _left(texts: Mapping[str, pl.Series], columns: Iterable[Column], formats: Sequence[str], zone: str) -> str:
    """How many texts the formats do not read, with an example, in words."""
    left = [text for column in columns for text in _unread(texts[column.name], column, formats, zone)]
    if not left:
        return ""
    number = "1 text is" if len(left) == 1 else f"{len(left):,} texts are"
    return f"; {number} not read, such as {left[0][:_SHOWN]!r}"


def _unread(texts: pl.Series, column: Column, formats: Sequence[str], zone: str) -> pl.Series:
    moments = parse_moments(texts, formats, zone)
    is_read = moments["is_out_of_range"].eq(False).fill_null(False)
    if column.type == "date":
        is_read &= moments["is_day"].fill_null(False)
    return texts.filter(~is_read)


def _not_dates(texts: pl.Series, formats: Sequence[str]) -> pl.Series:
    is_read = parse_moments(texts, formats, "UTC")["is_out_of_range"].eq(False).fill_null(False)
    return texts.filter(~is_read)


def _commonest_shape(texts: pl.Series) -> pl.Series:
    """The texts that are alike but for their digits and letters, of the shape that most of them have."""
    shapes = texts.str.replace_all(r"[0-9]+", "0").str.replace_all(r"\p{L}+", "a")
    counts = shapes.alias("shape").value_counts(sort=True)
    most = counts.filter(pl.col("count") == counts["count"][0])["shape"]
    return texts.filter(shapes == next(shape for shape in shapes if shape in set(most)))


def _days(texts: pl.Series, date_format: str) -> pl.Series:
    """Their days by a common format alone, null where it reads none; quicker than `parse_moments`, by the same rule."""
    if date_format == "excel":
        return parse_moments(texts, [date_format], "UTC")["local_on"]
    if _day_part(date_format) == date_format:
        days = texts.str.to_date(date_format, strict=False)
    else:
        days = texts.str.to_datetime(date_format, time_unit="us", strict=False).dt.date()
    return days.set(~days.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR), None)


def _read_by(texts: pl.Series, date_format: str) -> int:
    return len(texts) - _days(texts, date_format).null_count()


@lru_cache(maxsize=1024)
def _conflict(one: str, other: str) -> bool:
    """Whether a text that one format writes is another day by the other."""
    if "excel" in (one, other):
        return False
    written = _PROBE.strftime(_day_part(one))
    read = _days(pl.Series([written]), _day_part(other)).item()
    return read not in (None, _PROBE)


def _day_part(date_format: str) -> str:
    return _TIME_OF_DAY.sub("", date_format)


def _needed(
    texts: Mapping[str, pl.Series], columns: Iterable[Column], before: Sequence[str], formats: list[str], zone: str
) -> Iterator[str]:
    """Formats in force now without which the new ones would leave texts unread."""
    needed: list[str] = []
    for date_format in before:
        if date_format in formats:
            continue
        for column in columns:
            unread = _unread(texts[column.name], column, [*formats, *needed], zone)
            if len(_unread(unread, column, [date_format], zone)) < len(unread):
                needed.append(date_format)
                yield date_format
                break
