"""Rows of text into typed rows and rejects: a test per reason, and that nothing is lost."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventra_pipelines.domain.contracts import CONTRACTS, POLARS_TYPES
from inventra_pipelines.domain.ingest.parse import ParsedRows, parse_rows
from inventra_pipelines.domain.ingest.rejects import FILE_REASONS, ROW_REASONS, FileReason, RowReason
from inventra_pipelines.domain.tenant import FileMapping

GOOD = {"sold_at": "2024-01-02 10:00:00", "item_code": "007", "quantity": "3", "unit_price": "2.50"}
COUNT = {"counted_on": "2024-01-02", "item_code": "007", "quantity_on_hand": "3"}


def rows(*cells: dict, sheet: str = "") -> pl.DataFrame:
    names = sorted({name for row in cells for name in row})
    frame = pl.DataFrame(
        [{name: row.get(name) for name in names} for row in cells], schema=dict.fromkeys(names, pl.String)
    )
    return frame.with_columns(
        pl.lit(sheet).alias("sheet"),
        pl.int_range(2, 2 + pl.len(), dtype=pl.Int32).alias("row_number"),
        pl.lit(None, dtype=pl.String).alias("problem"),
        pl.lit(None, dtype=pl.String).alias("problem_text"),
    )


def parse(frame: pl.DataFrame, dataset: str = "sales", zone: str = "UTC", **mapping) -> ParsedRows:
    return parse_rows(frame, CONTRACTS[dataset], FileMapping(**mapping), zone)


def only_reject(parsed: ParsedRows) -> dict:
    assert parsed.rejects.height == 1, parsed.rejects
    return parsed.rejects.to_dicts()[0]


def test_a_good_row_has_the_contracts_types_and_its_codes_stay_text():
    parsed = parse(rows(GOOD | {"line_number": "4", "customer_code": "0012"}), zone="America/New_York")
    row = parsed.accepted.to_dicts()[0]
    assert row["item_code"] == "007"
    assert row["customer_code"] == "0012"
    assert row["quantity"] == Decimal("3")
    assert row["unit_price"] == Decimal("2.5")
    assert row["line_number"] == 4
    assert row["sold_at"] == datetime(2024, 1, 2, 15, tzinfo=UTC)
    assert row["sold_on"] == date(2024, 1, 2)
    assert parsed.accepted.schema == {
        "sheet": pl.String,
        "row_number": pl.Int32,
        **{column.name: POLARS_TYPES[column.type] for column in CONTRACTS["sales"].table_columns},
    }


@pytest.mark.parametrize(
    ("dataset", "cells", "column", "reason", "quoted"),
    [
        ("sales", {"item_code": "  "}, "item_code", "missing_value", None),
        ("sales", {"quantity": "three"}, "quantity", "not_a_number", "three"),
        ("sales", {"unit_price": "2,55"}, "unit_price", "not_a_number", "2,55"),
        ("sales", {"line_number": "1.5"}, "line_number", "not_a_whole_number", "1.5"),
        ("sales", {"line_number": "-1"}, "line_number", "out_of_range", "-1"),
        ("sales", {"line_number": "3000000000"}, "line_number", "out_of_range", "3000000000"),
        ("sales", {"sold_at": "30/02/2024"}, "sold_at", "not_a_date", "30/02/2024"),
        ("sales", {"sold_at": "0024-01-02"}, "sold_at", "out_of_range", "0024-01-02"),
        ("sales", {"quantity": "100000000000000"}, "quantity", "out_of_range", "100000000000000"),
        ("sales", {"quantity": "0.00001"}, "quantity", "out_of_range", "0.00001"),
        ("sales", {"quantity": "1e99"}, "quantity", "out_of_range", "1e99"),
        ("sales", {"item_code": "x" * 121}, "item_code", "too_long", "x" * 121),
        ("sales", {"description": "#N/A"}, "description", "formula_error", "#N/A"),
        ("sales", {"unit_price": "#DIV/0!"}, "unit_price", "formula_error", "#DIV/0!"),
        ("sales", {"description": "a\x00b"}, "description", "control_character", "a␀b"),
        ("stock", {"counted_on": "2024-01-02 10:00"}, "counted_on", "not_a_date", "2024-01-02 10:00"),
        ("stock", {"quantity_reserved": "-1"}, "quantity_reserved", "out_of_range", "-1"),
    ],
)
def test_a_bad_value_rejects_its_row_with_column_value_reason_and_a_sentence(dataset, cells, column, reason, quoted):
    good = GOOD if dataset == "sales" else COUNT
    formats = ["%Y-%m-%d"] if dataset == "stock" else FileMapping().date_formats
    parsed = parse(rows(good | cells, good), dataset, date_formats=formats)
    reject = only_reject(parsed)
    assert (reject["row_number"], reject["column_name"], reject["reason_code"]) == (2, column, reason)
    assert reject["raw_value"] == quoted
    assert reject["message"].startswith(column)
    assert reject["message"].endswith(".")
    assert quoted is None or quoted[:100] in reject["message"]
    assert parsed.accepted["row_number"].to_list() == [3]


def test_a_row_with_several_faults_is_one_row_with_a_record_for_each():
    parsed = parse(rows(GOOD | {"quantity": "x", "unit_price": None}))
    assert parsed.accepted.is_empty()
    assert sorted(parsed.rejects["column_name"]) == ["quantity", "unit_price"]
    assert parsed.rows_read == 1


def test_a_row_that_the_reader_could_not_split_is_rejected_whole():
    frame = rows(GOOD, GOOD).with_columns(
        pl.Series("problem", ["has 3 fields where the header has 4", None]), pl.Series("problem_text", ["a,b,c", None])
    )
    reject = only_reject(parse(frame))
    assert (reject["column_name"], reject["reason_code"], reject["raw_value"]) == ("", "malformed_row", "a,b,c")
    assert reject["message"] == "The row has 3 fields where the header has 4."


def test_of_rows_with_the_same_key_the_last_holds_and_the_others_say_so():
    parsed = parse(rows(COUNT, COUNT | {"item_code": "008"}, COUNT | {"quantity_on_hand": "9"}), "stock")
    reject = only_reject(parsed)
    assert (reject["row_number"], reject["reason_code"]) == (2, "duplicate_key")
    assert "row 4, which holds" in reject["message"]
    assert parsed.accepted["quantity_on_hand"].to_list() == [3, 9]


def test_the_same_key_in_two_files_is_no_duplicate():
    frame = rows(COUNT, COUNT).with_columns(pl.Series("file", ["a", "b"]))
    parsed = parse_rows(frame, CONTRACTS["stock"], FileMapping(), "UTC", ("file",))
    assert parsed.accepted.height == 2


def test_every_reason_is_documented():
    assert set(ROW_REASONS) == set(RowReason)
    assert set(FILE_REASONS) == set(FileReason)


def test_null_values_and_blanks_are_null_and_constants_fill_what_is_absent():
    parsed = parse(
        rows(GOOD | {"customer_code": "N/A", "description": "  "}), null_values=["N/A"], constants={"currency": "GBP"}
    )
    row = parsed.accepted.to_dicts()[0]
    assert (row["customer_code"], row["description"], row["currency"]) == (None, None, "GBP")


def test_a_float_code_loses_its_fraction_only_where_the_mapping_says_so():
    frame = rows(GOOD | {"customer_code": "17850.0"})
    assert parse(frame).accepted["customer_code"].item() == "17850.0"
    assert parse(frame, integer_codes=["customer_code"]).accepted["customer_code"].item() == "17850"


def test_a_decimal_comma_is_read_where_it_is_configured():
    parsed = parse(rows(GOOD | {"unit_price": "1.234,50"}), decimal_mark=",")
    assert parsed.accepted["unit_price"].item() == Decimal("1234.5")


def test_negative_quantities_and_prices_and_free_items_are_sales():
    parsed = parse(rows(GOOD | {"quantity": "-3"}, GOOD | {"unit_price": "0"}, GOOD | {"unit_price": "-11062.06"}))
    assert parsed.accepted.height == 3


cells = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(["1", "-2.5", "1,5", "1e5", "#N/A", "2024-01-02", "2024-02-30", "2024-01-02 25:00", "x\x00", "９"]),
)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(sorted(CONTRACTS)))
def test_parsing_never_raises_and_every_row_is_accepted_or_rejected(data, dataset):
    contract = CONTRACTS[dataset]
    names = [column.name for column in contract.columns]
    given_rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, cells)), min_size=1, max_size=8))
    parsed = parse(rows(*given_rows), dataset, "Europe/London")
    accepted = set(parsed.accepted["row_number"])
    rejected = set(parsed.rejects["row_number"])
    assert accepted | rejected == set(range(2, 2 + len(given_rows)))
    assert not accepted & rejected
    assert parsed.rejects.select("row_number", "column_name").is_unique().all()
    assert not any("\x00" in (value or "") for value in parsed.rejects["raw_value"])
    assert set(parsed.rejects["reason_code"]) <= set(RowReason)
