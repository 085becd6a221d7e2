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
from inventra_pipelines.domain.ingest.dates import fitting_formats, parse_moments
from inventra_pipelines.domain.ingest.headers import normalized_header
from inventra_pipelines.domain.ingest.numbers import parse_numbers
from inventra_pipelines.domain.tenant import FileMapping

HowSure = Literal["sure", "likely", "perhaps"]

# Texts that are compared again and again while a header row is searched for.
_REMEMBERED = 2**14
_SAMPLED_TEXTS = 500
# A table of more columns is no list of rows; guesses for the first of them are enough.
_MOST_HEADERS = 300
_LEAST_SHARE = 0.8
_LIKELY, _PERHAPS = 0.8, 0.62
_TIME_OF_DAY = r"^[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?: ?[AaPp][Mm])?$"

# Columns, and words for them in the languages that files come in; for suggestions only.
_WORDS_OF = """
sold_at counted_on ordered_on planned_on starts_on released_on: day, transaction date, order date, invoice date, datum
sold_at counted_on ordered_on planned_on starts_on released_on: jour, fecha, data, dato, tarih
sold_at: sale date, verkaufsdatum, rechnungsdatum, belegdatum, buchungsdatum, date facture, date vente, fecha venta
sold_at: data vendita, posting date
counted_on: stock date, inventory date, as of, stichtag, inventurdatum, bestandsdatum
ordered_on: bestelldatum, date commande, fecha pedido, data ordine
starts_on: from, start, von, debut, desde
ends_on: to, until, end, bis, fin, hasta
item_code parent_item_code component_item_code: article, article number, product, product code, reference, ref, ean
item_code parent_item_code component_item_code: gtin, asin, artikel, artikelnummer, artikelnr, material
item_code parent_item_code component_item_code: materialnummer, code article, produit, articulo, producto, codigo
item_code parent_item_code component_item_code: articolo, codice, prodotto, artigo
parent_item_code: finished good, baugruppe
component_item_code: part, child, komponente
quantity quantity_on_hand quantity_ordered quantity_planned: pieces, count, menge, anzahl, stück, stueck, quantite, qte
quantity quantity_on_hand quantity_ordered quantity_planned: cantidad, unidades, quantita, pezzi, quantidade, aantal
quantity quantity_on_hand quantity_ordered quantity_planned: antal, ilosc
quantity: quantity sold, units sold, verkaufte menge
quantity_on_hand: stock, inventory, available, soh, bestand, lagerbestand, existencias, giacenza, voorraad
quantity_ordered: ordered, bestellmenge
quantity_received: goods receipt, wareneingang, recu, recibido
quantity_planned: planned, plan
unit_price: sale price, net price, preis, einzelpreis, stückpreis, prix, prix unitaire, precio, precio unitario
unit_price: prezzo, prezzo unitario, preco, prijs, pris, cena
unit_cost: cost price, purchase price, einkaufspreis, einstandspreis, cout, costo, inkoopprijs
document_id: order number, receipt, ticket, invoice number, transaction, beleg, belegnummer, rechnung, rechnungsnummer
document_id: auftrag, facture, numero facture, commande, factura, pedido, fattura, ordine, factuur, bon
order_id: order number, bestellung, bestellnummer, auftrag, commande, pedido, ordine
line_number: line, position, pos, zeile, ligne, linea, riga
customer_code: client, buyer, account, kunde, kundennummer, kundennr, cliente, klant
location_code: store, shop, branch, warehouse, site, depot, plant, filiale, lager, standort, werk, magasin, entrepot
location_code: tienda, almacen, sucursal, negozio, magazzino, winkel, magazijn
supplier_code: supplier id, vendor id, lieferant, lieferantennummer, fournisseur, proveedor, fornitore, leverancier
name description: bezeichnung, artikelbezeichnung, product name, libelle, designation, descripcion, descrizione
name description: omschrijving, nombre, naam
category: department, class, warengruppe, kategorie, categorie, famille, familia, categoria, gruppe
channel: sales channel, market, kanal, vertriebsweg, canal, canale, land, pays, pais
currency: währung, waehrung, devise, moneda, valuta
unit_of_measure: unit, einheit, mengeneinheit, unite, unidad, unita, eenheid
lead_time_days: delivery time, lieferzeit, wiederbeschaffungszeit, delai, plazo, levertijd
expected_on due_on: delivery date, due, promised, eta, liefertermin, lieferdatum, date livraison, fecha entrega
expires_on: best before, use by, expiry date, mhd, haltbarkeit, dlc, caducidad, scadenza
minimum_order_quantity: minimum order, mindestbestellmenge, quantite minimum
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
    """What texts may be: dates, numbers, or neither; empty where there are none."""
    if texts.is_empty():
        return set()
    kinds = {"text"}
    if _share(parse_moments(texts, [], "UTC")["at"]) >= _LEAST_SHARE or fitting_formats(texts.unique()):
        kinds.add("date")
    column = Column("sample", "money", "")
    signs = ["€", "$", "£", "EUR", "USD", "GBP"]
    for mark in (".", ","):
        marks = FileMapping.model_validate({"decimal_mark": mark, "currency_signs": signs})
        marks = marks.model_copy(update={"thousands_mark": "," if mark == "." else "."})
        if _share(parse_numbers(texts, column, marks)[0]) >= _LEAST_SHARE:
            kinds.add("number")
    return kinds


def _share(values: pl.Series) -> float:
    return 1 - values.null_count() / values.len()


def _needed_kind(column: Column) -> str:
    if column.type in ("date", "timestamp"):
        return "date"
    return "text" if column.type in ("code", "text") else "number"


def _fit(column: Column, place: int, header: str, kinds: set[str]) -> _Fit | None:
    needed = _needed_kind(column)
    is_known = normalized_header(header) in map(normalized_header, (column.name, *column.aliases))
    if kinds and needed not in kinds and not is_known:
        return None
    # Dates make poor names and codes, and numbers poor names.
    doubt = 0.15 if kinds - {"text"} and needed == "text" and column.type == "text" else 0.0
    if is_known:
        is_own = normalized_header(header) == normalized_header(column.name)
        return _Fit(3.0 if is_own else 2.0, column, place, "sure", "a name of the column")
    words = _WORDS.get(column.name, [])
    if _folded(header) in map(_folded, words):
        return _Fit(1.0 - doubt, column, place, "likely", f"a usual word for {column.name}")
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
        for place, others in enumerate(sample):
            if place not in taken and not others.is_empty() and others.str.contains(_TIME_OF_DAY).all():
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
    letters = difflib.SequenceMatcher(None, _folded(header), _folded(name)).ratio()
    one, other = _tokens(header), _tokens(name)
    shared = len(one & other) / len(one | other) if one | other else 0.0
    contains = 0.7 if one and other and (one <= other or other <= one) else 0.0
    return max(letters, shared, contains)
