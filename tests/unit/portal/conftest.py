"""The site that most tests here visit."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from inventra_pipelines.portal.app import create_app
from inventra_pipelines.portal.tokens import TokenBook
from tests.unit.portal.memory_site import MemoryStore, Site


@pytest.fixture
def make_site(tmp_path: Path) -> Callable[..., Site]:
    def make(**options: object) -> Site:
        seconds = [1000.0]
        folder, store, tokens = tmp_path / "artifacts", MemoryStore(), TokenBook("a secret of some length")
        app = create_app(store, folder, tokens, clock=lambda: seconds[0], **options)  # type: ignore[arg-type]
        return Site(app, store, folder, tokens, seconds)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Iterator[Site]:
    site = make_site()
    for tenant in ("gifts", "gifts-export"):
        site.add(tenant)
        site.add(tenant, report="daily_workbook", content=b"PK a workbook")
    site.add(day=date(2011, 12, 7))
    site.add(day=date(2011, 11, 30))
    yield site
