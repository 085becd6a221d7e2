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
CHANGE = {"item_code": "A", "starts_on": "2024-01-02", "step": "sales", "quantity": "5"}


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
    return parse_rows(frame, CONTRACTS[dataset], FileMapping(time_zone=zone, **mapping))


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
        ("sales", {"quantity": "1000000000000"}, "quantity", "out_of_range", "1000000000000"),
        ("sales", {"quantity": "0.00001"}, "quantity", "out_of_range", "0.00001"),
        ("sales", {"quantity": "1e99"}, "quantity", "out_of_range", "1e99"),
        ("sales", {"item_code": "x" * 121}, "item_code", "too_long", "x" * 121),
        ("sales", {"description": "#N/A"}, "description", "formula_error", "#N/A"),
        ("sales", {"description": "Err:509"}, "description", "formula_error", "Err:509"),
        ("sales", {"description": "#BUSY!"}, "description", "formula_error", "#BUSY!"),
        ("sales", {"unit_price": "#DIV/0!"}, "unit_price", "formula_error", "#DIV/0!"),
        ("sales", {"description": "a\x00b"}, "description", "control_character", "a␀b"),
        ("sales", {"corrects_row": "0002-6CB:3:"}, "corrects_row", "not_a_row", "0002-6CB:3:"),
        ("sales", {"corrects_row": "0002-6cb"}, "corrects_row", "not_a_row", "0002-6cb"),
        ("stock", {"counted_on": "2024-01-02 10:00"}, "counted_on", "not_a_date", "2024-01-02 10:00"),
        ("stock", {"quantity_reserved": "-1"}, "quantity_reserved", "out_of_range", "-1"),
        ("demand_adjustments", {"step": "Vertrieb"}, "step", "unknown_value", "Vertrieb"),
        ("demand_adjustments", {"status": "ok"}, "status", "unknown_value", "ok"),
    ],
)
def test_a_bad_value_rejects_its_row_with_column_value_reason_and_a_sentence(dataset, cells, column, reason, quoted):
    good = {"sales": GOOD, "stock": COUNT, "demand_adjustments": CHANGE}[dataset]
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
    parsed = parse_rows(frame, CONTRACTS["stock"], FileMapping(), ("file",))
    assert parsed.accepted.height == 2


def test_every_reason_is_documented():
    assert set(ROW_REASONS) == set(RowReason)
    assert set(FILE_REASONS) == set(FileReason)


def test_a_word_of_a_list_may_be_in_either_case_and_an_optional_one_absent():
    parsed = parse(rows(CHANGE | {"step": " Finance", "status": "APPROVED"}, CHANGE), "demand_adjustments")
    assert parsed.rejects.is_empty()
    assert parsed.accepted["step"].to_list() == ["Finance", "sales"]
    assert parsed.accepted["status"].to_list() == ["APPROVED", None]


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


def test_codes_get_the_zeros_back_that_a_spreadsheet_lost():
    frame = rows(
        GOOD | {"item_code": "42", "customer_code": "17.0"},
        GOOD | {"item_code": "A42", "customer_code": "123456"},
    )
    parsed = parse(frame, integer_codes=["customer_code"], pad_codes={"item_code": 5, "customer_code": 4})
    assert parsed.accepted["item_code"].to_list() == ["00042", "A42"]
    assert parsed.accepted["customer_code"].to_list() == ["0017", "123456"]


def test_the_mappings_zone_is_that_of_the_clock_and_the_tenants_that_of_the_business_day():
    frame = rows(GOOD | {"sold_at": "2024-07-01 23:30:00"})
    mapping = FileMapping(time_zone="UTC")
    row = parse_rows(frame, CONTRACTS["sales"], mapping, day_zone="Europe/London").accepted.to_dicts()[0]
    assert (row["sold_at"], row["sold_on"]) == (datetime(2024, 7, 1, 23, 30, tzinfo=UTC), date(2024, 7, 2))
    assert parse_rows(frame, CONTRACTS["sales"], mapping).accepted["sold_on"].item() == date(2024, 7, 1)


