"""What the dbt models should make of raw sales, worked out once more by plain means.

Belongs here: line kinds by a loop over the lines of a group, KPIs of one day and classes of one Sunday by filters, all
from raw rows. The models are `dbt_project/`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

# All that a file says of a line.
_FILE_COLUMNS = (
    "sold_at",
    "item_code",
    "quantity",
    "unit_price",
    "document_id",
    "line_number",
    "location_code",
    "customer_code",
    "currency",
    "channel",
    "description",
    "promotion",
    "unit_of_measure",
)
# What makes it the same line in another file.
_LINE_COLUMNS = (
    "sold_at",
    "item_id",
    "quantity",
    "unit_price",
    "document_id",
    "line_number",
    "location_id",
    "customer_code",
    "currency",
    "channel",
    "unit_of_measure",
)
_ORDER = ("landed_on", "batch_id", "sheet", "row_number")

Row = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """A tenant's rules, its aliases (code -> item code and units per alias) and its items' own units."""

    patterns: tuple[tuple[str, str], ...] = ()
    pad_to: int = 0
    service: str = r"^(?!\d{5})"
    cancellation: str = r"^C\d"
    window_days: int = 30
    repeated_lines: str = "duplicate"
    document_numbers: str = "lasting"
    unit_factors: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def by_rules(self, code: str) -> str:
        """A code by patterns, upper case and padding."""
        code = code.strip()
        for match, replacement in self.patterns:
            code = re.sub(match, replacement, code, count=1)
        return code.upper().rjust(self.pad_to, "0")

    def item_of(self, code: str) -> tuple[str, Decimal | None]:
        """The item of a code, and units of it in one unit of the code where that is an alias that says so."""
        for alias, (target, factor) in self.aliases.items():
            if self.by_rules(alias) == self.by_rules(code):
                return self.by_rules(target), None if factor is None else Decimal(factor)
        return self.by_rules(code), None

    def factor_of(self, code: str, unit: str | None) -> Decimal | None:
        """Units of the item in one stated unit; None where nobody says."""
        item, of_alias = self.item_of(code)
        own = {self.by_rules(code): unit for code, unit in self.units.items()}
        if of_alias is not None:
            return of_alias
        if not unit or unit.lower() == own.get(item, "").lower():
            return Decimal(1)
        return Decimal(self.unit_factors[unit.lower()]) if unit.lower() in self.unit_factors else None


def line_kinds(
    sales: pl.DataFrame, rules: Rules | None = None, in_force: Mapping[str, date | None] | None = None
) -> pl.DataFrame:
    """The raw rows with `item_id`, `quantity` in units of it, `line_kind`, `revenue` and `counterpart_on`.

    Without rules, those of the gifts wholesaler. `in_force` are the landing days of batches on record, None
    of those that are superseded.
    """
    rules = rules or Rules()
    absent = [column for column in (*_FILE_COLUMNS, "corrects_row") if column not in sales.columns]
    rows = [{**dict.fromkeys(absent), **row} for row in sales.sort(_ORDER).to_dicts()]
    codes = {(row["item_code"], row["unit_of_measure"]) for row in rows}
    items = {code: rules.item_of(code)[0] for code, _ in codes}
    factors = {code: rules.factor_of(*code) for code in codes}
    services = {
        code for code, item in items.items() if re.search(rules.service, code) or re.search(rules.service, item)
    }
    for row in rows:
        row["item_id"] = items[row["item_code"]]
        row["location_id"] = (row["location_code"] or "").strip() or "main"
    repeats = _repeats(rows, rules, in_force or {})
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        factor = factors[row["item_code"], row["unit_of_measure"]]
        row["revenue"] = row["quantity"] * row["unit_price"]
        row["quantity"] = row["quantity"] * (factor or 1)
        row["counterpart_on"] = None
        if row["item_code"] in services:
            row["line_kind"] = "service"
        elif number in repeats:
            row["line_kind"] = repeats[number]
        elif factor is None:
            row["line_kind"] = "unconverted"
        else:
            negative, free = row["quantity"] < 0, row["unit_price"] <= 0
            row["line_kind"] = "adjustment" if free else "return" if negative else "sale"
            groups[row["item_id"], row["customer_code"], abs(row["quantity"])].append(row)
    for group in groups.values():
        _cancel(group, rules)
    added = {"item_id": pl.String, "line_kind": pl.String, "counterpart_on": pl.Date}
    schema = {**sales.schema, **added, "quantity": pl.Decimal(38, 4), "revenue": pl.Decimal(38, 4)}
    return pl.DataFrame(rows, schema=schema)


def _corrected(rows: list[Row], in_force: Mapping[str, date | None]) -> dict[int, str]:
    """Rows that a correction, or a later one, stands for, and corrections of files that are not in force any more."""
    last: dict[str, tuple[date, str]] = {}
    for row in rows:
        if row["corrects_row"] is not None:
            last[row["corrects_row"]] = (row["landed_on"], row["batch_id"])
    found = {}
    for number, row in enumerate(rows):
        place = f"{row['batch_id']}:{row['row_number']}:{row['sheet']}"
        batch = (row["landed_on"], row["batch_id"])
        of = row["corrects_row"]
        is_corrected = place in last and in_force.get(row["batch_id"], row["landed_on"]) is not None
        is_out = of is not None and of.split(":")[0] in in_force and in_force[of.split(":")[0]] is None
        if is_corrected or is_out or last.get(of, batch) > batch:
            found[number] = "superseded"
    return found


def _repeats(rows: list[Row], rules: Rules, in_force: Mapping[str, date | None]) -> dict[int, str]:
    """Which rows, by their place in the order of landing, are superseded or duplicate."""
    counts_once = rules.repeated_lines == "duplicate"
    found = _corrected(rows, in_force)
    versions: dict[tuple[Any, ...], int] = {}
    copies: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        key = (row["document_id"], row["line_number"], row["location_id"])
        if rules.document_numbers == "daily":
            key = (*key, row["sold_on"])
        if number in found:
            continue
        if None in key:
            copies[tuple(row[column] for column in _LINE_COLUMNS)].append(number)
            continue
        if key in versions:
            found[versions[key]] = "superseded"
        versions[key] = number
    for numbers in copies.values():
        counted: Counter[Any] = Counter()
        kept, seen = 0, set()
        for number in numbers:
            row = rows[number]
            file, landed_on = (row["batch_id"], row["sheet"]), row["landed_on"]
            if row["corrects_row"] is not None:
                batch_id, _, sheet = row["corrects_row"].split(":", 2)
                file, landed_on = (batch_id, sheet), in_force.get(batch_id) or landed_on
            source = landed_on if row["document_id"] is None else (landed_on, file)
            in_file = (*file, *(row[column] for column in _FILE_COLUMNS))
            if counts_once and in_file in seen:
                found[number] = "duplicate"
                continue
            seen.add(in_file)
            counted[source] += 1
            if counted[source] > kept:
                kept = counted[source]
            else:
                found[number] = "duplicate"
    return found


def _cancel(group: list[Row], rules: Rules) -> None:
    """Let each cancellation of a group take back the last sale that is open, unless that is too old."""
    open_sales: list[Row] = []
    for row in sorted(group, key=lambda row: (row["sold_at"], row["quantity"] < 0)):
        if row["quantity"] > 0:
            open_sales.append(row)
        elif row["quantity"] < 0 and re.search(rules.cancellation, row["document_id"] or "") and open_sales:
            sale = open_sales[-1]
            if (row["sold_on"] - sale["sold_on"]).days <= rules.window_days:
                open_sales.pop()
                row["line_kind"] = sale["line_kind"] = "cancelled"
                row["counterpart_on"], sale["counterpart_on"] = sale["sold_on"], row["sold_on"]


def kpis_of(lines: pl.DataFrame, stock: pl.DataFrame, day: date) -> dict[str, Any]:
    """The KPIs of one day that follow from sale and return lines and from counts."""

    def between(first: int, last: int, kind: str = "sale") -> pl.DataFrame:
        days = pl.col("sold_on").is_between(day - timedelta(days=first), day - timedelta(days=last))
        return lines.filter(days & (pl.col("line_kind") == kind))

    four_weeks, ever = between(27, 0), between(100_000, 0)
    in_force = (
        stock.filter(pl.col("counted_on") <= day)
        .sort("counted_on")
        .group_by(pl.col("item_code").str.to_uppercase().alias("item_id"))
        .last()
        .with_columns((pl.col("quantity_on_hand") * pl.col("unit_cost")).cast(pl.Decimal(38, 4)).alias("value"))
    )
    on_hand = in_force.filter(pl.col("quantity_on_hand") > 0)
    dead = on_hand.join(between(89, 0), on="item_id", how="anti")
    return {
        "revenue_day": between(0, 0)["revenue"].sum(),
        "revenue_7d": between(6, 0)["revenue"].sum(),
        "revenue_28d": four_weeks["revenue"].sum(),
        "revenue_previous_28d": between(55, 28)["revenue"].sum()
        if ever["sold_on"].min() <= day - timedelta(55)
        else None,
        "revenue_mtd": between(day.day - 1, 0)["revenue"].sum(),
        "units_28d": four_weeks["quantity"].sum(),
        "orders_7d": between(6, 0)["document_id"].n_unique(),
        "orders_28d": four_weeks["document_id"].n_unique(),
        "active_customers_28d": four_weeks["customer_code"].drop_nulls().n_unique(),
        "returns_value_28d": -between(27, 0, "return")["revenue"].sum(),
        "items_sold_28d": four_weeks["item_id"].n_unique(),
        "last_sold_on": ever["sold_on"].max(),
        "stock_value": in_force["value"].sum(),
        "stock_units": in_force["quantity_on_hand"].sum(),
        "items_in_stock": on_hand.height,
        "items_out_of_stock": in_force.height - on_hand.height,
        "items_dead": dead.height,
        "dead_stock_value": dead["value"].sum(),
        "last_counted_on": in_force["counted_on"].max(),
    }


def classes_of(lines: pl.DataFrame, sunday: date) -> dict[str, dict[str, Any]]:
    """Classes of each item sold up to a Sunday, by item."""
    sales = lines.filter((pl.col("line_kind") == "sale") & (pl.col("sold_on") <= sunday))
    found: dict[str, dict[str, Any]] = {}
    for (item_id,), rows in sales.group_by("item_id"):
        first = rows["sold_on"].min()
        span = (sunday - first).days // 7 + 1
        weeks = [0.0] * min(span, 52)
        year = rows.filter(pl.col("sold_on") > sunday - timedelta(days=364))
        for sold_on, quantity in year.select("sold_on", pl.col("quantity").cast(pl.Float64)).iter_rows():
            weeks[(sunday - sold_on).days // 7] += quantity
        found[item_id] = {
            "revenue": year["revenue"].sum(),
            "xyz_class": _xyz(weeks),
            "demand_class": _demand(weeks, span),
        }
    total, before = sum(item["revenue"] for item in found.values()), 0
    for item_id in sorted(found, key=lambda each: (-found[each]["revenue"], each)):
        share = float(before) / float(total)
        found[item_id]["abc_class"] = "A" if share < 0.8 else "B" if share < 0.95 else "C"
        before += found[item_id]["revenue"]
    return found


def _spread(values: list[float]) -> float | None:
    """Coefficient of variation, of the sample."""
    mean = sum(values) / len(values) if values else 0.0
    if len(values) < 2 or mean == 0:
        return None
    return (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5 / mean


def _xyz(weeks: list[float]) -> str:
    spread = _spread(weeks)
    return "Z" if spread is None or spread > 1.0 else "X" if spread <= 0.5 else "Y"


def _demand(weeks: list[float], span: int) -> str:
    sizes = [units for units in weeks if units > 0]
    if not any(weeks[:26]):
        return "dormant"
    if span < 8:
        return "new"
    is_rare, is_varied = len(weeks) / len(sizes) >= 1.32, (_spread(sizes) or 0.0) ** 2 >= 0.49
    return {(0, 0): "smooth", (0, 1): "erratic", (1, 0): "intermittent", (1, 1): "lumpy"}[is_rare, is_varied]
