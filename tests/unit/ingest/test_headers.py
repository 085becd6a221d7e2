"""Which header is which column, and what is refused."""

import pytest

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.headers import map_columns
from inventra_pipelines.domain.ingest.rejects import FileRejected
from inventra_pipelines.domain.tenant import FileMapping

SALES = CONTRACTS["sales"]


def find(headers: list[str], **mapping) -> dict[str, int]:
    return map_columns(headers, SALES, FileMapping(**mapping), "sales.csv")


def refused(headers: list[str], **mapping) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        find(headers, **mapping)
    assert "sales.csv" in caught.value.message or caught.value.reason_code == "unusable_mapping"
    return caught.value


def test_names_and_aliases_match_whatever_their_case_and_spacing():
    assert find(["Sold At", "ITEM-CODE", " quantity ", "UnitPrice", "Customer ID"]) == {
        "sold_at": 0,
        "item_code": 1,
        "quantity": 2,
        "unit_price": 3,
        "customer_code": 4,
    }


def test_the_configured_header_goes_before_the_name_and_frees_its_alias():
    headers = ["date", "order_date", "sku", "qty", "price"]
    assert find(headers, columns={"sold_at": "Order Date"})["sold_at"] == 1


def test_the_contracts_own_name_goes_before_an_alias():
    assert find(["qty", "quantity", "sold_at", "sku", "price"])["quantity"] == 1


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
