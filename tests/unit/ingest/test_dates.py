"""Dates and times from text, and the hours that clocks skip or repeat, against zoneinfo."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, to_excel

from inventra_pipelines.domain.ingest.dates import COMMON_FORMATS, fitting_formats, parse_moments
from inventra_pipelines.domain.ingest.rejects import FileRejected


def parse(text: str, formats: list[str], zone: str = "UTC", day_zone: str | None = None) -> dict | None:
    row = parse_moments(pl.Series([text]), formats, zone, day_zone).row(0, named=True)
    return None if row["at"] is None else row


def test_the_first_format_that_fits_holds():
    assert parse("01/02/2024", ["%d/%m/%Y", "%m/%d/%Y"])["local_on"] == date(2024, 2, 1)
    assert parse("01/02/2024", ["%m/%d/%Y", "%d/%m/%Y"])["local_on"] == date(2024, 1, 2)
    assert parse("13/02/2024", ["%m/%d/%Y", "%d/%m/%Y"])["local_on"] == date(2024, 2, 13)


@pytest.mark.parametrize("text", ["30/02/2024", "2024-02-30", "2024-13-01", "20240102", "yesterday", "45000", "1/2"])
def test_what_is_no_date_is_not_guessed(text):
    assert parse(text, ["%d/%m/%Y"]) is None


@pytest.mark.parametrize("text", ["0010-01-01", "01-12-20", "2200-01-01", "1899-12-31"])
def test_a_year_beyond_1900_to_2199_is_out_of_range(text):
    assert parse(text, ["%Y-%m-%d"])["is_out_of_range"]


def test_a_time_stands_in_a_date_column_only_where_a_format_has_one_or_it_is_midnight():
    assert parse("2024-01-02 10:00:00", ["%Y-%m-%d"])["is_day"] is False
    assert parse("2024-01-02 00:00:00", ["%Y-%m-%d"])["is_day"] is True
    assert parse("2024-01-02 10:00:00", ["%Y-%m-%d %H:%M:%S"])["is_day"] is True


def test_an_hour_that_happens_twice_is_the_first_of_the_two():
    assert parse("2024-10-27 01:30:00", [], "Europe/London")["at"] == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_an_hour_that_does_not_happen_is_read_with_the_offset_before_it():
    read = parse("2024-03-31 01:30:00", [], "Europe/London")
    assert read["at"] == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    assert read["at"].astimezone(ZoneInfo("Europe/London")).hour == 2


def test_a_time_with_an_offset_is_that_instant_and_its_day_is_the_tenants():
    read = parse("2024-01-01 23:30:00+0000", [], "Asia/Tokyo")
    assert read["at"] == datetime(2024, 1, 1, 23, 30, tzinfo=UTC)
    assert read["local_on"] == date(2024, 1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T08:00:00Z",
        "2024-01-02T08:00Z",
        "2024-01-02T08:00:00.000Z",
        "2024-01-02 08:00:00 UTC",
        "2024-01-02 10:00:00+02",
        "2024-01-02 10:00:00.000 +0200",
        "2024-01-02T10:00:00+02:00",
        "2024-01-02 10:00+02:00",
        "2024-01-02T03:00-05",
    ],
)
@pytest.mark.parametrize("formats", [["%d/%m/%Y"], ["%Y-%m-%dT%H:%M:%S%z"]])
def test_an_offset_is_understood_however_tools_write_it(text, formats):
    assert parse(text, formats, "Asia/Tokyo")["at"] == datetime(2024, 1, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["%Q", "%d/%m", "%H:%M", "DD/MM/YYYY", "%"])
def test_a_format_that_tells_no_day_refuses_the_file_and_names_the_setting(wrong):
    with pytest.raises(FileRejected, match="date_formats"):
        parse("2024-01-01", [wrong])


@pytest.mark.parametrize("right", ["%d.%m.%y", "%b %d, %Y", "%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z", "%Y%m%d", "%F"])
def test_usual_formats_are_taken(right):
    parse("2024-01-01", [right])


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(min_value=datetime(1971, 1, 2), max_value=datetime(2037, 12, 30)),
    st.sampled_from(
        ["UTC", "Europe/London", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]
    ),
)
def test_any_wall_clock_time_is_what_zoneinfo_says(wall, zone):
    # fold=0 is the standard library's name for the same rule: the offset before the change.
    wall = wall.replace(microsecond=0)
    expected = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    read = parse(f"{wall:%Y-%m-%d %H:%M:%S}", [], zone)
    assert read["at"] == expected
    assert read["local_on"] == expected.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("text", "date_format", "expected"),
    [
        ("2024-03-04 23:59:60", "%Y-%m-%d %H:%M:%S", datetime(2024, 3, 4, 23, 59, 59)),
        ("2024-03-04T23:59:60.5", "%d/%m/%Y", datetime(2024, 3, 4, 23, 59, 59, 500_000)),
        ("20240304235960", "%Y%m%d%H%M%S", datetime(2024, 3, 4, 23, 59, 59)),
        ("04/03/2024 235960", "%d/%m/%Y %H%M%S", datetime(2024, 3, 4, 23, 59, 59)),
        ("2024-03-04 23:59:60+00:00", "%d/%m/%Y", datetime(2024, 3, 4, 23, 59, 59)),
        ("2024-12-31 23:59:60 Z", "%Y-%m-%d %H:%M:%S %z", datetime(2024, 12, 31, 23, 59, 59)),
        ("1960-06-06 10:00:00", "%Y-%m-%d %H:%M:%S", datetime(1960, 6, 6, 10)),
        ("2024-03-04 10:00:00.60", "%d/%m/%Y", datetime(2024, 3, 4, 10, 0, 0, 600_000)),
        ("2060-01-01", "%Y-%m-%d", datetime(2060, 1, 1)),
    ],
)
def test_a_leap_second_stays_on_its_day(text, date_format, expected):
    read = parse(text, [date_format])
    assert read["at"] == expected.replace(tzinfo=UTC)
    assert read["local_on"] == expected.date()


def test_several_formats_in_one_column_read_each_text_in_its_place():
    texts = ["13/02/2024", None, "2024-03-01", "x", "45352", "1 Apr 2024", "2024-03-02T10:00:00+02:00"]
    moments = parse_moments(pl.Series(texts), ["%d/%m/%Y", "%d %b %Y", "excel"], "UTC")
    assert moments["local_on"].to_list() == [
        date(2024, 2, 13),
        None,
        date(2024, 3, 1),
        None,
        date(2024, 3, 1),
        date(2024, 4, 1),
        date(2024, 3, 2),
    ]


@pytest.mark.parametrize(
    ("text", "date_format", "expected"),
    [
        ("1", "excel", datetime(1900, 1, 1)),
        ("59", "excel", datetime(1900, 2, 28)),
        ("60", "excel", None),
        ("60.5", "excel", None),
        ("61", "excel", datetime(1900, 3, 1)),
        ("0.5", "excel", None),
        ("45292", "excel", datetime(2024, 1, 1)),
        ("45292.5", "excel", datetime(2024, 1, 1, 12)),
        ("45292.999999", "excel", datetime(2024, 1, 2)),
        ("-1", "excel", None),
        ("45,292", "excel", None),
        ("4.5e4", "excel", None),
        ("20240102", "excel", None),
        ("43830", "excel-1904", datetime(2024, 1, 1)),
        ("60", "excel-1904", datetime(1904, 3, 1)),
        ("0.5", "excel-1904", None),
    ],
)
def test_serial_numbers_are_days_of_the_declared_calendar(text, date_format, expected):
    read = parse(text, [date_format])
    assert (read and read["at"].replace(tzinfo=None)) == expected


def test_a_serial_number_is_no_date_unless_it_is_declared():
    assert parse("45292", ["%d/%m/%Y"]) is None


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(min_value=datetime(1904, 1, 2), max_value=datetime(2199, 12, 31)),
    st.sampled_from([("excel", WINDOWS_EPOCH), ("excel-1904", MAC_EPOCH)]),
)
def test_any_serial_number_is_what_openpyxl_says(moment, calendar):
    date_format, epoch = calendar
    moment = moment.replace(microsecond=0)
    text = repr(to_excel(moment, epoch))
    assert parse(text, [date_format])["at"].replace(tzinfo=None) == moment


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=1, max_value=109_000).filter(lambda serial: serial != 60))
def test_any_whole_serial_number_is_the_day_that_openpyxl_says(serial):
    assert parse(str(serial), ["excel"])["local_on"] == from_excel(serial, WINDOWS_EPOCH).date()


def test_the_business_day_is_the_tenants_and_a_text_without_a_time_is_its_own_day():
    read = parse("2024-07-01 23:30:00", [], "UTC", "Europe/London")
    assert (read["at"], read["local_on"]) == (datetime(2024, 7, 1, 23, 30, tzinfo=UTC), date(2024, 7, 2))
    assert parse("2024-07-01", [], "UTC", "America/New_York")["local_on"] == date(2024, 7, 1)
    assert parse("45474", ["excel"], "UTC", "America/New_York")["local_on"] == date(2024, 7, 1)


def test_two_digits_of_a_year_are_read_only_where_a_format_says_so():
    assert parse("01/02/24", ["%d/%m/%Y"])["is_out_of_range"]
    assert parse("01/02/24", ["%d/%m/%y"])["local_on"] == date(2024, 2, 1)


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["13/02/2024", "01/02/2024"], ["%d/%m/%Y"]),
        (["02/13/2024"], ["%m/%d/%Y"]),
        (["01/02/2024"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["12/1/2010 8:26", "12/31/2010 18:01"], ["%m/%d/%Y %H:%M"]),
        (["1/31/2024 8:26 PM"], ["%m/%d/%Y %I:%M %p"]),
        (["31.12.24"], ["%d.%m.%y"]),
        (["05-Mar-2024"], ["%d-%b-%Y"]),
        (["45292", "45293.5"], ["excel"]),
        (["31/12/2024", "12/31/2024"], []),
        (["hello"], []),
    ],
)
def test_the_common_formats_that_read_every_text_are_found(texts, formats):
    assert fitting_formats(pl.Series(texts)) == formats


@pytest.mark.parametrize("date_format", COMMON_FORMATS)
def test_a_common_format_is_found_by_what_it_writes(date_format):
    written = [f"{datetime(2023, 1, 30, 13, 5, 9) + timedelta(days=17 * step):{date_format}}" for step in range(40)]
    assert date_format in fitting_formats(pl.Series(written))
