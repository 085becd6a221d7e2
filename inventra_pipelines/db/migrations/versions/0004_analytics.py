"""What tenants decide about their key figures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the settings, which the next run takes from the tenants' files; a backfill makes the marts anew."""
    op.execute("drop schema if exists marts cascade")
    op.execute("create schema marts")
    for name in ("analytics", "planning"):
        op.add_column(
            "tenants",
            sa.Column(name, postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
            schema="ops",
        )
        op.alter_column("tenants", name, server_default=None, schema="ops")