def test_accepted_rows_come_by_business_day_and_within_a_day_as_in_the_file():
    days = ["2024-01-03", "2024-01-01", "2024-01-03", "2024-01-02", "2024-01-01"]
    parsed = parse(rows(*(GOOD | {"sold_at": f"{day} 10:00:00"} for day in days)))
    assert parsed.accepted["row_number"].to_list() == [3, 6, 5, 2, 4]


def test_a_constant_fills_a_column_without_a_header_and_no_empty_cells_of_one_with():
    frame = rows(GOOD | {"currency": None, "channel": None})
    constants = {"currency": "GBP", "channel": "web"}
    headers = {name: name for name in (*GOOD, "currency")}
    mapping = FileMapping(constants=constants)
    row = parse_rows(frame, CONTRACTS["sales"], mapping, headers=headers).accepted.to_dicts()[0]
    assert (row["currency"], row["channel"]) == (None, "web")


def test_a_column_of_a_header_may_be_empty_in_every_row():
    headers = {name: name for name in (*GOOD, "line_number", "description")}
    parsed = with_headers(*[GOOD | {"line_number": None, "description": None}] * 20, headers=headers)
    assert parsed.accepted.select("line_number", "description").null_count().row(0) == (20, 20)
    parsed = with_headers(*[GOOD | {"item_code": None}] * 20, headers=headers)
    assert parsed.rejects.select("column_name", "reason_code").unique().rows() == [("item_code", "missing_value")]
    assert parsed.rejects.height == 20


def test_a_row_whose_content_is_in_no_mapped_column_is_a_note_without_text():
    assert passed(parse(rows(GOOD, dict.fromkeys(GOOD)))) == [(3, "note", "")]


@pytest.mark.parametrize("mark", ["\u200b", "\u200f", "\u00ad", "\ufeff", "\u2066"])
def test_marks_that_nobody_sees_make_no_other_code_number_or_date(mark):
    marked = {name: f"{text[:1]}{mark}{text[1:]}{mark}" for name, text in GOOD.items()}
    seen = parse(rows(marked)).accepted
    assert seen.equals(parse(rows(GOOD)).accepted)
    assert parse(rows({**GOOD, "description": f"a{mark}b"})).accepted["description"].to_list() == [f"a{mark}b"]


def test_a_currency_sign_stands_beside_money_only():
    parsed = parse(rows(GOOD | {"unit_price": "£2.50"}, GOOD | {"quantity": "£3"}), currency_signs=["£"])
    assert parsed.accepted["unit_price"].to_list() == [Decimal("2.5")]
    assert only_reject(parsed)["column_name"] == "quantity"


@pytest.mark.parametrize(
    ("cells", "mapping", "hint"),
    [
        ({"quantity": "1,234"}, {}, "declare thousands_mark: ',' under datasets.sales if the comma parts thousands"),
        ({"unit_price": "$5"}, {"currency_signs": ["£"]}, "declare currency_signs: ['$'] under datasets.sales"),
        ({"sold_at": "31/12/2024"}, {}, "add '%d/%m/%Y' to date_formats under datasets.sales if that is what it is"),
        ({"sold_at": "01/02/2024"}, {}, "add '%d/%m/%Y' or '%m/%d/%Y' to date_formats under datasets.sales"),
        ({"sold_at": "45292"}, {}, "add 'excel' to date_formats"),
        ({"sold_at": "soon"}, {}, "send sold_at as 2024-12-31"),
        ({"description": "#N/A"}, {}, "add '#N/A' to null_values under datasets.sales"),
        ({"item_code": None}, {}, "fill in item_code"),
    ],
)
def test_a_reject_says_what_would_mend_it(cells, mapping, hint):
    reject = only_reject(parse(rows(GOOD | cells, GOOD), **mapping))
    assert hint in reject["hint"]


