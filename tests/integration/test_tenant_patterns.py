"""A tenant's patterns are tried where they are recorded, before a model uses one on millions of rows."""

import psycopg
import pytest

from inventra_pipelines.db.tenants import record_tenants
from inventra_pipelines.domain.tenant import CodePattern, ItemCodes, TenantConfig
from inventra_pipelines.errors import PermanentError


def test_a_pattern_that_is_none_to_postgres_is_refused_with_its_setting(connection: psycopg.Connection):
    # Python takes flags for a part of a pattern, Postgres for all of it or none.
    tenant = TenantConfig(tenant_id="shop", name="Shop", service_item_patterns=["^FEE", "(?i:post)"])
    with pytest.raises(
        PermanentError, match=r"tenant shop, service_item_patterns: '\(\?i:post\)' is no pattern"
    ) as caught:
        record_tenants(connection, [tenant])
    assert "\n" not in str(caught.value)
    assert connection.execute("select count(*) from ops.tenants where tenant_id = 'shop'").fetchone() == (0,)


def test_patterns_of_both_are_recorded(connection: psycopg.Connection):
    codes = ItemCodes(patterns=[CodePattern(match=r"^shop-(\w+)$", replace=r"\1")])
    tenant = TenantConfig(tenant_id="shop", name="Shop", service_item_patterns=["^FEE"], item_codes=codes)
    record_tenants(connection, [tenant])
    row = connection.execute("select item_code_matches, service_item_patterns from ops.tenants").fetchone()
    assert row == ([r"^shop-(\w+)$"], ["^FEE"])
