"""`inventra doctor`: whether this installation can run, item by item.

Belongs here: the checks and their remedies. Nothing is changed, but that the
embedded server is started, and set up if it is new.
"""

import shutil

import typer

from inventra_pipelines.cli.console import out
from inventra_pipelines.db.embedded import database
from inventra_pipelines.db.engine import connect, parse_url
from inventra_pipelines.db.migrate import is_current, migrate
from inventra_pipelines.errors import InventraError, PermanentError
from inventra_pipelines.resources.engines.address import check_reachable
from inventra_pipelines.resources.engines.sessions import check_engine
from inventra_pipelines.settings import Settings, get_settings
from inventra_pipelines.tenants import load_tenants

_LEAST_FREE_GB = 2


def _database(settings: Settings) -> str:
    with database(settings) as url:
        if settings.database_url is None:
            migrate(url, settings.dagster_database, is_embedded=True)
        return _describe(url)


def _describe(url: str) -> str:
    with connect(url, read_only=True) as connection:
        version = connection.info.server_version // 10000
        place = parse_url(url).render_as_string(hide_password=True)
        if not is_current(url):
            raise PermanentError(f"Postgres {version} at {place} has not been migrated", "run `inventra db migrate`")
        return f"Postgres {version} at {place}, schema current"


def _tenants(settings: Settings) -> str:
    tenants = load_tenants(settings.tenants_folder)
    return (
        f"{len(tenants)} in {settings.tenants_folder}: {', '.join(tenants) or 'none; run `inventra demo` or add one'}"
    )


def _disk(settings: Settings) -> str:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    return f"{free:.0f} GB free below {settings.home}" + ("" if free > _LEAST_FREE_GB else ": make room")


def _engine(settings: Settings) -> str:
    found = check_engine(settings)
    check_reachable(settings)
    return found


def doctor() -> None:
    """Look at settings, database, tenants, disk and the engine of forecasting, and say what is wrong with each."""
    settings = get_settings()
    broken = 0
    for name, look in (("database", _database), ("tenants", _tenants), ("disk", _disk), ("engine", _engine)):
        try:
            out.print(f"{name:<9} ok     {look(settings)}", markup=False)
        except InventraError as error:
            broken += 1
            out.print(f"{name:<9} BROKEN {error}", markup=False)
    if broken:
        raise typer.Exit(1)
