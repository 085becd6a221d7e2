"""The embedded server is shared, stops with its last holder, and survives a holder that was killed."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from inventra_pipelines.db import embedded
from inventra_pipelines.db.embedded import current_url, database
from inventra_pipelines.errors import TransientError
from inventra_pipelines.settings import Settings

HOLD = """
import sys, time
from pathlib import Path
from inventra_pipelines.db.embedded import database
from inventra_pipelines.settings import Settings
with database(Settings(home=Path(sys.argv[1]), DATABASE_URL=None)) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url.replace("/inventra?", "/postgres?")) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_the_server_stops_with_its_last_holder(home: Path):
    settings = Settings(home=home, DATABASE_URL=None)
    with database(settings) as url:
        with database(settings) as same:
            assert same == url and _answers(url)
        assert _answers(url), "an inner holder must not stop it"
        assert current_url(settings) == url
    assert not _answers(url)
    with pytest.raises(TransientError, match="not running"):
        current_url(settings)


def test_a_holder_that_was_killed_neither_stops_the_server_nor_keeps_it(home: Path):
    settings = Settings(home=home, DATABASE_URL=None)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    url = holder.stdout.readline().strip()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert _answers(url)
    with database(settings) as again:
        assert again == url
    assert not _answers(url)


def test_a_server_that_was_killed_starts_again_with_its_data(home: Path):
    settings = Settings(home=home, DATABASE_URL=None)
    with database(settings) as url:
        with psycopg.connect(url.replace("/inventra?", "/postgres?")) as connection:
            connection.execute("create table kept (id int)")
        pid = int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        killed = psutil.Process(pid)
        killed.kill()
        # Until its parent has seen its end, the next server takes it for one that runs.
        killed.wait(timeout=30)
    with database(settings) as url, psycopg.connect(url.replace("/inventra?", "/postgres?")) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_stop_says_whether_anything_ran(home: Path):
    assert embedded.stop(home) is False


def test_a_home_with_a_very_long_path_still_works(tmp_path: Path):
    # A Unix socket's path may have 107 characters.
    home = tmp_path / ("long" * 30)
    with database(Settings(home=home, DATABASE_URL=None)) as url:
        assert _answers(url)


def test_a_first_start_that_was_killed_is_made_anew(home: Path):
    settings = Settings(home=home, DATABASE_URL=None)
    # What initdb leaves when it is killed half-way: a version file, and no control file.
    (home / "postgres" / "base").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("18\n")
    (home / "postgres.initializing").touch()
    with database(settings) as url:
        assert _answers(url)
    assert not (home / "postgres.initializing").exists()


def test_a_data_folder_that_is_whole_is_never_made_anew(home: Path):
    settings = Settings(home=home, DATABASE_URL=None)
    with database(settings):
        assert not (home / "postgres.initializing").exists()
        made_at = (home / "postgres" / "PG_VERSION").stat().st_mtime_ns
    with database(settings):
        assert (home / "postgres" / "PG_VERSION").stat().st_mtime_ns == made_at
