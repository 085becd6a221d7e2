"""Rows of promotions files."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table; what is loaded and what was made of it stays."""
    op.create_table(
        "promotions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("landed_on", sa.Date(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("location_code", sa.Text()),
        sa.Column("promotion", sa.Text()),
        sa.Column("status", sa.Text()),
        sa.PrimaryKeyConstraint("batch_id", "row_number", "sheet", name="promotions_pkey"),
        schema="raw",
    )
    op.create_index("promotions_landing", "promotions", ["tenant_id", "landed_on"], schema="raw")
