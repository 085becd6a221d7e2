"""Headers of the systems that files come from: what each is suggested for, by its words alone."""

import polars as pl
import pytest

from inventra_pipelines.domain.contracts import CONTRACTS
from inventra_pipelines.domain.ingest.suggestions import suggest_columns
from inventra_pipelines.domain.tenant import Dataset

# Headers as the system exports them, and the column that each gives; "-" where it gives none.
_EXPORTS: dict[str, tuple[Dataset, str]] = {
    "sap-stock-de": (
        "stock",
        "Material item_code, Werk location_code, Lagerort -, Frei verwendbar quantity_on_hand, ME unit_of_measure",
    ),
    "sap-stock-fields": (
        "stock",
        "MATNR item_code, LGORT location_code, LABST quantity_on_hand, MEINS unit_of_measure",
    ),
    "sap-orders-de": (
        "purchase_orders",
        "Einkaufsbeleg order_id, Position line_number, Material item_code, Belegdatum ordered_on, "
        "Bestellmenge quantity_ordered, Bestelleinheit unit_of_measure, Lieferant supplier_code, "
        "Lieferdatum expected_on, Werk location_code",
    ),
    "sap-billing": (
        "sales",
        "Billing Date sold_at, Billing Document document_id, Material item_code, Billed Quantity quantity, "
        "Net Price unit_price, Sold-to Party customer_code, Plant location_code, Material Description description",
    ),
    "dynamics-sales": (
        "sales",
        "Posting Date sold_at, Document No. document_id, Line No. line_number, Item No. item_code, "
        "Location Code location_code, Quantity quantity, Unit of Measure Code unit_of_measure, Unit Price unit_price, "
        "Sell-to Customer No. customer_code, Currency Code currency",
    ),
    "dynamics-orders": (
        "purchase_orders",
        "Document No. order_id, Line No. line_number, Item No. item_code, Order Date ordered_on, "
        "Expected Receipt Date expected_on, Quantity quantity_ordered, Quantity Received quantity_received, "
        "Buy-from Vendor No. supplier_code, Location Code location_code",
    ),
    "odoo-stock": (
        "stock",
        "Internal Reference item_code, On Hand Quantity quantity_on_hand, Reserved Quantity quantity_reserved, "
        "Location location_code, Unit of Measure unit_of_measure",
    ),
    "odoo-orders": (
        "purchase_orders",
        "Order Reference order_id, Product item_code, Order Date ordered_on, Expected Arrival expected_on, "
        "Quantity quantity_ordered, Received Qty quantity_received, Vendor supplier_code",
    ),
    "shopify-orders": (
        "sales",
        "Created at sold_at, Lineitem quantity quantity, Lineitem name description, Lineitem price unit_price, "
        "Lineitem sku item_code, Currency currency",
    ),
    "shopify-inventory": (
        "stock",
        "SKU item_code, Location location_code, Incoming quantity_on_order, Committed quantity_reserved, "
        "On hand quantity_on_hand",
    ),
    "lightspeed-sales": (
        "sales",
        "Sale ID document_id, Custom SKU item_code, Qty. quantity, Retail Price unit_price, Outlet location_code",
    ),
    "square-items": (
        "sales",
        "Date sold_at, Item description, Qty quantity, SKU item_code, Transaction ID document_id, "
        "Location location_code, Customer ID customer_code, Unit unit_of_measure",
    ),
    "german-till": (
        "sales",
        "Buchungsdatum sold_at, Bonnummer document_id, Artikelnr. item_code, Artikelbezeichnung description, "
        "Menge quantity, Einheit unit_of_measure, Verkaufspreis unit_price, Filialnummer location_code",
    ),
    "french": (
        "sales",
        "Date de facturation sold_at, N° facture document_id, Code article item_code, Désignation description, "
        "Quantité quantity, Unité unit_of_measure, PU HT unit_price, Code client customer_code, Magasin location_code",
    ),
    "spanish": (
        "sales",
        "Fecha factura sold_at, Nº factura document_id, Referencia item_code, Descripción description, "
        "Cantidad quantity, Unidad de medida unit_of_measure, Precio venta unit_price, Almacén location_code",
    ),
    "italian": (
        "sales",
        "Data documento sold_at, Numero documento document_id, Codice articolo item_code, Descrizione description, "
        "Quantità quantity, U.M. unit_of_measure, Prezzo unitario unit_price, Magazzino location_code",
    ),
    "dutch": (
        "sales",
        "Factuurdatum sold_at, Factuurnummer document_id, Artikelcode item_code, Omschrijving description, "
        "Aantal quantity, Eenheid unit_of_measure, Verkoopprijs unit_price, Klantnummer customer_code, "
        "Filiaal location_code",
    ),
    "shop-aliases": (
        "item_aliases",
        "EAN alias_code, Internal SKU item_code, Units per case quantity_factor",
    ),
    "customer-aliases": ("item_aliases", "Item No. item_code, Customer Item No. alias_code, Case Qty quantity_factor"),
    "supplier-aliases": ("item_aliases", "Supplier SKU alias_code, Our Item item_code, Units Per Pack quantity_factor"),
    "case-codes": ("item_aliases", "Case Code alias_code, UPC -, Item Number item_code"),
    "promotion-calendar": (
        "promotions",
        "SKU item_code, From starts_on, To ends_on, Store location_code, Campaign promotion, Status status",
    ),
    "aktionsplan": ("promotions", "Artikelnummer item_code, Von starts_on, Bis ends_on, Filiale location_code"),
    "price-list": ("items", "SKU item_code, Std Cost unit_cost, List Price unit_price"),
    "price-list-standard": ("items", "SKU item_code, Retail Price unit_price, Standard Cost unit_cost"),
    "price-list-cost-price": ("items", "SKU item_code, List Price unit_price, Cost Price unit_cost"),
    "price-list-de": ("items", "Artikelnummer item_code, VK unit_price, EK unit_cost"),
    "price-list-de-long": ("items", "Artikelnummer item_code, Verkaufspreis unit_price, Einkaufspreis unit_cost"),
    "grocer-till": ("sales", "Date sold_at, PLU item_code, Qty quantity, Net Price unit_price, List Price -"),
    "ean-beside-the-own-code": ("sales", "EAN -, Artikelnummer item_code, Menge quantity"),
    "items-de": (
        "items",
        "Artikelnummer item_code, Bezeichnung name, Warengruppe category, UM unit_of_measure, "
        "Einkaufspreis unit_cost, Lieferant supplier_code, Lieferzeit lead_time_days, "
        "Mindestbestellmenge minimum_order_quantity",
    ),
}


