"""Dates and times from text, by the tenant's formats in their order, and their place on the time line.

Rules: the first format that fits holds; ISO dates and times are understood after them, since they cannot be misread. A
date column takes a time only where a configured format has one, or where it is midnight. Times are the tenant's wall
clock: one that happens twice (clocks go back) is the first of the two, one that does not happen (clocks go forward) is
read with the offset in force before the change. A value with an offset of its own is that instant.
"""

import re
from datetime import UTC, date, datetime

import polars as pl

from inventra_pipelines.domain.ingest.rejects import FileReason, FileRejected

_ISO_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
)
_DIRECTIVE = re.compile(r"%[-_0#:.\d]*([A-Za-z+])")
_TIME_DIRECTIVES = set("HIklMSfpPTRrXcsz+")
_ZONE_DIRECTIVES = set("z+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def _directives(date_format: str) -> set[str]:
    return set(_DIRECTIVE.findall(date_format))


def _check_format(date_format: str) -> None:
    """Refuse a format that cannot read back what it writes, as one without a year."""
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
            "write it as %Y-%m-%d or %d/%m/%Y %H:%M",
        )


def _by_format(texts: pl.Series, date_format: str, time_zone: str) -> pl.DataFrame:
    """`wall` as read and `at` in UTC, null where the format does not fit."""
    directives = _directives(date_format)
    if directives & _ZONE_DIRECTIVES:
        at = texts.str.to_datetime(date_format, time_unit="us", time_zone="UTC", strict=False)
        return pl.DataFrame({"wall": at.dt.convert_time_zone(time_zone).dt.replace_time_zone(None), "at": at})
    if directives & _TIME_DIRECTIVES:
        wall = texts.str.to_datetime(date_format, time_unit="us", strict=False)
    else:
        wall = texts.str.to_date(date_format, strict=False).cast(pl.Datetime("us"))
    return pl.DataFrame({"wall": wall, "at": to_instant(wall, time_zone)})


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


def parse_moments(texts: pl.Series, date_formats: list[str], time_zone: str) -> pl.DataFrame:
    """Parse distinct texts.

    Args:
        texts: Distinct, stripped strings without null.
        date_formats: The mapping's, tried in order.
        time_zone: The tenant's IANA zone.

    Returns:
        One row per text that is a date in 1900 to 2199 or beyond: `text`, `local_on` (its day in the zone), `at` (UTC),
        `is_day` (it may stand in a date column) and `is_out_of_range`.

    Raises:
        FileRejected: A format tells no day.
    """
    found = pl.DataFrame(
        schema={"text": pl.String, "wall": pl.Datetime("us"), "at": pl.Datetime("us", "UTC"), "is_day": pl.Boolean}
    )
    for date_format in date_formats:
        _check_format(date_format)
    rest = texts
    for date_format in (*date_formats, *_ISO_FORMATS):
        if rest.is_empty():
            break
        parsed = _by_format(rest, date_format, time_zone).insert_column(0, rest.alias("text"))
        fits = parsed["wall"].is_not_null()
        midnight = pl.col("wall") == pl.col("wall").dt.truncate("1d")
        is_day = pl.lit(True) if date_format in date_formats else midnight
        found.vstack(parsed.filter(fits).with_columns(is_day.alias("is_day")), in_place=True)
        rest = rest.filter(~fits)
    return found.select(
        "text",
        pl.col("at").dt.convert_time_zone(time_zone).dt.date().alias("local_on"),
        "at",
        "is_day",
        (~pl.col("wall").dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)).alias("is_out_of_range"),
    )
