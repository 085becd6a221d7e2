"""What the columns are called in the files of the field, in the languages that they come in.

Belongs here: words alone, for suggestions; they map nothing by themselves. What they are compared with is
`suggestions.py`.
"""

# Columns, and words for them.
_WORDS_OF = """
sold_at counted_on ordered_on planned_on starts_on released_on: day, transaction date, order date, invoice date, datum
sold_at counted_on ordered_on planned_on starts_on released_on: jour, fecha, data, dato, tarih
sold_at: sale date, verkaufsdatum, rechnungsdatum, belegdatum, buchungsdatum, fakturadatum, auftragsdatum, posting date
sold_at: billing date, created at, date facture, date vente, date commande, date de facturation, fecha venta
sold_at: fecha factura, fecha de factura, data vendita, data fattura, data documento, factuurdatum, orderdatum
sold_at: verkoopdatum, fkdat, budat
counted_on: count date, date counted
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
item_code parent_item_code component_item_code: internal sku, own sku, sku code, sku number, plu, plu code, plu number
item_code parent_item_code component_item_code: internal item, internal code, our item, our code, own item number
alias_code: ean, gtin, upc, barcode, ean code, upc code, ean13, gtin13, gtin14, case ean, case gtin, case upc, isbn
alias_code: case code, case barcode, carton code, pack code, alternate code, alternative code, other code
alias_code: external code, foreign code, asin, fnsku, marketplace sku, cross reference, old code, former code
alias_code: customer item, customer item code, customer item no, customer item number, customer sku, customer part
alias_code: customer article, customer product code, customer material, kundenartikel, kundenartikelnummer
alias_code: supplier item, supplier item code, supplier item no, supplier item number, supplier sku, supplier article
alias_code: supplier part, supplier product code, vendor item, vendor item no, vendor item number, vendor sku
alias_code: vendor part, lieferantenartikel, lieferantenartikelnummer
quantity_factor: units per case, units per pack, units per carton, units per box, pieces per case, pieces per pack
quantity_factor: qty per case, quantity per case, case quantity, case qty, case size, pack size, pack quantity
quantity_factor: conversion factor, multiplier, stück pro karton, inhalt
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
unit_price: precio venta, prezzo di vendita, verkoopprijs, stuksprijs, list price, listenpreis, msrp, rrp, uvp, vk
unit_price: vk preis, retail
unit_cost: cost price, purchase price, einkaufspreis, einstandspreis, cout, costo, inkoopprijs, cost per item
unit_cost: default cost, standard cost, standard price, standardpreis, supply price, average cost, prix achat
unit_cost: std cost, stdcost, std unit cost, ek, ek preis, cost of goods, landed cost, avg cost, last cost
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


def _by_column() -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for line in _WORDS_OF.strip().splitlines():
        columns, _, listed = line.partition(": ")
        for column in columns.split():
            words.setdefault(column, []).extend(listed.split(", "))
    return words


WORDS = _by_column()
