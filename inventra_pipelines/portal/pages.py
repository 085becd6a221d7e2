"""How the download site's pages look: templates and the words and numbers they are filled with.

Belongs here: the template environment, the names of the reports, sizes, dates in words, and the grouping of days. Who
may see a page is decided in `app.py`.
"""

import calendar
import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from pathlib import PurePath
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

_REPORT_NAMES = {
    "daily_pdf": ("Daily report", "What matters today, page by page, to read or print."),
    "daily_workbook": ("Daily workbook", "Every figure behind the report, to filter and sort."),
}
_FILE_KINDS = {
    ".pdf": ("PDF", "application/pdf"),
    ".xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".csv": ("CSV", "text/csv; charset=utf-8"),
}
_SIMPLE_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Month:
    """The days of one month that have reports, newest first."""

    name: str
    days: tuple[date, ...]


@lru_cache(maxsize=1)
def stylesheet() -> tuple[str, str]:
    """The style sheet and a short hash of it that makes its address change with its content."""
    text = files("inventra_pipelines.portal").joinpath("static/portal.css").read_text(encoding="utf-8")
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


def report_name(report: str) -> str:
    """What readers call a report."""
    return _REPORT_NAMES[report][0] if report in _REPORT_NAMES else report.replace("_", " ").capitalize()


def report_purpose(report: str) -> str:
    """What a report is for, in a sentence; empty where it is not known."""
    return _REPORT_NAMES[report][1] if report in _REPORT_NAMES else ""


def file_kind(file_name: str) -> str:
    """What readers call a file's format."""
    suffix = PurePath(file_name).suffix.lower()
    return _FILE_KINDS[suffix][0] if suffix in _FILE_KINDS else suffix.lstrip(".").upper() or "File"


def content_type(file_name: str) -> str:
    """The media type a file is sent with."""
    return _FILE_KINDS.get(PurePath(file_name).suffix.lower(), ("", "application/octet-stream"))[1]


def content_disposition(file_name: str) -> str:
    """The header that has a file saved under its name; any character may stand in the name."""
    encoded = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
    # Clients that know only the older form get it where the name needs no quoting.
    return f'{encoded}; filename="{file_name}"' if _SIMPLE_NAME.fullmatch(file_name) else encoded


def size_in_words(size_bytes: int) -> str:
    """A file's size as people read it, in powers of 1000: '512 bytes', '48 kB', '1.2 MB'."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    value, unit = size_bytes / 1000, "kB"
    for larger in ("MB", "GB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def day_in_words(day: date) -> str:
    """A day as people say it: 'Friday 9 December 2011'."""
    return f"{calendar.day_name[day.weekday()]} {day.day} {calendar.month_name[day.month]} {day.year}"


def weekday_short(day: date) -> str:
    """A day's weekday in three letters."""
    return calendar.day_abbr[day.weekday()]


def by_month(days: Iterable[date]) -> list[Month]:
    """Group days by month, newest first in both."""
    ordered = sorted(set(days), reverse=True)
    return [
        Month(f"{calendar.month_name[month]} {year}", tuple(group))
        for (year, month), group in groupby(ordered, key=lambda day: (day.year, day.month))
    ]


def neighbours(days: Iterable[date], day: date) -> tuple[date | None, date | None]:
    """The nearest days with reports before and after a day, whether or not it has any itself."""
    ordered: Sequence[date] = sorted(set(days))
    place = bisect_left(ordered, day)
    after = place + 1 if place < len(ordered) and ordered[place] == day else place
    return (ordered[place - 1] if place > 0 else None), (ordered[after] if after < len(ordered) else None)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, escaped by default; a name that was not passed is an error."""
    made = Environment(
        loader=PackageLoader("inventra_pipelines.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        report_name=report_name,
        report_purpose=report_purpose,
        file_kind=file_kind,
        size_in_words=size_in_words,
        day_in_words=day_in_words,
        weekday_short=weekday_short,
    )
    made.globals["stylesheet_version"] = stylesheet()[1]
    return made


def render(template: str, **values: object) -> str:
    """Fill a template."""
    return environment().get_template(template).render(values)
