"""What every benchmark prints: one JSON object with the machine, the commit and its figures against their goals.

Belongs here: measuring a command as a whole process, and the shape of the output.
"""

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Figure:
    """One measured value; `goal` is a bound in the same unit, a lowest and a highest, or null where none was set."""

    name: str
    value: float
    unit: str
    goal: float | tuple[float, float] | None = None
    bound: Literal["at most", "at least", "between"] = "at most"

    @property
    def holds(self) -> bool | None:
        """Whether the value keeps to its goal."""
        if self.goal is None:
            return None
        if isinstance(self.goal, tuple):
            return self.goal[0] <= self.value <= self.goal[1]
        return self.value <= self.goal if self.bound == "at most" else self.value >= self.goal


def between(name: str, value: float, unit: str, goal: tuple[float, float] | None) -> Figure:
    """A figure with a lowest and a highest value."""
    return Figure(name, value, unit, goal, "between")


@dataclass(frozen=True)
class Measured:
    """How a command went.

    Attributes:
        seconds: From start to end.
        peak_process_mb: Largest resident set of any process. The embedded server's processes are among them, with the
            shared memory that each of them has touched.
        peak_command_mb: Largest sum of the resident sets of the command's own processes at one time, the server's not
            among them.
        output: What it printed.
    """

    seconds: float
    peak_process_mb: float
    peak_command_mb: float
    output: str


def _server_of(home: Path) -> list[psutil.Process]:
    """The embedded Postgres below a home folder, which is nobody's child, and its backends."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
        return [postmaster, *postmaster.children(recursive=True)]
    return []


@dataclass
class _Peaks:
    process_mb: float = 0.0
    command_mb: float = 0.0

    def sample(self, root: psutil.Process, home: Path) -> None:
        own = [_resident_mb(process) for process in (root, *_children(root))]
        self.command_mb = max(self.command_mb, sum(own))
        self.process_mb = max(self.process_mb, *own, *map(_resident_mb, _server_of(home)))


def _children(root: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return list(root.children(recursive=True))
    return []


def _resident_mb(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return float(process.memory_info().rss) / 1e6
    return 0.0


def _sample_peaks(root: psutil.Process, home: Path, done: threading.Event, peaks: _Peaks, every: float) -> None:
    while not done.is_set():
        peaks.sample(root, home)
        done.wait(every)


def measure(argv: Sequence[str], environment: Mapping[str, str], *, sample_seconds: float = 0.1) -> Measured:
    """Run a command to its end, in the home folder that its environment names; memory is looked at so often.

    Raises:
        RuntimeError: It failed; with the end of what it printed.
    """
    home = Path(environment["INVENTRA_HOME"])
    started = time.perf_counter()
    with subprocess.Popen(
        list(argv),
        env={**os.environ, **environment},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        done, peaks = threading.Event(), _Peaks()
        root = psutil.Process(process.pid)
        sampler = threading.Thread(target=_sample_peaks, args=(root, home, done, peaks, sample_seconds))
        sampler.start()
        output, _ = process.communicate()
        done.set()
        sampler.join()
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}: {output[-2000:]}")
    return Measured(seconds, peaks.process_mb, peaks.command_mb, output)


def print_report(name: str, figures: Sequence[Figure], *, is_quick: bool) -> None:
    """Print the benchmark's one JSON object."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.strip()
    machine = {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    rows = [{**asdict(figure), "value": round(figure.value, 3), "holds": figure.holds} for figure in figures]
    report = {"benchmark": name, "quick": is_quick, "machine": machine, "commit": commit, "figures": rows}
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")
