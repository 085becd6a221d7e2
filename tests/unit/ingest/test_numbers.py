"""Numbers from text, against Python's decimal module and a reader that goes sign by sign."""

from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.contracts import Column
from inventra_pipelines.domain.ingest.numbers import number_hint, parse_numbers
from inventra_pipelines.domain.ingest.rejects import RowReason
from inventra_pipelines.domain.tenant import FileMapping

QUANTITY = Column("quantity", "quantity", "")
PRICE = Column("unit_price", "money", "")
SCRAP = Column("scrap_rate", "ratio", "")
NOT_A_NUMBER = list(RowReason).index(RowReason.NOT_A_NUMBER)
PLACES = Decimal("0.0001")


def parse(text: str, mark: str = ".", column: Column = QUANTITY, **mapping) -> Decimal | None:
    values, reasons = parse_numbers(pl.Series([text]), column, FileMapping(decimal_mark=mark, **mapping))
    return None if reasons is not None and reasons.item() == NOT_A_NUMBER else values.item()


def hint(text: str, column: Column = QUANTITY, **mapping) -> str:
    return pl.select(number_hint(pl.lit(text), column, FileMapping(**mapping), "sales")).item()


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
        ("(5)", ".", "-5"),
        ("( 1,234.50 )", ".", "-1234.50"),
        ("5-", ".", "-5"),
        ("5 -", ".", "-5"),
        ("\u22125", ".", "-5"),
        ("5\u2212", ".", "-5"),
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
        ("0,123.5", "."),
        ("1 23", "."),
        ("£2.55", "."),
        ("5%", "."),
        ("'5", "."),
        ("inf", "."),
        ("nan", "."),
        ("0x10", "."),
        ("1_000", "."),
        ("--1", "."),
        ("-1-", "."),
        ("(-1)", "."),
        ("-(1)", "."),
        ("(1", "."),
        ("()", "."),
        ("", "."),
        (".", "."),
        ("-", "."),
        ("١٢", ","),
    ],
)
def test_what_is_ambiguous_or_no_number_is_not_guessed(text, mark):
    assert parse(text, mark) is None


@pytest.mark.parametrize(
    ("text", "mark", "thousands", "value"),
    [
        ("1,234", ".", ",", "1234"),
        ("-12,345,678.90", ".", ",", "-12345678.90"),
        ("1.234", ",", ".", "1234"),
        ("1.234.567,8", ",", ".", "1234567.8"),
        ("999", ".", ",", "999"),
        ("1,23,4", ".", ",", None),
        ("12,34", ".", ",", None),
        ("1,2345", ".", ",", None),
        ("1,23,456", ".", ",", None),
        ("0,123", ".", ",", None),
        (",123", ".", ",", None),
        ("1,234", ".", " ", None),
        ("1 234", ".", " ", "1234"),
    ],
)
def test_groups_apart_by_the_declared_mark_are_read_where_they_are_of_three_digits(text, mark, thousands, value):
    assert parse(text, mark, thousands_mark=thousands) == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("£5", "5"),
        ("£ 5.50", "5.50"),
        ("5 £", "5"),
        ("GBP 1,234.50", "1234.50"),
        ("5GBP", "5"),
        ("-£5", "-5"),
        ("£-5", "-5"),
        ("£5-", "-5"),
        ("5-£", "-5"),
        ("5£-", "-5"),
        ("(£5)", "-5"),
        ("$5", None),
        ("£5£", None),
        ("££5", None),
        ("£", None),
        ("-£-5", None),
        ("GB 5", None),
    ],
)
def test_a_declared_currency_may_stand_beside_money(text, value):
    read = parse(text, column=PRICE, currency_signs=["£", "GBP"])
    assert read == (None if value is None else Decimal(value))


