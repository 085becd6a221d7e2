"""The published data dictionary is the one that the contracts give."""

from pathlib import Path

import pytest

from inventra_pipelines.db import tables
from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.data_dictionary import data_dictionary
from inventra_pipelines.domain.ingest.rejects import FileReason, PassedOver, RowReason

PAGE = Path(__file__).resolve().parents[3] / "docs" / "data_dictionary.md"


def test_the_page_in_docs_is_the_one_that_the_contracts_give():
    assert PAGE.read_text(encoding="utf-8") == data_dictionary()


@pytest.mark.parametrize("codes", [RowReason, PassedOver, FileReason])
def test_the_page_explains_every_code(codes):
    assert all(f"| `{code}` | " in data_dictionary() for code in codes)


def test_the_page_says_of_each_dataset_what_holds_where_files_overlap():
    sections = data_dictionary().split("\n## ")
    for dataset, contract in CONTRACTS.items():
        section = next(section for section in sections if section.startswith(f"{dataset}\n"))
        assert section.count("Where files overlap, ") == 1
        if contract.overlap == "latest_value":
            assert "of each column the last value that is not empty holds" in section
    assert "| `scrap_rate` | share, 0.05 or 5%" in data_dictionary()


def test_every_contract_has_a_raw_table_with_its_columns_in_order():
    for dataset, contract in CONTRACTS.items():
        names = [column.name for column in tables.raw[dataset].columns]
        assert names[:5] == ["tenant_id", "landed_on", "batch_id", "sheet", "row_number"]
        assert names[5:] == [column.name for column in contract.table_columns]


def test_a_key_and_a_business_day_name_columns_of_their_contract():
    for contract in CONTRACTS.values():
        names = {column.name for column in contract.table_columns}
        assert set(contract.key) <= names
        assert contract.business_day is None or contract.business_day in names


def test_no_header_means_two_columns_of_a_dataset():
    for contract in CONTRACTS.values():
        headers = [name for column in contract.columns for name in (column.name, *column.aliases)]
        assert len(headers) == len(set(headers)), contract.dataset
