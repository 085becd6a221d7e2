import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from inventra_pipelines.errors import PermanentError
from inventra_pipelines.resources.processes import (
    ProcessEndedError,
    ProcessGroup,
    ProcessNotReadyError,
    answers_http,
    require_free_port,
)

# Starts a grandchild and writes both ids; how each takes SIGTERM is for the test to say.
FAMILY = """
import os, signal, subprocess, sys, time
below = {below!r}
grandchild = subprocess.Popen([sys.executable, "-c", below], start_new_session={own_session})
with open({place!r} + ".new", "w") as file:
    file.write(f"{{os.getpid()}} {{grandchild.pid}}")
{before}
os.rename({place!r} + ".new", {place!r})
{after}
"""
SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
SLEEP_ON = "time.sleep(60)"


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def _until(question: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_child_is_started_with_its_environment_folder_and_log_and_awaited(tmp_path: Path) -> None:
    port = _free_port()
    code = f"""
        import os, http.server
        print("in", os.getcwd(), "with", os.environ["WORD"], flush=True)
        http.server.HTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
    """
    said: list[str] = []
    log = tmp_path / "logs" / "server.log"
    with ProcessGroup(say=said.append) as group:
        child = group.start(
            "server",
            _python(code),
            log_file=log,
            env={**os.environ, "WORD": "hello"},
            cwd=tmp_path,
            ready=lambda: answers_http(port),
            ready_within_seconds=20,
        )
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
        assert f"in {tmp_path} with hello" in log.read_text()
    assert said == ["stopping server"]
    assert not _runs(child.pid) and not _listens(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("own_session", [False, True], ids=["in the group", "in a session of its own"])
@pytest.mark.parametrize("below", [SLEEP, DEAF], ids=["obedient", "deaf"])
@pytest.mark.parametrize(
    ("before", "after"),
    [("", SLEEP_ON), ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", SLEEP_ON)],
    ids=["parent ends", "parent is deaf"],
)
def test_nothing_is_left_running_grandchildren_included(
    tmp_path: Path, before: str, after: str, below: str, own_session: bool
) -> None:
    place = tmp_path / "pids"
    code = FAMILY.format(below=below, own_session=own_session, place=str(place), before=before, after=after)
    with ProcessGroup(grace_seconds=0.3) as group:
        group.start("family", _python(code), log_file=tmp_path / "log", ready=place.exists, ready_within_seconds=20)
        pids = [int(pid) for pid in place.read_text().split()]
        # A deaf grandchild is deaf only once its interpreter is up.
        assert _until(lambda: all(_runs(pid) for pid in pids))
        time.sleep(0.2)
    assert [pid for pid in pids if _runs(pid)] == []


def test_a_child_that_dies_is_noticed_and_what_it_started_is_stopped(tmp_path: Path) -> None:
    place = tmp_path / "pids"
    after = 'print("line one"); print("the disk is full", flush=True); time.sleep(0.5); sys.exit(3)'
    code = FAMILY.format(below=SLEEP, own_session=False, place=str(place), before="", after=after)
    said: list[str] = []
    with pytest.raises(ProcessEndedError) as caught, ProcessGroup(say=said.append) as group:
        steady = group.start("steady", _python(SLEEP), log_file=tmp_path / "steady.log")
        group.start("family", _python(code), log_file=tmp_path / "log", ready=place.exists, ready_within_seconds=20)
        group.wait()
    pids = [int(pid) for pid in place.read_text().split()]
    text = str(caught.value)
    assert text.startswith("family ended with exit code 3. its log") and text.endswith("the disk is full.")
    assert str(tmp_path / "log") in text
    assert said == ["family ended with exit code 3", "stopping steady"]
    assert [pid for pid in [steady.pid, *pids] if _runs(pid)] == []


def test_a_child_that_dies_while_it_is_awaited_is_an_error_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    code = "import os, signal; print('about to go', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(ProcessEndedError, match=r"brief ended by SIGKILL(.|\n)*about to go"), ProcessGroup() as group:
        group.start("brief", _python(code), log_file=tmp_path / "log", ready=lambda: False)
    assert time.monotonic() - started < 10


def test_an_earlier_child_that_dies_while_another_is_awaited_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessEndedError, match="first ended with exit code 1"), ProcessGroup() as group:
        group.start("first", _python("raise SystemExit(1)"), log_file=tmp_path / "first")
        group.start("second", _python(SLEEP), log_file=tmp_path / "second", ready=lambda: False)


def test_a_deadline_that_passes_names_the_child_and_ends_with_its_last_lines(tmp_path: Path) -> None:
    code = "import time\nfor n in range(40): print('line', n)\nprint('waiting for a lock', flush=True); time.sleep(60)"
    log = tmp_path / "log"
    with pytest.raises(ProcessNotReadyError) as caught, ProcessGroup() as group:
        group.start(
            "slow",
            _python(code),
            log_file=log,
            ready=lambda: _until(lambda: log.stat().st_size > 0) and False,
            ready_within_seconds=0.3,
        )
    text = str(caught.value)
    assert text.startswith("slow did not answer within 0.3 s.") and text.endswith("waiting for a lock.")
    assert "line 39" in text and "line 20" not in text


def test_a_program_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="server cannot be started: No such file"), ProcessGroup() as group:
        group.start("server", [str(tmp_path / "none")], log_file=tmp_path / "log")


def test_an_error_in_the_block_stops_the_children_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ProcessGroup() as group:
        child = group.start("steady", _python(SLEEP), log_file=tmp_path / "log")
        raise ZeroDivisionError
    assert not _runs(child.pid)
    group.stop()


SUPERVISOR = """
import sys
from pathlib import Path
from inventra_pipelines.resources.processes import ProcessGroup
folder = Path({folder!r})
with ProcessGroup(say=lambda line: print(line, flush=True), grace_seconds={grace}) as group:
    family = [sys.executable, "-c", {family!r}]
    group.start("family", family, log_file=folder / "log", ready=(folder / "pids").exists)
    {then}
print("ended by", group.received_signal.name, flush=True)
"""


def _supervise(
    tmp_path: Path, then: str, deaf: bool = False, grace: float = 5
) -> tuple[subprocess.Popen[str], list[int]]:
    before = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if deaf else ""
    place = tmp_path / "pids"
    family = FAMILY.format(below=SLEEP, own_session=False, place=str(place), before=before, after=SLEEP_ON)
    code = SUPERVISOR.format(folder=str(tmp_path), family=family, then=then, grace=grace)
    process = subprocess.Popen(_python(code), stdout=subprocess.PIPE, text=True)
    assert _until(place.exists, 20)
    return process, [int(pid) for pid in place.read_text().split()]


WAITING = "group.wait()"
STARTING = 'group.start("second", ["sleep", "60"], log_file=folder / "second", ready=lambda: False)'


@pytest.mark.parametrize(
    ("number", "then"),
    [(signal.SIGINT, WAITING), (signal.SIGTERM, WAITING), (signal.SIGHUP, WAITING), (signal.SIGINT, STARTING)],
    ids=["Ctrl-C", "SIGTERM", "a closed terminal", "Ctrl-C while a child starts"],
)
def test_a_signal_stops_everything_quietly(tmp_path: Path, number: signal.Signals, then: str) -> None:
    process, pids = _supervise(tmp_path, then)
    time.sleep(0.3)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and output.endswith(f"stopping family\nended by {number.name}\n")
    assert [pid for pid in [*pids, *(child.pid for child in below)] if _runs(pid)] == []


def test_a_second_ctrl_c_does_not_wait_for_the_grace_period(tmp_path: Path) -> None:
    process, pids = _supervise(tmp_path, WAITING, deaf=True, grace=60)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None and process.stdout.readline() == "stopping family\n"
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert "family did not stop by itself and is killed" in output and process.returncode == 0
    assert [pid for pid in pids if _runs(pid)] == []


def test_signal_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with ProcessGroup():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_an_error_that_names_who_holds_it_and_the_setting(address: str) -> None:
    with socket.socket() as server:
        server.bind((address, 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(PermanentError) as caught:
            require_free_port(port, purpose="the download site", setting="INVENTRA_PORTAL_PORT")
    assert f"port {port} for the download site is taken" in caught.value.message
    assert f"process {os.getpid()}" in caught.value.message and "INVENTRA_PORTAL_PORT" in caught.value.remedy


def test_a_free_port_passes_even_right_after_a_server_ended() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    require_free_port(port, purpose="Dagster", setting="--port")
    require_free_port(port, purpose="Dagster", setting="--port")


def test_an_address_that_is_not_this_machines_is_an_error() -> None:
    with pytest.raises(PermanentError, match="cannot be used"):
        require_free_port(3000, purpose="Dagster", setting="--port", host="192.0.2.1")


def test_a_port_that_nobody_listens_on_does_not_answer() -> None:
    assert answers_http(_free_port()) is False