def test_a_currency_beside_a_quantity_is_refused():
    assert parse("£5", column=QUANTITY, currency_signs=["£"]) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("5%", "0.05"), ("12.345 %", "0.1234"), ("(5%)", "-0.05"), ("0.05", "0.05"), ("5%%", None), ("%", None)],
)
def test_a_percent_sign_makes_a_ratio_a_hundredth(text, value):
    assert parse(text, column=SCRAP) == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("text", "mark", "column", "mapping", "words"),
    [
        ("1,234", ".", QUANTITY, {}, "declare thousands_mark: ',' under datasets.sales if the comma parts thousands"),
        ("1.234", ",", QUANTITY, {}, "declare thousands_mark: '.'"),
        ("1,23", ".", QUANTITY, {}, "declare decimal_mark: ',' under datasets.sales"),
        ("1,234", ".", QUANTITY, {"thousands_mark": " "}, "declare decimal_mark: ','"),
        ("$5", ".", PRICE, {"currency_signs": ["£"]}, "declare currency_signs: ['$'] under datasets.sales"),
        ("5 USD", ".", PRICE, {}, "declare currency_signs: ['USD']"),
        ("kr 5", ".", PRICE, {}, "declare currency_signs: ['kr']"),
        ("5 zł", ".", PRICE, {}, "declare currency_signs: ['zł']"),
        ("R$5", ".", PRICE, {}, "declare currency_signs: ['R$']"),
        ("5元", ".", PRICE, {}, "declare currency_signs: ['元']"),
        ('"1,00"x', ".", PRICE, {}, "send unit_price as digits"),
        ("[5]", ".", PRICE, {}, "send unit_price as digits"),
        ("5/", ".", PRICE, {}, "send unit_price as digits"),
        ("5 p", ".", PRICE, {}, "send unit_price as digits"),
        ('5"', ".", QUANTITY, {}, "send quantity as digits"),
        ("5 m²", ".", QUANTITY, {}, "without 'm²'"),
        ("£1,234", ".", PRICE, {"currency_signs": ["£"]}, "declare thousands_mark: ','"),
        ("5 kg", ".", QUANTITY, {}, "without 'kg'"),
        ("5%", ".", QUANTITY, {}, "without the percent sign"),
        ("five", ",", QUANTITY, {}, "as digits, such as 1234,5"),
    ],
)
def test_the_hint_names_the_setting_that_would_read_it(text, mark, column, mapping, words):
    assert parse(text, mark, column, **mapping) is None
    assert words in hint(text, column, decimal_mark=mark, **mapping)


def test_ordinary_and_odd_texts_in_one_column_are_read_as_each_alone():
    texts = ["1", "(2)", None, "3.25", "x", "1,234.5", "-4", "", "5e1", None]
    values, reasons = parse_numbers(pl.Series(texts), QUANTITY, FileMapping())
    for text, value, reason in zip(texts, values, reasons, strict=True):
        alone = None if text is None else parse(text)
        assert value == alone
        assert (reason == NOT_A_NUMBER) == (text is not None and alone is None)


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        (QUANTITY, "999999999999.9999", None),
        (QUANTITY, "1000000000000", "out_of_range"),
        (QUANTITY, "-1000000000000", "out_of_range"),
        (QUANTITY, "1e99", "out_of_range"),
        (QUANTITY, "0.00001", "out_of_range"),
        (QUANTITY, "0.00000", None),
        (Column("days", "days", "", minimum=0), "-1", "out_of_range"),
        (Column("days", "days", "", minimum=0), "7.0", None),
        (Column("days", "days", "", minimum=0), "7.5", "not_a_whole_number"),
        (Column("line", "number", ""), "2147483647", None),
        (Column("line", "number", ""), "2147483648", "out_of_range"),
    ],
)
def test_what_a_column_cannot_hold_is_out_of_range(column, text, reason):
    _, reasons = parse_numbers(pl.Series([text]), column, FileMapping())
    found = None if reasons is None or reasons.item() is None else str(list(RowReason)[reasons.item()])
    assert found == reason


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=-(10**13), max_value=10**13, allow_nan=False, allow_infinity=False, places=7))
def test_any_decimal_rounds_half_even_to_four_places(value):
    assert parse(f"{value:f}") == value.quantize(PLACES, ROUND_HALF_EVEN)


