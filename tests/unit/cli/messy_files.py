"""Files as businesses send them, each with what a planner would count in it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook


@dataclass(frozen=True)
class MessyFile:
    """A file, the dataset it holds, the rows a person counts in it, and some values of the first one."""

    name: str
    dataset: str
    write: Callable[[Path], None]
    rows: int
    first: dict[str, str]


def _text(content: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content.encode(encoding)) and None


_GERMAN = """\
Umsatzbericht Filialen;;;;;;
Stand: 31.12.2025;;;;;;
;;;;;;
Rechnungsdatum;Artikelnr.;Bezeichnung;Menge;Einzelpreis;Belegnr.;Kunde
31.12.2025;00123;Gemüse, 1 kg;1.250;1.234,56;R-1001;K7
30.12.2025;00124;Käse;-2;3,50;R-1002;K8
05.11.2025;00123;Gemüse, 1 kg;12;0,99;R-1003;K7
Summe;;;1.260;;;
"""
_AMERICAN = """\
Order Date,Order Number,SKU,Units,Sale Price,Store,Customer
12/31/2025,A-1,000123,1,"$1,234.56",NYC,C1
01/02/2025,A-2,000124,"1,200",$3.50,NYC,C2
07/04/2025,A-3,000125,3,"$12.00",LA,
"""
_STOCK = """\
Stichtag\tArtikel\tLager\tBestand\tEinkaufspreis
2025-12-31\t4711\tHH\t12\t1,50
2025-12-31\t4712\tHH\t0\t-
"""
_TILDES = """\
Day~SKU~Pieces~Price
2025-12-31~A~1~2.50
2025-12-30~B~1~2.50
"""
_TWO_COLUMNS = """\
Datum;Uhrzeit;Artikelnummer;Anzahl;Preis
31.12.2025;14:05;17;2;4,00
01.12.2025;09:30;18;1;5,25
"""


def _workbook(path: Path) -> None:
    book = Workbook()
    page = book.active
    page.title = "Weekly"
    page.append(["ACME Corp - weekly sales"])
    page.append(["Printed", datetime(2026, 1, 5, 8, 30)])
    page.append([])
    page.append(["Day", "Article", "Pieces", "Net price", "Ticket"])
    for day in range(6):
        page.append([datetime(2025, 12, 20 + day), f"00{day}", day + 1, 2.5 + day, f"T{day // 2}"])
    page.append(["Total", None, 21, None, None])
    notes = book.create_sheet("Read me")
    notes.append(["Ask the back office"])
    notes.append(["before changing anything"])
    book.save(path)


_AMERICAN_FIRST = {"sold_at": "2025-12-31 00:00:00", "item_code": "000123", "quantity": "1", "unit_price": "1234.56"}
_GERMAN_FIRST = {"sold_at": "2025-12-31 00:00:00", "item_code": "00123", "quantity": "1250", "unit_price": "1234.56"}

MESSY_FILES = (
    MessyFile("umsatz.csv", "sales", _text(_GERMAN), 3, _GERMAN_FIRST | {"description": "Gemüse, 1 kg"}),
    MessyFile("umsatz-ansi.csv", "sales", _text(_GERMAN, "cp1252"), 3, _GERMAN_FIRST | {"description": "Gemüse, 1 kg"}),
    MessyFile("orders.csv", "sales", _text(_AMERICAN), 3, _AMERICAN_FIRST | {"location_code": "NYC"}),
    MessyFile("weekly.xlsx", "sales", _workbook, 6, {"sold_at": "2025-12-20 00:00:00", "item_code": "000"}),
    MessyFile(
        "bestand.txt",
        "stock",
        _text(_STOCK),
        2,
        {"counted_on": "2025-12-31", "quantity_on_hand": "12", "unit_cost": "1.5"},
    ),
    MessyFile("old-system.txt", "sales", _text(_TILDES), 2, {"item_code": "A", "unit_price": "2.5"}),
    MessyFile("kasse.csv", "sales", _text(_TWO_COLUMNS), 2, {"sold_at": "2025-12-31 14:05:00", "quantity": "2"}),
)
