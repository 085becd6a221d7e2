"""Numbers from text, against Python's decimal module."""

from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.ingest.numbers import exact_decimal, plain_number


def parse(text: str, mark: str = ".") -> Decimal | None:
    number = plain_number(pl.col("text"), mark)
    return pl.DataFrame({"text": [text]}).select(exact_decimal(number)).item()


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("12", ".", "12"),
        ("-12.5", ".", "-12.5"),
        ("+.5", ".", "0.5"),
        ("5.", ".", "5"),
        ("2,55", ",", "2.55"),
        ("1e3", ".", "1000"),
        ("1.5E-03", ".", "0.0015"),
        ("1,234.50", ".", "1234.50"),
        ("1,234,567", ".", "1234567"),
        ("1.234,50", ",", "1234.50"),
        ("1 234,50", ",", "1234.50"),
        ("1'234.50", ".", "1234.50"),
        ("1\u00a0234\u00a0567", ".", "1234567"),
        ("0.00005", ".", "0.0000"),
        ("0.00015", ".", "0.0002"),
        ("0.00025", ".", "0.0002"),
        ("0.0000500000000000001", ".", "0.0001"),
        ("2.5500000000000003", ".", "2.55"),
        ("00012", ".", "12"),
    ],
)
def test_a_number_is_read_exactly(text, mark, value):
    assert parse(text, mark) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1,234", "."),
        ("1.234", ","),
        ("2,55", "."),
        ("1,23,456.0", "."),
        ("12,34.5", "."),
        ("1 23", "."),
        ("£2.55", "."),
        ("5-", "."),
        ("(5)", "."),
        ("5%", "."),
        ("inf", "."),
        ("nan", "."),
        ("0x10", "."),
        ("1_000", "."),
        ("1e999", "."),
        ("--1", "."),
        ("", "."),
        (".", "."),
        ("-", "."),
        ("١٢", ","),
    ],
)
def test_what_is_ambiguous_or_no_number_is_not_guessed(text, mark):
    assert parse(text, mark) is None


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=-(10**13), max_value=10**13, allow_nan=False, allow_infinity=False, places=7))
def test_any_decimal_rounds_half_even_to_four_places(value):
    assert parse(f"{value:f}") == value.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


@settings(max_examples=100, deadline=None)
@given(st.floats(min_value=-1e12, max_value=1e12, allow_subnormal=False))
def test_any_float_as_python_writes_it_is_read(value):
    text = repr(value)
    if "e" in text and len(text.split("e")[1].lstrip("+-")) > 2:
        return
    assert parse(text) == Decimal(text).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
