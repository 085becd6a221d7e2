"""Which header is which column, and what is refused."""

import pytest

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.headers import header_texts, is_header_of, map_columns
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping

SALES = CONTRACTS["sales"]


def find(headers: list[str], **mapping) -> dict[str, tuple[int, ...]]:
    return map_columns(headers, SALES, FileMapping(**mapping), "sales.csv")


def refused(headers: list[str], **mapping) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        find(headers, **mapping)
    assert "sales.csv" in caught.value.message or caught.value.reason_code == "unusable_mapping"
    return caught.value


def test_names_and_aliases_match_whatever_their_case_and_spacing():
    assert find(["Sold At", "ITEM-CODE", " quantity ", "UnitPrice", "Customer ID"]) == {
        "sold_at": (0,),
        "item_code": (1,),
        "quantity": (2,),
        "unit_price": (3,),
        "customer_code": (4,),
    }


def test_the_configured_header_goes_before_the_name_and_frees_its_alias():
    headers = ["date", "order_date", "sku", "qty", "price"]
    assert find(headers, columns={"sold_at": "Order Date"})["sold_at"] == (1,)


def test_the_contracts_own_name_goes_before_an_alias():
    assert find(["qty", "quantity", "sold_at", "sku", "price"])["quantity"] == (1,)


def test_a_constant_stands_in_for_a_missing_column():
    assert "unit_price" not in find(["sold_at", "sku", "qty"], constants={"unit_price": "0"})


def test_missing_columns_name_the_file_the_headers_and_a_likely_one():
    error = refused(["sold_at", "sku", "quantitty", "price"])
    assert error.reason_code == "wrong_columns"
    assert "no column for quantity" in error.message
    assert "'quantitty'" in error.message
    assert "did you mean 'quantitty'" in error.remedy


def test_a_configured_header_that_the_file_lacks_is_refused():
    error = refused(["sold_at", "sku", "qty", "price"], columns={"quantity": "Menge"})
    assert error.reason_code == "wrong_columns"
    assert "'Menge'" in error.message


@pytest.mark.parametrize(
    "headers",
    [["sold_at", "sku", "qty", "units", "price"], ["sold_at", "sku", "quantity", "Quantity", "price"]],
    ids=["two-aliases", "one-header-twice"],
)
def test_headers_that_fit_one_column_twice_are_refused(headers):
    assert refused(headers).reason_code == "ambiguous_columns"


def test_one_header_for_two_columns_is_refused():
    error = refused(["sold_at", "sku", "qty", "price"], columns={"description": "sku", "item_code": "sku"})
    assert error.reason_code == "ambiguous_columns"


@pytest.mark.parametrize("setting", ["columns", "constants"])
def test_a_mapping_of_a_column_that_the_contract_lacks_is_refused_with_a_suggestion(setting):
    error = refused(["sold_at", "sku", "qty", "price"], **{setting: {"quantiti": "x"}})
    assert error.reason_code == "unusable_mapping"
    assert error.remedy == "did you mean quantity"


def test_columns_that_nobody_asked_for_are_left_alone():
    assert "weather" not in find(["sold_at", "sku", "qty", "price", "weather", ""])


def test_several_headers_make_one_column_in_the_order_that_the_mapping_names_them():
    headers = ["TIME", "sku", "qty", "price", "DATE"]
    places = find(headers, columns={"sold_at": ["Date", "Time"]})
    assert places["sold_at"] == (4, 0)
    assert header_texts(headers, places)["sold_at"] == "DATE TIME"


def test_one_of_several_configured_headers_that_is_missing_is_named():
    error = refused(["DATE", "sku", "qty", "price"], columns={"sold_at": ["DATE", "TIME"]})
    assert error.reason_code == "wrong_columns"
    assert "sold_at (configured as 'TIME')" in error.message


def test_a_header_that_is_joined_into_one_column_is_no_other_columns():
    error = refused(["DATE", "sku", "qty", "price"], columns={"sold_at": ["DATE", "sku"], "item_code": "sku"})
    assert error.reason_code == "ambiguous_columns"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"pad_codes": {"quantity": 5}}, "pad_codes: sales has no code column 'quantity'"),
        ({"pad_codes": {"item_cod": 5}}, "pad_codes: sales has no code column 'item_cod'"),
        ({"integer_codes": ["description"]}, "integer_codes: sales has no code column 'description'"),
        ({"columns": {"sold_at": []}}, "columns.sold_at: names no header"),
        ({"columns": {"sold_at": ["Date", " "]}}, "columns.sold_at: names no header"),
    ],
    ids=["a-quantity-padded", "unknown", "a-text", "no-header", "a-blank-header"],
)
def test_a_setting_for_what_is_no_code_or_no_header_is_refused(mapping, words):
    error = refused(["sold_at", "sku", "qty", "price"], **mapping)
    assert error.reason_code == "unusable_mapping"
    assert words in error.message


@pytest.mark.parametrize(
    ("row", "is_header"),
    [
        (["Date", "SKU", "Qty", "Price"], True),
        (["Date", "SKU", "Qty", "Price", "", "notes"], True),
        (["Sales of January", "", "", ""], False),
        (["Date", "SKU", "Qty"], False),
        (["Date", "SKU", "Qty", "Price", "price"], False),
        (["2024-01-02", "A1", "3", "2.50"], False),
        (["", "", "", ""], False),
        ([], False),
    ],
    ids=["header", "with-others", "title", "one-missing", "ambiguous", "data", "blank", "nothing"],
)
def test_a_row_is_a_header_where_it_gives_every_required_column(row, is_header):
    assert is_header_of(SALES, FileMapping())(row) is is_header


def test_a_constant_counts_towards_a_header_and_constants_alone_make_none():
    assert is_header_of(SALES, FileMapping(constants={"unit_price": "0"}))(["Date", "SKU", "Qty"])
    constants = {"sold_at": "2024-01-02", "item_code": "A", "quantity": "1", "unit_price": "1"}
    assert not is_header_of(SALES, FileMapping(constants=constants))(["2024-01-02", "A1", "3", "2.50"])


def test_the_mapping_of_a_header_test_is_checked_when_it_is_made():
    with pytest.raises(FileRejected, match="no column 'quantiti'"):
        is_header_of(SALES, FileMapping(columns={"quantiti": "x"}))


@pytest.mark.parametrize("dataset", sorted(CONTRACTS))
def test_every_contracts_own_names_are_a_header_and_its_rows_are_none(dataset):
    contract = CONTRACTS[dataset]
    is_header = is_header_of(contract, FileMapping())
    assert is_header([column.name for column in contract.columns])
    assert not is_header(["2024-01-02" if "date" in column.type else "17" for column in contract.columns])


def test_a_refusal_names_so_many_headers_as_a_person_reads():
    error = refused([f"column {number} {'x' * 1000}" for number in range(16_000)])
    assert error.reason_code == "wrong_columns"
    assert "'column 0 xxx" in error.message and error.message.endswith("and 15,960 more")
    assert len(error.message) < 4000
