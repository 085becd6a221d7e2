"""Where the environment is read, and nowhere else.

Belongs here: every INVENTRA_* variable, DATABASE_URL and the SMTP settings, with their defaults, the folders that
follow from them, and who runs the process. What a tenant decides for itself stands in its YAML file (`tenants.py`).
"""

import difflib
import getpass
import os
import shutil
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from inventra_pipelines.errors import PermanentError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """One installation's settings; each field is `INVENTRA_<NAME>` in the environment unless it says otherwise."""

    model_config = SettingsConfigDict(env_prefix="INVENTRA_", extra="ignore", frozen=True)

    home: Path = Field(default=PROJECT_FOLDER / ".inventra", description="Everything the program keeps lies below it.")
    tenants_dir: Path | None = Field(default=None, description="Folder of tenant YAML files; default <home>/tenants.")
    landing_dir: str | None = Field(default=None, description="Landing zone, path or URL; default <home>/landing.")
    first_day: date | None = Field(default=None, description="First partition day; the earliest is 2010-01-01.")
    last_day: date | None = Field(default=None, description="Last partition day; open-ended (yesterday) by default.")
    database_url: SecretStr | None = Field(
        default=None, validation_alias="DATABASE_URL", description="Postgres 15+ of your own; embedded when unset."
    )
    dagster_database: str = Field(default="inventra_dagster", description="Database of Dagster's own storage.")
    workers: int = Field(default=2, ge=1, le=64, description="Spawned processes for numeric work.")
    engine: Literal["local", "ray", "dask", "spark"] = Field(default="local", description="Where forecasting runs.")
    engine_address: SecretStr | None = Field(
        default=None, description="The engine's cluster; a small one of this machine's when unset."
    )
    portal_port: int = Field(default=3001, ge=1, le=65535)
    portal_url: str | None = Field(default=None, description="Public address of the download site.")
    portal_secret: SecretStr | None = Field(default=None, description="Key that tenant tokens are derived from.")
    smtp_host: str | None = None
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_sender: str = "inventra@localhost"
    smtp_starttls: bool = False

    @model_validator(mode="after")
    def _calendar_is_ordered(self) -> "Settings":
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError(f"INVENTRA_LAST_DAY {self.last_day} is before INVENTRA_FIRST_DAY {self.first_day}")
        return self

    @model_validator(mode="after")
    def _address_has_an_engine(self) -> "Settings":
        if self.cluster_address and self.engine == "local":
            raise ValueError("INVENTRA_ENGINE_ADDRESS is set, and INVENTRA_ENGINE is not ray, dask or spark")
        return self

    @property
    def cluster_address(self) -> str | None:
        """Address of the engine's cluster, which may hold a password; None where a small one is to be started."""
        return (self.engine_address.get_secret_value().strip() or None) if self.engine_address else None

    @property
    def tenants_folder(self) -> Path:
        """Folder of the tenants' YAML files."""
        return self.tenants_dir or self.home / "tenants"

    @property
    def landing_root(self) -> str:
        """Root of the landing zone: `<root>/<tenant>/<YYYY-MM-DD>/<dataset>*.<ext>`."""
        return self.landing_dir or str(self.home / "landing")

    @property
    def kept_folder(self) -> Path:
        """Copies of every file that was read, by content hash."""
        return self.home / "kept"

    @property
    def artifacts_folder(self) -> Path:
        """Report files: `<folder>/<tenant>/<day>/<file>`."""
        return self.home / "artifacts"

    @property
    def outbox_folder(self) -> Path:
        """Where messages are written while no SMTP server is configured."""
        return self.home / "outbox"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return self.home / "dagster"

    @property
    def portal_address(self) -> str:
        """Address at which people reach the download site."""
        return (self.portal_url or f"http://localhost:{self.portal_port}").rstrip("/")


# What must not stand in a file.
_SECRETS = {"DATABASE_URL", "INVENTRA_ENGINE_ADDRESS", "INVENTRA_PORTAL_SECRET", "INVENTRA_SMTP_PASSWORD"}


def _refuse_unknown(names: Iterable[str], place: str) -> None:
    known = {f"INVENTRA_{name.upper()}" for name in Settings.model_fields} - {"INVENTRA_DATABASE_URL"}
    for name in sorted(names):
        # dbt reads its connection from variables of its own, named INVENTRA_DBT_*.
        if name.startswith("INVENTRA_") and not name.startswith("INVENTRA_DBT_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}" if near else f"remove it; the settings are {', '.join(sorted(known))}"
            raise PermanentError(f"unknown setting {name} in {place}", remedy)


def _file_values(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    values = {name: value or "" for name, value in dotenv_values(path).items()}
    _refuse_unknown(values, str(path))
    for name in values:
        if name in _SECRETS or not name.startswith("INVENTRA_"):
            raise PermanentError(f"{name} may not stand in {path}", "set it in the environment")
    return values


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the environment once, and below it `<home>/settings.env`, which an installation may keep its defaults in.

    Raises:
        PermanentError: A variable is unknown or does not hold what its setting needs; the message names it.
    """
    _refuse_unknown(os.environ, "the environment")
    try:
        home = Settings().home
        names = _file_values(home / "settings.env")
        if not names:
            return Settings()
        return Settings(_env_file=home / "settings.env")
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]) or "settings"
        variable = name if name == "DATABASE_URL" else f"INVENTRA_{name.upper()}"
        raise PermanentError(f"setting {variable}: {first['msg']}", f"correct or unset {variable}") from None


def user_name() -> str:
    """The operating system's name of who runs this process; its number where it has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def has_java() -> bool:
    """Whether Spark would find a Java on this machine: at JAVA_HOME, else in the path."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home) / "bin" / "java") if home else "java") is not None
