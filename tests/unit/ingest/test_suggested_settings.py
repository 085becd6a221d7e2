"""What a sample of texts says of how a file is written; what it does not say is asked, never guessed."""

import polars as pl
import pytest

from inventra_pipelines.domain.contracts import SALES
from inventra_pipelines.domain.ingest.suggested_settings import SuggestedSetting, suggest_settings
from inventra_pipelines.domain.tenant import FileMapping


def suggested(texts: dict[str, list[str]], **mapping) -> list[SuggestedSetting]:
    columns = {name: pl.Series(values, dtype=pl.String) for name, values in texts.items()}
    return suggest_settings(columns, SALES, FileMapping(**mapping))


def values(found: list[SuggestedSetting], *, sure: bool = True) -> list[tuple[str, object]]:
    return [(of.name, of.value) for of in found if of.is_sure is sure]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"sold_at": ["31.12.2025", "01.02.2025"]}, [("date_formats", ["%d.%m.%Y"])]),
        ({"sold_at": ["12/31/2025 14:05", "01/02/2025 09:00"]}, [("date_formats", ["%m/%d/%Y %H:%M"])]),
        ({"sold_at": ["45678.5", "45000"]}, [("date_formats", ["excel"])]),
        ({"sold_at": ["2025-12-31", "31.12.2025", "Summe"]}, [("date_formats", ["%d.%m.%Y"])]),
        ({"sold_at": ["2025-12-31 10:00", "31.12.2025"]}, [("date_formats", ["%d.%m.%Y", "%Y-%m-%d %H:%M"])]),
        ({"sold_at": ["2025-12-31", "2025-12-31T10:00:00"]}, []),
        ({"unit_price": ["1.234,56", "3,50"]}, [("decimal_mark", ","), ("thousands_mark", ".")]),
        ({"unit_price": ["3,50", "12,00"]}, [("decimal_mark", ",")]),
        ({"quantity": ["1", "1,234"], "unit_price": ["2.50"]}, [("thousands_mark", ",")]),
        ({"quantity": ["1 234", "5"], "unit_price": ["2.50"]}, []),
        ({"unit_price": ["$1.50", "2.50 $"]}, [("currency_signs", ["$"])]),
        ({"unit_price": ["2.50 €", '"1,00"x', "[3]", "4/", "5 p", "(6)"]}, [("currency_signs", ["€"])]),
        ({"unit_price": ["2.50 kr", "SEK 3", "4 zł"]}, [("currency_signs", ["kr", "SEK", "zł"])]),
        ({"quantity": ["1", "n/a", "-"]}, [("null_values", ["-", "n/a"])]),
        ({"customer_code": ["17850.0", "12"], "item_code": ["1.5", "2.0"]}, [("integer_codes", ["customer_code"])]),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_the_texts_decide_is_suggested_and_nothing_else(texts, expected):
    found = suggested(texts)
    assert values(found) == expected
    assert values(found, sure=False) == []
    assert all(of.why for of in found)


def test_the_order_of_day_and_month_is_asked_where_no_day_is_beyond_twelve():
    found = suggested({"sold_at": ["03/04/2025", "11/12/2025"]})
    assert values(found) == []
    assert [(of.value, of.why) for of in found] == [
        (["%d/%m/%Y"], "if 03/04/2025 in sold_at is 3 April 2025"),
        (["%m/%d/%Y"], "if 03/04/2025 in sold_at is 4 March 2025"),
    ]


def test_a_number_that_reads_in_two_ways_is_asked():
    found = suggested({"quantity": ["1.234", "5"]})
    assert values(found) == []
    assert values(found, sure=False) == [("decimal_mark", "."), ("decimal_mark", ","), ("thousands_mark", ".")]
    assert {of.why for of in found} == {"if 1.234 in quantity is 1.2340", "if 1.234 in quantity is 1234.0000"}


def test_columns_of_different_marks_are_asked_with_a_number_of_each():
    found = suggested({"quantity": ["1", "3,50"], "unit_price": ["2.50"]})
    assert values(found) == []
    assert [(of.name, of.value, of.why) for of in found if of.name == "decimal_mark"] == [
        ("decimal_mark", ".", "if 2.50 in unit_price is 2.5000"),
        ("decimal_mark", ",", "if 3,50 in quantity is 3.5000"),
    ]


@pytest.mark.parametrize(
    ("stated", "prices"),
    [({"thousands_mark": ","}, ["3,50", "12,75"]), ({"decimal_mark": ",", "thousands_mark": "."}, ["3.50", "12.75"])],
    ids=["comma", "point"],
)
def test_a_stated_thousands_mark_gives_way_to_the_decimal_mark(stated: dict[str, str], prices: list[str]):
    found = dict(values(suggested({"unit_price": prices}, **stated)))
    mapping = FileMapping.model_validate({**stated, **found})
    assert (mapping.decimal_mark, mapping.thousands_mark) == (prices[0][1], None)


def test_settings_that_read_the_texts_are_left_alone():
    german = {"decimal_mark": ",", "thousands_mark": ".", "date_formats": ["%d.%m.%Y"], "currency_signs": ["€"]}
    assert suggested({"sold_at": ["31.12.2025"], "quantity": ["1.234"], "unit_price": ["1.234,50 €"]}, **german) == []


def test_stated_formats_stay_where_others_come_to_them():
    found = suggested({"sold_at": ["31.12.2025", "31/12/2025"]}, date_formats=["%d.%m.%Y"])
    assert values(found) == [("date_formats", ["%d.%m.%Y", "%d/%m/%Y"])]
