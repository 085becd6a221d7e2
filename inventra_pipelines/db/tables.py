"""The tables that Python owns, declared once; Alembic migrations create them, never `create_all`.

Belongs here: table and index declarations. The raw tables follow from `domain/contracts.py`; `staging`, `intermediate`
and `marts` belong to the dbt project. Every table with tenants' data carries `tenant_id`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from inventra_pipelines.domain.contracts import CONTRACTS, ColumnType, Contract

SCHEMAS = ("ops", "raw", "staging", "intermediate", "marts", "forecast", "planning", "alerts", "reports")

metadata = MetaData()

_SQL_TYPES: dict[ColumnType, TypeEngine] = {
    "code": Text(),
    "text": Text(),
    "quantity": Numeric(18, 4),
    "money": Numeric(18, 4),
    "ratio": Numeric(18, 4),
    "days": Integer(),
    "number": Integer(),
    "date": Date(),
    "timestamp": DateTime(timezone=True),
}


def _text(name: str, *, required: bool = True) -> Column:
    return Column(name, Text, nullable=not required)


def _day(name: str, *, required: bool = True) -> Column:
    return Column(name, Date, nullable=not required)


def _whole(name: str) -> Column:
    return Column(name, BigInteger, nullable=False)


def _doubles(*names: str) -> list[Column]:
    return [Column(name, Double) for name in names]


def _moneys(*names: str) -> list[Column]:
    # Products of what files hold: wide enough for a barcode that stands where a quantity should.
    return [Column(name, Numeric(38, 4)) for name in names]


def _table(schema: str, name: str, *columns: Column, key: tuple[str, ...]) -> Table:
    return Table(name, metadata, *columns, PrimaryKeyConstraint(*key, name=f"{name}_pkey"), schema=schema)


def _raw_table(contract: Contract) -> Table:
    columns = (
        _text("tenant_id"),
        _day("landed_on"),
        _text("batch_id"),
        _text("sheet"),
        Column("row_number", Integer, nullable=False),
        *(
            Column(column.name, _SQL_TYPES[column.type], nullable=not column.required)
            for column in contract.table_columns
        ),
    )
    if contract.key:
        # The row number tells most rows of a batch apart, and is compared faster than a text.
        table = _table("raw", contract.dataset, *columns, key=("batch_id", "row_number", "sheet"))
    else:
        # Rows that may repeat are too many for a tree: it would take as long as they do. What makes them lines has one.
        table = Table(contract.dataset, metadata, *columns, schema="raw")
    if contract.business_day:
        # Rows lie in the order in which they landed, those of a batch in the order of their business day: a range of
        # blocks for each is index enough, and costs a fiftieth of a tree.
        Index(
            f"{contract.dataset}_days",
            table.c.tenant_id,
            table.c.landed_on,
            table.c[contract.business_day],
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        )
    else:
        Index(f"{contract.dataset}_landing", table.c.tenant_id, table.c.landed_on)
    return table


tenants = _table(
    "ops",
    "tenants",
    _text("tenant_id"),
    _text("name"),
    _text("time_zone"),
    _text("currency"),
    _text("item_code_case"),
    Column("item_code_pad_to", Integer),
    # A rule each: what is replaced, and by what.
    Column("item_code_matches", ARRAY(Text), nullable=False),
    Column("item_code_replacements", ARRAY(Text), nullable=False),
    Column("service_item_patterns", ARRAY(Text), nullable=False),
    Column("cancellation_document_patterns", ARRAY(Text), nullable=False),
    Column("cancellation_window_days", Integer, nullable=False),
    _text("repeated_lines"),
    _text("document_numbers"),
    # Unit of measure -> units of the item in one of it.
    Column("unit_factors", JSONB, nullable=False),
    # ISO code -> the tenant's currency for one unit of it.
    Column("exchange_rates", JSONB, nullable=False),
    Column("is_stock_simulated", Boolean, nullable=False),
    Column("abc_thresholds", ARRAY(Double), nullable=False),
    Column("xyz_thresholds", ARRAY(Double), nullable=False),
    # As the tenant's file has them, defaults filled in.
    Column("analytics", JSONB, nullable=False),
    Column("planning", JSONB, nullable=False),
    _text("config_version"),
    key=("tenant_id",),
)
config_versions = _table(
    "ops",
    "config_versions",
    _text("tenant_id"),
    _text("config_version"),
    Column("config", JSONB, nullable=False),
    key=("tenant_id", "config_version"),
)
load_manifest = _table(
    "ops",
    "load_manifest",
    _text("table_name"),
    _text("tenant_id"),
    _day("window_first"),
    _day("window_last"),
    _text("run_id"),
    _whole("rows"),
    _text("checksum"),
    Column("loaded_at", DateTime(timezone=True), nullable=False),
    key=("table_name", "tenant_id", "window_first", "window_last"),
)

batches = _table(
    "raw",
    "batches",
    _text("batch_id"),
    _text("tenant_id"),
    _text("dataset"),
    _day("landed_on"),
    _text("file_name"),
    _text("sha256"),
    _text("state"),
    _whole("rows_read"),
    _whole("rows_accepted"),
    _whole("rows_rejected"),
    _whole("rows_passed_over"),
    _whole("bytes"),
    _text("config_version"),
    _text("reader_version"),
    _text("message", required=False),
    key=("batch_id",),
)
Index("batches_landing", batches.c.tenant_id, batches.c.landed_on)
Index("batches_content", batches.c.sha256)
batch_days = _table(
    "raw",
    "batch_days",
    _text("tenant_id"),
    _text("batch_id"),
    _text("dataset"),
    _day("landed_on"),
    _day("business_on"),
    _whole("rows"),
    key=("batch_id", "dataset", "business_on"),
)
rejects = _table(
    "raw",
    "rejects",
    _text("tenant_id"),
    _day("landed_on"),
    _text("batch_id"),
    _text("file_name"),
    _text("sheet"),
    Column("row_number", Integer, nullable=False),
    _text("column_name"),
    _text("raw_value", required=False),
    _text("reason_code"),
    _text("message"),
    _text("hint"),
    key=("batch_id", "row_number", "sheet", "column_name"),
)
Index("rejects_landing", rejects.c.tenant_id, rejects.c.landed_on)
batch_releases = _table("raw", "batch_releases", _text("tenant_id"), _text("batch_id"), key=("batch_id",))
raw = {dataset: _raw_table(contract) for dataset, contract in CONTRACTS.items()}
Index(
    "sales_document_line",
    raw["sales"].c.tenant_id,
    raw["sales"].c.document_id,
    raw["sales"].c.line_number,
    postgresql_where=raw["sales"].c.line_number.is_not(None),
)
Index(
    "sales_corrections",
    raw["sales"].c.tenant_id,
    raw["sales"].c.corrects_row,
    postgresql_where=raw["sales"].c.corrects_row.is_not(None),
)
# The versions of an order, wherever in time they landed.
Index(
    "purchase_orders_line",
    raw["purchase_orders"].c.tenant_id,
    raw["purchase_orders"].c.order_id,
    raw["purchase_orders"].c.line_number,
)
Index("work_orders_order", raw["work_orders"].c.tenant_id, raw["work_orders"].c.order_id)
Index("batch_days_landing", batch_days.c.tenant_id, batch_days.c.landed_on)
batch_log = _table(
    "ops",
    "batch_log",
    Column("entry_id", BigInteger, Identity(), nullable=False),
    _text("tenant_id"),
    _text("batch_id"),
    Column("at", DateTime(timezone=True), nullable=False),
    _text("actor"),
    _text("run_id"),
    _text("state"),
    _whole("rows_accepted"),
    _whole("rows_rejected"),
    _text("config_version"),
    _text("message", required=False),
    key=("entry_id",),
)
Index("batch_log_batch", batch_log.c.batch_id)

_ITEM_KEY = ("tenant_id", "item_id", "location_id")
_QUANTILES = ("q10", "q50", "q80", "q90", "q95", "q98")

forecasts = _table(
    "forecast",
    "forecasts",
    *map(_text, _ITEM_KEY),
    _day("cutoff_on"),
    _day("target_on"),
    Column("lag", Integer, nullable=False),
    *_doubles("mean", *_QUANTILES, "baseline", "cumulative_mean", "cumulative_std"),
    # Of the sum over the lags up to this one.
    *_doubles(*(f"cumulative_{name}" for name in _QUANTILES)),
    _text("demand_class", required=False),
    _text("model_used"),
    _text("fallback_reason", required=False),
    _text("run_id"),
    _text("config_version"),
    key=("tenant_id", "cutoff_on", "item_id", "location_id", "lag"),
)
Index("forecasts_target", forecasts.c.tenant_id, forecasts.c.target_on)
# Periods that a vintage does not read as they were sold.
corrections = _table(
    "forecast",
    "corrections",
    *map(_text, _ITEM_KEY),
    _day("cutoff_on"),
    _day("period_ends_on"),
    Column("period_days", Integer, nullable=False),
    *_doubles("raw_units", "corrected_units"),
    _text("reason"),
    key=("tenant_id", "cutoff_on", "item_id", "location_id", "period_ends_on"),
)
# The model registry: what each class is forecast by from a day on, and how far its errors spread.
models = _table(
    "forecast",
    "models",
    _text("tenant_id"),
    _day("selected_on"),
    _text("demand_class"),
    _text("method"),
    *_doubles("score", "baseline_score"),
    _whole("series"),
    _whole("windows"),
    _text("reason"),
    # Method -> its score on the same windows.
    Column("candidates", JSONB, nullable=False),
    # Quantiles of scaled errors by lag, of single lags and of sums.
    Column("spread", JSONB, nullable=False),
    _text("data_fingerprint"),
    _text("engine_version"),
    _text("config_version"),
    key=("tenant_id", "selected_on", "demand_class"),
)
# The pooled model of a selection, as its library writes it.
boosters = _table(
    "forecast",
    "boosters",
    _text("tenant_id"),
    _day("selected_on"),
    _text("name"),
    _text("booster"),
    _whole("training_rows"),
    key=("tenant_id", "selected_on", "name"),
)
backtests = _table(
    "forecast",
    "backtests",
    _text("tenant_id"),
    _day("selected_on"),
    _text("demand_class"),
    _text("method"),
    _whole("series"),
    _whole("windows"),
    *_doubles("rmsse", "mase", "wape", "bias", "coverage_80", "coverage_95", "scaled_crps"),
    Column("is_chosen", Boolean, nullable=False),
    key=("tenant_id", "selected_on", "demand_class", "method"),
)
runs = _table(
    "forecast",
    "runs",
    _text("run_id"),
    _text("tenant_id"),
    _day("cutoff_on"),
    _text("state"),
    _whole("items"),
    _whole("fallbacks"),
    _whole("corrections"),
    Column("horizon_weeks", Integer, nullable=False),
    _day("selected_on", required=False),
    _text("data_fingerprint"),
    _text("message", required=False),
    _text("config_version"),
    key=("tenant_id", "cutoff_on"),
)
# How each attempt at a vintage went; the one table of the schema that tells the time.
run_log = _table(
    "forecast",
    "run_log",
    Column("entry_id", BigInteger, Identity(), nullable=False),
    _text("tenant_id"),
    _day("cutoff_on"),
    _text("run_id"),
    Column("at", DateTime(timezone=True), nullable=False),
    # queued, running, completed, failed
    _text("state"),
    *_doubles("seconds"),
    Column("items", BigInteger),
    Column("fallbacks", BigInteger),
    _text("error", required=False),
    key=("entry_id",),
)
Index("run_log_cutoff", run_log.c.tenant_id, run_log.c.cutoff_on)
# By level (tenant, class, category, location) and node (its name), and lag.
accuracy = _table(
    "forecast",
    "accuracy",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("level"),
    _text("node"),
    Column("lag", Integer, nullable=False),
    _whole("forecasts"),
    *_doubles("actual_units", "wape", "bias", "mase", "rmsse", "scaled_crps", "coverage_80", "coverage_95"),
    *_doubles("tracking_signal", "baseline_wape", "forecast_value_added"),
    key=("tenant_id", "as_of_on", "level", "node", "lag"),
)
item_accuracy = _table(
    "forecast",
    "item_accuracy",
    *map(_text, _ITEM_KEY),
    _day("as_of_on"),
    _text("demand_class", required=False),
    _whole("forecasts"),
    *_doubles("actual_units", "error_units", "wape", "bias", "mase", "rmsse", "tracking_signal"),
    *_doubles("baseline_wape", "forecast_value_added"),
    # 1 is the item and location whose forecasts missed by most units.
    Column("worst_rank", Integer, nullable=False),
    key=("tenant_id", "as_of_on", "item_id", "location_id"),
)
drift = _table(
    "forecast",
    "drift",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("demand_class"),
    _whole("forecasts"),
    *_doubles("recent_error", "usual_error", "ratio", "tracking_signal"),
    Column("is_drifting", Boolean, nullable=False),
    _text("reason"),
    key=("tenant_id", "as_of_on", "demand_class"),
)
# Forecasts that planners changed: the engine's mean, what each step adds, and what is planned with.
consensus = _table(
    "forecast",
    "consensus",
    *map(_text, _ITEM_KEY),
    _day("cutoff_on"),
    _day("target_on"),
    Column("lag", Integer, nullable=False),
    *_doubles("baseline", "sales", "marketing", "finance", "planner", "cap", "consensus"),
    key=("tenant_id", "cutoff_on", "item_id", "location_id", "lag"),
)
step_accuracy = _table(
    "forecast",
    "step_accuracy",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("step"),
    _whole("forecasts"),
    *_doubles("actual_units", "wape_before", "wape_after", "value_added"),
    key=("tenant_id", "as_of_on", "step"),
)
# The same forecasts added up: by category, location and tenant.
hierarchy = _table(
    "forecast",
    "hierarchy",
    _text("tenant_id"),
    _day("cutoff_on"),
    _text("level"),
    _text("node"),
    _day("target_on"),
    Column("lag", Integer, nullable=False),
    *_doubles("mean", *_QUANTILES),
    _text("method"),
    key=("tenant_id", "cutoff_on", "level", "node", "lag"),
)

proposals = _table(
    "planning",
    "proposals",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("item_id"),
    _text("location_id"),
    _text("supplier_code", required=False),
    _text("abc_class", required=False),
    *_doubles("on_hand", "reserved", "on_order", "available"),
    *_moneys("unit_cost", "unit_price"),
    *(Column(name, Integer) for name in ("lead_time_days", "review_days")),
    *_doubles(
        "service_level",
        "demand_mean_weekly",
        "demand_over_protection",
        "demand_std_over_protection",
        "safety_stock",
        "reorder_point",
        "order_up_to",
        "quantity_proposed",
    ),
    *_moneys("order_value"),
    _day("stock_out_on", required=False),
    *_doubles("days_of_cover", "excess_units"),
    *_moneys("excess_value", "money_at_risk"),
    _text("status"),
    _text("reason"),
    Column("is_stock_simulated", Boolean, nullable=False),
    _day("forecast_cutoff_on", required=False),
    _text("config_version"),
    key=("tenant_id", "as_of_on", "item_id", "location_id"),
)

anomalies = _table(
    "alerts",
    "anomalies",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("item_id"),
    _text("kind"),
    *_doubles("observed", "expected", "score"),
    _text("direction"),
    *_moneys("money_at_risk"),
    _text("message"),
    key=("tenant_id", "as_of_on", "kind", "item_id"),
)
conditions = _table(
    "alerts",
    "conditions",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("kind"),
    _text("item_id"),
    _text("severity"),
    *_moneys("money_at_risk"),
    _text("message"),
    key=("tenant_id", "as_of_on", "kind", "item_id"),
)
evaluations = _table("alerts", "evaluations", _text("tenant_id"), _day("as_of_on"), key=("tenant_id", "as_of_on"))
alerts = _table(
    "alerts",
    "alerts",
    _text("alert_id"),
    _text("tenant_id"),
    _text("kind"),
    _text("item_id"),
    _text("severity"),
    _text("state"),
    _day("opened_on"),
    _day("last_seen_on"),
    _day("resolved_on", required=False),
    *_moneys("money_at_risk"),
    _text("message"),
    key=("alert_id",),
)
Index(
    "alerts_one_open",
    alerts.c.tenant_id,
    alerts.c.item_id,
    alerts.c.kind,
    unique=True,
    postgresql_where=alerts.c.resolved_on.is_(None),
)
deliveries = _table(
    "alerts",
    "deliveries",
    _text("tenant_id"),
    _day("as_of_on"),
    _text("channel"),
    _text("recipient"),
    _text("digest"),
    _text("subject"),
    _text("body"),
    _text("state"),
    Column("attempts", Integer, nullable=False),
    _text("error", required=False),
    key=("tenant_id", "as_of_on", "channel", "recipient"),
)

artifacts = _table(
    "reports",
    "artifacts",
    _text("tenant_id"),
    _day("day"),
    _text("report"),
    _text("file_name"),
    _text("path"),
    _text("sha256"),
    _whole("bytes"),
    key=("tenant_id", "day", "report"),
)