@settings(max_examples=100, deadline=None)
@given(st.floats(min_value=-1e12, max_value=1e12, allow_subnormal=False))
def test_any_float_as_python_writes_it_is_read(value):
    text = repr(value)
    if "e" in text and len(text.split("e")[1].lstrip("+-")) > 2:
        return
    assert parse(text) == Decimal(text).quantize(PLACES, ROUND_HALF_EVEN)


NEGATIVES = ("-{}", "{}-", "({})", "\u2212{}", "{}\u2212")


@settings(max_examples=200, deadline=None)
@given(
    st.decimals(min_value=0, max_value=10**11, allow_nan=False, allow_infinity=False, places=4),
    st.sampled_from([(".", ","), (",", "."), (".", " "), (",", "'"), (".", "")]),
    st.sampled_from(["{}", *NEGATIVES]),
    st.sampled_from(["{}", "€{}", "€ {}", "{} €", "{}EUR"]),
)
def test_however_a_decimal_is_written_by_the_declared_marks_it_is_read(value, marks, sign, currency):
    decimal, thousands = marks
    text = f"{value:,.4f}".translate(str.maketrans({",": thousands, ".": decimal}))
    mapping = {"thousands_mark": thousands or None, "currency_signs": ["€", "EUR"]}
    expected = -value if sign in NEGATIVES else value
    assert parse(sign.format(currency.format(text)), decimal, PRICE, **mapping) == expected


def naive_number(text: str, decimal: str, thousands: str | None) -> Decimal | None:
    """The rules of the module, one character after the other."""
    negative = False
    if text[:1] == "(" and text[-1:] == ")":
        text, negative = text[1:-1].strip(), True
        if text[:1] in ("-", "+", "\u2212") or text[-1:] in ("-", "\u2212"):
            return None
    elif text[:1] not in ("-", "+", "\u2212") and text[-1:] in ("-", "\u2212"):
        text, negative = text[:-1].removesuffix(" "), True
    elif text[:1] in ("-", "\u2212", "+"):
        negative, text = text[0] != "+", text[1:]
    digits, _, exponent = text.replace("E", "e").partition("e")
    if "e" in text.lower():
        bare = exponent[1:] if exponent[:1] in ("+", "-") else exponent
        if not (bare.isascii() and bare.isdigit() and len(bare) <= 2):
            return None
    whole, mark, fraction = digits.partition(decimal)
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        return None
    other = "," if decimal == "." else "."
    part = next((part for part in (other, " ", "'") if part in whole), None)
    if part:
        groups = whole.replace("'", part).replace(" ", part).split(part) if part != other else whole.split(part)
        sizes = [len(group) for group in groups]
        if not all(group.isascii() and group.isdigit() for group in groups) or whole[0] == "0":
            return None
        if sizes[0] > 3 or any(size != 3 for size in sizes[1:]) or exponent or "e" in text.lower():
            return None
        if part == other and thousands != other and len(groups) == 2 and not mark:
            return None
        whole = "".join(groups)
    if not (whole or fraction) or (whole and not (whole.isascii() and whole.isdigit())):
        return None
    value = Decimal(f"{whole or 0}.{fraction or 0}") * Decimal(10) ** int(exponent or 0)
    if abs(value) >= 10**12:
        return None
    return (-value if negative else value).quantize(PLACES, ROUND_HALF_EVEN)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text("0123456789.,' -+()eE\u2212", min_size=1, max_size=9).map(str.strip).filter(bool),
        st.from_regex(r"\A[(+-]?[0-9]{1,4}([., '][0-9]{3}){0,2}([.,][0-9]{0,5})?[)-]?\Z"),
    ),
    st.sampled_from([(".", None), (",", None), (".", ","), (",", "."), (".", " ")]),
)
def test_any_text_is_read_or_refused_as_a_reader_that_goes_sign_by_sign_does(text, marks):
    decimal, thousands = marks
    assert parse(text, decimal, thousands_mark=thousands) == naive_number(text, decimal, thousands)