def test_a_format_is_suggested_only_where_it_reads_every_rejected_text_of_the_column():
    parsed = parse(rows(GOOD, *(GOOD | {"sold_at": text} for text in ("01/02/2024", "31/12/2024", "12/31/2024"))))
    assert not any("%d/%m" in hint or "%m/%d" in hint for hint in parsed.rejects["hint"])


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("unit_price", "correct the formula where the file is made"),
        ("description", "correct the formula, or add '#REF!' to null_values under datasets.sales"),
    ],
    ids=["required", "optional"],
)
def test_a_required_column_is_not_told_to_read_an_error_as_nothing(column, hint):
    assert only_reject(parse(rows(GOOD | {column: "#REF!"})))["hint"] == hint


def test_every_reject_has_a_hint():
    frame = rows(
        GOOD | {"quantity": "x", "unit_price": "1e99", "line_number": "1.5", "item_code": "x" * 121},
        GOOD | {"sold_at": "x", "description": "#N/A", "channel": "a\x00b", "corrects_row": "x"},
        GOOD | {"item_code": None},
        GOOD,
        GOOD,
    ).with_columns(pl.Series("problem", [None, None, None, "has 3 fields", None]))
    parsed = parse(frame)
    others = {"duplicate_key", "unknown_value"}
    assert set(parsed.rejects["reason_code"]) == {str(reason) for reason in RowReason} - others
    assert all(parsed.rejects["hint"]) and all(parsed.rejects["message"])
    asked = only_reject(parse(rows(CHANGE | {"step": "hr"}), "demand_adjustments"))
    assert asked["message"] == "step 'hr' is not known; expected one of sales, marketing, finance, planner."
    assert asked["hint"] == "correct step, or map another header to it under columns"
    counted = parse(rows(COUNT, COUNT), "stock")
    assert only_reject(counted)["hint"] == "send each counted_on and item_code and location_code and expires_on once"


HEADERS = {"sold_at": "Date", "item_code": "SKU", "quantity": "Qty", "unit_price": "Price"}


def with_headers(*cells: dict, dataset: str = "sales", headers: dict = HEADERS, is_end: bool = True) -> ParsedRows:
    return parse_rows(rows(*cells), CONTRACTS[dataset], FileMapping(), headers=headers, is_end=is_end)


def passed(parsed: ParsedRows) -> list[tuple[int, str, str]]:
    return parsed.passed_over.select("row_number", "kind", "text").rows()


def test_a_header_that_is_repeated_is_passed_over_with_its_text():
    parsed = with_headers(GOOD, HEADERS, GOOD)
    assert passed(parsed) == [(3, "repeated_header", "Date | SKU | Qty | Price")]
    assert (parsed.accepted.height, parsed.rejects.height, parsed.rows_read) == (2, 0, 2)


def test_a_repeated_header_is_told_even_where_every_column_takes_any_text():
    headers = {"alias_code": "alias", "item_code": "sku"}
    parsed = with_headers(headers, {"alias_code": "a", "item_code": "b"}, dataset="item_aliases", headers=headers)
    assert passed(parsed) == [(2, "repeated_header", "alias | sku")]
    assert parsed.accepted["alias_code"].to_list() == ["a"]


def test_a_row_that_differs_from_the_header_in_one_cell_is_no_header():
    parsed = with_headers(HEADERS | {"quantity": "Menge"}, GOOD)
    assert parsed.passed_over.is_empty()
    assert parsed.rejects["row_number"].unique().to_list() == [2]


def test_one_column_alone_makes_no_repeated_header():
    parsed = with_headers({"item_code": "sku"}, dataset="items", headers={"item_code": "sku"})
    assert parsed.accepted["item_code"].to_list() == ["sku"]


@pytest.mark.parametrize(
    "cells",
    [
        {"sold_at": "Total", "item_code": None, "quantity": "12", "unit_price": "30"},
        {"sold_at": None, "item_code": "Grand total:", "quantity": "12", "unit_price": None},
        {"sold_at": "Zwischensumme (2 Posten)", "item_code": None, "quantity": "12", "unit_price": None},
        {"sold_at": None, "item_code": None, "quantity": "12", "unit_price": None, "description": "Sub-total"},
        {"sold_at": "2024-01-31", "item_code": "TOTAL", "quantity": "12", "unit_price": None},
    ],
    ids=["for-a-date", "for-a-code", "german", "in-a-text", "price-missing"],
)
def test_totals_are_passed_over_wherever_they_stand(cells):
    parsed = parse(rows(GOOD, cells, GOOD | {"description": "a lamp"}))
    assert [(row, kind) for row, kind, _ in passed(parsed)] == [(3, "totals")]
    assert parsed.rejects.is_empty() and parsed.rows_read == 2


