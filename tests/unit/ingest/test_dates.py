"""Dates and times from text, and the hours that clocks skip or repeat, against zoneinfo."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.ingest.dates import parse_moments
from inventra_pipelines.domain.ingest.rejects import FileRejected


def parse(text: str, formats: list[str], zone: str = "UTC") -> dict | None:
    rows = parse_moments(pl.Series([text]), formats, zone).to_dicts()
    return rows[0] if rows else None


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
