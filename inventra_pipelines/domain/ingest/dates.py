"""Dates and times from text, by the tenant's formats in their order, and their place on the time line.

Rules: the first format that fits holds; ISO dates and times are understood after them, since they cannot be misread. A
date column takes a time only where a configured format has one, or where it is midnight. Times are the wall clock of
the mapping's zone: one that happens twice (clocks go back) is the first of the two, one that does not happen (clocks go
forward) is read with the offset in force before the change. A value with an offset of its own is that instant. A leap
second, 23:59:60, is the second before it: it belongs to the day that it says.

The format `excel` reads the serial numbers of spreadsheets: days since 1899-12-31, with the 29 February 1900 that never
was (60, which is refused); `excel-1904` those since 1904-01-01. A fraction is a time of day, rounded to the second.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected

_ISO_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M%z",
    "%Y-%m-%dT%H:%M%z",
)
# Offsets as other tools write them: `Z` and `UTC`, and hours alone.
_UTC = r"\s?(?:Z|z|UTC)$"
_HOURS_ALONE = r"(:[0-9.]+)\s?([+-][0-9]{2})$"
_DIRECTIVE = re.compile(r"%[-_0#:.\d]*([A-Za-z+])")
# Seconds of 60, after a colon or at the end of six or fourteen digits; a fraction is none.
_LEAP_SECOND = r"(?::|(?:^|[^.\d])(?:\d{8})?\d{4})60(?:\D|$)"
_TIME_DIRECTIVES = set("HIklMSfpPTRrXcsz+")
_ZONE_DIRECTIVES = set("z+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
# By format, the day of serial number 0, as the serials from 61 on count it; they end with the year 9999.
_SERIAL_ZERO = {"excel": datetime(1899, 12, 30), "excel-1904": datetime(1904, 1, 1)}
_LAST_SERIAL = 2_958_465
_NO_MOMENT = (
    pl.lit(None, dtype=pl.Datetime("us")).alias("wall"),
    pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("at"),
    pl.lit(None, dtype=pl.Boolean).alias("is_day"),
    pl.lit(None, dtype=pl.Date).alias("local_on"),
)
# What files are written in most often, for hints and suggestions only.
_COMMON_DAYS = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_COMMON_TIMES = {
    r"T\d{1,2}:\d{2}:\d{2}$": "T%H:%M:%S",
    r" \d{1,2}:\d{2}:\d{2} [AaPp][Mm]$": " %I:%M:%S %p",
    r" \d{1,2}:\d{2} [AaPp][Mm]$": " %I:%M %p",
    r" \d{1,2}:\d{2}:\d{2}$": " %H:%M:%S",
    r" \d{1,2}:\d{2}$": " %H:%M",
    "": "",
}
COMMON_FORMATS = tuple(f"{day}{time}" for day in _COMMON_DAYS for time in _COMMON_TIMES.values())
# Serial numbers of the years 1982 to 2091.
_LIKELY_SERIAL = r"^[3-6][0-9]{4}(?:\.[0-9]+)?$"


def _directives(date_format: str) -> set[str]:
    return set(_DIRECTIVE.findall(date_format))


@lru_cache(maxsize=256)
def _check_format(date_format: str) -> None:
    """Refuse a format that cannot read back what it writes, as one without a year."""
    if date_format in _SERIAL_ZERO:
        return
    sample = pl.Series([datetime(2024, 3, 4, 5, 6, 7, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))
    try:
        read = _by_format(sample.dt.strftime(date_format), date_format, "UTC")["wall"].dt.date()
        readable = read.item() == date(2024, 3, 4)
    except pl.exceptions.PolarsError:
        readable = False
    if not readable:
        raise FileRejected(
            FileReason.UNUSABLE_MAPPING,
            f"setting date_formats: {date_format!r} is no format that tells a day",
            "write it as %Y-%m-%d, %d/%m/%Y %H:%M or excel",
        )


def _by_format(texts: pl.Series, date_format: str, time_zone: str) -> pl.DataFrame:
    """`wall` as read and `at` in UTC, null where the format does not fit."""
    if _directives(date_format) & _ZONE_DIRECTIVES:
        texts = texts.str.replace(_UTC, "+00:00").str.replace(_HOURS_ALONE, "$1$2:00")
        at = texts.str.to_datetime(date_format, time_unit="us", time_zone="UTC", strict=False)
        at = _without_leap_seconds(at, texts)
        return pl.DataFrame({"wall": at.dt.convert_time_zone(time_zone).dt.replace_time_zone(None), "at": at})
    wall = _wall_clock(texts, date_format)
    return pl.DataFrame({"wall": wall, "at": to_instant(wall, time_zone)})


def _has_time(date_format: str) -> bool:
    return bool(_directives(date_format) & _TIME_DIRECTIVES)


def _wall_clock(texts: pl.Series, date_format: str) -> pl.Series:
    if date_format in _SERIAL_ZERO:
        return _by_serial(texts, date_format)
    if _has_time(date_format):
        return _without_leap_seconds(texts.str.to_datetime(date_format, time_unit="us", strict=False), texts)
    return texts.str.to_date(date_format, strict=False).cast(pl.Datetime("us"))


def _without_leap_seconds(read: pl.Series, texts: pl.Series) -> pl.Series:
    """Moments of texts, of which a leap second was read as the first second of the next minute."""
    may_be = texts.str.contains("60", literal=True)
    if not may_be.any():
        return read
    is_leap = may_be & texts.str.contains(_LEAP_SECOND) & (read.dt.second() == 0)
    return read.dt.offset_by("-1s").zip_with(is_leap.fill_null(False), read)


def _by_serial(texts: pl.Series, date_format: str) -> pl.Series:
    """Wall-clock times of serial numbers; null for what is none, and for days that the calendar does not have."""
    text = pl.lit(texts)
    serial = pl.when(text.str.contains(r"^[0-9]{1,7}(?:\.[0-9]*)?$")).then(text).cast(pl.Float64, strict=False)
    # Below one it is a time without a day.
    serial = pl.when(serial >= 1).then(serial)
    if date_format == "excel":
        serial = pl.when(~serial.is_between(60, 61, closed="left")).then(serial)
        # Before the day that never was, the count is one behind.
        serial = serial + (serial < 60).cast(pl.Int8)
    seconds = (pl.when(serial < _LAST_SERIAL + 1).then(serial) * 86_400).round(0).cast(pl.Int64)
    wall = pl.lit(_SERIAL_ZERO[date_format]) + pl.duration(seconds=seconds, time_unit="us")
    return pl.select(wall.cast(pl.Datetime("us")).alias("wall")).to_series()


def to_instant(wall: pl.Series, time_zone: str) -> pl.Series:
    """Wall-clock times of a zone as UTC instants, by the rule of this module for hours that repeat or do not exist."""
    at = _zoned(wall, time_zone)
    skipped = at.is_null() & wall.is_not_null()
    if skipped.any():
        # The offset of the day before is the one in force before the clocks go forward.
        before = _zoned(wall.dt.offset_by("-1d"), time_zone).dt.offset_by("24h")
        at = at.zip_with(~skipped, before)
    return at


def _zoned(wall: pl.Series, time_zone: str) -> pl.Series:
    zoned = wall.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def parse_moments(
    texts: pl.Series, date_formats: Sequence[str], time_zone: str, day_zone: str | None = None
) -> pl.DataFrame:
    """Parse texts.

    Args:
        texts: Stripped strings, null where there is nothing.
        date_formats: The mapping's, tried in order.
        time_zone: The IANA zone of the file's clock times.
        day_zone: The zone whose days count, where it is another one.

    Returns:
        One row per text, null where it is no date: `local_on` (its day in the zone that counts; a text without a time
        is that day in any zone), `at` (UTC), `is_day` (it may stand in a date column) and `is_out_of_range` (its year
        is not in 1900 to 2199).

    Raises:
        FileRejected: A format tells no day.
    """
    for date_format in date_formats:
        _check_format(date_format)
    index = texts.alias("text").to_frame().with_row_index("place")
    rest = index.filter(pl.col("text").is_not_null())
    found = [rest.clear().with_columns(_NO_MOMENT).drop("text")]
    for date_format in (*date_formats, *_ISO_FORMATS):
        if rest.is_empty():
            break
        parsed = _by_format(rest["text"], date_format, time_zone)
        fits = parsed["wall"].is_not_null()
        midnight = pl.col("wall") == pl.col("wall").dt.truncate("1d")
        is_day = pl.lit(True) if date_format in date_formats else midnight
        day = pl.col("at").dt.convert_time_zone(day_zone or time_zone).dt.date()
        is_whole = midnight if date_format in _SERIAL_ZERO else pl.lit(not _has_time(date_format))
        day = pl.when(is_whole).then(pl.col("wall").dt.date()).otherwise(day)
        parsed = parsed.with_columns(is_day.alias("is_day"), day.alias("local_on"))
        found.append(rest.select("place").hstack(parsed).filter(fits))
        rest = rest.filter(~fits)
    moments = index.select("place").join(pl.concat(found), on="place", how="left", maintain_order="left")
    return moments.select(
        "local_on",
        "at",
        "is_day",
        (~pl.col("wall").dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)).alias("is_out_of_range"),
    )


def fitting_formats(texts: pl.Series) -> list[str]:
    """The common formats that read every one of some distinct texts; several where a day may be a month."""
    if texts.is_empty():
        return []
    if texts.str.contains(_LIKELY_SERIAL).all():
        return ["excel"]
    time = next(time for pattern, time in _COMMON_TIMES.items() if re.search(pattern, texts[0]))
    fitting = [f"{day}{time}" for day in _COMMON_DAYS]
    for piece in (texts.head(1), texts):
        fitting = [date_format for date_format in fitting if _reads_all(piece, date_format)]
    return fitting


def _reads_all(texts: pl.Series, date_format: str) -> bool:
    wall = _wall_clock(texts, date_format)
    return bool(wall.is_not_null().all() and wall.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).all())
