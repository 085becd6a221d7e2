"""A few bad values hide no date format, and what a format leaves unread is told."""

from datetime import date, timedelta

import polars as pl
import pytest

from inventra_pipelines.domain.contracts import SALES, STOCK
from inventra_pipelines.domain.ingest.suggested_dates import DateFormats, likely_formats, suggest_date_formats
from inventra_pipelines.domain.ingest.suggestions import suggest_columns
from inventra_pipelines.domain.tenant import FileMapping

_DAYS = [date(2023, 1, 1) + timedelta(days) for days in range(500)]
_AMBIGUOUS = [day for day in _DAYS if day.day <= 12]
_FIVE_BAD = ["garbage", "31.02.2024", "2024-99-99", "x1", "02/30/2024"]


def suggested(texts: list[str], contract=SALES, **mapping: object) -> list[DateFormats]:
    column = contract.columns[0]
    return suggest_date_formats({column.name: pl.Series(texts)}, [column], FileMapping.model_validate(mapping))


def written(date_format: str, days: list[date] = _DAYS) -> list[str]:
    return [day.strftime(date_format) for day in days]


@pytest.mark.parametrize(
    "bad", [[], ["garbage"], ["31.02.2024"], _FIVE_BAD], ids=["none", "a-word", "no-such-day", "five"]
)
@pytest.mark.parametrize(
    "date_format", ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%b-%y", "%d.%m.%y", "%Y%m%d", "%m/%d/%Y %H:%M"]
)
def test_bad_values_before_the_dates_hide_no_format(date_format: str, bad: list[str]):
    texts = [*bad, *written(date_format)]
    (found,) = suggested(texts)
    assert (found.formats, found.is_sure) == ([date_format], True)
    if bad:
        number = "1 text is" if len(bad) == 1 else f"{len(bad)} texts are"
        assert found.why.endswith(f"; {number} not read, such as {bad[0]!r}")
    else:
        assert "not read" not in found.why
    # The example is one that it does read.
    assert found.why.startswith(f"reads {written(date_format)[0]} in sold_at")


@pytest.mark.parametrize("bad", _FIVE_BAD)
@pytest.mark.parametrize("date_format", ["%d.%m.%Y", "%m/%d/%Y", "%d-%b-%y", "%Y%m%d"])
def test_a_column_is_one_of_dates_though_a_value_is_none(date_format: str, bad: str):
    dates = pl.Series([bad, *written(date_format, _DAYS[:30])])
    found = {of.column: of.headers for of in suggest_columns(["xyz", "SKU"], [dates, pl.Series(["A"])], SALES)}
    assert found["sold_at"] == ("xyz",)


def test_a_usual_header_is_a_date_where_most_of_a_few_values_are():
    dates = pl.Series(["31.02.2024", "03.03.2026", "04.03.2026"])
    of_a_date = suggest_columns(["Datum"], [dates], SALES)
    assert [(of.column, of.how_sure) for of in of_a_date] == [("sold_at", "likely")]
    assert all(of.column != "sold_at" for of in suggest_columns(["xyz"], [dates], SALES))
    (found,) = suggested(list(dates))
    assert found.formats == ["%d.%m.%Y"] and "1 text is not read, such as '31.02.2024'" in found.why


@pytest.mark.parametrize("bad", [[], ["31/02/2024"], ["garbage"], ["99/99/2024"]], ids=str)
def test_the_order_of_day_and_month_is_still_asked(bad: list[str]):
    found = suggested([*bad, *written("%d/%m/%Y", _AMBIGUOUS)])
    assert [(of.formats, of.is_sure) for of in found] == [(["%d/%m/%Y"], False), (["%m/%d/%Y"], False)]
    # The example is a day that differs.
    assert [of.why.split(";")[0] for of in found] == [
        "if 02/01/2023 in sold_at is 2 January 2023",
        "if 02/01/2023 in sold_at is 1 February 2023",
    ]
    assert all(("1 text is not read" in of.why) == bool(bad) for of in found)


def test_one_day_beyond_twelve_decides():
    (found,) = suggested([*written("%d/%m/%Y", _AMBIGUOUS), "13/05/2024"])
    assert (found.formats, found.is_sure) == (["%d/%m/%Y"], True)


def test_a_stray_date_in_the_other_order_is_left_and_told():
    (found,) = suggested(["12/31/2023", *written("%d/%m/%Y")])
    assert found.formats == ["%d/%m/%Y"]
    assert "1 text is not read, such as '12/31/2023'" in found.why


def test_as_many_of_one_order_as_of_the_other_are_asked():
    found = suggested(["12/31/2023", "25/12/2023"])
    assert [(of.formats, of.is_sure) for of in found] == [(["%d/%m/%Y"], False), (["%m/%d/%Y"], False)]


def test_serial_numbers_are_seen_among_a_few_words():
    (found,) = suggested(["garbage", *(str(45_000 + day) for day in range(40))])
    assert (found.formats, found.is_sure) == (["excel"], True)


def test_two_shapes_of_one_column_get_a_format_each():
    (found,) = suggested([*written("%d.%m.%Y"), *written("%d/%m/%Y", _DAYS[:40]), "soon"], STOCK)
    assert found.formats == ["%d.%m.%Y", "%d/%m/%Y"]
    assert "1 text is not read, such as 'soon'" in found.why


@pytest.mark.parametrize("texts", [["garbage"], ["A-1", "A-2"], ["2.50", "3.75", "12.00"], []], ids=str)
def test_what_are_no_dates_have_no_format(texts: list[str]):
    assert likely_formats(pl.Series(texts, dtype=pl.String)) == []
