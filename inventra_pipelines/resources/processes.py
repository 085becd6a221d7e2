"""Child processes that live and die with their parent: what `inventra ui` runs below itself.

Belongs here: starting named programs, waiting until they answer, noticing when one ends, and stopping all of them with
everything they started. Which programs those are is the command line's business.
"""

import errno
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType, TracebackType

import psutil

from inventra_pipelines.errors import PermanentError

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 3.0
_KILL_SECONDS = 10.0
_LOG_LINES = 12
_LOG_TAIL_BYTES = 16_384
_TERMINATE_THEN_KILL = (signal.SIGTERM, signal.SIGKILL)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ProcessEndedError(PermanentError):
    """A child ended though it was to go on running."""


class ProcessNotReadyError(PermanentError):
    """A child runs, and did not answer before its deadline."""


class _Interrupted(Exception):  # noqa: N818 (not an error: the person or the system asked to stop)
    """A signal asked to stop while a child was starting; ends the `with` block quietly."""


@dataclass(frozen=True)
class Child:
    """A program that was started, with the log its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's too."""
        return self.process.pid


class ProcessGroup:
    """Starts programs and stops them all at the end of its `with` block, whatever ends it.

    Each child has a session and process group of its own, so that Ctrl-C on the terminal reaches the parent alone. The
    parent asks all children to stop with SIGTERM, gives them a grace period, then ends what is left of each group and
    of the processes below it; only one that left its group after its own parent ended is beyond reach. SIGINT, SIGTERM
    and SIGHUP end the block quietly; a second one skips the grace period. Signals are handled where the block is
    entered in the main thread.

    Args:
        say: Receives one line per event, for the terminal.
        grace_seconds: How long children may take to end by themselves.
    """

    def __init__(self, say: Callable[[str], None] = lambda line: None, grace_seconds: float = 10.0) -> None:
        self._say = say
        self._grace_seconds = grace_seconds
        self._children: list[Child] = []
        self._signals: list[int] = []
        self._previous: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    @property
    def received_signal(self) -> signal.Signals | None:
        """The signal that asked to stop, if one did."""
        return signal.Signals(self._signals[0]) if self._signals else None

    def __enter__(self) -> "ProcessGroup":
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # A terminal that closes is no reason to stop for what was started with nohup.
                if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._previous[number] = signal.signal(number, self._note_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            self.stop()
        finally:
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            self._previous.clear()
        return isinstance(error, _Interrupted)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_file: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready: Callable[[], bool] | None = None,
        ready_within_seconds: float = 60.0,
    ) -> Child:
        """Start a program and wait until it is ready.

        Args:
            name: What messages call it.
            argv: Program and arguments.
            log_file: Receives its output; begun anew.
            env: Its whole environment; the parent's own when None.
            cwd: Its working folder; the parent's own when None.
            ready: A quick question whether it answers, asked until it says True; None means do not wait.
            ready_within_seconds: Deadline for that.

        Raises:
            PermanentError: The program cannot be started.
            ProcessEndedError: It, or a child started before, ended meanwhile; with the last lines of its log.
            ProcessNotReadyError: It did not answer in time; with the last lines of its log.
        """
        self._stop_if_asked()
        log_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log_file.open("wb") as log:
                process = subprocess.Popen(
                    list(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=None if env is None else dict(env),
                    cwd=cwd,
                    start_new_session=True,
                )
        except OSError as error:
            raise PermanentError(f"{name} cannot be started: {error.strerror}: {error.filename}") from None
        child = Child(name, process, log_file)
        self._children.append(child)
        if ready is not None:
            self._await_ready(child, ready, ready_within_seconds)
        return child

    def wait(self) -> None:
        """Wait until a signal asks to stop.

        Raises:
            ProcessEndedError: A child ended by itself; with the last lines of its log.
        """
        while not self._signals:
            self._check_all_run()
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop every child and everything below it; returns when nothing of them runs. Safe to call again."""
        children = list(reversed(self._children))
        if not children:
            return
        # Seen while the parents still live: a process that moved to a group of its own is found by its parent alone.
        below = [descendant for child in children for descendant in _descendants(child)]
        for child in children:
            if child.process.poll() is None:
                self._say(f"stopping {child.name}")
                child.process.terminate()
        asked = len(self._signals)
        deadline = time.monotonic() + self._grace_seconds
        while any(child.process.poll() is None for child in children) and time.monotonic() < deadline:
            if len(self._signals) > asked:
                break
            time.sleep(_POLL_SECONDS)
        patience = min(self._grace_seconds, _PATIENCE_SECONDS)
        for child in children:
            if child.process.poll() is None:
                self._say(f"{child.name} did not stop by itself and is killed")
            _end_group(child, patience)
        _end_processes(below, patience)
        self._children.clear()

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)

    def _stop_if_asked(self) -> None:
        if self._signals:
            raise _Interrupted

    def _check_all_run(self) -> None:
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                line = f"{child.name} ended {_ending(code)}"
                self._say(line)
                raise ProcessEndedError(line, _end_of_log(child.log_file))

    def _await_ready(self, child: Child, ready: Callable[[], bool], within_seconds: float) -> None:
        deadline = time.monotonic() + within_seconds
        while True:
            self._stop_if_asked()
            self._check_all_run()
            if ready():
                return
            if time.monotonic() >= deadline:
                raise ProcessNotReadyError(
                    f"{child.name} did not answer within {within_seconds:g} s", _end_of_log(child.log_file)
                )
            time.sleep(_POLL_SECONDS)


def answers_http(port: int, path: str = "/", host: str = "127.0.0.1") -> bool:
    """Whether a server on this machine answers a GET with a status below 500, within a second."""
    connection = HTTPConnection(host, port, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def require_free_port(port: int, *, purpose: str, setting: str, host: str = "127.0.0.1") -> None:
    """Check that a server can listen on a port.

    Args:
        port: The port.
        purpose: What it is for, as the message calls it: "the download site".
        setting: What the reader changes to use another port: "--port" or the name of a setting.
        host: The address to listen on.

    Raises:
        PermanentError: Something else listens there, or this user may not; names it where the system tells.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: connections of a server that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PermanentError(
                    f"port {port} for {purpose} cannot be used: {error.strerror}", f"choose another with {setting}"
                ) from None
    raise PermanentError(
        f"port {port} for {purpose} is taken{_holder(port)}", f"stop what uses it, or choose another with {setting}"
    )


def _holder(port: int) -> str:
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            is_listener = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if is_listener and connection.pid:
                return f" by {psutil.Process(connection.pid).name()}, process {connection.pid}"
    return ""


def _ending(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    with suppress(ValueError):
        return f"by {signal.Signals(-code).name}"
    return f"by signal {-code}"


def _end_of_log(log_file: Path) -> str:
    """A log's place and last lines, to follow a message; bounded, whatever the log holds."""
    with suppress(OSError), log_file.open("rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - _LOG_TAIL_BYTES))
        lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        if lines:
            return "\n  ".join([f"its log {log_file} ends with:", *(line[:300] for line in lines[-_LOG_LINES:])])
    return f"its log {log_file} is empty"


def _descendants(child: Child) -> list[psutil.Process]:
    with suppress(psutil.Error):
        if child.process.poll() is None:
            return psutil.Process(child.pid).children(recursive=True)
    return []


def _end_group(child: Child, patience_seconds: float) -> None:
    """Terminate what is left of a child's process group, then kill it, and wait until none of it runs."""
    # A leader that outlasted its grace period has had its SIGTERM.
    steps = _TERMINATE_THEN_KILL[1:] if child.process.poll() is None else _TERMINATE_THEN_KILL
    for number in steps:
        try:
            os.killpg(child.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        wait_seconds = patience_seconds if number == signal.SIGTERM else _KILL_SECONDS
        if _becomes_true(lambda: not _runs_in_group(child.process), wait_seconds):
            break
    with suppress(subprocess.TimeoutExpired):
        child.process.wait(timeout=_KILL_SECONDS)


def _end_processes(processes: Sequence[psutil.Process], patience_seconds: float) -> None:
    for number in _TERMINATE_THEN_KILL:
        running = [process for process in processes if _is_alive(process)]
        for process in running:
            with suppress(psutil.Error):
                process.send_signal(number)
        wait_seconds = patience_seconds if number == signal.SIGTERM else _KILL_SECONDS
        if _becomes_true(lambda: not any(_is_alive(process) for process in processes), wait_seconds):
            break


def _becomes_true(question: Callable[[], bool], within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while not question():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS / 2)
    return True


def _runs_in_group(leader: subprocess.Popen[bytes]) -> bool:
    # Not by killpg(group, 0): that counts zombies, which the first process of a container may never reap.
    leader.poll()
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):
            if os.getpgid(pid) == leader.pid and _is_alive(psutil.Process(pid)):
                return True
    return False


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
