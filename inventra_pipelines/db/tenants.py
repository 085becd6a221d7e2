"""Tenants and the versions of their configuration, as results refer to them."""

from collections.abc import Iterable

import psycopg
from psycopg.types.json import Jsonb

from inventra_pipelines.domain.tenant import TenantConfig
from inventra_pipelines.errors import PermanentError

_TENANT = """
    insert into ops.tenants (
        tenant_id, name, time_zone, currency, item_code_case, item_code_pad_to, item_code_matches,
        item_code_replacements, service_item_patterns, cancellation_document_patterns, cancellation_window_days,
        repeated_lines, document_numbers, unit_factors, exchange_rates, is_stock_simulated, abc_thresholds,
        xyz_thresholds, analytics, planning, config_version
    )
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (tenant_id) do update set
        name = excluded.name,
        time_zone = excluded.time_zone,
        currency = excluded.currency,
        item_code_case = excluded.item_code_case,
        item_code_pad_to = excluded.item_code_pad_to,
        item_code_matches = excluded.item_code_matches,
        item_code_replacements = excluded.item_code_replacements,
        service_item_patterns = excluded.service_item_patterns,
        cancellation_document_patterns = excluded.cancellation_document_patterns,
        cancellation_window_days = excluded.cancellation_window_days,
        repeated_lines = excluded.repeated_lines,
        document_numbers = excluded.document_numbers,
        unit_factors = excluded.unit_factors,
        exchange_rates = excluded.exchange_rates,
        is_stock_simulated = excluded.is_stock_simulated,
        abc_thresholds = excluded.abc_thresholds,
        xyz_thresholds = excluded.xyz_thresholds,
        analytics = excluded.analytics,
        planning = excluded.planning,
        config_version = excluded.config_version
"""
_VERSION = """
    insert into ops.config_versions (tenant_id, config_version, config)
    values (%s, %s, %s)
    on conflict do nothing
"""


def _check_patterns(connection: psycopg.Connection, tenant: TenantConfig) -> None:
    """Try each pattern: the models use it on millions of rows, and would stop in the middle."""
    named = [
        *(("item_codes.patterns", rule.match) for rule in tenant.item_codes.patterns),
        *(("service_item_patterns", pattern) for pattern in tenant.service_item_patterns),
        *(("cancellation_document_patterns", pattern) for pattern in tenant.cancellation_document_patterns),
    ]
    for name, pattern in named:
        try:
            with connection.transaction():
                connection.execute("select '' ~ %s", (pattern,))
        except psycopg.DataError as error:
            raise PermanentError(
                f"tenant {tenant.tenant_id}, {name}: {pattern!r} is no pattern to Postgres"
                f" ({error.diag.message_primary})",
                "correct it in the tenant's file",
            ) from None


def record_tenants(connection: psycopg.Connection, tenants: Iterable[TenantConfig]) -> None:
    """Make `ops.tenants` say what the tenants' files say, and keep this version of each for good.

    Raises:
        PermanentError: A pattern of a tenant is none to Postgres.
    """
    with connection.cursor() as cursor:
        for tenant in sorted(tenants, key=lambda tenant: tenant.tenant_id):
            _check_patterns(connection, tenant)
            cursor.execute(
                _TENANT,
                (
                    tenant.tenant_id,
                    tenant.name,
                    tenant.time_zone,
                    tenant.currency,
                    tenant.item_codes.case,
                    tenant.item_codes.pad_to,
                    [rule.match for rule in tenant.item_codes.patterns],
                    [rule.replace for rule in tenant.item_codes.patterns],
                    tenant.service_item_patterns,
                    tenant.cancellation_document_patterns,
                    tenant.cancellation_window_days,
                    tenant.repeated_lines,
                    tenant.document_numbers,
                    Jsonb({unit.strip().lower(): str(factor) for unit, factor in tenant.unit_factors.items()}),
                    Jsonb({code: str(rate) for code, rate in tenant.exchange_rates.items()}),
                    tenant.is_stock_simulated,
                    list(tenant.abc_thresholds),
                    list(tenant.xyz_thresholds),
                    Jsonb(tenant.analytics.model_dump(mode="json")),
                    Jsonb(tenant.planning.model_dump(mode="json")),
                    tenant.config_version,
                ),
            )
            cursor.execute(_VERSION, (tenant.tenant_id, tenant.config_version, Jsonb(tenant.model_dump(mode="json"))))