@pytest.mark.parametrize(
    "cells",
    [
        {"item_code": "TOTAL"},
        {"description": "Sum of all fears, the book"},
        {"document_id": "Total 7", "customer_code": "Summe"},
    ],
)
def test_a_row_that_is_valid_is_never_taken_for_totals(cells):
    parsed = parse(rows(GOOD, GOOD | cells))
    assert parsed.accepted.height == 2 and parsed.passed_over.is_empty()


@pytest.mark.parametrize(
    "cells",
    [
        {"description": "Sum of all fears", "quantity": None},
        {"description": "Total gym", "sold_at": "31/12/2024"},
        {"item_code": "TOTALIZER", "quantity": "x"},
        {"item_code": "SUM-17", "unit_price": None},
        {"item_code": "TOTAL", "line_number": "x"},
    ],
    ids=["text-and-quantity", "text-and-date", "longer-word", "code", "optional-fault"],
)
def test_a_row_that_failed_for_another_reason_is_rejected_and_not_passed_over(cells):
    parsed = parse(rows(GOOD, GOOD | cells, GOOD))
    assert parsed.passed_over.is_empty()
    assert parsed.rejects["row_number"].unique().to_list() == [3]


def note(text: str) -> dict:
    return {"sold_at": text, "item_code": None, "quantity": None, "unit_price": None}


def test_notes_below_the_last_row_that_loads_are_passed_over():
    parsed = parse(rows(GOOD, note("estimated"), GOOD, note("Printed on 2024-01-02"), note("Page 1")))
    assert passed(parsed) == [(5, "note", "Printed on 2024-01-02"), (6, "note", "Page 1")]
    assert parsed.rejects["row_number"].unique().to_list() == [3]
    assert parsed.rows_read == 3


def test_what_is_not_the_end_of_its_sheet_has_no_notes():
    parsed = with_headers(GOOD, note("Page 1"), is_end=False)
    assert parsed.passed_over.is_empty()


def test_notes_are_looked_for_at_the_end_of_each_sheet():
    frame = pl.concat([rows(GOOD, note("Page 1"), sheet="b"), rows(GOOD, GOOD, sheet="a")])
    parsed = parse(frame)
    assert parsed.passed_over.select("sheet", "row_number", "kind").rows() == [("b", 3, "note")]


def test_a_file_in_which_nothing_happened_may_say_so():
    parsed = parse(rows(note("No sales on this day")))
    assert [kind for _, kind, _ in passed(parsed)] == ["note"]
    assert (parsed.rows_read, parsed.rejects.height) == (0, 0)


def test_a_file_of_rows_that_all_fail_has_no_notes():
    parsed = parse(rows(*(note(f"line {number}") for number in range(4))))
    assert parsed.passed_over.is_empty() and parsed.rows_read == 4


@pytest.mark.parametrize(
    ("text", "problem", "kind"),
    [
        ("End of report", "has 1 fields where the header has 4", "note"),
        ("* provisional", "has 1 field where the header has 4", "note"),
        ("2024-01-0", "has 1 fields where the header has 4", None),
        ("2024-01-02 10:0", "has 1 fields where the header has 4", None),
        ("Printed 2024-01-02 10:00", "has 1 fields where the header has 4", "note"),
        ("End,of,report", "has 3 fields where the header has 4", None),
        ("Total,500", "has 2 fields where the header has 4", "totals"),
        ("Totalizer,500", "has 2 fields where the header has 4", None),
    ],
    ids=["words", "singular", "cut-off", "cut-off-time", "words-and-time", "several-fields", "totals", "longer-word"],
)
def test_a_last_line_of_odd_fields_is_no_data_where_it_reads_as_words_or_as_totals(text, problem, kind):
    frame = pl.concat(
        [
            rows(GOOD),
            rows(GOOD).with_columns(
                *(pl.lit(None, dtype=pl.String).alias(name) for name in GOOD),
                row_number=pl.lit(3, dtype=pl.Int32),
                problem=pl.lit(problem),
                problem_text=pl.lit(text),
            ),
        ]
    )
    parsed = parse(frame)
    assert passed(parsed) == ([(3, kind, text)] if kind else [])
    assert parsed.rejects.height == (0 if kind else 1)


