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

import psutil

PROJECT = Path(__file__).resolve().parent.parent
_SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Figure:
    """One measured value; `goal` is an upper bound in the same unit, or null where none was set."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the value keeps to its goal."""
        return None if self.goal is None else self.value <= self.goal


@dataclass(frozen=True)
class Measured:
    """How a command went: seconds from start to end, and the largest resident set of any process in MB.

    The embedded server's processes are among them, with the shared memory that each of them has touched.
    """

    seconds: float
    peak_process_mb: float
    output: str


def _server_of(home: Path) -> list[psutil.Process]:
    """The embedded Postgres below a home folder, which is nobody's child, and its backends."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        postmaster = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
        return [postmaster, *postmaster.children(recursive=True)]
    return []


def _sample_peak(root: psutil.Process, home: Path, done: threading.Event, peaks: dict[int, float]) -> None:
    while not done.is_set():
        with suppress(psutil.Error):
            for process in [root, *root.children(recursive=True), *_server_of(home)]:
                memory = process.memory_info()
                peaks[process.pid] = max(peaks.get(process.pid, 0.0), memory.rss / 1e6)
        done.wait(_SAMPLE_SECONDS)


def measure(argv: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end, in the home folder that its environment names.

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
        done, peaks = threading.Event(), {}  # type: tuple[threading.Event, dict[int, float]]
        sampler = threading.Thread(target=_sample_peak, args=(psutil.Process(process.pid), home, done, peaks))
        sampler.start()
        output, _ = process.communicate()
        done.set()
        sampler.join()
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}: {output[-2000:]}")
    return Measured(seconds, max(peaks.values(), default=0.0), output)


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
