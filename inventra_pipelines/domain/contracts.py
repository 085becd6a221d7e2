"""Every dataset, declared once: columns, types, keys, units, accepted headers and prose.

From here come the parser, the raw tables, the ingest checks and the data dictionary; a test fails when one of them
drifts. How a file's text becomes these types is `domain/ingest/`.
"""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from inventra_pipelines.domain.tenant import MOST_UNITS, Dataset

ColumnType = Literal["code", "text", "quantity", "money", "ratio", "days", "number", "date", "timestamp"]
# How rows that stand in two files of a dataset are made one; the rule of each dataset stands in its contract.
Overlap = Literal["key_or_row", "latest_count", "latest_value", "latest_version"]

# Codes and texts are text, always: leading zeros survive. Quantities, money and ratios are exact to four decimals.
POLARS_TYPES: dict[ColumnType, pl.DataType | type[pl.DataType]] = {
    "code": pl.String,
    "text": pl.String,
    "quantity": pl.Decimal(18, 4),
    "money": pl.Decimal(18, 4),
    "ratio": pl.Decimal(18, 4),
    "days": pl.Int32,
    "number": pl.Int32,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
}

# Which row of which batch a corrected one is: without it, one that equals another of its document would be a copy.
CORRECTS_ROW = "corrects_row"

# Who may change a forecast, in the order in which they are asked, and whether a change counts: what is approved does.
ADJUSTMENT_STEPS = ("sales", "marketing", "finance", "planner")
ADJUSTMENT_STATUSES = ("proposed", "approved", "rejected")

_TEN_YEARS = 3650