@pytest.mark.parametrize("height", [0, 1, 5_000, 70_000])
def test_a_column_reads_the_same_whether_its_texts_repeat_or_not(height):
    number = pl.int_range(height)
    frame = pl.select(
        sheet=pl.lit(""),
        row_number=(number + 2).cast(pl.Int32),
        problem=pl.lit(None, dtype=pl.String),
        problem_text=pl.lit(None, dtype=pl.String),
        sold_at=pl.lit("2024-01-02"),
        item_code=pl.format("item {}", number),
        quantity=pl.when(number % 7 == 0).then(pl.lit("x")).otherwise(number.cast(pl.String)),
        unit_price=(number % 5).cast(pl.String),
    )
    parsed = parse(frame)
    numbers = [number for number in range(height) if number % 7]
    assert parsed.accepted["item_code"].to_list() == [f"item {number}" for number in numbers]
    assert parsed.accepted["quantity"].cast(pl.Int64).to_list() == numbers
    assert parsed.accepted["unit_price"].cast(pl.Int64).to_list() == [number % 5 for number in numbers]
    assert parsed.rejects["row_number"].to_list() == list(range(2, height + 2, 7))


cells = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(["1", "-2.5", "1,5", "1e5", "#N/A", "2024-01-02", "2024-02-30", "2024-01-02 25:00", "x\x00", "９"]),
)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(sorted(CONTRACTS)))
def test_parsing_never_raises_and_every_row_is_accepted_rejected_or_passed_over(data, dataset):
    contract = CONTRACTS[dataset]
    names = [column.name for column in contract.columns]
    given_rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, cells)), min_size=1, max_size=8))
    parsed = parse(rows(*given_rows), dataset, "Europe/London")
    accepted = parsed.accepted["row_number"].to_list()
    rejected = parsed.rejects["row_number"].unique().to_list()
    over = parsed.passed_over["row_number"].to_list()
    assert sorted(accepted + rejected + over) == list(range(2, 2 + len(given_rows)))
    assert parsed.rows_read == len(accepted) + len(rejected)
    assert parsed.rejects.select("row_number", "column_name").is_unique().all()
    assert not any("\x00" in (value or "") for value in parsed.rejects["raw_value"])
    assert set(parsed.rejects["reason_code"]) <= set(RowReason)
    assert all(parsed.rejects["hint"])


def test_what_nobody_sees_makes_no_other_code_and_stays_in_free_text():
    codes = ["A1", "A\x1b1", "\x02A1\x03", "A\u200b1", "A\x7f1"]
    given = [{"item_code": code, "name": "a\x0bb", "unit_cost": "1"} for code in codes]
    # A key that stands again is left to the last row.
    parsed = parse(rows(*given), "items")
    assert parsed.accepted.select("item_code", "name").rows() == [("A1", "a\x0bb")]
    assert parsed.rejects["reason_code"].to_list() == ["duplicate_key"] * 4


def test_a_factor_beyond_a_million_is_no_factor():
    given = [
        {"alias_code": str(factor), "item_code": "x", "quantity_factor": str(factor)} for factor in (10**6, 10**6 + 1)
    ]
    parsed = parse(rows(*given), "item_aliases")
    assert parsed.accepted["alias_code"].to_list() == ["1000000"]
    ((column, reason, message),) = parsed.rejects.select("column_name", "reason_code", "message").rows()
    assert (column, reason) == ("quantity_factor", "out_of_range")
    assert "at most 1000000" in message


