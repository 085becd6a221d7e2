"""Forecasts with ranges of sums, corrections, the model registry, accuracy by level, consensus and hierarchy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

_QUANTILES = ("q10", "q50", "q80", "q90", "q95", "q98")


def _text(name: str, *, required: bool = True) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=not required)


def _day(name: str, *, required: bool = True) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=not required)


def _whole(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _lag() -> sa.Column:
    return sa.Column("lag", sa.Integer(), nullable=False)


def _doubles(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Double(), nullable=True) for name in names]


def _create(name: str, *columns: sa.Column, key: tuple[str, ...]) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"{name}_pkey"), schema="forecast")


def upgrade() -> None:
    """Vintages stay; what is measured of them and selected for them has another shape, and is made anew."""
    for name in ("accuracy", "backtests", "models"):
        op.drop_table(name, schema="forecast")
    for column in (*_doubles(*(f"cumulative_{name}" for name in _QUANTILES)), _text("demand_class", required=False)):
        op.add_column("forecasts", column, schema="forecast")
    op.add_column(
        "runs", sa.Column("corrections", sa.BigInteger(), nullable=False, server_default="0"), schema="forecast"
    )
    op.alter_column("runs", "corrections", server_default=None, schema="forecast")
    op.add_column("runs", _day("selected_on", required=False), schema="forecast")
    _create_registry()
    _create_accuracy()
    _create_plans()


def _create_registry() -> None:
    _create(
        "corrections",
        *map(_text, ("tenant_id", "item_id", "location_id")),
        _day("cutoff_on"),
        _day("period_ends_on"),
        sa.Column("period_days", sa.Integer(), nullable=False),
        *_doubles("raw_units", "corrected_units"),
        _text("reason"),
        key=("tenant_id", "cutoff_on", "item_id", "location_id", "period_ends_on"),
    )
    _create(
        "models",
        _text("tenant_id"),
        _day("selected_on"),
        _text("demand_class"),
        _text("method"),
        *_doubles("score", "baseline_score"),
        _whole("series"),
        _whole("windows"),
        _text("reason"),
        sa.Column("candidates", postgresql.JSONB(), nullable=False),
        sa.Column("spread", postgresql.JSONB(), nullable=False),
        _text("data_fingerprint"),
        _text("engine_version"),
        _text("config_version"),
        key=("tenant_id", "selected_on", "demand_class"),
    )
    _create(
        "boosters",
        _text("tenant_id"),
        _day("selected_on"),
        _text("name"),
        _text("booster"),
        _whole("training_rows"),
        key=("tenant_id", "selected_on", "name"),
    )
    _create(
        "backtests",
        _text("tenant_id"),
        _day("selected_on"),
        _text("demand_class"),
        _text("method"),
        _whole("series"),
        _whole("windows"),
        *_doubles("rmsse", "mase", "wape", "bias", "coverage_80", "coverage_95", "scaled_crps"),
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        key=("tenant_id", "selected_on", "demand_class", "method"),
    )
    _create(
        "run_log",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(), nullable=False),
        _text("tenant_id"),
        _day("cutoff_on"),
        _text("run_id"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _text("state"),
        *_doubles("seconds"),
        sa.Column("items", sa.BigInteger()),
        sa.Column("fallbacks", sa.BigInteger()),
        _text("error", required=False),
        key=("entry_id",),
    )
    op.create_index("run_log_cutoff", "run_log", ["tenant_id", "cutoff_on"], unique=False, schema="forecast")


def _create_accuracy() -> None:
    _create(
        "accuracy",
        _text("tenant_id"),
        _day("as_of_on"),
        _text("level"),
        _text("node"),
        _lag(),
        _whole("forecasts"),
        *_doubles("actual_units", "wape", "bias", "mase", "rmsse", "scaled_crps", "coverage_80", "coverage_95"),
        *_doubles("tracking_signal", "baseline_wape", "forecast_value_added"),
        key=("tenant_id", "as_of_on", "level", "node", "lag"),
    )
    _create(
        "item_accuracy",
        *map(_text, ("tenant_id", "item_id", "location_id")),
        _day("as_of_on"),
        _text("demand_class", required=False),
        _whole("forecasts"),
        *_doubles("actual_units", "error_units", "wape", "bias", "mase", "rmsse", "tracking_signal"),
        *_doubles("baseline_wape", "forecast_value_added"),
        sa.Column("worst_rank", sa.Integer(), nullable=False),
        key=("tenant_id", "as_of_on", "item_id", "location_id"),
    )
    _create(
        "drift",
        _text("tenant_id"),
        _day("as_of_on"),
        _text("demand_class"),
        _whole("forecasts"),
        *_doubles("recent_error", "usual_error", "ratio", "tracking_signal"),
        sa.Column("is_drifting", sa.Boolean(), nullable=False),
        _text("reason"),
        key=("tenant_id", "as_of_on", "demand_class"),
    )


def _create_plans() -> None:
    _create(
        "consensus",
        *map(_text, ("tenant_id", "item_id", "location_id")),
        _day("cutoff_on"),
        _day("target_on"),
        _lag(),
        *_doubles("baseline", "sales", "marketing", "finance", "planner", "cap", "consensus"),
        key=("tenant_id", "cutoff_on", "item_id", "location_id", "lag"),
    )
    _create(
        "step_accuracy",
        _text("tenant_id"),
        _day("as_of_on"),
        _text("step"),
        _whole("forecasts"),
        *_doubles("actual_units", "wape_before", "wape_after", "value_added"),
        key=("tenant_id", "as_of_on", "step"),
    )
    _create(
        "hierarchy",
        _text("tenant_id"),
        _day("cutoff_on"),
        _text("level"),
        _text("node"),
        _day("target_on"),
        _lag(),
        *_doubles("mean", *_QUANTILES),
        _text("method"),
        key=("tenant_id", "cutoff_on", "level", "node", "lag"),
    )
