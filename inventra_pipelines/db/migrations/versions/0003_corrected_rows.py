"""Which rejected row a corrected one takes the place of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column to `raw.sales`; what is loaded stays, what dbt makes of it is made anew by a backfill."""
    for schema in ("staging", "intermediate", "marts"):
        op.execute(f"drop schema if exists {schema} cascade")
        op.execute(f"create schema {schema}")
    op.add_column("sales", sa.Column("corrects_row", sa.Text()), schema="raw")
    op.create_index(
        "sales_corrections",
        "sales",
        ["tenant_id", "corrects_row"],
        schema="raw",
        postgresql_where=sa.text("corrects_row is not null"),
    )
