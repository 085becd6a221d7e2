"""Databases for the tests: one with the schema alone, and copies of a home folder in which all models are built.

A year of real sales is built in one of these, and copied too.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import fasteners
import psycopg
import pytest

from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.migrate import migrate
from inventra_pipelines.resources.dbt import Dbt
from inventra_pipelines.settings import Settings
from tests.installation import Installation
from tests.integration.dbt_data import sales_files
from tests.integration.warehouse import Warehouse
from tests.integration.year import Year

# A minute or more each: one that began last would leave the other worker without work. The first of those that read the
# year of real sales builds it, and the others would wait for it meanwhile.
_LONGEST_FIRST = (
    *(
        "test_engines",
        "test_web_backfill",
        "test_replay",
        "test_dbt_models",
        "test_refusals",
        "test_stock_kpis",
        "test_classes_and_quality",
        "test_sales_kpis",
        "test_sales_lines",
        "test_batch_commands",
    ),
    *("test_ingest", "test_messy_files", "test_hostile_files", "test_automation", "test_items"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest modules begin first; what is not named keeps its place."""

    def rank(item: pytest.Item) -> int:
        name = item.path.stem
        return _LONGEST_FIRST.index(name) if name in _LONGEST_FIRST else len(_LONGEST_FIRST)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def migrated_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a fresh, migrated database that lives as long as the test session."""
    settings = Settings(home=tmp_path_factory.mktemp("tables") / "home", DATABASE_URL=None)
    with database(settings) as url:
        migrate(url, settings.dagster_database, is_embedded=True)
        yield url


@pytest.fixture
def connection(migrated_url: str) -> Iterator[psycopg.Connection]:
    """A connection whose changes are undone after the test."""
    with psycopg.connect(migrated_url) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder of the test's own."""
    return tmp_path / "home"


def _shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder that all workers of this test run see."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A home folder with the schema, all views and empty tables, and dbt's last parse; its server is stopped.

    It is made once for all workers, and copied: parsing the project and building the views take longer than most tests.
    """
    shared = _shared_folder(tmp_path_factory, worker_id)
    settings = Settings(home=shared / "built" / "home", DATABASE_URL=None)
    with fasteners.InterProcessLock(str(shared / "built.lock")):
        is_whole = settings.home.parent / "is_whole"
        if not is_whole.exists():
            with database(settings) as url:
                migrate(url, settings.dagster_database, is_embedded=True)
                assert Dbt(settings).ensure_views(url)
                assert not Dbt(settings).ensure_views(url)
            # What the tests write need not outlive the machine; it outlives a killed server all the same.
            with (settings.home / "postgres" / "postgresql.conf").open("a") as configuration:
                configuration.write("\nfsync = off\nfull_page_writes = off\n")
            is_whole.touch()
    return settings.home


def _copy_database(built_home: Path, home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    # With owners: as root, the server runs as another user.
    subprocess.run(["cp", "-a", built_home / "postgres", home], check=True)
    return home


@pytest.fixture(scope="session")
def install(built_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installation]:
    """Gives a function that makes an installation of that name; its models are built and empty."""

    def _install(name: str) -> Installation:
        home = _copy_database(built_home, tmp_path_factory.mktemp(name) / "home")
        shutil.copytree(built_home / "dbt", home / "dbt")
        return Installation(home)

    return _install


@pytest.fixture(scope="session")
def dbt(built_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The dbt project, parsed once for all databases of this process."""
    home = tmp_path_factory.mktemp("dbt") / "home"
    shutil.copytree(built_home / "dbt", home / "dbt")
    return Dbt(Settings(home=home, DATABASE_URL=None))


@pytest.fixture(scope="module")
def warehouse(built_home: Path, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A database of the module's own, with all models built and empty."""
    home = _copy_database(built_home, tmp_path_factory.mktemp("warehouse") / "home")
    with database(Settings(home=home, DATABASE_URL=None)) as url:
        yield Warehouse(url, dbt)


@pytest.fixture(scope="session")
def year(built_home: Path, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Year:
    """The year of real sales, built once for all workers."""
    if not sales_files():
        pytest.skip("neither demo/sales/gifts nor the shared Online Retail files are there")
    shared = _shared_folder(tmp_path_factory, worker_id)
    made = Year(shared / "year")
    with fasteners.InterProcessLock(str(shared / "year.lock")):
        is_whole = made.folder / "is_whole"
        if not is_whole.exists():
            _copy_database(built_home, made.home)
            with database(Settings(home=made.home, DATABASE_URL=None)) as url:
                made.make(url, dbt)
            is_whole.touch()
    return made


@pytest.fixture(scope="module")
def year_warehouse(year: Year, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A database of the module's own, with the year of real sales in it."""
    home = _copy_database(year.home, tmp_path_factory.mktemp("year") / "home")
    with database(Settings(home=home, DATABASE_URL=None)) as url:
        yield Warehouse(url, dbt)
    # A gigabyte each, and pytest keeps the folders of three test runs.
    shutil.rmtree(home)