# Texts whose meaning is plain, so that a reader of one row after the other can be written down in a few lines.
PLAIN = {
    "code": [None, "", " A1 ", "007", "Total", "#N/A", "x" * 121, "SKU"],
    "text": [None, "lamp", "Total", "a\x00b", "Name"],
    "number": [None, "3", "-2.50", "1e2", "(4)", "three", "1,234", "1000000000000", "Qty"],
    "timestamp": [None, "2024-01-02", "2024-01-01 10:30:00", "31/12/2024", "0024-01-02", "Gesamt", "Date"],
}


def naive_value(kind: str, text: str | None, required: bool) -> tuple[object, str | None]:
    """A cell's value and what rejects it, by Python's own means."""
    text = (text or "").strip()
    if not text:
        return None, "missing_value" if required else None
    if "\x00" in text or text == "#N/A":
        return None, "control_character" if "\x00" in text else "formula_error"
    if kind in ("code", "text"):
        return text, "too_long" if len(text) > 120 else None
    try:
        if kind == "timestamp":
            at = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return at, None if 1900 <= at.year < 2200 else "out_of_range"
        value = -Decimal(text[1:-1]) if text[0] == "(" else Decimal(text)
    except (ValueError, ArithmeticError):
        return None, "not_a_date" if kind == "timestamp" else "not_a_number"
    return value, None if abs(value) < 10**12 else "out_of_range"


ORACLE_KINDS = {
    "sold_at": "timestamp",
    "item_code": "code",
    "quantity": "number",
    "unit_price": "number",
    "document_id": "code",
    "description": "text",
}
ORACLE_HEADERS = dict(zip(ORACLE_KINDS, ["Date", "SKU", "Qty", "Qty", "SKU", "Name"], strict=True))


def naive_kind(row: dict, faults: dict, is_tail: bool) -> str | None:
    texts = {name: (text or "").strip() for name, text in row.items()}
    if all(texts[name] == header for name, header in ORACLE_HEADERS.items()):
        return "repeated_header"
    required = {name: fault for name, fault in faults.items() if name in GOOD}
    words = [name for name, text in texts.items() if text in ("Total", "Gesamt")]
    if any(fault in ("missing_value", "not_a_number", "not_a_date") for fault in required.values()):
        unnamed = not texts["sold_at"] or not texts["item_code"]
        if any(name != "description" or unnamed for name in words):
            return "totals"
    return "note" if is_tail and sum(map(bool, texts.values())) <= 1 else None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.fixed_dictionaries({name: st.sampled_from(PLAIN[kind]) for name, kind in ORACLE_KINDS.items()}),
            st.fixed_dictionaries(dict.fromkeys(ORACLE_KINDS, st.none()) | {"sold_at": st.just("Printed today")}),
            st.just(ORACLE_HEADERS),
            st.just(dict.fromkeys(ORACLE_KINDS) | GOOD),
        ),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_any_rows_become_what_a_reader_of_one_row_after_the_other_makes_of_them(given_rows, is_end):
    parsed = with_headers(*given_rows, headers=ORACLE_HEADERS, is_end=is_end)
    read = {
        number: {name: naive_value(kind, row[name], name in GOOD) for name, kind in ORACLE_KINDS.items()}
        for number, row in enumerate(given_rows, start=2)
    }
    faults = {number: {name: fault for name, (_, fault) in cells.items() if fault} for number, cells in read.items()}
    good = [number for number in read if not faults[number]]
    alone = not good and len(read) <= 3
    kinds = {
        number: naive_kind(row, faults[number], is_end and (alone or (bool(good) and number > good[-1])))
        for number, row in enumerate(given_rows, start=2)
        if faults[number]
    }
    assert {row["row_number"]: tuple(row[name] for name in ORACLE_KINDS) for row in parsed.accepted.to_dicts()} == {
        number: tuple(read[number][name][0] for name in ORACLE_KINDS) for number in good
    }
    assert dict(parsed.passed_over.select("row_number", "kind").rows()) == {n: k for n, k in kinds.items() if k}
    assert set(parsed.rejects.select("row_number", "column_name", "reason_code").rows()) == {
        (number, name, fault) for number, kind in kinds.items() if not kind for name, fault in faults[number].items()
    }
