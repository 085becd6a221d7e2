"""Rows of `raw` by batch, the datasets of makers and planners, and what is recorded of a batch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_DATASETS = {
    "item_aliases": (("alias_code", "text!"), ("item_code", "text!"), ("quantity_factor", "exact")),
    "boms": (
        ("parent_item_code", "text!"),
        ("component_item_code", "text!"),
        ("quantity_per", "exact!"),
        ("scrap_rate", "exact"),
        ("valid_from", "date"),
        ("valid_to", "date"),
        ("unit_of_measure", "text"),
    ),
    "work_orders": (
        ("order_id", "text!"),
        ("item_code", "text!"),
        ("quantity_ordered", "exact!"),
        ("released_on", "date!"),
        ("due_on", "date"),
        ("completed_on", "date"),
        ("quantity_completed", "exact"),
        ("quantity_scrapped", "exact"),
        ("location_code", "text"),
        ("unit_of_measure", "text"),
    ),
    "supply_plans": (
        ("item_code", "text!"),
        ("planned_on", "date!"),
        ("quantity_planned", "exact!"),
        ("location_code", "text"),
        ("supplier_code", "text"),
        ("unit_of_measure", "text"),
    ),
    "demand_adjustments": (
        ("item_code", "text!"),
        ("starts_on", "date!"),
        ("step", "text!"),
        ("quantity", "exact!"),
        ("location_code", "text"),
        ("ends_on", "date"),
        ("cap", "exact"),
        ("status", "text"),
        ("version", "whole"),
        ("made_by", "text"),
        ("reason", "text"),
    ),
}
_TYPES: dict[str, sa.types.TypeEngine] = {
    "text": sa.Text(),
    "exact": sa.Numeric(18, 4),
    "date": sa.Date(),
    "whole": sa.Integer(),
}
# Quantity times price may be wider than either.
_PRODUCTS = (
    ("planning", "proposals", ("unit_cost", "unit_price", "order_value", "excess_value", "money_at_risk")),
    ("alerts", "anomalies", ("money_at_risk",)),
    ("alerts", "conditions", ("money_at_risk",)),
    ("alerts", "alerts", ("money_at_risk",)),
)
_DATED = {"sales": "sold_on", "stock": "counted_on", "purchase_orders": "ordered_on"}
_UNDATED = ("items", "suppliers", *_DATASETS)


def upgrade() -> None:
    """Change the tables of `raw` and `ops`; what is loaded stays, what dbt makes of it is made anew by a backfill."""
    for schema in ("staging", "intermediate", "marts"):
        op.execute(f"drop schema if exists {schema} cascade")
        op.execute(f"create schema {schema}")
    for column, kind, default in (
        ("item_code_matches", postgresql.ARRAY(sa.Text()), "'{}'"),
        ("item_code_replacements", postgresql.ARRAY(sa.Text()), "'{}'"),
        ("cancellation_window_days", sa.Integer(), "30"),
        ("repeated_lines", sa.Text(), "'sale'"),
        ("document_numbers", sa.Text(), "'lasting'"),
        ("unit_factors", postgresql.JSONB(), "'{}'"),
    ):
        _add("tenants", column, kind, default, schema="ops")
    _add("batches", "rows_passed_over", sa.BigInteger(), "0")
    # No version of the reader has this name: what was loaded before is read again when its day is.
    _add("batches", "reader_version", sa.Text(), "''")
    _add("rejects", "hint", sa.Text(), "''")
    for dataset in ("sales", "stock", "purchase_orders"):
        op.add_column(dataset, sa.Column("unit_of_measure", sa.Text()), schema="raw")

    # Ids sort by arrival from now on; of those there are, nobody knows in which order they came.
    for table in ("batches", "batch_days", "rejects", "sales", "stock", "items", "suppliers", "purchase_orders"):
        op.execute(f"update raw.{table} set batch_id = '0000-' || batch_id")

    for product_schema, product_table, products in _PRODUCTS:
        for product in products:
            op.alter_column(product_table, product, type_=sa.Numeric(38, 4), schema=product_schema)

    op.drop_constraint("sales_pkey", "sales", schema="raw")
    for table in ("stock", "items", "suppliers", "purchase_orders"):
        _key(table, "batch_id", "row_number", "sheet")
    _key("rejects", "batch_id", "row_number", "sheet", "column_name")
    _key("batch_days", "batch_id", "dataset", "business_on")
    op.create_index("rejects_landing", "rejects", ["tenant_id", "landed_on"], schema="raw")
    op.create_index("batch_days_landing", "batch_days", ["tenant_id", "landed_on"], schema="raw")

    for dataset, columns in _DATASETS.items():
        op.create_table(
            dataset,
            sa.Column("tenant_id", sa.Text(), nullable=False),
            sa.Column("landed_on", sa.Date(), nullable=False),
            sa.Column("batch_id", sa.Text(), nullable=False),
            sa.Column("sheet", sa.Text(), nullable=False),
            sa.Column("row_number", sa.Integer(), nullable=False),
            *(sa.Column(name, _TYPES[kind.rstrip("!")], nullable=not kind.endswith("!")) for name, kind in columns),
            sa.PrimaryKeyConstraint("batch_id", "row_number", "sheet", name=f"{dataset}_pkey"),
            schema="raw",
        )
    for dataset, column in _DATED.items():
        op.drop_index(f"{dataset}_business_day", dataset, schema="raw")
        op.create_index(
            f"{dataset}_days",
            dataset,
            ["tenant_id", "landed_on", column],
            schema="raw",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        )
    for dataset in _UNDATED:
        op.create_index(f"{dataset}_landing", dataset, ["tenant_id", "landed_on"], schema="raw")
    op.create_index("purchase_orders_line", "purchase_orders", ["tenant_id", "order_id", "line_number"], schema="raw")
    op.create_index("work_orders_order", "work_orders", ["tenant_id", "order_id"], schema="raw")
    op.create_index(
        "sales_document_line",
        "sales",
        ["tenant_id", "document_id", "line_number"],
        schema="raw",
        postgresql_where=sa.text("line_number is not null"),
    )
    op.create_table(
        "batch_releases",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name="batch_releases_pkey"),
        schema="raw",
    )
    op.create_table(
        "batch_log",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows_accepted", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column("config_version", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.PrimaryKeyConstraint("entry_id", name="batch_log_pkey"),
        schema="ops",
    )
    op.create_index("batch_log_batch", "batch_log", ["batch_id"], schema="ops")


def _add(table: str, column: str, kind: sa.types.TypeEngine, default: str, schema: str = "raw") -> None:
    """A required column, with a value for the rows that there are."""
    op.add_column(table, sa.Column(column, kind, nullable=False, server_default=sa.text(default)), schema=schema)
    op.alter_column(table, column, server_default=None, schema=schema)


def _key(table: str, *columns: str) -> None:
    op.drop_constraint(f"{table}_pkey", table, schema="raw")
    op.create_primary_key(f"{table}_pkey", table, list(columns), schema="raw")
