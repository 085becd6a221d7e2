"""Which header may be which column: by its words, by those usual in the field, and by what stands below it.

Belongs here: suggestions, which a person is shown and nothing is ever loaded by. What maps for certain is `headers.py`,
and the words below map nothing.
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import polars as pl

from inventra_pipelines.domain.contracts import Column, Contract
from inventra_pipelines.domain.ingest.headers import normalized_header
from inventra_pipelines.domain.ingest.numbers import parse_numbers
from inventra_pipelines.domain.ingest.suggested_dates import share_of_dates
from inventra_pipelines.domain.tenant import FileMapping

HowSure = Literal["sure", "likely", "perhaps"]

# Texts that are compared again and again while a header row is searched for.
_REMEMBERED = 2**14
_SAMPLED_TEXTS = 500
# A table of more columns is no list of rows; guesses for the first of them are enough.
_MOST_HEADERS = 300
# Of a column's texts; where its header is a usual word for what it is, more may be at fault.
_LEAST_SHARE, _LEAST_SHARE_BY_NAME = 0.8, 0.5
_LIKELY, _PERHAPS = 0.8, 0.62
# Of two or three letters, every other word is like another.
_LEAST_LETTERS = 4
# What a till calls an item is its name as often as its code; where both stand, the other is the code.
_LESS_PLAIN = {"item": 0.1}
_WORDS_NOT_NUMBERS = ("unit_of_measure", "currency")
_TIME_OF_DAY = r"^[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?: ?[AaPp][Mm])?$"

# Columns, and words for them in the languages that files come in; for suggestions only.
_WORDS_OF = """
sold_at counted_on ordered_on planned_on starts_on released_on: day, transaction date, order date, invoice date, datum
sold_at counted_on ordered_on planned_on starts_on released_on: jour, fecha, data, dato, tarih
sold_at: sale date, verkaufsdatum, rechnungsdatum, belegdatum, buchungsdatum, fakturadatum, auftragsdatum, posting date
sold_at: billing date, created at, date facture, date vente, date commande, date de facturation, fecha venta
sold_at: fecha factura, fecha de factura, data vendita, data fattura, data documento, factuurdatum, orderdatum
sold_at: verkoopdatum, fkdat, budat
counted_on: stock date, inventory date, as of, stichtag, inventurdatum, bestandsdatum, counting date, date inventaire
counted_on: fecha inventario, data inventario, teldatum, voorraaddatum
ordered_on: bestelldatum, date commande, date de commande, fecha pedido, fecha de pedido, data ordine, besteldatum
ordered_on: document date, belegdatum, orderdatum, bedat
starts_on: from, start, von, debut, desde
ends_on: to, until, end, bis, fin, hasta
item_code parent_item_code component_item_code: article, article number, product, product code, reference, ref, ean
item_code parent_item_code component_item_code: gtin, asin, artikel, artikelnummer, artikelnr, material
item_code parent_item_code component_item_code: materialnummer, code article, produit, articulo, producto, codigo
item_code parent_item_code component_item_code: articolo, codice, prodotto, artigo, item number, item no, item code
item_code parent_item_code component_item_code: product number, product id, variant sku, lineitem sku, custom sku
item_code parent_item_code component_item_code: product variant sku, internal reference, upc, barcode, matnr
item_code parent_item_code component_item_code: code produit, codigo articulo, codigo producto, referencia
item_code parent_item_code component_item_code: codice articolo, codice prodotto, artikelcode, productcode
parent_item_code: finished good, baugruppe
component_item_code: part, child, komponente
quantity quantity_on_hand quantity_ordered quantity_planned: pieces, count, menge, anzahl, stück, stueck, quantite, qte
quantity quantity_on_hand quantity_ordered quantity_planned: cantidad, unidades, quantita, pezzi, quantidade, aantal
quantity quantity_on_hand quantity_ordered quantity_planned: antal, ilosc
quantity: quantity sold, units sold, verkaufte menge, fakturierte menge, billed quantity, invoiced quantity
quantity: lineitem quantity, net quantity, net items sold, sales quantity, quantite vendue, cantidad vendida
quantity: quantita venduta, verkocht aantal, fkimg
quantity_on_hand: stock, inventory, available, soh, bestand, lagerbestand, existencias, giacenza, voorraad
quantity_on_hand: unrestricted, unrestricted use stock, frei verwendbar, physical inventory, quantity on hand
quantity_on_hand: on hand quantity, on hand, counted quantity, current quantity, current stock, stock on hand
quantity_on_hand: qty on hand, quantite en stock, stock disponible, stock actual, esistenza, aantal op voorraad, labst
quantity_reserved: committed, reserved quantity, reserviert, quantite reservee, reservado, impegnato, gereserveerd
quantity_on_order: incoming, qty on purch order, in bestellung, en commande, in ordine, in bestelling
quantity_ordered: ordered, bestellmenge, order quantity, qty ordered, ordered qty, quantite commandee
quantity_ordered: cantidad pedida, quantita ordinata, besteld aantal, besteld
quantity_received: goods receipt, wareneingang, recu, recibido, qty received, received qty, delivered quantity
quantity_received: gelieferte menge, quantite recue, cantidad recibida, quantita ricevuta, ontvangen, ontvangen aantal
quantity_planned: planned, plan
unit_price: sale price, net price, preis, einzelpreis, stückpreis, prix, prix unitaire, precio, precio unitario
unit_price: prezzo, prezzo unitario, preco, prijs, pris, cena, sales price, lineitem price, variant price, retail price
unit_price: selling price, verkaufspreis, nettopreis, prix de vente, prix unitaire ht, pu ht, precio de venta
unit_price: precio venta, prezzo di vendita, verkoopprijs, stuksprijs
unit_cost: cost price, purchase price, einkaufspreis, einstandspreis, cout, costo, inkoopprijs, cost per item
unit_cost: default cost, standard cost, standard price, standardpreis, supply price, average cost, prix achat
unit_cost: prix d'achat, precio de compra, coste, prezzo acquisto, prezzo di acquisto, kostprijs, stprs
document_id: order number, receipt, ticket, invoice number, transaction, beleg, belegnummer, rechnung, rechnungsnummer
document_id: auftrag, facture, numero facture, commande, factura, pedido, fattura, ordine, factuur, bon
document_id: document no, document number, billing document, sales document, sales order, order name, order reference
document_id: transaction id, receipt number, sale id, verkaufsbeleg, faktura, auftragsnummer, bonnummer, numero commande
document_id: n° facture, n° commande, nº factura, numero factura, numero documento, numero fattura, factuurnummer
document_id: ordernummer, kassabon, vbeln
order_id: order number, bestellung, bestellnummer, auftrag, commande, pedido, ordine, purchasing document
order_id: purchase order no, purchase order number, document no, order reference, einkaufsbeleg, numero commande
order_id: n° commande, numero pedido, nº pedido, numero ordine, bestelnummer, ordernummer, ebeln
line_number: line, position, pos, zeile, ligne, linea, riga, line no, regel, regelnummer, ebelp, posnr
customer_code: client, buyer, account, kunde, kundennummer, kundennr, cliente, klant, customer no, customer number
customer_code: customer account, sell to customer no, sold to party, auftraggeber, debitor, code client, codigo cliente
customer_code: codice cliente, klantnummer, debiteur, debiteurnummer, kunnr
location_code: store, shop, branch, warehouse, site, depot, plant, filiale, lager, standort, werk, magasin, entrepot
location_code: tienda, almacen, sucursal, negozio, magazzino, winkel, magazijn, outlet, location name, storage location
location_code: lagerort, filialnummer, marktnummer, filiaal, vestiging, werks, lgort
supplier_code: supplier id, vendor id, lieferant, lieferantennummer, fournisseur, proveedor, fornitore, leverancier
supplier_code: vendor no, vendor number, vendor account, supplier number, buy from vendor no, kreditor, code fournisseur
supplier_code: codigo proveedor, codice fornitore, leveranciersnummer, crediteur, lifnr
name description: bezeichnung, artikelbezeichnung, product name, libelle, designation, descripcion, descrizione
name description: omschrijving, nombre, naam, item name, item description, material description, materialkurztext
name description: kurztext, lineitem name, product title, nom, nome, productnaam, artikelomschrijving, maktx
category: department, class, warengruppe, kategorie, categorie, famille, familia, categoria, gruppe, product category
category: item category code, material group, product type, artikelgruppe, hauptwarengruppe, rayon, gruppo
category: productgroep, artikelgroep, matkl
channel: sales channel, market, kanal, vertriebsweg, canal, canale, land, pays, pais
currency: währung, waehrung, devise, moneda, valuta, currency code, währungsschlüssel, waers
unit_of_measure: unit, einheit, mengeneinheit, unite, unidad, unita, eenheid, um, me, u m, bme, vme, basismengeneinheit
unit_of_measure: base unit of measure, unit of measure code, unit of measure, bestelleinheit, verkaufseinheit
unit_of_measure: sales unit, order unit, unite de mesure, unite de vente, unidad de medida, udm, unita di misura
unit_of_measure: verkoopeenheid, meins, vrkme
lead_time_days: delivery time, lieferzeit, wiederbeschaffungszeit, delai, plazo, levertijd, delivery lead time
lead_time_days: planned delivery time, planlieferzeit, delai de livraison, plazo de entrega, tempo di consegna
expected_on due_on: delivery date, due, promised, eta, liefertermin, lieferdatum, date livraison, fecha entrega
expected_on due_on: expected receipt date, expected arrival, scheduled date, requested receipt date, date de livraison
expected_on due_on: fecha de entrega, data consegna, data di consegna, leverdatum, leveringsdatum, eindt
confirmed_on: confirmed receipt date, bestätigtes lieferdatum
received_on: receipt date, actual receipt date, wareneingangsdatum, date de reception, fecha de recepcion
received_on: data ricevimento, ontvangstdatum
expires_on: best before, use by, expiry date, mhd, haltbarkeit, dlc, caducidad, scadenza, expiration date, vfdat
expires_on: verfallsdatum, houdbaarheidsdatum, tht
minimum_order_quantity: minimum order, mindestbestellmenge, quantite minimum, minimum order qty, pedido minimo
pack_quantity: case pack, order multiple, verpackungseinheit, packungsgröße, colisage, besteleenheid
low_stock_threshold: reorder point, low stock alert, meldebestand, seuil de reapprovisionnement, punto de pedido
"""


@dataclass(frozen=True)
class ColumnSuggestion:
    """That a header may be a column.

    Attributes:
        column: The contract's.
        headers: One, or a date's and a time's.
        how_sure: `sure` where it maps by itself, `likely`, or `perhaps`.
        why: In words.
    """

    column: str
    headers: tuple[str, ...]
    how_sure: HowSure
    why: str


@dataclass(frozen=True)
class _Fit:
    score: float
    column: Column
    place: int
    how_sure: HowSure
    why: str


def _words_of() -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for line in _WORDS_OF.strip().splitlines():
        columns, _, listed = line.partition(": ")
        for column in columns.split():
            words.setdefault(column, []).extend(listed.split(", "))
    return words


_WORDS = _words_of()


def suggest_columns(headers: Sequence[str], sample: Sequence[pl.Series], contract: Contract) -> list[ColumnSuggestion]:
    """What each header may be, each header and each column once, in the order of the contract.

    Args:
        headers: As the file writes them, by position.
        sample: Some stripped, non-empty texts of each.
        contract: The dataset's.
    """
    headers, sample = headers[:_MOST_HEADERS], sample[:_MOST_HEADERS]
    kinds = [_kinds(texts.head(_SAMPLED_TEXTS)) for texts in sample]
    fits = [
        fit
        for place, header in enumerate(headers)
        if header.strip()
        for column in contract.columns
        if (fit := _fit(column, place, header, kinds[place])) is not None
    ]
    chosen: dict[str, _Fit] = {}
    taken: set[int] = set()
    for fit in sorted(fits, key=lambda fit: fit.score, reverse=True):
        if fit.column.name not in chosen and fit.place not in taken:
            chosen[fit.column.name] = fit
            taken.add(fit.place)
    for column in contract.columns:
        if column.required and column.name not in chosen:
            only = _only_of_its_kind(column, headers, kinds, taken)
            if only is not None:
                chosen[column.name] = only
                taken.add(only.place)
    return [
        ColumnSuggestion(name, _with_time(chosen[name], headers, sample, kinds, taken), fit.how_sure, fit.why)
        for name, fit in ((column.name, chosen[column.name]) for column in contract.columns if column.name in chosen)
    ]


def _kinds(texts: pl.Series) -> set[str]:
    """What texts are, all or mostly: dates, numbers, times of day, or texts alone; empty where there are none."""
    if texts.is_empty():
        return set()
    if texts.str.contains(_TIME_OF_DAY).mean() >= _LEAST_SHARE:  # type: ignore[operator]
        return {"time"}
    shares = {"date": 0.0, "number": 0.0}
    if texts.str.contains("[0-9]").mean() >= _LEAST_SHARE_BY_NAME:  # type: ignore[operator]
        shares["date"] = share_of_dates(texts)
    column = Column("sample", "money", "")
    signs = ["€", "$", "£", "EUR", "USD", "GBP"]
    for mark in (".", ","):
        marks = FileMapping.model_validate({"decimal_mark": mark, "currency_signs": signs})
        marks = marks.model_copy(update={"thousands_mark": "," if mark == "." else "."})
        shares["number"] = max(shares["number"], _share(parse_numbers(texts, column, marks)[0]))
    mostly = {f"mostly {kind}" for kind, share in shares.items() if share >= _LEAST_SHARE_BY_NAME}
    return {"text"} | mostly | {kind for kind, share in shares.items() if share >= _LEAST_SHARE}


def _share(values: pl.Series) -> float:
    return 1 - values.null_count() / values.len()


def _needed_kind(column: Column) -> str:
    if column.type in ("date", "timestamp"):
        return "date"
    return "text" if column.type in ("code", "text") else "number"


def _fit(column: Column, place: int, header: str, kinds: set[str]) -> _Fit | None:
    needed = _needed_kind(column)
    is_known = normalized_header(header) in map(normalized_header, (column.name, *column.aliases))
    words = _WORDS.get(column.name, [])
    is_usual = _folded(header) in map(_folded, words)
    if kinds and not is_known and not {needed, f"mostly {needed}" if is_usual else needed} & kinds:
        return None
    # Dates make poor names and codes, and numbers poor names.
    is_word = column.type == "text" or column.name in _WORDS_NOT_NUMBERS
    doubt = 0.15 if kinds & {"date", "number", "time"} and is_word else 0.0
    if is_known:
        is_own = normalized_header(header) == normalized_header(column.name)
        score = 3.0 if is_own else 2.0 - _LESS_PLAIN.get(normalized_header(header), 0.0)
        return _Fit(score, column, place, "sure", "a name of the column")
    if is_usual:
        how_sure: HowSure = "perhaps" if doubt else "likely"
        return _Fit(1.0 - doubt, column, place, how_sure, f"a usual word for {column.name}")
    score, nearest = max((_likeness(header, name), name) for name in (column.name, *column.aliases, *words))
    score -= doubt
    if score < _PERHAPS:
        return None
    return _Fit(score * 0.95, column, place, "likely" if score >= _LIKELY else "perhaps", f"it reads like {nearest!r}")


def _only_of_its_kind(
    column: Column, headers: Sequence[str], kinds: Sequence[set[str]], taken: set[int]
) -> _Fit | None:
    """The one header left over whose texts are dates or numbers, as the column needs."""
    needed = _needed_kind(column)
    left = [place for place, header in enumerate(headers) if header.strip() and place not in taken]
    fitting = [place for place in left if needed in kinds[place] and (needed == "date" or "date" not in kinds[place])]
    if needed == "text" or len(fitting) != 1:
        return None
    return _Fit(0.0, column, fitting[0], "perhaps", f"the only other header with {needed}s below it")


def _with_time(
    fit: _Fit, headers: Sequence[str], sample: Sequence[pl.Series], kinds: Sequence[set[str]], taken: set[int]
) -> tuple[str, ...]:
    """The header, and for a timestamp whose texts are days that of the times of day beside it."""
    texts = sample[fit.place]
    if fit.column.type == "timestamp" and "date" in kinds[fit.place] and not texts.str.contains(":").any():
        for place in range(len(sample)):
            if place not in taken and "time" in kinds[place]:
                taken.add(place)
                return headers[fit.place], headers[place]
    return (headers[fit.place],)


@lru_cache(_REMEMBERED)
def _folded(text: str) -> str:
    """As `normalized_header`, and without accents."""
    letters = unicodedata.normalize("NFKD", normalized_header(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@lru_cache(_REMEMBERED)
def _tokens(text: str) -> frozenset[str]:
    """Words of a header, also of one in camel case."""
    return frozenset(_folded(word) for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+", text))


@lru_cache(_REMEMBERED)
def _likeness(header: str, name: str) -> float:
    is_long = min(len(_folded(header)), len(_folded(name))) >= _LEAST_LETTERS
    letters = difflib.SequenceMatcher(None, _folded(header), _folded(name)).ratio() if is_long else 0.0
    one, other = _tokens(header), _tokens(name)
    shared = len(one & other) / len(one | other) if one | other else 0.0
    contains = 0.7 if one and other and (one <= other or other <= one) else 0.0
    return max(letters, shared, contains)
