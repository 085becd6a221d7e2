"""Every dataset, declared once: columns, types, keys, units, accepted headers and prose.

From here come the parser, the raw tables, the ingest checks and the data dictionary; a test fails when one of them
drifts. How a file's text becomes these types is `domain/ingest/`.
"""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from inventra_pipelines.domain.tenant import Dataset

ColumnType = Literal["code", "text", "quantity", "money", "days", "number", "date", "timestamp"]

# Codes and texts are text, always: leading zeros survive. Quantities and money are exact to four decimals.
POLARS_TYPES: dict[ColumnType, pl.DataType | type[pl.DataType]] = {
    "code": pl.String,
    "text": pl.String,
    "quantity": pl.Decimal(18, 4),
    "money": pl.Decimal(18, 4),
    "days": pl.Int32,
    "number": pl.Int32,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True)
class Column:
    """One column of a dataset.

    Attributes:
        name: Its name everywhere: files, tables, models, reports.
        type: What its text must hold.
        description: Prose for the data dictionary, with the unit.
        required: Whether a row without it is rejected.
        aliases: Headers, lower case, that map to it without being configured.
        minimum: Smallest value that is accepted, for quantities, money, days and numbers.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    aliases: tuple[str, ...] = ()
    minimum: int | None = None


@dataclass(frozen=True)
class Contract:
    """One dataset: what a row is, its columns, what identifies it and which of its dates is the business day."""

    dataset: Dataset
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    business_day: str | None
    derived: tuple[Column, ...] = field(default=())

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """The columns of the raw table: those derived while parsing first, then the file's."""
        return self.derived + self.columns

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.table_columns if column.name == name)


_ITEM = Column("item_code", "code", "Code of the item, as the business writes it.", True, ("item", "sku", "stockcode"))
_LOCATION = Column("location_code", "code", "Shop, warehouse or channel the row belongs to.", aliases=("location",))

SALES = Contract(
    "sales",
    "One row per line of a sale, return or cancellation.",
    (
        Column(
            "sold_at",
            "timestamp",
            "When it was sold, in the tenant's time zone in the file.",
            True,
            ("date", "invoicedate", "order_date", "timestamp"),
        ),
        _ITEM,
        Column("quantity", "quantity", "Units sold; negative for a return.", True, ("qty", "units")),
        Column("unit_price", "money", "Price of one unit, in the row's currency.", True, ("price", "unitprice")),
        Column(
            "document_id",
            "code",
            "Invoice, order or receipt the line stands on.",
            aliases=("invoice", "invoiceno", "order_id"),
        ),
        Column("line_number", "number", "Position of the line on its document.", minimum=0),
        _LOCATION,
        Column("customer_code", "code", "Who bought.", aliases=("customer", "customerid", "customer id")),
        Column("currency", "code", "ISO code of the price's currency; the tenant's own where it is absent."),
        Column("channel", "text", "Sales channel, or the market sold to.", aliases=("country",)),
        Column("description", "text", "What the document calls the item."),
        Column("promotion", "text", "Promotion the line was sold under."),
    ),
    key=(),
    business_day="sold_on",
    derived=(Column("sold_on", "date", "Day of the sale in the tenant's time zone.", True),),
)

STOCK = Contract(
    "stock",
    "One row per item and location counted on a day; an item that is not counted keeps its last count.",
    (
        Column("counted_on", "date", "Day at whose end the count holds.", True, ("date", "snapshot_date")),
        _ITEM,
        Column(
            "quantity_on_hand",
            "quantity",
            "Units physically there; negative where the source oversold.",
            True,
            ("on_hand", "qty", "quantity"),
        ),
        _LOCATION,
        Column("quantity_reserved", "quantity", "Units on hand that are promised.", aliases=("reserved",), minimum=0),
        Column(
            "quantity_on_order", "quantity", "Units ordered and not yet received.", aliases=("on_order",), minimum=0
        ),
        Column("unit_cost", "money", "Cost of one unit.", aliases=("cost",), minimum=0),
        Column("expires_on", "date", "Day from which the units may not be sold.", aliases=("expiry",)),
    ),
    key=("counted_on", "item_code", "location_code", "expires_on"),
    business_day="counted_on",
)

ITEMS = Contract(
    "items",
    "One row per item that is new or changed.",
    (
        _ITEM,
        Column("name", "text", "What people call it.", aliases=("description", "title")),
        Column("category", "text", "Family the item is planned with.", aliases=("family", "group")),
        Column("unit_of_measure", "code", "Unit that quantities count.", aliases=("uom", "unit")),
        Column("unit_cost", "money", "Cost of one unit.", aliases=("cost",), minimum=0),
        Column("unit_price", "money", "List price of one unit.", aliases=("price",), minimum=0),
        Column("supplier_code", "code", "Who delivers it.", aliases=("supplier", "vendor")),
        Column("lead_time_days", "days", "Days from order to receipt.", aliases=("lead_time",), minimum=0),
        Column("minimum_order_quantity", "quantity", "Smallest order, in units.", aliases=("moq",), minimum=0),
        Column("pack_quantity", "quantity", "Orders are multiples of it, in units.", aliases=("pack_size",), minimum=0),
        Column("low_stock_threshold", "quantity", "Units below which stock counts as low.", minimum=0),
        Column("shelf_life_days", "days", "Days from receipt until it may not be sold.", minimum=0),
        Column("replaces_item_code", "code", "Item whose place it takes."),
        Column("launched_on", "date", "First day on sale."),
        Column("discontinued_on", "date", "First day no longer ordered."),
    ),
    key=("item_code",),
    business_day=None,
)

SUPPLIERS = Contract(
    "suppliers",
    "One row per supplier that is new or changed.",
    (
        Column("supplier_code", "code", "Code of the supplier.", True, ("supplier", "vendor")),
        Column("name", "text", "What people call it."),
        Column("lead_time_days", "days", "Days from order to receipt.", aliases=("lead_time",), minimum=0),
        Column("minimum_order_value", "money", "Smallest order, in the tenant's currency.", minimum=0),
    ),
    key=("supplier_code",),
    business_day=None,
)

PURCHASE_ORDERS = Contract(
    "purchase_orders",
    "One row per purchase-order line that is new or changed; the version that landed last holds.",
    (
        Column("order_id", "code", "Number of the order.", True, ("po", "po_number", "purchase_order")),
        Column("line_number", "number", "Position of the line on its order.", True, ("line",), minimum=0),
        _ITEM,
        Column("ordered_on", "date", "Day it was ordered.", True, ("order_date",)),
        Column("confirmed_on", "date", "Day the supplier confirmed it."),
        Column("expected_on", "date", "Day it is expected.", aliases=("due_date",)),
        Column("received_on", "date", "Day the goods came in; empty while the line is open."),
        Column("quantity_ordered", "quantity", "Units ordered.", True, ("quantity", "qty"), minimum=0),
        Column("quantity_received", "quantity", "Units received so far.", aliases=("received",), minimum=0),
        Column("supplier_code", "code", "Who delivers.", aliases=("supplier", "vendor")),
        _LOCATION,
    ),
    key=("order_id", "line_number"),
    business_day="ordered_on",
)

CONTRACTS: dict[Dataset, Contract] = {
    contract.dataset: contract for contract in (SALES, STOCK, ITEMS, SUPPLIERS, PURCHASE_ORDERS)
}
