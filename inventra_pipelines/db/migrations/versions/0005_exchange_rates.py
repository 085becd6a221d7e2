"""What a unit of another currency is worth in the tenant's."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the setting; what is loaded stays, what dbt makes of it is made anew by a backfill."""
    for schema in ("staging", "intermediate", "marts"):
        op.execute(f"drop schema if exists {schema} cascade")
        op.execute(f"create schema {schema}")
    op.add_column(
        "tenants",
        sa.Column("exchange_rates", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
        schema="ops",
    )
    op.alter_column("tenants", "exchange_rates", server_default=None, schema="ops")
