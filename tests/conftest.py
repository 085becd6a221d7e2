"""What every test shares: the project's folders, and an installation of its own for tests that need a database."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"

# One numeric thread per process: two cores are shared by the tests' own processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data are not there: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def fresh_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A home folder of the test's own, with no setting but that; gives the folder."""
    from inventra_pipelines.settings import get_settings

    for name in list(os.environ):
        if name.startswith("INVENTRA_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("INVENTRA_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()