@dataclass(frozen=True)
class Column:
    """One column of a dataset.

    Attributes:
        name: Its name everywhere: files, tables, models, reports.
        type: What its text must hold.
        description: Prose for the data dictionary, with the unit.
        required: Whether a row without it is rejected.
        aliases: Headers, lower case, that map to it without being configured.
        minimum: Smallest value that is accepted, for quantities, money, ratios, days and numbers.
        maximum: Largest value that is accepted, where it is not the type's.
        names_row: Whether its text names a row of a file: batch, row number and sheet.
        choices: The only words that its text may be, in either case; empty where it may be any.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    aliases: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    names_row: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """One dataset: what a row is, its columns, what identifies it and which of its dates is the business day.

    Attributes:
        dataset: Its name: of its files, its raw table and its settings.
        description: What a row is.
        columns: What a file of it may hold.
        key: Columns that name a row within a file; the last of several holds. Empty where rows may repeat.
        overlap: What holds where two files speak of the same: `key_or_row` (one line per document and line number, the
            last that landed; a row without them as often as the file that has it most often), `latest_count` (the last
            count that landed of an item, location and day), `latest_value` (each column's last value that is not
            empty), `latest_version` (the whole last row of a key).
        business_day: The date column whose days a load rebuilds; None where a dataset is keyed by tenant alone.
        derived: Columns that parsing adds.
    """

    dataset: Dataset
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    overlap: Overlap
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
_UNIT = Column(
    "unit_of_measure", "code", "Unit that the quantities count; the item's own where it is absent.", aliases=("uom",)
)

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
        Column(
            "currency",
            "code",
            "ISO code of the price's currency; the tenant's own where it is absent. Any other needs one of the "
            "tenant's `exchange_rates`.",
        ),
        Column("channel", "text", "Sales channel, or the market sold to.", aliases=("country",)),
        Column("description", "text", "What the document calls the item."),
        Column("promotion", "text", "Promotion the line was sold under."),
        _UNIT,
        Column(
            CORRECTS_ROW,
            "text",
            "Rejected row whose place it takes, as a file for correction names it: batch, row and sheet, with colons.",
            names_row=True,
        ),
    ),
    key=(),
    overlap="key_or_row",
    business_day="sold_on",
    derived=(Column("sold_on", "date", "Day of the sale in the tenant's time zone.", True),),
)

STOCK = Contract(
    "stock",
    "One row per item and location counted on a day, and per day of expiry where there are several; an item that is "
    "not counted keeps its last count.",
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
        Column("expires_on", "date", "Day from which the row's units may not be sold.", aliases=("expiry",)),
        _UNIT,
    ),
    key=("counted_on", "item_code", "location_code", "expires_on"),
    overlap="latest_count",
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
        Column(
            "lead_time_days",
            "days",
            "Days from order to receipt.",
            aliases=("lead_time",),
            minimum=0,
            maximum=_TEN_YEARS,
        ),
        Column("minimum_order_quantity", "quantity", "Smallest order, in units.", aliases=("moq",), minimum=0),
        Column("pack_quantity", "quantity", "Orders are multiples of it, in units.", aliases=("pack_size",), minimum=0),
        Column("low_stock_threshold", "quantity", "Units below which stock counts as low.", minimum=0),
        Column(
            "shelf_life_days",
            "days",
            "Days from receipt until it may not be sold.",
            minimum=0,
            maximum=10 * _TEN_YEARS,
        ),
        Column("replaces_item_code", "code", "Item whose place it takes."),
        Column("launched_on", "date", "First day on sale."),
        Column("discontinued_on", "date", "First day no longer ordered."),
    ),
    key=("item_code",),
    overlap="latest_value",
    business_day=None,
)

SUPPLIERS = Contract(
    "suppliers",
    "One row per supplier that is new or changed.",
    (
        Column("supplier_code", "code", "Code of the supplier.", True, ("supplier", "vendor")),
        Column("name", "text", "What people call it."),
        Column(
            "lead_time_days",
            "days",
            "Days from order to receipt.",
            aliases=("lead_time",),
            minimum=0,
            maximum=_TEN_YEARS,
        ),
        Column("minimum_order_value", "money", "Smallest order, in the tenant's currency.", minimum=0),
    ),
    key=("supplier_code",),
    overlap="latest_value",
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
        _UNIT,
    ),
    key=("order_id", "line_number"),
    overlap="latest_version",
    business_day="ordered_on",
)

ITEM_ALIASES = Contract(
    "item_aliases",
    "One row per code that another system, shop or supplier uses for an item.",
    (
        Column("alias_code", "code", "The other code, as it stands in sales, stock or order files.", True, ("alias",)),
        Column("item_code", "code", "Code of the item it means.", True, ("item", "sku")),
        Column(
            "quantity_factor",
            "quantity",
            "Units of the item in one unit of the alias, such as 12 for a case; 1 where it is absent.",
            aliases=("factor", "units_per_alias"),
            minimum=0,
            maximum=MOST_UNITS,
        ),
    ),
    key=("alias_code",),
    overlap="latest_version",
    business_day=None,
)

BOMS = Contract(
    "boms",
    "One row per component of a manufactured item: its bill of materials.",
    (
        Column("parent_item_code", "code", "Item that is made.", True, ("parent", "assembly")),
        Column("component_item_code", "code", "Item that goes into it.", True, ("component",)),
        Column("quantity_per", "quantity", "Units of the component in one unit of the parent.", True, minimum=0),
        Column("scrap_rate", "ratio", "Share of the component that is lost while making, 0.05 or 5%.", minimum=0),
        Column("valid_from", "date", "First day on which it holds.", aliases=("start_date",)),
        Column("valid_to", "date", "Last day on which it holds.", aliases=("end_date",)),
        _UNIT,
    ),
    key=("parent_item_code", "component_item_code", "valid_from"),
    overlap="latest_version",
    business_day=None,
)

WORK_ORDERS = Contract(
    "work_orders",
    "One row per order to make an item that is new or changed; the version that landed last holds.",
    (
        Column("order_id", "code", "Number of the work order.", True, ("work_order", "wo")),
        Column("item_code", "code", "Item that is made.", True, ("item", "sku")),
        Column("quantity_ordered", "quantity", "Units to make.", True, ("quantity", "qty"), minimum=0),
        Column("released_on", "date", "Day it was released to the shop floor.", True, ("start_date",)),
        Column("due_on", "date", "Day it is due.", aliases=("due_date",)),
        Column("completed_on", "date", "Day the last unit was done; empty while it is open.", aliases=("end_date",)),
        Column("quantity_completed", "quantity", "Units done so far.", aliases=("completed",), minimum=0),
        Column("quantity_scrapped", "quantity", "Units lost while making.", aliases=("scrapped",), minimum=0),
        _LOCATION,
        _UNIT,
    ),
    key=("order_id",),
    overlap="latest_version",
    business_day=None,
)

SUPPLY_PLANS = Contract(
    "supply_plans",
    "One row per item, location and day of planned supply; the version that landed last holds.",
    (
        _ITEM,
        Column("planned_on", "date", "Day the supply is planned for.", True, ("date", "period")),
        Column("quantity_planned", "quantity", "Units planned.", True, ("quantity", "qty"), minimum=0),
        _LOCATION,
        Column("supplier_code", "code", "Who delivers or makes it.", aliases=("supplier", "vendor")),
        _UNIT,
    ),
    key=("item_code", "location_code", "planned_on", "supplier_code"),
    overlap="latest_version",
    business_day=None,
)

DEMAND_ADJUSTMENTS = Contract(
    "demand_adjustments",
    "One row per planner's change of the forecast for an item and period; the version that landed last holds.",
    (
        _ITEM,
        Column("starts_on", "date", "First day of the period.", True, ("date", "period", "week")),
        Column("step", "text", "Who adjusts.", True, ("kind", "source"), choices=ADJUSTMENT_STEPS),
        Column("quantity", "quantity", "Units added to the period's forecast; negative takes away.", True, ("qty",)),
        _LOCATION,
        Column("ends_on", "date", "Last day of the period; the week's end where it is absent."),
        Column("cap", "quantity", "Most units of the period that the adjusted forecast may be.", minimum=0),
        Column("status", "text", "Whether it counts; approved where it is absent.", choices=ADJUSTMENT_STATUSES),
        Column("version", "number", "Number of the revision.", minimum=0),
        Column("made_by", "text", "Who decided.", aliases=("who", "author")),
        Column("reason", "text", "Why.", aliases=("why", "comment")),
    ),
    key=("item_code", "location_code", "starts_on", "step"),
    overlap="latest_version",
    business_day=None,
)

PROMOTIONS = Contract(
    "promotions",
    "One row per item and period on promotion, past or to come; the version that landed last holds.",
    (
        _ITEM,
        Column("starts_on", "date", "First day of the promotion.", True, ("start_date", "valid_from")),
        Column(
            "ends_on",
            "date",
            "Last day of the promotion; the first one where it is absent.",
            aliases=("end_date", "valid_to"),
        ),
        Column(
            "location_code",
            "code",
            "Shop, warehouse or channel of the promotion; every one of the item where it is absent.",
            aliases=("location",),
        ),
        Column("promotion", "text", "What people call it.", aliases=("name", "campaign")),
        Column("status", "text", "cancelled takes the promotion back; with any other, or none, it holds."),
    ),
    key=("item_code", "location_code", "starts_on"),
    overlap="latest_version",
    business_day=None,
)

CONTRACTS: dict[Dataset, Contract] = {
    contract.dataset: contract
    for contract in (
        SALES,
        STOCK,
        ITEMS,
        SUPPLIERS,
        PURCHASE_ORDERS,
        ITEM_ALIASES,
        BOMS,
        WORK_ORDERS,
        SUPPLY_PLANS,
        DEMAND_ADJUSTMENTS,
        PROMOTIONS,
    )
}
