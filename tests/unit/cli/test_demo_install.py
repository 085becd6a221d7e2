"""The demo makes itself at home only where nobody else is."""

from pathlib import Path

import pytest

from inventra_pipelines.cli.demo import _SETTINGS_FILE, TENANTS, _install
from inventra_pipelines.errors import PermanentError
from inventra_pipelines.settings import get_settings
from inventra_pipelines.tenants import load_tenants


def test_the_demo_brings_its_tenants_and_its_calendar_and_may_come_again(fresh_settings: Path):
    for _ in range(2):
        _install(get_settings())
    assert list(load_tenants(fresh_settings / "tenants")) == list(TENANTS)
    get_settings.cache_clear()
    assert str(get_settings().first_day) == "2010-12-01"


def test_the_demo_leaves_another_installation_alone(fresh_settings: Path):
    (fresh_settings / "tenants").mkdir(parents=True)
    (fresh_settings / "tenants" / "mine.yaml").write_text("tenant_id: mine\nname: Mine\n")
    with pytest.raises(PermanentError, match=r"mine.*INVENTRA_HOME"):
        _install(get_settings())
    (fresh_settings / "tenants" / "mine.yaml").unlink()
    (fresh_settings / "settings.env").write_text("INVENTRA_WORKERS=4\n")
    with pytest.raises(PermanentError, match=r"settings\.env"):
        _install(get_settings())
    assert (fresh_settings / "settings.env").read_text() != _SETTINGS_FILE
