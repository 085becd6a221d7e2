"""What headers may mean: by their words, by usual words of other languages, and by what stands below them."""

import polars as pl
import pytest

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.header_words import WORDS
from inventra_pipelines.domain.ingest.headers import is_header_of
from inventra_pipelines.domain.ingest.suggestions import ColumnSuggestion, suggest_columns
from inventra_pipelines.domain.tenant import FileMapping


def suggest(table: dict[str, list[str]], dataset: str = "sales") -> dict[str, ColumnSuggestion]:
    sample = [pl.Series(texts, dtype=pl.String) for texts in table.values()]
    return {found.column: found for found in suggest_columns(list(table), sample, CONTRACTS[dataset])}


def test_names_and_aliases_are_sure():
    found = suggest({"InvoiceDate": ["12/1/2010 8:26"], "StockCode": ["85123A"], "Qty": ["6"], "Unit Price": ["2.55"]})
    assert {column: (of.headers, of.how_sure) for column, of in found.items()} == {
        "sold_at": (("InvoiceDate",), "sure"),
        "item_code": (("StockCode",), "sure"),
        "quantity": (("Qty",), "sure"),
        "unit_price": (("Unit Price",), "sure"),
    }


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Belegdatum", "Artikel-Nr.", "Menge", "Einzelpreis"], ["sold_at", "item_code", "quantity", "unit_price"]),
        (["Date de facture", "Référence", "Qté", "Prix"], ["sold_at", "item_code", "quantity", "unit_price"]),
        (["Fecha", "Artículo", "Unidades", "Precio"], ["sold_at", "item_code", "quantity", "unit_price"]),
        (["SalesDate", "ProductCode", "QuantitySold", "SalePrice"], ["sold_at", "item_code", "quantity", "unit_price"]),
    ],
    ids=["german", "french", "spanish", "camel-case"],
)
def test_usual_words_are_suggested_and_never_map(headers, expected):
    texts = [["13/02/2024"], ["A-17"], ["3"], ["2,50"]]
    found = suggest(dict(zip(headers, texts, strict=True)))
    assert {column: of.headers[0] for column, of in found.items()} == dict(zip(expected, headers, strict=True))
    assert "sure" not in {of.how_sure for of in found.values()}
    assert not is_header_of(CONTRACTS["sales"], FileMapping())(headers)


def test_what_stands_below_a_header_decides_between_words():
    found = suggest({"Data": ["13/02/2024"], "Data ordine": ["007"], "Articolo": ["X"]})
    assert found["sold_at"].headers == ("Data",)
    assert found["item_code"].headers == ("Articolo",)


def test_a_date_and_the_time_beside_it_are_joined():
    found = suggest({"Datum": ["13.02.2024", "14.02.2024"], "Uhrzeit": ["10:30", "9:05:10"], "Artikel": ["A"]})
    assert found["sold_at"].headers == ("Datum", "Uhrzeit")
    assert suggest({"Datum": ["13.02.2024 10:30"], "Uhrzeit": ["10:30"]})["sold_at"].headers == ("Datum",)


def test_the_only_dates_of_a_file_may_be_a_required_date():
    found = suggest({"xyz": ["2024-01-02"], "sku": ["A"]}, "stock")
    assert (found["counted_on"].headers, found["counted_on"].how_sure) == (("xyz",), "perhaps")
    assert "counted_on" not in suggest({"xyz": ["2024-01-02"], "zyx": ["2024-01-02"]}, "stock")


def test_words_without_a_likeness_are_left_alone():
    assert suggest({"Wetter": ["sonnig"], "": ["x"], "Temperatur °C": ["kalt"]}) == {}


def test_each_header_and_each_column_is_suggested_once():
    found = suggest({"Artikel": ["A"], "Artikelnummer": ["A"], "Artikel Nr": ["A"], "Menge": ["1"], "Anzahl": ["2"]})
    taken = [header for of in found.values() for header in of.headers]
    assert len(taken) == len(set(taken))


def test_a_file_of_headers_alone_gets_suggestions():
    assert suggest({"Menge": [], "Artikel": []}).keys() == {"quantity", "item_code"}


def test_words_are_of_columns_that_there_are():
    assert WORDS.keys() <= {column.name for contract in CONTRACTS.values() for column in contract.columns}