def suggested(headers: list[str], dataset: Dataset) -> dict[str, str]:
    """Column by header, of files of headers alone."""
    empty = [pl.Series(dtype=pl.String) for _ in headers]
    return {of.headers[0]: of.column for of in suggest_columns(headers, empty, CONTRACTS[dataset])}


@pytest.mark.parametrize("system", _EXPORTS)
def test_the_headers_of_an_export_are_what_they_say(system: str):
    dataset, listed = _EXPORTS[system]
    expected = dict(pair.rsplit(" ", 1) for pair in listed.split(", "))
    found = suggested(list(expected), dataset)
    assert {header: found.get(header, "-") for header in expected} == expected


@pytest.mark.parametrize("header", ["ME", "Einheit", "UOM", "UM", "Unit", "U.M.", "Mengeneinheit", "Eenheid", "Unité"])
@pytest.mark.parametrize("dataset", ["sales", "stock", "items", "purchase_orders", "boms"])
def test_a_unit_of_measure_goes_by_many_names(header: str, dataset: Dataset):
    (found,) = suggest_columns([header], [pl.Series(["ST", "KG"])], CONTRACTS[dataset])
    assert (found.column, found.how_sure in ("sure", "likely")) == ("unit_of_measure", True)


@pytest.mark.parametrize("header", ["Name", "Memo", "Sum", "MwSt", "PO", "Zum", "Ume"])
def test_a_short_word_is_like_no_other(header: str):
    found = suggest_columns([header], [pl.Series(["ST", "KG"])], CONTRACTS["sales"])
    assert all(of.column != "unit_of_measure" for of in found)


def test_the_name_of_a_shops_order_is_its_document():
    orders = {
        "Name": ["#1001", "#1002"],
        "Created at": ["2024-01-02 10:00:00 +0000"],
        "Lineitem quantity": ["2"],
        "Lineitem price": ["2.50"],
        "Lineitem sku": ["A-1"],
        "Billing Name": ["Jo Do"],
        "Billing Country": ["DE"],
        "Id": ["5001"],
    }
    found = suggest_columns(list(orders), [pl.Series(texts) for texts in orders.values()], CONTRACTS["sales"])
    columns = {of.column: (of.headers, of.how_sure) for of in found}
    assert columns["document_id"] == (("Name",), "likely")
    assert not columns.keys() & {"location_code", "customer_code"}


@pytest.mark.parametrize("texts", [["Apple", "Pear"], ["#1001"], []], ids=str)
def test_a_bare_name_is_no_location(texts: list[str]):
    found = suggest_columns(["Name"], [pl.Series(texts, dtype=pl.String)], CONTRACTS["sales"])
    assert all(of.column != "location_code" for of in found)


@pytest.mark.parametrize("texts", [["DE", "FR"], []], ids=str)
def test_a_word_that_two_headers_share_makes_the_others_no_more_alike(texts: list[str]):
    found = suggest_columns(["Billing Country"], [pl.Series(texts, dtype=pl.String)], CONTRACTS["sales"])
    assert all(of.column != "document_id" for of in found)


@pytest.mark.parametrize("header", ["Count Date", "Date of counting", "Zähldatum", "Counted"])
def test_a_required_date_is_found_by_its_name_though_no_dates_stand_below_it(header: str):
    below = {header: ["last week", "TOTAL"], "Rate": ["0.5"], "SKU": ["A"]}
    found = suggest_columns(list(below), [pl.Series(texts) for texts in below.values()], CONTRACTS["stock"])
    (of,) = [of for of in found if of.column == "counted_on"]
    assert (of.headers, of.how_sure) == ((header,), "perhaps")


def test_of_two_headers_of_dates_the_one_with_dates_below_it_is_the_required_one():
    below = {"Stocktake date": ["soon"], "Stock taken dt": ["2024-01-02"], "Last seen": ["2024-01-02"], "SKU": ["A"]}
    found = suggest_columns(list(below), [pl.Series(texts) for texts in below.values()], CONTRACTS["stock"])
    assert [of.headers for of in found if of.column == "counted_on"] == [("Stock taken dt",)]


def test_a_header_that_is_like_a_date_by_its_letters_alone_is_none():
    below = {"Rate": ["0.5"], "State": ["NY"], "SKU": ["A"]}
    found = suggest_columns(list(below), [pl.Series(texts) for texts in below.values()], CONTRACTS["stock"])
    assert all(of.column != "counted_on" for of in found)


def test_numbers_below_it_make_a_unit_doubtful():
    prices = pl.Series(["2.50", "3.75"])
    (found,) = suggest_columns(["Unit"], [prices], CONTRACTS["boms"])
    assert found.column != "unit_of_measure" or found.how_sure == "perhaps"
